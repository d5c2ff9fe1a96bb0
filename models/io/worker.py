"""A second process in which every decoder runs, so that a bad file can only ever cost that file.

Native decoders abort, hang or take all memory on broken input (seen: GDCM on a 1-bit RLE multi-frame), and parsers
quote the values that they stumble over. In here they do so with a time and a memory limit, without stderr, logs or core
dumps, and away from the models and the other users' sessions; `models.io.pool` has a few of them. The process is a
plain `python -c`, since `multiprocessing`'s spawn would run `__main__` again (under Streamlit: the whole page); it is
started once and reused, is sent its jobs as pickles, answers in plain data (`models.io.plain`), and ends with its
parent.

Reference: https://docs.python.org/3/library/resource.html
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from models.errors import DamagedFile, DecoderFailed, InputError
from models.io import plain
from models.words import later

P = ParamSpec("P")
R = TypeVar("R")

STOPS_ITSELF = hasattr(signal, "setitimer")
"""Whether the system ends a process whose time is up, also inside a native decoder (the signal has no handler there);
else (Windows) a thread of the parent does, which costs as much as decoding a small picture."""

FIX = later("Export it again from its source, uncompressed if it can; other files can still be read.")


class Crashed(DecoderFailed):
    """The process died of itself, or was ended from outside; the next try may end well."""


class Worker:
    """One process that answers one call at a time; threads queue for it.

    Parameters
    ----------
    memory_mb
        Address space that the process may take (not enforced on Windows and macOS).
    """

    def __init__(self, memory_mb: int) -> None:
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def call(self, seconds: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return `function(*args, **kwargs)`, a function that can be imported by its name.

        Raises
        ------
        InputError
            The one that the function raised; `DamagedFile` for any other exception of it.
        DecoderFailed
            The process died, took more than `seconds`, or ran out of memory. The next call gets a new one.
        """
        with self._lock:
            answer = self._exchange(seconds, (function, args, kwargs))
        if isinstance(answer, InputError):
            raise answer
        return cast(R, answer)

    def _exchange(self, seconds: float, job: tuple[object, ...]) -> object:
        process = self._running()
        assert process.stdin is not None  # both are pipes
        assert process.stdout is not None
        timer = None if STOPS_ITSELF else threading.Timer(seconds, process.kill)
        begun, answered = time.monotonic(), False
        if timer:
            timer.daemon = True
            timer.start()
        try:
            pickle.dump((seconds, *job), process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            answer = plain.receive_plain(process.stdout, self._memory_mb << 20)
            answered = True
        except (EOFError, OSError, ValueError) as error:
            hung = time.monotonic() - begun >= seconds
            if not hung:
                raise Crashed(later("its decoder crashed"), fix=FIX) from error
            problem = later("its decoder was stopped after {seconds:g} s", seconds=seconds)
            raise DecoderFailed(problem, fix=FIX) from error
        finally:
            if timer:
                timer.cancel()
            if not answered:  # also after Ctrl+C: the answer under way must not be taken for the next file's
                self.close()
        return answer

    def start(self) -> None:
        """Start the process before it is needed; it loads its libraries meanwhile."""
        with self._lock:
            self._running(ready=True)

    def _running(self, ready: bool = False) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            root = str(Path(__file__).resolve().parents[2])
            path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-c",
                    f"from models.io.worker import serve_worker; serve_worker({self._memory_mb}, {ready})",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        return self._process

    def end(self) -> None:
        """End the process for good."""
        atexit.unregister(self.close)
        self.close()

    def close(self) -> None:
        """End the process; a later call starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(BrokenPipeError), process:  # closes its pipes, also on a job half written, and waits for it
                pass


def serve_worker(memory_mb: int, ready: bool = False) -> None:
    """Answer calls from stdin on stdout until the parent closes the pipe; runs in the worker only.

    With `ready`, the decoders are loaded before the first file comes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    logging.disable()
    _limit_memory(memory_mb)
    if ready:
        load_decoders()
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not reach the pipe
    while True:
        try:
            seconds, function, args, kwargs = pickle.load(calls)
        except EOFError:
            return
        if STOPS_ITSELF:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        plain.send_plain(_answer(function, args, kwargs), answers)
        if STOPS_ITSELF:
            signal.setitimer(signal.ITIMER_REAL, 0)


def load_dicom_package() -> None:
    """Load pydicom as a whole, before threads load parts of it: its modules need one another.

    Of two threads, one at `import pydicom` and one at `from pydicom.dataset import …`, each waits for what the other
    has begun; Python lets both go on with modules that are half made (`importlib._bootstrap._DeadlockError`), and they
    fail with "circular import".
    """
    importlib.import_module("pydicom")


def load_decoders() -> None:
    """Load what a file needs before the first one comes; the process that asks needs the names of the functions."""
    for decoder in ("raster", "dicom", "tiff"):
        importlib.import_module(f"models.io.{decoder}")


def _answer(function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> object:
    """Run one job: the one place where the exceptions of pydicom, GDCM, Pillow and numpy become ours.

    Their text stays here, since it can quote what the file says about a patient.
    """
    try:
        return function(*args, **kwargs)
    except InputError as error:
        return error
    except MemoryError:
        return DecoderFailed(later("its decoder needs more memory than it may take"), fix=FIX)
    except Exception:  # noqa: BLE001 (hostile input makes parsers raise anything)
        return DamagedFile(
            later("is damaged: its content does not fit its header"), fix=later("Copy or export it again.")
        )


def _limit_memory(memory_mb: int) -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
