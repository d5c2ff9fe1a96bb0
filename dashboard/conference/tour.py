"""The state machine that walks through a playlist.

Nobody touching the screen for `idle_seconds` brings the first step back with everything of the last user forgotten,
and from then on the steps follow each other until somebody does touch it. Time is always an argument, in seconds of
whichever clock, so that half an hour can pass in a test within a minute. After the attract mode of arcade cabinets
(https://en.wikipedia.org/wiki/Glossary_of_video_game_terms#attract_mode).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dashboard.conference.playlist import Playlist, Step

Wish = Literal["next", "previous", "first", "last", "play", "table", "vote", "end-vote"]
Vote = Literal["off", "waiting", "open", "revealed"]
"""Of the audience: its port closed; open without a question; a question asked; the model's answer beside the hall's."""


AFTER: dict[Vote, Vote] = {"off": "open", "waiting": "open", "open": "revealed", "revealed": "waiting"}
"""What the speaker's command makes of the vote."""


@dataclass(frozen=True)
class Stage:
    """Where a conference stands.

    Attributes
    ----------
    position
        Index of the step on the screen.
    turn
        How many steps were opened before this one; a step that is opened anew has another turn.
    turned
        When the step was drawn, s; None while it is not yet, so that slow work takes nothing of its time.
    touched
        When somebody last touched the screen, s.
    looping
        Whether the steps follow each other by themselves.
    loops, resets
        How often the last step was followed by the first, and how often everything was forgotten.
    table
        Whether the sidebar with the files is open.
    vote
        How far the audience's vote is.
    """

    playlist: Playlist
    touched: float
    position: int = 0
    turn: int = 0
    turned: float | None = None
    looping: bool = False
    loops: int = 0
    resets: int = 0
    table: bool = False
    vote: Vote = "off"

    @property
    def step(self) -> Step:
        """What is on the screen."""
        return self.playlist.step[self.position]

    def drawn(self, now: float) -> Stage:
        """Return the stage whose step is on the screen from now on."""
        return self if self.turned is not None else replace(self, turned=now)

    def touch(self, now: float) -> Stage:
        """Return the stage after somebody touched the screen: it waits for them."""
        return replace(self, touched=now, looping=False)

    def wish(self, wish: Wish, now: float) -> Stage:
        """Return the stage after a key of the speaker; every key is a touch too."""
        here, count = self.touch(now), len(self.playlist.step)
        if wish == "table":
            return replace(here, table=not self.table)
        if wish == "vote":
            return replace(here, vote=AFTER[self.vote]) if self.step.votable else here
        if wish == "end-vote":
            return replace(here, vote="off")
        if wish == "play":
            return replace(here, looping=not self.looping, turned=now)
        places = {"next": self.position + 1, "previous": self.position - 1, "first": 0, "last": count - 1}
        return here._open(places[wish] % count)

    def tick(self, now: float) -> Stage:
        """Return the stage at a later time: reset where nobody is there any more, or a step further in the loop."""
        if not self.looping:
            return self._forgotten(now) if now - self.touched >= self.playlist.idle_seconds else self
        if self.turned is None or now - self.turned < self.step.seconds:
            return self
        following = (self.position + 1) % len(self.playlist.step)
        return replace(self._open(following), loops=self.loops + (following == 0))

    def _forgotten(self, now: float) -> Stage:
        """Return the first step of a loop that nobody has touched."""
        return Stage(self.playlist, now, looping=True, turn=self.turn + 1, loops=self.loops, resets=self.resets + 1)

    def _open(self, position: int) -> Stage:
        vote: Vote = "off" if self.vote == "off" else "waiting"
        return replace(self, position=position, turn=self.turn + 1, turned=None, vote=vote)
