"""Let glibc keep the memory that training frees, instead of handing it back to the system at every step.

PyTorch asks for the same large blocks again and again; by default glibc maps each anew and the system fills it with
zeros, which took up to half of a training step on a CPU. The tunables are read when a process starts, so the command
starts itself once more with them.

Reference: https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
"""

from __future__ import annotations

import os
import platform
import sys

TUNABLES = ":".join(
    (
        "glibc.malloc.hugetlb=1",  # ask for huge pages where the system gives them on demand
        "glibc.malloc.mmap_max=0",  # large blocks come from the heap too
        "glibc.malloc.trim_threshold=100000000000",  # bytes; the heap is never given back
        "glibc.malloc.arena_max=1",  # threads share one heap
    )
)


def keep_freed_memory() -> None:
    """Start this very command again with glibc's tunables; returns where there is no glibc, or they are set already."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc" and "GLIBC_TUNABLES" not in os.environ:
        os.execve(sys.executable, sys.orig_argv, os.environ | {"GLIBC_TUNABLES": TUNABLES})
