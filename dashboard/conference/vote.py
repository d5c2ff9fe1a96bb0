"""The audience's vote: one small page that phones open over the local network, and nothing else behind its port.

A server of its own in a thread (www.uvicorn.org), reached from the network only while it is on. It knows no name and
keeps no address: a phone is a random cookie, and how often an address asks is counted under a hash whose key dies with
the vote. Nothing here touches Streamlit; the stage reads the tally.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.conference.address import Place
from dashboard.conference.ballot_page import SECURE, Said, write_ballot_page
from dashboard.i18n import later
from dashboard.login import is_login_asked
from models.errors import NoVote

MOST_PHONES, AN_ADDRESS = 5000, 100
"""That take part, in all and behind one address; a phone more is told that the hall is full."""
MOST_BYTES, MOST_SECONDS = 256, 5.0
"""Of what a phone may send at once, and how long it may take for it."""
ASKS, ASKS_S = 80, 10.0
"""How often one address may ask in how many seconds; a hall behind one address gets so many pages."""
UNATTENDED_S = 120.0
"""A stage that did not look at the tally for so long is gone, and the vote with it."""
COOKIE = "phone"
STARTING_S = 10.0


@dataclass(frozen=True)
class Question:
    """What is voted on.

    Attributes
    ----------
    text, labels
        In the language of the stage.
    picture
        PNG or JPEG to show on the phone; None where the picture could be a patient's.
    """

    text: str
    labels: tuple[str, ...]
    picture: bytes | None = field(default=None, repr=False)
    key: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True)
class Tally:
    """Votes for each label of a question, and the model's label once it is revealed."""

    counts: tuple[int, ...]
    answer: int | None = None

    @property
    def votes(self) -> int:
        """How many there are."""
        return sum(self.counts)


class Poll:
    """One question at a time, and who voted for what; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._question: Question | None = None
        self._ballots: dict[str, int] = {}
        self._over = False
        self._answer: int | None = None

    def ask(self, question: Question | None) -> None:
        """Put another question, or none; the votes of the last are forgotten."""
        with self._lock:
            self._question, self._ballots, self._over, self._answer = question, {}, False, None

    def reveal(self, answer: int | None) -> None:
        """Say which label is the model's, None where it has no answer; from now on nobody votes."""
        with self._lock:
            self._over, self._answer = True, answer

    @property
    def asked(self) -> Question | None:
        """The question."""
        return self._question

    def vote(self, phone: str, key: str, label: int) -> bool:
        """Take a phone's vote; False where it has voted, the question is over, or there is no such label."""
        with self._lock:
            asked = self._question
            if asked is None or asked.key != key or self._over or phone in self._ballots:
                return False
            if not 0 <= label < len(asked.labels) or len(self._ballots) >= MOST_PHONES:
                return False
            self._ballots[phone] = label
            return True

    @property
    def tally(self) -> Tally:
        """How the hall voted so far."""
        with self._lock:
            given, labels = list(self._ballots.values()), self._question.labels if self._question else ()
            return Tally(tuple(given.count(label) for label in range(len(labels))), self._answer)

    def seen_by(self, phone: str) -> tuple[Question | None, int | None, int | None]:
        """Return the question, what this phone voted, and the model's label where it is revealed."""
        with self._lock:
            return self._question, self._ballots.get(phone), self._answer


