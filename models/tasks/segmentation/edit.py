"""Corrections by hand: areas that a reader draws become another class, and the answer remembers that they did.

The network's own answer is kept beside the corrected one; nothing is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.errors import InputError, UnknownCard
from models.tasks.segmentation.contours import fill_contour
from models.types import Segmentation
from models.words import later

ERASE = "erase"
"""In place of a class: the area becomes background."""


@dataclass(frozen=True)
class Correction:
    """One area drawn by a reader.

    Attributes
    ----------
    label
        Key of the class that the area is, or `ERASE`.
    polygon
        Its corners as (row, column) in source pixels, at least three; the last joins the first.
    """

    label: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class CorrectedSegmentation(Segmentation):
    """An answer that a reader changed.

    Attributes
    ----------
    original
        What the network said.
    corrections
        What was drawn, the oldest first; a later one lies over an earlier one.
    corrected_px
        Pixels whose class differs from the original's.
    """

    original: Segmentation
    corrections: tuple[Correction, ...]
    corrected_px: int


def correct_areas(
    segmentation: Segmentation, changes: Sequence[tuple[str, Sequence[tuple[float, float]]]]
) -> CorrectedSegmentation:
    """Apply areas given as (key of a class or "erase", corners as (row, column)); see `apply_corrections`."""
    return apply_corrections(
        segmentation, [Correction(key, tuple((float(r), float(c)) for r, c in corners)) for key, corners in changes]
    )


def apply_corrections(segmentation: Segmentation, corrections: Sequence[Correction]) -> CorrectedSegmentation:
    """Apply corrections on top of those that the segmentation already has.

    A pixel drawn by hand has full certainty. Where objects are told apart, a drawn area is one new object, and one that
    a correction cuts in pieces becomes as many objects.

    Raises
    ------
    UnknownCard
        For a class that the segmentation does not have.
    InputError
        For an area of fewer than three corners.
    """
    original = segmentation.original if isinstance(segmentation, CorrectedSegmentation) else segmentation
    earlier = segmentation.corrections if isinstance(segmentation, CorrectedSegmentation) else ()
    mask, certainty = segmentation.mask.copy(), segmentation.certainty.copy()
    instances = None if segmentation.instances is None else segmentation.instances.copy()
    for correction in corrections:
        index = _index(correction, segmentation.labels)
        rows, columns, inside = fill_contour(np.array(correction.polygon), mask.shape)
        changed = inside & (mask[rows, columns] != index)
        mask[rows, columns][inside] = index
        certainty[rows, columns][changed] = 255
        if instances is not None:
            _renumber(instances, (rows, columns), inside, bool(index))
    every = (*earlier, *corrections)
    kept = {
        field.name: getattr(original, field.name)
        for field in fields(Segmentation)
        if field.name not in ("mask", "certainty", "instances", "warnings")
    }
    return CorrectedSegmentation(
        **kept,
        mask=mask,
        certainty=certainty,
        instances=instances,
        warnings=(*original.warnings, *_sentence(len(every))),
        original=original,
        corrections=every,
        corrected_px=int((mask != original.mask).sum()),
    )


def _index(correction: Correction, labels: tuple[str, ...]) -> int:
    """Index of the class that an area becomes."""
    if len(correction.polygon) < 3:
        raise InputError(
            later("an area of {count} corners is none", count=len(correction.polygon)),
            fix=later("Draw a line around it with at least three."),
        )
    if correction.label == ERASE:
        return 0
    if correction.label not in labels:
        raise UnknownCard(
            f"there is no class {correction.label!r}", fix=f"Choose one of {', '.join(labels)}, or {ERASE!r}."
        )
    return labels.index(correction.label)


def _renumber(instances: NDArray[np.int32], place: tuple[slice, slice], inside: NDArray[np.bool_], added: bool) -> None:
    """Take an area from the objects it covers, number their pieces, and make it an object if it is one."""
    touched = np.unique(instances[place][inside])
    instances[place][inside] = 0
    following = int(instances.max()) + 1
    for number in touched[touched > 0]:
        pieces, count = ndimage.label(instances == number)
        for piece in range(2, count + 1):
            instances[pieces == piece] = following
            following += 1
    if added:
        instances[place][inside] = following


def _sentence(count: int) -> tuple[str, ...]:
    """Say how often a hand was at work."""
    return (f"corrected by hand in {count} place{'s' if count > 1 else ''}",) if count else ()
