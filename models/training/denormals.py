"""Denormal numbers: fading moments of Adam are such, and a CPU is a hundred times slower on them than on others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Take them as 0 while a network trains, and no longer: whoever shares the process counts with them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
