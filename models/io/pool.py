"""A few decoder processes for all users of one process, so that one user's bad file never holds up another's.

A file that its decoder cannot end takes a process for up to `decode_seconds`. Each user has one process at a time, and
whoever waits longest comes first; where somebody else's file is being read, the next one has a process of its own. A
process that is ready stands by, since starting one takes longer than reading a picture.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import ParamSpec, TypeVar

from models.io.worker import Crashed, Worker
from models.settings import settings

P = ParamSpec("P")
R = TypeVar("R")

user: ContextVar[str] = ContextVar("user", default="")
"""Whose file is read: a session's id. Where nobody says it, each thread is a user."""


class Pool:
    """Decoder processes; a call waits for one of its own.

    Parameters
    ----------
    memory_mb
        Address space that each may take.
    size
        How many run at most.
    """

    def __init__(self, memory_mb: int, size: int) -> None:
        self._memory_mb, self._size = memory_mb, size
        self._free = threading.Condition()
        self._idle: list[Worker] = []
        self._running: dict[str, int] = {}
        self._queue: list[tuple[str, object]] = []
        self._standing_by = False

    def call(self, seconds: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return `function(*args, **kwargs)`, as `Worker.call`; a process that died is tried once more.

        Raises
        ------
        InputError
            As `Worker.call`.
        """
        who = user.get() or f"thread {threading.get_ident()}"
        worker = self._take(who)
        try:
            try:
                return worker.call(seconds, function, *args, **kwargs)
            except Crashed:  # it may have been ended from outside, for memory say
                return worker.call(seconds, function, *args, **kwargs)
        finally:
            self._give_back(who, worker)

    def stand_by(self) -> None:
        """Have a process ready beside those that work, now and from now on: for a server."""
        with self._free:
            self._standing_by = True
            self._prepare()

    def close(self) -> None:
        """End the processes that do nothing; a later call starts others."""
        with self._free:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def _take(self, who: str) -> Worker:
        ticket = (who, object())
        with self._free:
            self._queue.append(ticket)
            try:
                self._free.wait_for(lambda: self._next() is ticket)
            finally:
                self._queue.remove(ticket)
                self._free.notify_all()
            self._running[who] = self._running.get(who, 0) + 1
            worker = self._idle.pop() if self._idle else Worker(self._memory_mb)
            self._prepare()
        return worker

    def _next(self) -> tuple[str, object] | None:
        """Return whose turn it is: the first that waits and has no process; None while all are taken."""
        if sum(self._running.values()) >= self._size:
            return None
        return next((ticket for ticket in self._queue if not self._running.get(ticket[0])), None)

    def _give_back(self, who: str, worker: Worker) -> None:
        with self._free:
            self._running[who] -= 1
            if not self._running[who]:
                del self._running[who]
            self._idle.append(worker)
            while len(self._idle) > 1 + self._standing_by:
                self._idle.pop(0).end()
            self._free.notify_all()

    def _prepare(self) -> None:
        """Start the process that stands by, where there is room for one."""
        if self._standing_by and not self._idle and sum(self._running.values()) < self._size:
            worker = Worker(self._memory_mb)
            worker.start()
            self._idle.append(worker)


def find_decoder_pool() -> Pool:
    """Return the pool of this process under its settings."""
    limit = settings()
    return _pool(limit.decode_memory_mb, limit.decode_processes, os.getpid())


@cache
def _pool(memory_mb: int, size: int, pid: int) -> Pool:
    """Return the one pool of process `pid`; a forked child must not share its parent's pipes."""
    return Pool(memory_mb, size)


def call_in_worker(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `function(*args, **kwargs)` from a decoder process, under the limits of the settings.

    Raises
    ------
    InputError
        As `Worker.call`.
    """
    return find_decoder_pool().call(settings().decode_seconds, function, *args, **kwargs)
