"""The figures of a detector with their intervals, by a bootstrap over groups (Efron and Tibshirani 1993, ch. 13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.cards.tables import Detecting, OperatingPoint, Platt
from models.errors import BadCard
from models.tasks.detection.froc import Froc, compute_froc, compute_precision_area, match_boxes
from models.words import later

RESAMPLES = 500
STRICTNESS = np.arange(0.5, 1.0, 0.05)
"""Overlaps that count as a hit, COCO's ten."""
FALSE_POSITIVES = (0.5, 1.0, 2.0)
"""Per image, at which the free-response curve is read."""
KEPT_POINTS = 80
"""Points of the free-response curve that a card keeps."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answered:
    """N held-out images, each answered by a network that never saw its group.

    Attributes
    ----------
    boxes, scores
        (B, 4) x, y, width, height and (B,) raw scores of each image.
    reference
        (M, 4) of each image.
    groups
        (N,) number of the group.
    """

    boxes: Sequence[NDArray[np.float32]]
    scores: Sequence[NDArray[np.float32]]
    reference: Sequence[NDArray[np.float32]]
    groups: NDArray[np.intp]

    @property
    def positive(self) -> NDArray[np.bool_]:
        """(N,) whether an image has a true box."""
        return np.array([len(of) > 0 for of in self.reference])

    @property
    def highest(self) -> Floats:
        """(N,) highest raw score of each image, 0 without any."""
        return np.array([of.max(initial=0) for of in self.scores], np.float64)

    def froc(self) -> Froc:
        """Return the free-response curve at half overlap, over all images."""
        return compute_froc(list(zip(self.boxes, self.scores, self.reference, strict=True)))


@dataclass(frozen=True, eq=False)
class _Matched:
    """The boxes of all images in one row, matched once, so that a resample only picks images."""

    scores: Floats
    image: NDArray[np.intp]
    hit: NDArray[np.bool_]  # (strictness, boxes)
    references: Floats
    highest: Floats


def _matched(answered: Answered) -> _Matched:
    hit = [
        [match_boxes(boxes, scores, reference, iou) >= 0 for iou in STRICTNESS]
        for boxes, scores, reference in zip(answered.boxes, answered.scores, answered.reference, strict=True)
    ]
    return _Matched(
        scores=np.concatenate(list(answered.scores)).astype(np.float64),
        image=np.repeat(np.arange(len(answered.reference)), [len(of) for of in answered.scores]),
        hit=np.concatenate([np.array(of).reshape(len(STRICTNESS), -1) for of in hit], 1),
        references=np.array([len(of) for of in answered.reference], float),
        highest=answered.highest,
    )


def _figures(matched: _Matched, times: Floats) -> dict[str, float]:
    """Return every figure with each image counted so many times, (N,) whole numbers."""
    from sklearn.metrics import roc_auc_score

    with_reference = matched.references > 0
    found: dict[str, float] = {}
    for name, counted in (("with a finding", times * with_reference), ("all", times)):
        often = counted[matched.image].astype(np.intp)
        scores, references = np.repeat(matched.scores, often), int(counted @ matched.references)
        areas = [compute_precision_area(scores, np.repeat(hit, often), references) for hit in matched.hit]
        found |= {f"AP50 {name}": areas[0], f"AP50-95 {name}": float(np.mean(areas))}
    often = times[matched.image].astype(np.intp)
    order = np.argsort(-np.repeat(matched.scores, often), kind="stable")
    hit = np.repeat(matched.hit[0], often)[order]
    wrong, right = np.cumsum(~hit) / times.sum(), np.cumsum(hit) / max(times @ matched.references, 1)
    for rate in FALSE_POSITIVES:
        found[f"sensitivity at {rate:g} false positives an image"] = float(right[wrong <= rate].max(initial=0))
    if len(np.unique(with_reference[times > 0])) == 2:
        found["image AUC"] = float(roc_auc_score(with_reference, matched.highest, sample_weight=times))
    return found


def describe_detection_metrics(answered: Answered, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Return n, the number of groups, and each figure with its 95 % interval over groups."""
    matched, rng = _matched(answered), np.random.default_rng(0)
    whole = _figures(matched, np.ones(len(answered.reference)))
    count = int(answered.groups.max()) + 1
    drawn = [
        _figures(matched, np.bincount(rng.integers(count, size=count), minlength=count)[answered.groups].astype(float))
        for _ in range(resamples)
    ]
    metrics = {}
    for name, value in whole.items():
        low, high = np.nanquantile([of.get(name, np.nan) for of in drawn], [0.025, 0.975])
        metrics[name] = {"value": value, "low": float(low), "high": float(high)}
    return {
        "n": len(answered.reference),
        "groups": count,
        "boxes": int(matched.references.sum()),
        "with a finding": int(answered.positive.sum()),
        "metrics": metrics,
    }


