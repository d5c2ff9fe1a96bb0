"""Points that a reader moved; the network's own answer is kept beside them.

A point set by hand has no radius: nobody measured how far off it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from models.errors import UnknownCard
from models.types import Landmarks


@dataclass(frozen=True)
class Move:
    """One point that a reader set: its name, and where, x and y in source pixels."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, eq=False, kw_only=True)
class MovedLandmarks(Landmarks):
    """An answer that a reader changed.

    Attributes
    ----------
    original
        What the network said.
    moves
        What was done, the oldest first; the last move of a point counts.
    """

    original: Landmarks
    moves: tuple[Move, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """Names of the points that a reader set, in the order of the points."""
        return list_moved(self)


def list_moved(answer: Landmarks) -> tuple[str, ...]:
    """Return the names of the points that a reader set, in the order of the points."""
    if not isinstance(answer, MovedLandmarks):
        return ()
    named = {move.name for move in answer.moves}
    return tuple(name for name in answer.names if name in named)


def move_points(answer: Landmarks, moves: Sequence[Move]) -> Landmarks:
    """Move points of the network's own answer; without any move, that answer itself.

    Parameters
    ----------
    answer
        The network's, or one that was moved before, of which only what the network said is taken: moves do not add up.

    Raises
    ------
    UnknownCard
        For a point that the answer does not have.
    """
    original = answer.original if isinstance(answer, MovedLandmarks) else answer
    if not moves:
        return original
    points, radii = original.points.copy(), original.radius_px.copy()
    for move in moves:
        if move.name not in original.names:
            fix = f"Choose one of {', '.join(original.names)}."
            raise UnknownCard(f"there is no point {move.name!r}", fix=fix)
        index = original.names.index(move.name)
        points[index], radii[index] = (move.x, move.y), np.nan
    count = len({move.name for move in moves})
    kept = {
        field.name: getattr(original, field.name)
        for field in fields(Landmarks)
        if field.name not in ("points", "radius_px", "warnings")
    }
    return MovedLandmarks(
        **kept,
        points=points,
        radius_px=radii,
        warnings=(*original.warnings, f"{count} point{'s' * (count > 1)} moved by hand"),
        original=original,
        moves=tuple(moves),
    )
