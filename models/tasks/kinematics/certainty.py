"""How far a pose may be off, and whether that is more than its user accepts.

The joint's least squares say what follows from the pictures' own noise. What they cannot know, what errs alike in all
frames of a study, is added: factors that were fitted on simulated studies of two designs (seeds 101, 102 and 104 of
`tests.benchmarks.kinematics_bench`), and floors on five (101, 102, 201 to 203). On three other studies (301 to 303) the
bands of 95 % hold 94 to 100 %, by axis (`docs/kinematics.md`). CAD and calibration are exact there; on the real
`kneel_right` bands do not hold the reference's depth.

Reference: on floors beside a factor, R. Birge, Physical Review 1932, doi 10.1103/PhysRev.40.207.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from models.types import AcceptanceLimits

Array = NDArray[np.float64]

FACTORS = (1.15, 1.45, 2.45)
"""On the standard deviations in the picture's plane, in depth, and of turns."""
FLOORS = (0.008, 0.2, 0.15)
"""Least standard deviations of the same, added in squares: mm, mm, degrees."""
DOUBTFUL = 0.05
"""Probability of an error beyond the limits from which a frame is flagged."""
KINDS = np.array([0, 0, 1, 2, 2, 2])
"""Of a component's six numbers: in plane, in plane, depth, turns."""


def widen_covariance(covariance: Array) -> Array:
    """Return (T, 12, 12) with what the least squares cannot know, in mm and degrees as `joint.Solved`."""
    kinds = np.tile(KINDS, 2)
    factor, floor = np.array(FACTORS)[kinds], np.array(FLOORS)[kinds]
    widened: Array = covariance * np.outer(factor, factor) + np.diag(floor**2)
    return widened


def split_sigmas(covariance: Array) -> tuple[Array, Array]:
    """Return (T, 6) standard deviations of the femoral and of the tibial component: shifts in mm, turns in degrees."""
    sigma = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0))
    return sigma[:, :6], sigma[:, 6:]


def judge_risk(sigma: Array, limits: AcceptanceLimits) -> Array:
    """Return (T,) the probability that a component's pose is off by more than the limits; not finite where unknown.

    Parameters
    ----------
    sigma
        (T, 6) standard deviations of x, y, z in mm and of three turns in degrees.
    """
    accepted = np.array([limits.plane_mm, limits.depth_mm, limits.turn_deg])[KINDS]
    within = np.prod(1 - 2 * norm.sf(accepted / np.maximum(sigma, 1e-9)), axis=1)
    risk: Array = 1 - within
    return risk