class _Phones:
    """Who may ask: phones with signed cookies, not too many, and no address more often than it should."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._given: Counter[bytes] = Counter()
        self._asked: Counter[bytes] = Counter()
        self._since = time.monotonic()

    def _signed(self, name: str) -> str:
        return hashlib.blake2b(name.encode(), key=self._key, digest_size=16).hexdigest()

    def new(self, address: str) -> str | None:
        """Return the cookie of a phone that is new; None where the hall, or what is behind its address, is full."""
        behind = self._hashed(address)
        if self._given.total() >= MOST_PHONES or self._given[behind] >= AN_ADDRESS:
            return None
        self._given[behind] += 1
        name = secrets.token_hex(8)
        return f"{name}.{self._signed(name)}"

    def known(self, cookie: str | None) -> str | None:
        """Return the phone of a cookie; None where it is none of ours."""
        name, _, signature = (cookie or "").partition(".")
        return name if name and secrets.compare_digest(signature.encode(), self._signed(name).encode()) else None

    def too_often(self, address: str) -> bool:
        """Count an asking of an address."""
        now = time.monotonic()
        if now - self._since > ASKS_S:
            self._asked, self._since = Counter(), now
        behind = self._hashed(address)
        self._asked[behind] += 1
        return self._asked[behind] > ASKS

    def _hashed(self, address: str) -> bytes:
        return hashlib.blake2b(address.encode(), key=self._key, digest_size=8).digest()


def make_vote_application(poll: Poll, said: Said) -> Starlette:
    """Return what answers phones: the ballot at "/", and 404 at every other address."""
    phones = _Phones()

    def shown(phone: str, status: int = 200, note: str = "") -> Response:
        return write_ballot_page(said, *poll.seen_by(phone), status=status, note=note)

    def address(request: Request) -> str:
        return request.client.host if request.client else ""

    def refused(request: Request) -> Response | None:
        if phones.too_often(address(request)):
            return write_ballot_page(said, status=429, note=said.too_often)
        return None

    async def look(request: Request) -> Response:
        if (no := refused(request)) is not None:
            return no
        if (phone := phones.known(request.cookies.get(COOKIE))) is not None:
            return shown(phone)
        cookie = phones.new(address(request))
        if cookie is None:
            return write_ballot_page(said, status=503, note=said.full)
        answer = shown(cookie.partition(".")[0])
        answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", max_age=6 * 3600)
        return answer

    async def cast(request: Request) -> Response:
        if (no := refused(request)) is not None:
            return no
        phone = phones.known(request.cookies.get(COOKIE))
        if phone is None:
            return write_ballot_page(said, status=403, note=said.no_cookie)
        form = await _form(request)
        if form is None:
            return shown(phone, 413)
        key, label = form.get("question", [""])[0], form.get("label", [""])[0]
        if poll.vote(phone, key, int(label) if label.isascii() and label.isdigit() and len(label) < 4 else -1):
            return RedirectResponse("/", 303, headers=SECURE)
        voted = poll.seen_by(phone)[1] is not None
        return shown(phone, 409, said.voted if voted else said.over)

    async def nothing(request: Request, error: Exception) -> Response:
        return Response(status_code=getattr(error, "status_code", 500), headers=SECURE)

    routes = [Route("/", look, methods=["GET"]), Route("/", cast, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={404: nothing, 405: nothing, 500: nothing})


async def _form(request: Request) -> dict[str, list[str]] | None:
    """Return the fields that a phone sent; None where they are too much, too slow or none."""
    data = b""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            async for part in request.stream():
                data += part
                if len(data) > MOST_BYTES:
                    return None
        return parse_qs(data.decode("ascii"), max_num_fields=8)
    except (TimeoutError, ClientDisconnect, ValueError):
        return None


class _Server(uvicorn.Server):
    """A server that ends when nobody needs it any more."""

    def __init__(self, config: uvicorn.Config, wanted: Callable[[], bool]) -> None:
        super().__init__(config)
        self._wanted = wanted

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or not self._wanted()


class Booth:
    """The vote while it is open to the network.

    Parameters
    ----------
    said
        The words of the phones' page.
    place
        Where phones reach it.

    Raises
    ------
    NoVote
        Where the place is none of this machine's, or no port is free.
    """

    def __init__(self, said: Said, place: Place) -> None:
        if is_login_asked():
            fix = later("Serve a stage with a vote without a login.")
            raise NoVote(later("phones that vote do not log in"), fix=fix)
        self.poll, self._attended, self._place = Poll(), time.monotonic(), place
        self._socket = place.listen()
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            make_vote_application(self.poll, said), log_config=None, access_log=False, lifespan="off", ws="none",
            http="h11",
            loop="asyncio", server_header=False, proxy_headers=False, limit_concurrency=500, timeout_keep_alive=3,
            timeout_graceful_shutdown=1, h11_max_incomplete_event_size=8192,
        )  # fmt: skip
        self._server = _Server(config, lambda: time.monotonic() - self._attended < UNATTENDED_S)
        self._thread = Thread(target=self._serve, name="vote", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    @property
    def address(self) -> str:
        """What phones open."""
        return f"http://{self._place.name}:{self.port}/"

    @property
    def on(self) -> bool:
        """Whether phones are answered."""
        return self._thread.is_alive()

    def attend(self) -> None:
        """Say that the stage is still there."""
        self._attended = time.monotonic()

    def stop(self) -> None:
        """Close the port."""
        self._server.should_exit = True
        self._thread.join(STARTING_S)
