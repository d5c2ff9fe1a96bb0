"""How far points and what is measured with them are from their reference, with 95 % intervals over patients.

Intervals are by a bootstrap (Efron and Tibshirani 1993, ch. 13); agreement of lengths is the intraclass correlation of
single measurements (Shrout and Fleiss 1979, doi 10.1037/0033-2909.86.2.420, form 2,1: absolute agreement).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards.tables import Locating
from models.tasks.landmarks.measures import measure_knee
from models.types import Landmarks

RESAMPLES = 1000
COVERAGE = 0.9
WITHIN_MM, WITHIN_PX, WITHIN_SHARE = 4.0, 10.0, 0.02
SPACES = ("minimum_space", "minimum_space_left", "minimum_space_right")
"""Measures that are compared with those of the reference points."""

Values = NDArray[np.float64]
Chosen = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Compared:
    """N pictures with reference points and those of a network.

    Attributes
    ----------
    error_mm
        (N, K) distance between them.
    inside
        (N, K) whether the true place is in the circle.
    spaces
        Key of a measure → (N, 2) mm, by the reference points and by the network's.
    """

    error_mm: Values
    inside: NDArray[np.bool_]
    spaces: Mapping[str, Values]


def compare_landmarks(
    found: Sequence[Landmarks], reference: NDArray[np.float32], mm_per_px: NDArray[np.float32]
) -> Compared:
    """Compare answers with reference points.

    Parameters
    ----------
    reference, mm_per_px
        (N, K, 2) x, y in source pixels, and (N,) scale of each picture.
    """
    points = np.stack([one.points for one in found])
    error = np.linalg.norm(points - reference, axis=-1).astype(float)
    spaces: dict[str, list[tuple[float, float]]] = {key: [] for key in SPACES}
    for one, true, scale in zip(found, reference, mm_per_px, strict=True):
        known = measure_spaces(one, true, float(scale))
        ours = measure_spaces(one, one.points, float(scale))
        for key in SPACES:
            spaces[key].append((known[key], ours[key]))
    return Compared(
        error * mm_per_px[:, None],
        error <= np.stack([one.radius_px for one in found]),
        {key: np.array(pairs) for key, pairs in spaces.items()},
    )


def measure_spaces(answer: Landmarks, points: NDArray[np.float32], mm_per_px: float) -> dict[str, float]:
    """Return every measure of some points of an answer's kind, by key."""
    other = Landmarks(
        task=answer.task, card=answer.card, sha256="", seconds=0, names=answer.names, points=points,
        radius_px=answer.radius_px,
    )  # fmt: skip
    return {one.key: one.value for one in measure_knee(other, (mm_per_px, mm_per_px))}


AT_PX = 1024
"""Side of the picture in whose pixels errors of points of implants are told, whatever the picture's own."""


def list_point_metrics(error: Values, names: Sequence[str], inside: Values) -> Mapping[str, Callable[[Chosen], float]]:
    """Return the figures of points in which nothing is measured, by name, each of some of the pictures.

    Parameters
    ----------
    error, inside
        (N, K) distance from the true place in pixels of a picture of `AT_PX`, and whether that lies in the circle; nan
        where there is no such point.
    """

    def median(columns: list[int], some: Chosen) -> float:
        return float(np.nanmedian(error[some][:, columns]))

    groups = {
        "median point error": list(range(len(names))),
        "median point error, femoral": [i for i, name in enumerate(names) if name.startswith("femur")],
        "median point error, tibial": [i for i, name in enumerate(names) if name.startswith("tibia")],
    }
    found: dict[str, Callable[[Chosen], float]] = {
        f"{name} px at {AT_PX}": partial(median, columns) for name, columns in groups.items()
    }
    return found | {
        f"points within {WITHIN_PX:g} px at {AT_PX}": lambda some: _share(error[some] <= WITHIN_PX, error[some]),
        "90 % radii cover": lambda some: _share(inside[some] > 0, error[some]),
    }


def list_share_metrics(share: Values, inside: Values, error_mm: Values) -> Mapping[str, Callable[[Chosen], float]]:
    """Return the figures of points of pictures of any kind and size, by name, each of some of the pictures.

    Parameters
    ----------
    share, inside
        (N, K) distance from the true place as a share of the picture's longer side, and whether that place lies in the
        circle; nan where there is no such point.
    error_mm
        (N, K) the same distance; used where it is known of every picture.
    """
    found: dict[str, Callable[[Chosen], float]] = {
        "median point error, of the longer side": lambda some: float(np.nanmedian(share[some])),
        f"points within {WITHIN_SHARE:.0%} of the longer side": lambda some: _share(
            share[some] <= WITHIN_SHARE, share[some]
        ),
        "90 % radii cover": lambda some: _share(inside[some] > 0, inside[some]),
    }
    if (np.isfinite(error_mm) == np.isfinite(share)).all():
        found["median point error mm"] = lambda some: float(np.nanmedian(error_mm[some]))
    return found


