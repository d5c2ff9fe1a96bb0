"""Where the checkpoints of a card lie while it is trained, and the pictures of a user's own that it learns from."""

from __future__ import annotations

from pathlib import Path

from models.cards import Card
from models.nets.device import choose_device

RUNS = Path("runs")
"""Checkpoints and logs of the program's own cards; not in git."""


def locate_runs(chosen: Card) -> Path:
    """Return where the checkpoints of a card lie: those of a user's own beside it, until it is done.

    Those of a GPU lie apart, since recipes differ between devices.
    """
    if chosen.folder:
        return chosen.folder / "runs"
    device = choose_device().type
    return RUNS / (chosen.id if device == "cpu" else f"{chosen.id}-{device}")


def locate_saved_set(chosen: Card) -> Path:
    """Return where the pictures that a user's own card learns from lie while it does, ready and without names."""
    return locate_runs(chosen) / "set.npz"
