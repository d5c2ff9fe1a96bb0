"""What one frame says about one component's pose: a quadratic about it, with the noise that its own contour shows.

Neighbouring residuals along a contour err together, for a mask is smooth and a neighbouring shadow moves a whole piece
of the edge; a thousand points are far fewer witnesses. So points are grouped by where they lie, how alike those of a
group err is measured, and each counts for less by the design effect 1 + (n − 1)·ρ of its group; besides, the whole
border may be drawn a little wide, in each frame anew.

Reference: L. Kish, Survey Sampling, 1965 (the design effect of clusters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CELL_SHARE = 0.15
"""Side of the squares within which residuals err together, as a share of the contour's larger side."""
LEAST_PX = 0.05
"""Error of a group of points, at least: no rendering is better."""
CUT_PX = 0.7
"""Residuals beyond it count less and less (Geman-McClure): five times what edges scatter by."""
CLEAN_PX = 0.15
"""Scatter of a study's edges where nothing disturbs them, at most (seeds 101 and 102 of `kinematics_bench`). Where they
scatter more, by another leg or by movement, poses err by more than that shows: by 1.6 stated deviations at 0.20 to 0.25
px, against 0.6 below 0.15 (seeds 101, 102, 104)."""
OWN_OFFSET_PX = 0.1
"""Standard deviation of a border that is drawn too wide or too narrow in one frame only."""
OFFSET_PX = 0.15
"""The same of the offset that all frames of a component share."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Half the squared error, in standard deviations, about a pose: x·hessian·x / 2 + gradient·x.

    Attributes
    ----------
    hessian, gradient
        (7, 7) and (7,) over a step of the pose (rotation about the source's axes in radians, shift in mm; `move_pose`)
        and an offset of the border in px.
    scatter_px
        Of the residuals, robust; not finite where there were none.
    """

    hessian: Array
    gradient: Array
    scatter_px: float

    @property
    def sigma(self) -> Array:
        """(6,) one standard deviation of x, y, z in mm and of turns about them in degrees, of this frame alone."""
        if not np.isfinite(self.scatter_px):
            return np.full(6, np.nan)
        known = self.hessian.copy()
        known[6, 6] += 1 / OFFSET_PX**2
        spread = np.sqrt(np.maximum(np.diag(np.linalg.pinv(known, hermitian=True))[:6], 0))
        return np.concatenate([spread[3:], np.degrees(spread[:3])])


NOTHING = Evidence(np.zeros((7, 7)), np.zeros(7), float("nan"))
"""Of a frame that shows too little."""


def weigh_evidence(residuals: Array, along: Array, pixels: Array, clean_px: float = np.inf) -> Evidence:
    """Return what residuals say.

    Parameters
    ----------
    residuals
        (N,) px that the rim lies outside of what is seen.
    along
        (N, 6) by which they grow with a step of the pose.
    pixels
        (N, 2) where they are, to group them.
    clean_px
        Scatter beyond which they count for less, as its square.
    """
    if len(residuals) < 12:
        return NOTHING
    weights = 1 / (1 + (residuals / CUT_PX) ** 2) ** 2
    scatter = float(np.sqrt(np.mean(residuals**2 / (1 + (residuals / CUT_PX) ** 2))))
    full = np.column_stack([along, np.ones(len(along))])
    cell_px = CELL_SHARE * float(np.ptp(pixels, axis=0).max())
    _, group = np.unique(np.floor(pixels / max(cell_px, 1.0)).astype(np.int64), axis=0, return_inverse=True)
    group = group.ravel()
    own, shared = _estimate_variances(residuals, full, weights, group)
    variance, alike = own + shared, shared / (own + shared)
    effect = 1 + (np.bincount(group, weights) - 1).clip(0) * alike
    weights = weights / (variance * effect[group] * max(1.0, scatter / clean_px) ** 2)
    hessian, gradient = (full * weights[:, None]).T @ full, full.T @ (weights * residuals)
    return _forget_own_offset(hessian, gradient, scatter)


def _estimate_variances(residuals: Array, full: Array, weights: Array, group: NDArray[np.int64]) -> tuple[float, float]:
    """Return the variance of a point about its group and of the groups, px², after the best step is taken out."""
    root = np.sqrt(weights)
    left = residuals - full @ np.linalg.lstsq(full * root[:, None], residuals * root, rcond=1e-6)[0]
    size = np.maximum(np.bincount(group, weights), 1e-9)
    means = np.bincount(group, weights * left) / size
    own = max(float((weights * (left - means[group]) ** 2).sum() / max(weights.sum() - len(size), 1)), LEAST_PX**2)
    many = size >= 5
    if many.sum() < 8:
        return own, own
    taken = 7 / many.sum()  # the step's seven numbers take up part of the spread between groups
    between = float(np.mean(means[many] ** 2)) / max(1 - taken, 0.2) - float(np.mean(own / size[many]))
    return own, max(between, LEAST_PX**2)


def _forget_own_offset(hessian: Array, gradient: Array, scatter_px: float) -> Evidence:
    """Return the same where the frame's own border may be off too, whatever that is."""
    pivot = hessian[6, 6] + 1 / OWN_OFFSET_PX**2
    column = hessian[:, 6]
    return Evidence(hessian - np.outer(column, column) / pivot, gradient - column * (gradient[6] / pivot), scatter_px)


def add_evidence(parts: Sequence[tuple[Evidence, Array]]) -> Evidence:
    """Return what several views of one instant say together.

    Each view's border has an offset of its own: it is taken as unknown within `OFFSET_PX`, so that none is left.

    Parameters
    ----------
    parts
        Evidence of each view about the same pose, and the (6, 6) step in its axes from the same step in the sum's.
    """
    known = [(evidence, turn) for evidence, turn in parts if np.isfinite(evidence.scatter_px)]
    if not known:
        return NOTHING
    hessian, gradient = np.zeros((7, 7)), np.zeros(7)
    for evidence, turn in known:
        column, pivot = evidence.hessian[:6, 6], evidence.hessian[6, 6] + 1 / OFFSET_PX**2
        hessian[:6, :6] += turn.T @ (evidence.hessian[:6, :6] - np.outer(column, column) / pivot) @ turn
        gradient[:6] += turn.T @ (evidence.gradient[:6] - column * evidence.gradient[6] / pivot)
    scatter = float(np.sqrt(np.mean([evidence.scatter_px**2 for evidence, _ in known])))
    return Evidence(hessian, gradient, scatter)
