"""Garbage is looked for when no page has been drawn for a moment.

Streamlit does so after every run (`runner.postScriptGC`): all objects of torch and of the models among them, a quarter
of a second in which nothing else happens, twice between a drop and its answer.
"""

from __future__ import annotations

import gc
from functools import lru_cache
from threading import Event, Thread
from time import monotonic

QUIET_S, LONGEST_S = 3.0, 20.0
"""After so long without a run; and where the runs never cease."""

_RAN = Event()


def sweep_soon() -> None:
    """Take note that a page is being drawn."""
    _sweeper()
    _RAN.set()


@lru_cache(maxsize=1)
def _sweeper() -> Thread:
    thread = Thread(target=_sweep, name="sweep", daemon=True)
    thread.start()
    return thread


def _sweep() -> None:
    while _RAN.wait():
        until = monotonic() + LONGEST_S
        while _RAN.is_set() and monotonic() < until:
            _RAN.clear()
            _RAN.wait(QUIET_S)
        _RAN.clear()
        gc.collect()
