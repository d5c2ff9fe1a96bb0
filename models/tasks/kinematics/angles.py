"""Joint angles and translations after Grood and Suntay, and where the condyles touch lowest on the tibial plateau.

Axes are the components' own: x to the patient's right, y anterior, z proximal, taken from the coordinate axes of the
two CAD files (`axes` says which) and stated with every result. Flexion turns about the femoral x, tibial rotation about
the tibial z, ab/adduction about the axis at right angles to both.

Reference: E. S. Grood and W. J. Suntay, J Biomech Eng 1983, doi 10.1115/1.3138397.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.geometry.mesh import Mesh
from models.tasks.kinematics.axes import Axes

Array = NDArray[np.float64]

COLUMNS = (
    "flexion_deg",
    "adduction_deg",
    "external_rotation_deg",
    "lateral_mm",
    "anterior_mm",
    "proximal_mm",
)
"""Of the tibia against the femur; adduction (varus) and external rotation positive."""
CONDYLE_MM = 8.0
"""Distance from the middle beyond which a point belongs to a condyle."""


def face_tibial_axes(femoral: Array, tibial: Array, axes: tuple[Axes, Axes]) -> Axes:
    """Return the tibial axes, turned by half about the proximal one where the toes would else point backwards.

    A tray without a notch does not say where its front is; a tibia turns by less than 90° against its femur.

    Parameters
    ----------
    femoral, tibial
        (T, 4, 4) poses.
    """
    known = np.isfinite(femoral).all((1, 2)) & np.isfinite(tibial).all((1, 2))
    rotation = compute_joint_angles(femoral[known], tibial[known], axes)[:, 2]
    if len(rotation) and np.median(np.abs(rotation)) > 90:
        return Axes(axes[1].component_from_axes * np.array([-1.0, -1.0, 1.0]), axes[1].told)
    return axes[1]


def compute_joint_angles(femoral: Array, tibial: Array, axes: tuple[Axes, Axes], side: str = "right") -> Array:
    """Return (T, 6) angles in degrees and translations in mm in the order of `COLUMNS`.

    Parameters
    ----------
    femoral, tibial
        (T, 4, 4) source_from_implant in mm; a row that is not finite gives one that is not.
    axes
        Of the femoral and of the tibial component.
    side
        Of the patient, "right" or "left": the sign of adduction, external rotation and lateral.
    """
    f = femoral[:, :3, :3] @ axes[0].component_from_axes  # (T, 3, 3), columns right, anterior, proximal
    t = tibial[:, :3, :3] @ axes[1].component_from_axes
    e1, e3 = f[:, :, 0], t[:, :, 2]
    e2 = np.cross(e3, e1)
    e2 = e2 / np.maximum(np.linalg.norm(e2, axis=1, keepdims=True), 1e-12)
    sign = 1.0 if side == "right" else -1.0
    flexion = np.arctan2(-_dot(f[:, :, 2], e2), _dot(f[:, :, 1], e2))
    adduction = sign * np.arcsin(np.clip(_dot(e1, e3), -1, 1))
    external = sign * np.arctan2(-_dot(t[:, :, 0], e2), _dot(t[:, :, 1], e2))
    apart = tibial[:, :3, 3] - femoral[:, :3, 3]
    angles = np.degrees(np.stack([flexion, adduction, external], 1))
    return np.concatenate([angles, np.stack([sign * _dot(apart, e1), _dot(apart, e2), _dot(apart, e3)], 1)], 1)


def _dot(a: Array, b: Array) -> Array:
    product: Array = np.einsum("ti,ti->t", a, b)
    return product


def propagate_joint_sigma(
    poses: tuple[Array, Array], covariance: Array, axes: tuple[Axes, Axes], centres_mm: tuple[Array, Array]
) -> Array:
    """Return (T, 6) one standard deviation of what `compute_joint_angles` returns, by its numerical derivatives.

    Parameters
    ----------
    covariance
        (T, 12, 12) of both components' shifts in mm and turns about the source's axes in degrees, femoral first.
    centres_mm
        (3,) of each component, in its own frame, about which it turns.
    """
    base = compute_joint_angles(*poses, axes)
    slopes = []
    for parameter in range(12):
        moved = [poses[0].copy(), poses[1].copy()]
        side, own = divmod(parameter, 6)
        unit = 0.1
        if own < 3:
            moved[side][:, own, 3] += unit
        else:
            turn = np.eye(3)
            i, j = (own - 2) % 3, (own - 1) % 3
            turn[j, i], turn[i, j] = np.radians(unit), -np.radians(unit)
            kept = moved[side][:, :3, :3] @ centres_mm[side]
            moved[side][:, :3, :3] = turn @ moved[side][:, :3, :3]
            moved[side][:, :3, 3] += kept - moved[side][:, :3, :3] @ centres_mm[side]
        change = compute_joint_angles(moved[0], moved[1], axes) - base
        change[:, :3] = (change[:, :3] + 180) % 360 - 180
        slopes.append(change / unit)
    slope = np.stack(slopes, 2)  # (T, 6, 12)
    sigma: Array = np.sqrt(np.maximum(np.einsum("tip,tpq,tiq->ti", slope, covariance, slope), 0))
    return sigma


def join_sigmas(femoral: Array, tibial: Array) -> Array:
    """Return the (T, 12, 12) covariance of two components that err apart, from (T, 6) standard deviations of each."""
    return np.asarray(np.einsum("ti,ij->tij", np.concatenate([femoral, tibial], 1) ** 2, np.eye(12)))


def score_joint_oddness(femoral: Array, tibial: Array, axes: tuple[Axes, Axes]) -> float:
    """Cost of a pair of poses that no knee takes: 0 up to 15° of ab/adduction and 25° of rotation, 4 at most.

    Front and back of a tray may be unknown, so a half turn about the tibial axis is not counted.
    """
    angle = compute_joint_angles(femoral[None], tibial[None], axes)[0]
    rotation = (angle[2] + 90) % 180 - 90
    excess = max(0.0, abs(angle[1]) - 15) + max(0.0, abs(rotation) - 25)
    return float(min((excess / 10) ** 2, 4.0))


def find_low_points(femoral_mesh: Mesh, femoral: Array, tibial: Array, axes: tuple[Axes, Axes]) -> Array:
    """Return (T, 2, 3) lowest point of the left and of the right condyle, in mm right, anterior, proximal on the tibia.

    Measured from the origin of the tibial file along the tibial axes, as S. A. Banks and W. A. Hodge, Clin Orthop 2004,
    report contacts; the mean of the points within 0.2 mm of the lowest.
    """
    across = femoral_mesh.vertices @ axes[0].component_from_axes[:, 0]
    found = np.full((len(femoral), 2, 3), np.nan)
    for number, (f, t) in enumerate(zip(femoral, tibial, strict=True)):
        if not (np.isfinite(f).all() and np.isfinite(t).all()):
            continue
        relative = np.linalg.inv(t) @ f
        points = (femoral_mesh.vertices @ relative[:3, :3].T + relative[:3, 3]) @ axes[1].component_from_axes
        for side, condyle in enumerate((across < -CONDYLE_MM, across > CONDYLE_MM)):
            if condyle.any():
                own = points[condyle]
                found[number, side] = own[own[:, 2] < own[:, 2].min() + 0.2].mean(0)
    return found
