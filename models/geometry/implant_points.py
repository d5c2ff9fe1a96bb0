"""Named points of a knee implant, found on any CAD by its geometry: flange, condyles, pegs, tray corners, keel.

Whatever made the CAD, these are where a component ends in a direction of its own axes, so that they can be projected
into a picture with a known pose, and a pose be found from them where they are seen in a picture. A pair lies left and
right of the component's middle; which of the two is medial a single film does not tell.

Reference: R. Hartley and A. Zisserman, Multiple View Geometry, 2004, section 7.1, for a pose from points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from models.geometry.mesh import Mesh

Array = NDArray[np.float64]

FEMORAL_POINTS = (
    "femur_flange_0",
    "femur_tip_0", "femur_tip_1",
    "femur_posterior_0", "femur_posterior_1",
    "femur_distal_0", "femur_distal_1",
    "femur_peg_0", "femur_peg_1",
)  # fmt: skip
"""Of a femoral component; of a pair, 0 is the one on the component's left (−x) where points are in mm."""
TIBIAL_POINTS = (
    "tibia_front_0",
    "tibia_anterior_0", "tibia_anterior_1",
    "tibia_posterior_0", "tibia_posterior_1",
    "tibia_keel_0",
)  # fmt: skip
"""Of a tibial component, likewise."""
POINTS = (*FEMORAL_POINTS, *TIBIAL_POINTS)

MIDDLE_MM = 8.0
"""From the middle plane within which a point is of the middle, and beyond which of a side."""
NEAR_MM = 0.6
"""Vertices so near the last one in a direction are that end; the point is their mean."""
PEG_MM, PEG_OFF_MM = 4.0, 11.0
"""A peg stands at least so far out of what lies around it, and so far from the middle plane: a stem is none."""


def find_femoral_points(mesh: Mesh, component_from_axes: Array) -> Array:
    """Return the points of a femoral component in its file's frame, in the order of `FEMORAL_POINTS`.

    Parameters
    ----------
    component_from_axes
        (3, 3) whose columns are right, anterior and proximal in the file's coordinates.

    Returns
    -------
    ndarray
        (9, 3) in mm; nan for a point that the component does not have.
    """
    v = mesh.vertices @ component_from_axes
    front = v[(np.abs(v[:, 0]) < MIDDLE_MM) & (v[:, 1] > v[:, 1].max() - 14)]
    found = [_find_end(front, (0, 0, 1))]
    sides = [v[v[:, 0] < -MIDDLE_MM], v[v[:, 0] > MIDDLE_MM]]
    found += [_find_end(_keep(side, lambda s: s[:, 1] < s[:, 1].min() + 9), (0, 0, 1)) for side in sides]
    found += [_find_end(side, (0, -1, 0)) for side in sides]
    found += [_find_end(side, (0, 0, -1)) for side in sides]
    found += [_find_peg(v[v[:, 0] * sign > PEG_OFF_MM]) for sign in (-1, 1)]
    return np.array(found) @ component_from_axes.T


def find_tibial_points(mesh: Mesh, component_from_axes: Array) -> Array:
    """Return the points of a tibial component likewise: (6, 3) in mm, in the order of `TIBIAL_POINTS`."""
    v = mesh.vertices @ component_from_axes
    wide = v[np.abs(v[:, 0]) > 0.6 * np.abs(v[:, 0]).max()]
    top = wide[:, 2].max()  # not of a post in the middle
    tray = v[(v[:, 2] > top - 1.2) & (v[:, 2] < top + 0.1)]
    found = [_find_end(_keep(tray, lambda s: np.abs(s[:, 0]) < MIDDLE_MM), (0, 1, 0))]
    for forwards in (0.77, -0.77):
        found += [_find_end(_keep(tray, lambda s, x=x: s[:, 0] * x > 0), (x, forwards, 0)) for x in (-0.64, 0.64)]  # type: ignore[misc]
    low = v[v[:, 2] < v[:, 2].min() + 1.0]
    keel = np.full(3, np.nan) if np.abs(low[:, 0]).max() > 1.5 * MIDDLE_MM or low[0, 2] > top - 12 else low.mean(0)
    return np.array([*found, keel]) @ component_from_axes.T


def find_implant_points(meshes: Iterable[tuple[Mesh, Array] | None]) -> Array:
    """Return the points of both components, each in its own file's frame, in the order of `POINTS`: (15, 3) in mm.

    Parameters
    ----------
    meshes
        Femoral and tibial component, each with its axes; all points of one that is None are nan.
    """
    finders = (find_femoral_points, FEMORAL_POINTS), (find_tibial_points, TIBIAL_POINTS)
    parts = [
        np.full((len(names), 3), np.nan) if part is None else find(*part)
        for part, (find, names) in zip(meshes, finders, strict=True)
    ]
    return np.concatenate(parts)


def _keep(points: Array, which: Callable[[Array], NDArray[np.bool_]]) -> Array:
    return points[which(points)] if len(points) else points


def _find_end(points: Array, direction: tuple[float, float, float]) -> Array:
    """Return where points end in a direction: the mean of those near the last; nan where there are none."""
    if not len(points):
        return np.full(3, np.nan)
    along = points @ np.array(direction)
    end: Array = points[along > along.max() - NEAR_MM].mean(0)
    return end


def _find_peg(side: Array) -> Array:
    """Return the tip of the peg that stands on the inner face between flange and posterior condyle; nan without one."""
    if not len(side):
        return np.full(3, np.nan)
    low, high = side[:, 1].min(), side[:, 1].max()
    deep = side[(side[:, 1] > low + 0.25 * (high - low)) & (side[:, 1] < low + 0.72 * (high - low))]
    if len(deep) < 20:
        return np.full(3, np.nan)
    tip = _find_end(deep, (0, 0, 1))
    around = deep[(np.hypot(*(deep - tip)[:, :2].T) > 7) & (np.hypot(*(deep - tip)[:, :2].T) < 13)]
    if not len(around) or tip[2] - np.quantile(around[:, 2], 0.95) < PEG_MM:
        return np.full(3, np.nan)
    return tip
