"""What a stage shares with its speaker's second page, and with the audience's vote: found by a token nobody can guess.

One process serves the stage, the speaker's page and every other user; the token is told to the stage's own browser
only, and stands on no page.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from threading import Lock

from dashboard.conference.tour import Stage, Wish
from dashboard.conference.vote import Booth

GONE_S = 600.0
"""A stage that was not heard of for so long has ended."""
FOLLOWED_S = 5.0
"""A speaker's page asks more often than this."""


class Link:
    """One stage as another thread sees it.

    Attributes
    ----------
    token
        Its name.
    booth
        The audience's vote; None while it is off.
    begun
        When the talk began, by `time.monotonic`.
    """

    def __init__(self, stage: Stage) -> None:
        self.token, self.begun = secrets.token_urlsafe(24), time.monotonic()
        self.booth: Booth | None = None
        self._stage, self._told, self._asked = stage, time.monotonic(), float("-inf")
        self._wishes: deque[Wish | None] = deque(maxlen=32)

    @property
    def stage(self) -> Stage:
        """Where the stage stood when it was last heard of."""
        return self._stage

    @property
    def followed(self) -> bool:
        """Whether a speaker's page is open."""
        return time.monotonic() - self._asked < FOLLOWED_S

    @property
    def gone(self) -> bool:
        """Whether the stage was not heard of for long."""
        return time.monotonic() - self._told > GONE_S

    def tell(self, stage: Stage) -> None:
        """Take note of where the stage stands; only the stage itself calls this."""
        self._stage, self._told = stage, time.monotonic()
        if self.booth is not None:
            self.booth.attend()

    def follow(self) -> Stage:
        """Return where the stage stands, for the speaker's page."""
        self._asked = time.monotonic()
        return self._stage

    def wish(self, wish: Wish | None) -> None:
        """Ask the stage for something from another page; None says only that somebody is there."""
        self._wishes.append(wish)

    def taken(self) -> list[Wish | None]:
        """Return, once, what was asked for."""
        taken = []
        while self._wishes:
            taken.append(self._wishes.popleft())
        return taken

    def close(self) -> None:
        """End the vote, and be found no more."""
        with _lock:
            _links.pop(self.token, None)
        if self.booth is not None:
            self.booth.stop()
            self.booth = None


_links: dict[str, Link] = {}
_lock = Lock()


def open_link(stage: Stage) -> Link:
    """Return the link of a stage that begins; those of stages that are gone are closed."""
    link = Link(stage)
    with _lock:
        gone = [each for each in _links.values() if each.gone]
        _links[link.token] = link
    for each in gone:
        each.close()
    return link


def find_link(token: str) -> Link | None:
    """Return the link of a token; None where there is none, or its stage has ended."""
    with _lock:
        link = _links.get(token)
    return None if link is None or link.gone else link
