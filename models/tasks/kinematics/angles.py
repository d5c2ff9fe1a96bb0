"""Joint angles and translations after Grood and Suntay, and where the condyles touch lowest on the tibial plateau.

Axes are the components' own: x to the patient's right, y anterior, z proximal, taken from the coordinate axes of the
two CAD files (`guess_femoral_axes`,
`guess_tibial_axes` say which) and stated with every result. Flexion turns about the femoral
x, tibial rotation about the tibial z, ab/adduction about the axis at right angles to both.

Reference: E. S. Grood and W. J. Suntay, J Biomech Eng 1983, doi 10.1115/1.3138397.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.geometry.mesh import Mesh

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


@dataclass(frozen=True, eq=False)
class Axes:
    """Anatomical directions in a component's file.

    Attributes
    ----------
    component_from_axes
        (3, 3) whose columns are right, anterior and proximal in the file's coordinates.
    """

    component_from_axes: Array

    def __str__(self) -> str:
        """Return such as "right +z, anterior -x, proximal +y"."""
        words = []
        for name, column in zip(("right", "anterior", "proximal"), self.component_from_axes.T, strict=True):
            axis = int(np.abs(column).argmax())
            words.append(f"{name} {'+' if column[axis] > 0 else '-'}{'xyz'[axis]}")
        return ", ".join(words)


def _axes(anterior: Array, proximal: Array) -> Axes:
    return Axes(np.stack([np.cross(anterior, proximal), anterior, proximal], 1))


def _unit(axis: int, sign: float) -> Array:
    vector = np.zeros(3)
    vector[axis] = 1.0 if sign >= 0 else -1.0
    return vector


def _symmetric_axis(mesh: Mesh) -> int:
    """Return the coordinate axis at right angles to the plane that halves the component best."""
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    off = np.abs(low + high) / (high - low)
    return int(np.argmin(np.round(off, 2) - 1e-3 * (high - low) / (high - low).max()))


def guess_femoral_axes(mesh: Mesh) -> Axes:
    """Guess a femoral component's axes: the flange is whole in the middle (anterior), the hollow opens proximally.

    The longer of the two sagittal extents is taken as anteroposterior.
    """
    side = _symmetric_axis(mesh)
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    others = sorted((axis for axis in range(3) if axis != side), key=lambda axis: high[axis] - low[axis])
    proximal, anterior = others
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    middle = corners.mean(1)
    average = (middle * area[:, None]).sum(0) / area.sum()
    near = np.abs(middle[:, side]) < 4
    mid = (middle[near] * area[near, None]).sum(0) / max(area[near].sum(), 1e-9) if near.any() else mesh.centre
    return _axes(
        _unit(anterior, mid[anterior] - average[anterior]),
        _unit(proximal, mesh.centre[proximal] - average[proximal]),
    )


def guess_tibial_axes(mesh: Mesh) -> Axes:
    """Guess a tibial component's axes: the tray is widest and proximal, its notch is posterior."""
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    side = int((high - low).argmax())
    best = max(
        ((axis, sign) for axis in range(3) if axis != side for sign in (1, -1)),
        key=lambda end: _width(mesh, side, *end) - _width(mesh, side, end[0], -end[1]),
    )
    proximal = best[0]
    anterior = 3 - side - proximal
    tray = mesh.vertices[_near_end(mesh, proximal, best[1], 4.0)]
    middle = tray[np.abs(tray[:, side]) < 4]
    gap = [middle[:, anterior].min() - tray[:, anterior].min(), tray[:, anterior].max() - middle[:, anterior].max()]
    return _axes(_unit(anterior, gap[0] - gap[1]), _unit(proximal, best[1]))


def _near_end(mesh: Mesh, axis: int, sign: int, depth_mm: float) -> NDArray[np.bool_]:
    along = mesh.vertices[:, axis] * sign
    return np.asarray(along > along.max() - depth_mm)


def _width(mesh: Mesh, side: int, axis: int, sign: int) -> float:
    end = mesh.vertices[_near_end(mesh, axis, sign, 4.0), side]
    return float(end.max() - end.min())


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
        return Axes(axes[1].component_from_axes * np.array([-1.0, -1.0, 1.0]))
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
