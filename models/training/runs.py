"""Where the checkpoints of a card lie while it is trained, and the pictures of a user's own that it learns from."""

from __future__ import annotations

from pathlib import Path

from models.cards import Card

RUNS = Path("runs")
"""Checkpoints and logs of the program's own cards; not in git."""


def locate_runs(chosen: Card) -> Path:
    """Return where the checkpoints of a card lie: those of a user's own beside it, until it is done."""
    return chosen.folder / "runs" if chosen.folder else RUNS / chosen.id


def locate_saved_set(chosen: Card) -> Path:
    """Return where the pictures that a user's own card learns from lie while it does, ready and without names."""
    return locate_runs(chosen) / "set.npz"