def thin_froc_curve(answered: Answered, detecting: Detecting) -> dict[str, list[float]]:
    """Return the free-response curve at calibrated thresholds, thinned, as a card keeps it."""
    found = answered.froc()
    kept = found.false_positives <= 8
    thresholds = apply_platt(found.threshold[kept], detecting.boxes)
    some = np.unique(np.linspace(0, kept.sum() - 1, KEPT_POINTS).round().astype(int))
    return {
        "threshold": thresholds[some].round(5).tolist(),
        "sensitivity": found.sensitivity[kept][some].round(5).tolist(),
        "false_positives": found.false_positives[kept][some].round(5).tolist(),
    }


def fit_platt(raw: NDArray[np.floating], hit: NDArray[np.bool_]) -> Platt:
    """Fit p = sigmoid(slope · logit(raw) + intercept) by maximum likelihood, without a penalty."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=np.inf).fit(_logit(raw)[:, None], hit)
    return Platt(slope=float(fitted.coef_[0, 0]), intercept=float(fitted.intercept_[0]), n=len(hit))


def apply_platt(raw: NDArray[np.floating], of: Platt) -> Floats:
    """Return raw scores as probabilities."""
    found: Floats = 1 / (1 + np.exp(-(of.slope * _logit(raw) + of.intercept)))
    return found


def _logit(raw: NDArray[np.floating]) -> Floats:
    safe = np.asarray(raw, np.float64).clip(1e-9, 1 - 1e-9)
    found: Floats = np.log(safe / (1 - safe))
    return found


def calibrate_detections(answered: Answered) -> Detecting:
    """Return how raw scores become probabilities, and the operating points, from held-out answers.

    Raises
    ------
    BadCard
        When no box hits a true one: nothing was learned.
    """
    hit = np.concatenate(
        [match_boxes(*row) >= 0 for row in zip(answered.boxes, answered.scores, answered.reference, strict=True)]
    )
    if not hit.any():
        fix = later("Train it in full, on more pictures, or from a model that draws boxes.")
        raise BadCard(later("it learned nothing: none of its boxes hits a true one on pictures held back"), fix=fix)
    boxes = fit_platt(np.concatenate(list(answered.scores)), hit)
    if answered.positive.all():  # nothing to tell them from
        scores = apply_platt(np.concatenate(list(answered.scores)), boxes)
        return Detecting(boxes=boxes, points=(find_best_detection_threshold(scores, hit, answered),))
    return Detecting(boxes=boxes, points=choose_operating_points(apply_platt(answered.highest, boxes), answered))


def find_best_detection_threshold(scores: Floats, hit: NDArray[np.bool_], answered: Answered) -> OperatingPoint:
    """Return the threshold at which the boxes (B,) agree best with the true ones: the largest F1.

    It lies half way, in logits, to the best box below: where all are told apart, new boxes vary on either side. Its
    sensitivity is the share of images that show a box, as everywhere.
    """
    order = np.argsort(-scores, kind="stable")
    right, references = np.cumsum(hit[order]), sum(len(of) for of in answered.reference)
    best = int((2 * right / (np.arange(1, len(right) + 1) + references)).argmax())
    threshold = float(expit(_logit(scores[order[best : best + 2]]).mean()))
    highest = apply_platt(answered.highest, fit_platt(np.concatenate(list(answered.scores)), hit))
    return OperatingPoint(
        key="balanced", name="Balanced", threshold=threshold, sensitivity=float((highest >= threshold).mean())
    )


def choose_operating_points(highest: Floats, answered: Answered) -> tuple[OperatingPoint, ...]:
    """Return the balanced threshold (Youden 1950) and those of sensitivity and specificity 0.90, over images.

    Parameters
    ----------
    highest
        (N,) highest calibrated score of each image.
    """
    there = answered.positive
    choice = np.unique(highest)
    sensitivity = np.array([(highest[there] >= t).mean() for t in choice])
    specificity = np.array([(highest[~there] < t).mean() for t in choice])
    chosen: dict[str, tuple[str, int]] = {
        "balanced": ("Balanced", int((sensitivity + specificity).argmax())),
        "sensitive": ("Sensitivity 0.90", int(np.flatnonzero(sensitivity >= 0.9).max(initial=0))),
        "specific": ("Specificity 0.90", int(np.flatnonzero(specificity >= 0.9).min(initial=len(choice) - 1))),
    }
    return tuple(
        OperatingPoint(
            key=key,
            name=name,
            threshold=float(choice[i]),
            sensitivity=float(sensitivity[i]),
            specificity=float(specificity[i]),
        )
        for key, (name, i) in chosen.items()
    )
