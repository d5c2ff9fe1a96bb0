"""A first pose from points: where a network saw flange, condyles, pegs, corners and keel, and where the CAD has them.

Of a pair a picture tells which point is further left, not which is on the component's left, so both are tried: they are
the two mirror poses of a component that is alike on both sides. From each way round, every quarter turn is a start, and
the best few are refined by least squares on the distances in the picture, each in units of the circle that the network
gives it, with a loss that lets single points be wrong.

Reference: R. Hartley and A. Zisserman, Multiple View Geometry, 2004, section 7.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from models.errors import ModelError
from models.geometry.camera import Camera
from models.geometry.implant_points import FEMORAL_POINTS, TIBIAL_POINTS, find_femoral_points, find_tibial_points
from models.geometry.mesh import Mesh
from models.geometry.render import place_points
from models.tasks.kinematics.axes import guess_femoral_axes, guess_tibial_axes
from models.types import Landmarks, Prediction

Array = NDArray[np.float64]

CARD = "tka-landmarks"
"""That sees the points."""
FEWEST = 5
"""Points with which a pose is looked for."""
REFINED = 3
"""Starts that are refined to the end, of each way round."""
FIRST_STEPS, LAST_STEPS = 5, 50
"""Evaluations of least squares, of every start and of those that are refined."""
LEAST_PX = 1.0
"""No point is trusted more than to so many pixels."""


Place = Callable[[], Prediction]
"""Places the points on a frame."""


def propose_frame_poses(place: Place | None, mesh: Mesh, index: int, camera: Camera) -> Sequence[Array]:
    """Return what `propose_point_poses` makes of a frame; nothing where no network places points.

    A frame's first pose does not hang on them, so a network that cannot be loaded is passed over.
    """
    try:
        seen = place() if place else None
    except ModelError:
        return ()
    return propose_point_poses(seen, mesh, index, camera) if isinstance(seen, Landmarks) else ()


def propose_point_poses(seen: Landmarks, mesh: Mesh, index: int, camera: Camera) -> list[Array]:
    """Return the poses of a component that agree best with the points of a frame, one for each way round.

    Parameters
    ----------
    index
        0 for the femoral component, 1 for the tibial.
    camera
        Of the whole frame.

    Returns
    -------
    list
        (4, 4) source_from_implant, the better first; empty where the card abstained or too few points are known.
    """
    names = (FEMORAL_POINTS, TIBIAL_POINTS)[index]
    if seen.abstained or not set(names) <= set(seen.names):
        return []
    points_mm = find_component_points(mesh, index)
    there = np.isfinite(points_mm).all(1)
    if there.sum() < FEWEST:
        return []
    at = np.array([seen.names.index(name) for name in names])
    pixels = seen.points[at].astype(float)
    radius = np.where(np.isfinite(seen.radius_px[at]), seen.radius_px[at], np.nanmedian(seen.radius_px[at]))
    width = np.maximum(np.nan_to_num(radius, nan=LEAST_PX), LEAST_PX)[there]
    found = []
    for way in (names, _swap_pairs(names)):
        order = [names.index(name) for name in way]
        found.append(solve_pose(points_mm[there], pixels[order][there], width, camera))
    return [pose for _, pose in sorted(found, key=lambda one: one[0])]


def find_component_points(mesh: Mesh, index: int) -> Array:
    """Return the points of a femoral (0) or tibial (1) component in its file's frame; nan for what it does not have."""
    if index == 0:
        return find_femoral_points(mesh, guess_femoral_axes(mesh).component_from_axes)
    return find_tibial_points(mesh, guess_tibial_axes(mesh).component_from_axes)


def _swap_pairs(names: Sequence[str]) -> list[str]:
    """Return the names, of every pair the other first."""
    other = {"0": "1", "1": "0"}
    return [swapped if (swapped := name[:-1] + other[name[-1]]) in names else name for name in names]


def solve_pose(points_mm: Array, pixels: Array, width_px: Array, camera: Camera) -> tuple[float, Array]:
    """Return the pose under which known points are seen where they are seen, and its cost.

    Parameters
    ----------
    points_mm, pixels, width_px
        (N, 3) in the component's frame, (N, 2) column and row, and (N,) how far off each may be.
    """
    middle = points_mm.mean(0)
    spread_mm = float(np.linalg.norm(points_mm - middle, axis=1).mean())
    spread_px = float(np.linalg.norm(pixels - pixels.mean(0), axis=1).mean())
    away = camera.focal_px[0] * spread_mm * np.sqrt(2 / 3) / max(spread_px, 1e-6)  # seen from any side, on average
    ray = camera.ray(*pixels.mean(0))
    place = ray / -ray[2] * away

    def move(step: Array, start: Array) -> Array:
        turned = Rotation.from_rotvec(step[:3]).as_matrix() @ start
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turned, place + step[3:] * away * 0.1 - turned @ middle
        return pose

    def off(step: Array, start: Array) -> Array:
        apart = camera.project(place_points(points_mm, move(step, start))) - pixels
        return (apart / width_px[:, None]).ravel()

    def fit(step: Array, start: Array, steps: int) -> tuple[float, Array, Array]:
        found = least_squares(off, step, args=(start,), loss="soft_l1", max_nfev=steps)
        return float(found.cost), found.x, start

    rough = [fit(np.zeros(6), start, FIRST_STEPS) for start in Rotation.create_group("O").as_matrix()]
    best = min(
        (fit(step, start, LAST_STEPS) for _, step, start in sorted(rough, key=lambda one: one[0])[:REFINED]),
        key=lambda one: one[0],
    )
    return best[0], move(best[1], best[2])
