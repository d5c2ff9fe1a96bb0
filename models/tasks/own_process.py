"""The training of a user's own card in a process of its own, so that no page waits: begun, paused, resumed, given up.

The process says on a pipe how far it is (`models.io.plain`), and ends where its parent does. To pause is to end it: it
goes on from its last checkpoint. One runs at a time; others wait for their turn.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal

from models.cards import reload_cards
from models.errors import Cancelled, OrthoLensError
from models.io import plain
from models.tasks import own
from models.words import later

State = Literal["waiting", "running", "paused", "done", "failed"]
MOST_BYTES = 1 << 20
"""Of one message of the process."""
WINDOW_S, LEAST_S = 120.0, 5.0
"""Time over which the pace is measured, and the least that tells anything."""
DONE = later("Done")
"""The last word of the process."""
NICE = 5
"""How far the process steps back behind the pages."""


class Training:
    """The training of one card in this process's lifetime.

    Attributes
    ----------
    state, doing, share
        Where it is, what is being done, in words, and how much of the whole is.
    error
        What ended it, where it failed.
    """

    def __init__(self, card_id: str) -> None:
        self.card_id = card_id
        self.state: State = "waiting"
        self.doing: str = later("Waiting for its turn")
        self.share = 0.0
        self.error: OrthoLensError | None = None
        self._seen: deque[tuple[float, float]] = deque()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def left_s(self) -> float | None:
        """Seconds that remain at the pace of the last minutes; None while too little is done to tell."""
        seen = list(self._seen)
        if self.state != "running" or len(seen) < 2:
            return None
        (began, first), (_, last) = seen[0], seen[-1]
        passed = time.monotonic() - began
        return passed * (1 - last) / (last - first) if passed > LEAST_S and last > first else None

    def run(self) -> None:
        """Start the process, and hear what it says until it ends."""
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.doing = later("Starting")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from models.tasks.own_process import serve; serve()", self.card_id],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
        with self._process as process:
            assert process.stdout is not None
            if self.state != "running":  # it was stopped in between
                process.kill()
            with suppress(EOFError, ValueError, OSError):
                while True:
                    self._hear(plain.receive_plain(process.stdout, MOST_BYTES))
        if self.state == "running":
            fix = later("Resume it: it goes on from its last checkpoint. If it ends again, it may need more memory.")
            self._fail(OrthoLensError(later("the training ended by itself"), fix=fix, file=self.card_id))
        reload_cards()

    def stop(self) -> None:
        """Pause: end the process, which keeps its last checkpoint."""
        self.state = "paused"
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _hear(self, said: object) -> None:
        if isinstance(said, OrthoLensError):
            self._fail(said)
        elif isinstance(said, tuple | list) and len(said) == 2:
            self.doing, self.share = said[0], float(said[1])
            now = time.monotonic()
            self._seen.append((now, self.share))
            while now - self._seen[0][0] > WINDOW_S:
                self._seen.popleft()
            if self.doing == DONE:
                self.state = "done"

    def _fail(self, problem: OrthoLensError) -> None:
        problem.file = problem.file or self.card_id
        self.state, self.error = "failed", problem


class Trainings:
    """Those of this program: one at a time, the others in the order in which they were begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Training] = {}

    def begin(self, card_id: str) -> None:
        """Train a draft, or train it further, as soon as no other is trained; one that is under way is left alone."""
        with self._lock:
            known = self._known.get(card_id)
            if known is None or known.state not in ("waiting", "running"):
                self._known[card_id] = Training(card_id)
        self._advance()

    def find(self, card_id: str) -> Training | None:
        """Return the training of a card since the program began; None where there was none."""
        return self._known.get(card_id)

    def pause(self, card_id: str) -> None:
        """Stop a training, so that it can go on later."""
        if (known := self._known.get(card_id)) is not None and known.state in ("waiting", "running"):
            known.stop()
        self._advance()

    def give_up(self, card_id: str) -> None:
        """Stop a training for good, and delete its draft; raises as `own.discard_draft`."""
        known = self._known.pop(card_id, None)
        if known is not None:
            known.stop()
        own.discard_draft(card_id)
        self._advance()

    def _advance(self) -> None:
        """Start the first that waits, where none runs."""
        with self._lock:
            if any(one.state == "running" for one in self._known.values()):
                return
            following = next((one for one in self._known.values() if one.state == "waiting"), None)
            if following is None:
                return
            following.state = "running"
        threading.Thread(target=self._run, args=(following,), name=f"training {following.card_id}", daemon=True).start()

    def _run(self, one: Training) -> None:
        one.run()
        self._advance()


@lru_cache(maxsize=1)
def trainings() -> Trainings:
    """Return the trainings of this program."""
    return Trainings()


def serve() -> None:
    """Train the card of the command line, and say on stdout how far it is; runs in the process only."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not reach the pipe
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(AttributeError, OSError):
        os.nice(NICE)

    def tell(step: str, share: float) -> None:
        plain.send_plain((step, float(share)), answers)

    try:
        own.train_own(sys.argv[1], tell)
        tell(DONE, 1.0)
    except OrthoLensError as error:
        plain.send_plain(error, answers)
    except MemoryError:
        fix = later("Close other programs, or train on fewer pictures.")
        plain.send_plain(Cancelled(later("there is too little memory"), fix=fix), answers)


def _end_with_parent() -> None:
    """Wait until the parent closes the pipe, and end."""
    sys.stdin.buffer.read()
    os._exit(0)
