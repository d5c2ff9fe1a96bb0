"""One answer against the true boxes of its image: hits, misses, false positives, by label where both name the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tasks.detection.froc import compute_average_precision, match_boxes
from models.tasks.detection.reference import ReferenceBoxes
from models.types import Detections


@dataclass(frozen=True, eq=False)
class Verdict:
    """How the boxes that are shown agree with a reference standard.

    Attributes
    ----------
    reference_of_box
        For each box shown, in the order of `Detections.shown`, the index of the true box that it hits; −1 for none.
    missed
        Indices of the true boxes that none hits.
    ap50
        Average precision at an overlap of half over all thresholds, the mean over labels; None without a true box.
    by_label
        Whether a hit must have the reference standard's label too.
    """

    reference_of_box: NDArray[np.intp]
    missed: tuple[int, ...]
    ap50: float | None
    by_label: bool

    @property
    def hits(self) -> int:
        """Boxes that hit a true one."""
        return int((self.reference_of_box >= 0).sum())

    @property
    def false_positives(self) -> int:
        """Boxes that hit none."""
        return int((self.reference_of_box < 0).sum())


def judge_detections(
    shown: Detections, reference: ReferenceBoxes, names: Mapping[str, str], scored: Detections | None = None
) -> Verdict:
    """Compare an answer with the reference standard of its image.

    Parameters
    ----------
    shown
        Whose boxes at or above the threshold are counted.
    names
        Key of each label → its name; a reference standard may use either.
    scored
        Whose boxes, at all thresholds, the average precision is of; by default `shown`.
    """
    scored = scored or shown
    kinds = _kinds(reference.labels, shown.labels, names)
    by_label = kinds is not None and len(shown.labels) > 1
    true_kinds = np.asarray(kinds, np.intp) if by_label else np.zeros(len(reference.boxes), np.intp)
    rows = shown.shown
    hit = np.full(len(rows), -1, np.intp)
    areas = []
    for kind in np.unique(true_kinds):
        theirs = np.flatnonzero(true_kinds == kind)
        mine = np.flatnonzero(shown.classes[rows] == kind) if by_label else np.arange(len(rows))
        found = match_boxes(shown.boxes[rows][mine], shown.scores[rows][mine], reference.boxes[theirs])
        hit[mine[found >= 0]] = theirs[found[found >= 0]]
        every = scored.classes == kind if by_label else np.ones(len(scored.boxes), bool)
        areas.append(compute_average_precision([(scored.boxes[every], scored.scores[every], reference.boxes[theirs])]))
    missed = np.setdiff1d(np.arange(len(reference.boxes)), hit)
    return Verdict(hit, tuple(int(index) for index in missed), float(np.mean(areas)) if areas else None, by_label)


def _kinds(labels: Sequence[str], keys: Sequence[str], names: Mapping[str, str]) -> list[int] | None:
    """Return the label's index of each true box; None where one is no label of the model."""
    known = {_plain(word): index for index, key in enumerate(keys) for word in (key, names.get(key, key))}
    found = [known.get(_plain(label), -1) for label in labels]
    return None if -1 in found else found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
