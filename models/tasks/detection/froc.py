"""Boxes against a reference standard: which are hits, what was missed, and how good a detector is over many images.

A box is a hit where it overlaps a true box by at least half (intersection over union) that no more certain box has
taken. Average precision is the area under the precision-recall curve at every recall, after precision is made to fall;
the free-response curve (FROC) is what a reader chooses a threshold on.

References: M. Everingham et al., The PASCAL visual object classes challenge, IJCV 88:303, 2010 (overlap, average
precision); T.-Y. Lin et al., Microsoft COCO, ECCV 2014 (a box takes the best true box that is still free); P. C. Bunch
et al., A free-response approach to the measurement and characterization of radiographic observer performance, SPIE
127:124, 1977.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]
Found = tuple[Numbers, Numbers, Numbers]
"""Of one image: boxes (N, 4), their scores (N,) and the true boxes (M, 4)."""

HALF = 0.5


@dataclass(frozen=True, eq=False)
class Froc:
    """What every threshold finds, from the highest score to the lowest.

    Attributes
    ----------
    threshold
        (K,) the K different scores, falling; a box is shown from this score on.
    sensitivity
        (K,) share of the true boxes that a shown box hits.
    false_positives
        (K,) shown boxes that hit nothing, on average per image.
    """

    threshold: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    false_positives: NDArray[np.float64]

    def sensitivity_at(self, false_positives: float) -> float:
        """Return the highest sensitivity with at most so many false positives per image."""
        allowed = self.sensitivity[self.false_positives <= false_positives]
        return float(allowed.max(initial=0))

    def at(self, threshold: float) -> tuple[float, float]:
        """Return sensitivity and false positives per image of boxes from this score on; none are shown above all."""
        last = int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1
        return (float(self.sensitivity[last]), float(self.false_positives[last])) if last >= 0 else (0.0, 0.0)


def compute_box_overlaps(boxes: Numbers, others: Numbers) -> NDArray[np.float64]:
    """Return the intersection over union (N, M) of boxes (N, 4) with others (M, 4), each x, y, width, height."""
    a, b = (np.asarray(some, np.float64).reshape(-1, 4) for some in (boxes, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])  # (N, M, 2)
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    union = a[:, 2:].prod(-1)[:, None] + b[:, 2:].prod(-1)[None] - common
    shared: NDArray[np.float64] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shared


def match_boxes(boxes: Numbers, scores: Numbers, reference: Numbers, iou: float = HALF) -> NDArray[np.intp]:
    """Match boxes with true ones, the most certain first.

    Parameters
    ----------
    boxes, scores
        (N, 4) x, y, width, height and (N,).
    reference
        (M, 4) in the same pixels.
    iou
        Least intersection over union of a hit.

    Returns
    -------
    ndarray
        (N,) index of the true box that each hits, −1 for a false positive. No true box is hit twice.
    """
    common = compute_box_overlaps(boxes, reference)
    found = np.full(len(common), -1, np.intp)
    near = np.flatnonzero((common >= iou).any(1)) if common.shape[1] else np.array([], np.intp)
    for index in near[np.argsort(-np.asarray(scores)[near], kind="stable")]:
        best = int(common[index].argmax())
        if common[index, best] >= iou:
            found[index] = best
            common[:, best] = -1  # taken
    return found


def find_hits(found: Sequence[Found], iou: float = HALF) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Match every image; what `compute_precision_area` and resampling over images need, so that matching is done once.

    Returns
    -------
    scores, hit
        (N,) of the boxes of all images, image after image.
    references
        How many true boxes there are.
    """
    scores = [np.asarray(score, np.float64).ravel() for _, score, _ in found]
    hit = [match_boxes(boxes, score, reference, iou) >= 0 for boxes, score, reference in found]
    references = sum(len(np.reshape(reference, (-1, 4))) for _, _, reference in found)
    return np.concatenate([np.zeros(0), *scores]), np.concatenate([np.zeros(0, bool), *hit]), references


def compute_precision_area(scores: Numbers, hit: NDArray[np.bool_], references: int) -> float:
    """Return the area under precision over recall; not a number where there is no true box.

    Boxes of equal score are taken together, since no threshold can part them.
    """
    if not references:
        return float("nan")
    _, right, shown = _cumulated(scores, hit)
    recall = np.concatenate([[0.0], right / references])
    precision = np.maximum.accumulate((right / shown)[::-1])[::-1]  # the best at this recall or more
    return float((np.diff(recall) * precision).sum())


def compute_average_precision(found: Sequence[Found], iou: float = HALF) -> float:
    """Return the average precision over images, by every recall rather than at 11 or 101 of them.

    Parameters
    ----------
    found
        Of each image boxes (N, 4), scores (N,) and true boxes (M, 4); N and M may be 0.
    iou
        Least intersection over union of a hit.

    Returns
    -------
    float
        In [0, 1]; not a number where no image has a true box.
    """
    return compute_precision_area(*find_hits(found, iou))


def compute_froc(found: Sequence[Found], iou: float = HALF) -> Froc:
    """Return sensitivity and false positives per image at every threshold; as `compute_average_precision`.

    Without a true box the sensitivities are not numbers.
    """
    scores, hit, references = find_hits(found, iou)
    threshold, right, shown = _cumulated(scores, hit)
    sensitivity = right / references if references else np.full(len(threshold), np.nan)
    return Froc(threshold, sensitivity, (shown - right) / max(len(found), 1))


def _cumulated(
    scores: Numbers, hit: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the different scores, falling, and how many hits and boxes there are from each on."""
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    ranked = np.asarray(scores, np.float64)[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True)) if len(ranked) else np.array([], np.intp)
    return ranked[last], np.cumsum(hit[order], dtype=np.float64)[last], (last + 1).astype(np.float64)
