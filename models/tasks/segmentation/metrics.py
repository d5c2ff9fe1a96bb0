"""Figures of segmented pictures with intervals, by a bootstrap over groups (Efron and Tibshirani 1993, ch. 13).

Dice and Jaccard of a class are those of each picture that shows it, in the reference standard or in the answer, and
then their mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import Card

RESAMPLES = 1000

Table = dict[str, NDArray[np.float64]]
"""Figure → its value for every picture, nan where it is not defined."""


def compute_class_overlaps(mask: NDArray[np.uint8], reference: NDArray[np.uint8], card: Card) -> dict[str, float]:
    """Return Dice and Jaccard of every class but the background, "dice nucleus" and so on, of one picture."""
    k = len(card.labels)
    pairs = np.bincount((reference.astype(np.intp) * k + mask).ravel(), minlength=k * k).reshape(k, k)
    both, drawn, segmented = np.diag(pairs), pairs.sum(1), pairs.sum(0)
    found = {}
    for i, key in enumerate(card.keys):
        if i:
            total = drawn[i] + segmented[i]
            found[f"dice {key}"] = 2 * both[i] / total if total else np.nan
            found[f"jaccard {key}"] = both[i] / (total - both[i]) if total else np.nan
    return found


def score_objects(found: NDArray[np.int32], reference: NDArray[np.int32]) -> float:
    """Return the aggregated Jaccard index of numbered objects (Kumar et al. 2017, doi 10.1109/TMI.2017.2677499).

    Each true object is matched with the found one of the largest Jaccard index; what is matched with none adds to the
    union. A found object may serve twice, as in the paper's own code.
    """
    n, m = int(reference.max()), int(found.max())
    pairs = np.bincount((reference.astype(np.int64) * (m + 1) + found).ravel(), minlength=(n + 1) * (m + 1))
    pairs = pairs.reshape(n + 1, m + 1)
    true_size, found_size = pairs.sum(1)[1:], pairs.sum(0)[1:]
    both = pairs[1:, 1:]
    if not n or not m:
        return 1.0 if n == m else 0.0
    union = true_size[:, None] + found_size[None] - both
    best = (both / np.maximum(union, 1)).argmax(1)
    rows = np.arange(n)
    met = both[rows, best] > 0
    intersections = both[rows, best][met].sum()
    unions = union[rows, best][met].sum() + true_size[~met].sum()
    missed = np.setdiff1d(np.arange(m), best[met])
    return float(intersections / max(unions + found_size[missed].sum(), 1))


def summarise_segmentation_metrics(table: Table, groups: NDArray[np.intp]) -> dict[str, Any]:
    """Return n, the number of groups, and each figure's mean over the pictures with its 95 % interval over groups."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = [
        np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))]) for _ in range(RESAMPLES)
    ]
    metrics = {}
    for name, values in table.items():
        if np.isnan(values).all():
            continue
        means = np.array([_mean(values[chosen]) for chosen in drawn])
        low, high = np.nanquantile(means, [0.025, 0.975])
        metrics[name] = {"value": _mean(values), "low": float(low), "high": float(high)}
    return {"n": len(groups), "groups": len(members), "metrics": metrics}


def _mean(values: NDArray[np.float64]) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")