def _share(right: NDArray[np.bool_], known: Values) -> float:
    """Return the share of what is right among what is known."""
    return float(right[np.isfinite(known)].mean())


def list_metrics(compared: Compared) -> Mapping[str, Callable[[Chosen], float]]:
    """Return the figures by name, each of some of the pictures."""
    found: dict[str, Callable[[Chosen], float]] = {
        "median point error mm": lambda some: float(np.median(compared.error_mm[some])),
        "points within 4 mm": lambda some: float((compared.error_mm[some] <= WITHIN_MM).mean()),
        "90 % radii cover": lambda some: float(compared.inside[some].mean()),
    }
    names = {"minimum_space": "minimum joint space", "both": "minimum joint space of each half"}
    halves = np.stack([compared.spaces[key] for key in SPACES[1:]], 1)  # (N, 2, 2)
    for key, pairs in (("minimum_space", compared.spaces["minimum_space"][:, None]), ("both", halves)):
        name = names[key]
        found |= {
            f"{name} MAE mm": partial(_measure_mae, pairs),
            f"{name} bias mm": partial(_measure_bias, pairs),
            f"{name} ICC": partial(_measure_icc, pairs),
        }
    return found


def _measure_mae(pairs: Values, some: Chosen) -> float:
    return float(np.abs(np.diff(pairs[some])).mean())


def _measure_bias(pairs: Values, some: Chosen) -> float:
    return float(np.diff(pairs[some]).mean())


def _measure_icc(pairs: Values, some: Chosen) -> float:
    return compute_icc(pairs[some].reshape(-1, 2))


def compute_icc(pairs: Values) -> float:
    """Return the intraclass correlation ICC(2,1) of N targets by two raters, (N, 2); nan where all are equal."""
    n, k = pairs.shape
    mean = pairs.mean()
    rows = k * ((pairs.mean(1) - mean) ** 2).sum() / (n - 1)
    columns = n * ((pairs.mean(0) - mean) ** 2).sum() / (k - 1)
    rest = ((pairs - pairs.mean(1, keepdims=True) - pairs.mean(0) + mean) ** 2).sum() / ((n - 1) * (k - 1))
    whole = rows + (k - 1) * rest + k * (columns - rest) / n
    return float((rows - rest) / whole) if whole else float("nan")


def summarise(metrics: Mapping[str, Callable[[Chosen], float]], patients: Sequence[str]) -> dict[str, Any]:
    """Return n, the number of patients, and each figure with its 95 % interval over patients."""
    rng, groups = np.random.default_rng(0), np.unique(patients, return_inverse=True)[1]
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    drawn = [
        np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))]) for _ in range(RESAMPLES)
    ]
    found = {}
    for name, measure in metrics.items():
        value = measure(np.arange(len(groups)))
        if np.isnan(value):
            continue
        low, high = np.nanquantile([measure(some) for some in drawn], [0.025, 0.975])
        found[name] = {"value": value, "low": float(low), "high": float(high)}
    return {"n": len(groups), "groups": len(members), "metrics": found}


def calibrate_radii(error_px: Values, spread_px: Values) -> Locating:
    """Return the factors of the circles that hold `COVERAGE` of held-out true places.

    The score of a place is its error by the width of its heatmap, compared with the median of that of its point. One
    quantile of the scores of all points of all pictures then holds for a point of any name: the promise is of the mean
    over points, and since those of one picture are alike, it is kept less exactly than by as many single pictures.

    Parameters
    ----------
    error_px, spread_px
        (N, K) in the same pixels, of pictures that trained nothing.
    """
    ratio = error_px / spread_px  # nan where there is no such point
    usual = np.nanmedian(ratio, axis=0)
    scores = np.sort((ratio / usual)[np.isfinite(ratio)])
    quantile = scores[min(ceil((len(scores) + 1) * COVERAGE), len(scores)) - 1]
    return Locating(coverage=COVERAGE, factors=tuple(float(one) for one in usual * quantile), n=len(ratio))


def hold_by_other_folds(error_px: Values, spread_px: Values, fold: NDArray[np.intp]) -> Values:
    """Return whether each true place lies in a circle whose factor comes from the other folds: 1, 0 or nan, (N, K).

    nan where there is no such point, in the picture or in any of the other folds.

    Parameters
    ----------
    error_px, spread_px, fold
        (N, K) as `calibrate_radii` takes them, and the fold (N,) of each picture.
    """
    inside = np.full_like(error_px, np.nan)
    for part in np.unique(fold):
        out, others = fold == part, fold != part
        known = np.isfinite(error_px[others]).any(0)
        factors = np.full(error_px.shape[1], np.nan)
        factors[known] = calibrate_radii(error_px[others][:, known], spread_px[others][:, known]).factors
        radius = spread_px[out] * factors
        measured = np.isfinite(error_px[out]) & np.isfinite(radius)
        inside[out] = np.where(measured, error_px[out] <= radius, np.nan)
    return inside
