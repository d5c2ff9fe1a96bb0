"""Long work in a thread of its own: who asked for it polls how far it is, and can stop it.

Work in turn waits in one line of the process, in which users take turns: who asks for ten pieces at once holds another
up by one. The thread never touches Streamlit; the dashboard reads a `Job` in a fragment
(docs.streamlit.io/develop/concepts/design/multithreading), the service when it is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Condition, Event, Thread
from typing import Generic, Protocol, TypeVar

from models.errors import Cancelled, OrthoLensError
from models.io.pool import user
from models.words import later

T = TypeVar("T")

ASKED_S = 0.2
"""How often work that waits for its turn looks whether it was stopped."""


class Waiting(Protocol):
    """What stands in a line."""

    owner: str

    @property
    def left_s(self) -> float | None:
        """Seconds that it will still take once it runs; None while nobody can tell."""


class FairLine:
    """One piece of work at a time; those who wait are served by rounds, each owner once a round.

    Round robin between owners, in the order in which they came within a round: the fair queueing of Nagle 1987
    (doi 10.1109/TCOM.1987.1096782), with a piece of work in place of a packet.
    """

    def __init__(self) -> None:
        self._moved = Condition()
        self._waiting: list[Waiting] = []
        self._running: Waiting | None = None
        self._served: dict[str, int] = {}
        """Owner → number of their last turn, while anybody waits."""
        self._turns = 0

    @contextmanager
    def wait(self, one: Waiting, stopped: Callable[[], bool]) -> Iterator[None]:
        """Hold the turn for a block, once all that come before had theirs.

        Raises
        ------
        Cancelled
            When `stopped` said so while it waited.
        """
        with self._moved:
            self._waiting.append(one)
            try:
                while self._running is not None or self._order()[0] is not one:
                    self._moved.wait(ASKED_S)
                    if stopped():
                        raise Cancelled(later("it was stopped"), fix=later("Start it again to see its result."))
                self._running = one
            finally:
                self._waiting.remove(one)
                self._moved.notify_all()
            self._turns += 1
            self._served[one.owner] = self._turns
        try:
            yield
        finally:
            with self._moved:
                self._running = None
                if not self._waiting:
                    self._served.clear()
                self._moved.notify_all()

    def count_before(self, one: Waiting) -> int:
        """Return how many pieces come before one, that which runs included; 0 for what runs itself or is not here."""
        return len(self._before(one))

    def left_before_s(self, one: Waiting) -> float | None:
        """Return in how many seconds one's turn will come; None where nobody can tell."""
        left = [other.left_s for other in self._before(one)]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) if len(known) == len(left) else None

    def _before(self, one: Waiting) -> list[Waiting]:
        with self._moved:
            if one not in self._waiting:
                return []
            order = self._order()
            return [*([self._running] if self._running is not None else []), *order[: order.index(one)]]

    def _order(self) -> list[Waiting]:
        """Return who waits, in the order of their turns."""
        rounds: dict[str, int] = {}
        keys: dict[int, tuple[int, int, int]] = {}
        for arrival, one in enumerate(self._waiting):
            number = rounds.get(one.owner, 0)
            rounds[one.owner] = number + 1
            keys[id(one)] = number, self._served.get(one.owner, 0), arrival
        return sorted(self._waiting, key=lambda one: keys[id(one)])


LINE = FairLine()
"""Of this process, for all work in turn."""


class Job(Generic[T]):
    """One piece of work, started at once.

    Parameters
    ----------
    work
        Called with the job; it tells `report` how far it is and ends with an `OrthoLensError` of its own when `stopped`
        turns true.
    in_turn
        Whether it waits for its turn in the line of the process, so that eight users who ask for it at once do not all
        wait for the last.
    expected_s
        Seconds that it will take by what is known before it begins.

    Attributes
    ----------
    owner
        Whose it is: the user of the thread that started it.
    share, doing
        How much is done, in [0, 1], and what is being done, in words.
    result, error
        What the work returned, or the error that ended it; both None while it runs.
    """

    def __init__(self, work: Callable[[Job[T]], T], *, in_turn: bool = False, expected_s: float | None = None) -> None:
        self.owner = user.get()
        self.share, self.doing = 0.0, ""
        self._expected_s = expected_s
        self._begun: float | None = None if in_turn else time.monotonic()
        self.result: T | None = None
        self.error: OrthoLensError | None = None
        self._stop = Event()
        run = self._run_in_turn if in_turn else self._run
        self._thread = Thread(target=copy_context().run, args=(run, work), daemon=True)  # whose work it is goes along
        self._thread.start()

    def _run(self, work: Callable[[Job[T]], T]) -> None:
        try:
            self.result = work(self)
        except OrthoLensError as error:
            self.error = error

    def _run_in_turn(self, work: Callable[[Job[T]], T]) -> None:
        try:
            with LINE.wait(self, self.stopped):
                self._begun = time.monotonic()
                self._run(work)
        except Cancelled as error:
            self.error = error

    @property
    def running(self) -> bool:
        """Whether the work goes on, or waits for its turn."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> bool:
        """Whether it waits for its turn."""
        return self._begun is None and self.running

    @property
    def before(self) -> int:
        """How many pieces of work have their turn before this one, that which runs included."""
        return LINE.count_before(self)

    @property
    def left_s(self) -> float | None:
        """Seconds of work that remain if it goes on as it did; None while too little is done to tell."""
        if self._begun is None:
            return self._expected_s
        spent = time.monotonic() - self._begun
        if self.share > 0.05:
            return spent * (1 - self.share) / self.share
        return None if self._expected_s is None else max(0.0, self._expected_s - spent)

    @property
    def done_in_s(self) -> float | None:
        """Seconds until it is done, those before it in the line included; None while nobody can tell."""
        before, own = LINE.left_before_s(self), self.left_s
        return None if before is None or own is None else before + own

    def report(self, done: float, total: float = 1.0, doing: str = "") -> None:
        """Take note of how much is done, and of what is being done, in words."""
        self.share, self.doing = min(1.0, done / max(1, total)), doing

    def stop(self) -> None:
        """Ask the work to end."""
        self._stop.set()

    def stopped(self) -> bool:
        """Whether the work was asked to end."""
        return self._stop.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the work has ended, and return whether it has."""
        self._thread.join(seconds)
        return not self.running
