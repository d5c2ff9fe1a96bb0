"""Long work in a thread of its own: the page polls how far it is, and can stop it.

The thread never touches Streamlit; it reports to a `Job`, and the page reads that in a fragment
(docs.streamlit.io/develop/concepts/design/multithreading).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from models import OrthoLensError
from models.errors import Cancelled
from models.words import later

T = TypeVar("T")

TURN = Lock()
"""Held by the one piece of work in turn that runs in this process."""
ASKED_S = 0.2
"""How often work that waits for its turn looks whether it was stopped."""


class Job(Generic[T]):
    """One piece of work, started at once.

    Parameters
    ----------
    work
        Called with the job; it tells `report` how far it is and ends with an `OrthoLensError` of its own when `stopped`
        turns true.
    in_turn
        Whether it waits for its turn: of such work, one piece runs at a time in a process, so that eight users who
        ask for it at once do not all wait for the last.

    Attributes
    ----------
    share, doing
        How much is done, in [0, 1], and what is being done, in words.
    result, error
        What the work returned, or the error that ended it; both None while it runs.
    """

    def __init__(self, work: Callable[[Job[T]], T], *, in_turn: bool = False) -> None:
        self.share, self.doing = 0.0, ""
        self._begun = time.monotonic()
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
        while not TURN.acquire(timeout=ASKED_S):
            if self.stopped():
                self.error = Cancelled(later("it was stopped"), fix=later("Start it again to see its result."))
                return
        try:
            self._begun = time.monotonic()
            self._run(work)
        finally:
            TURN.release()

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        return self._thread.is_alive()

    @property
    def left_s(self) -> float | None:
        """Seconds that remain if it goes on as it did; None while too little is done to tell."""
        return (time.monotonic() - self._begun) * (1 - self.share) / self.share if self.share > 0.05 else None

    def report(self, done: float, total: float = 1.0, doing: str = "") -> None:
        """Take note of how much is done, and of what is being done, in words."""
        self.share, self.doing = min(1.0, done / max(1, total)), doing

    def stop(self) -> None:
        """Ask the work to end."""
        self._stop.set()

    def stopped(self) -> bool:
        """Whether the work was asked to end."""
        return self._stop.is_set()
