"""A few threads for work that leaves the interpreter to others: compiled loops, SciPy's, zlib's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

MOST = 4


@contextmanager
def open_threads() -> Iterator[ThreadPoolExecutor]:
    """Yield as many threads as there are cores, up to `MOST`; at the end, what has not begun is let go.

    An error or a cancel of who takes the results so waits for what runs, and for nothing more.
    """
    threads = ThreadPoolExecutor(min(MOST, os.cpu_count() or 1))
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
