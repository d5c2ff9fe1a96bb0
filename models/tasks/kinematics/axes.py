"""Which ways of a component's file are right, anterior and proximal, as its shape tells them, or as its reader says.

A STL file names no direction. A femoral component is its own mirror image from side to side, but for a few millimetres;
in the condyles its hollow is deep from above and from nowhere else; and between the condyles it reaches to its front
but not to its back. A tray is a flat plate, wider than deep, with more below it than above; its notch is posterior.
Neither the file's origin nor what stands on the component (stem, box, augments) is asked. Where these signs are weak,
as in a component for one compartment, `Axes.told` says so, and nothing is measured before somebody says the ways.

Reference: ISO 7207-1 for the parts of components.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from models.errors import InputError
from models.geometry.mesh import Mesh
from models.words import later

Array = NDArray[np.float64]

WAYS = ("+x", "-x", "+y", "-y", "+z", "-z")
"""Of a file, as a reader names them."""
POINTS = 4000
"""Of a surface, by which it is judged."""
FAR_MM = 10.0
"""A point without a counterpart counts as so far, however far it is."""
MIRRORED = 0.85
"""Distance from the mirror image of a side-to-side reflection over that of the next best, at most."""
CONDYLES = (0.5, 0.85)
"""Where condyles are, clear of stem and box, as shares of the half width."""
MIDDLE_MM = 4.0
"""Half the width of what is between the condyles, and of a tray's notch."""
DEEPER = 1.6
"""By how many times a hollow is deeper from above than from any other way, at least."""
NOTCH_MM = 2.0
"""By how much less the middle reaches to the back than to the front, at least."""
PLATE_MM = 6.0
"""About a tray's flat face, what belongs to the plate."""
WHOLE_TRAY_MM = 37.0
"""From front to back of a tray for both compartments, at least; those for one are narrower from side to side."""
WIDER = 1.15
"""Width of a tray over its depth, at least."""
FLAT = 0.95
"""Cosine to a direction from which a triangle faces it."""


@dataclass(frozen=True, eq=False)
class Axes:
    """Anatomical directions in a component's file.

    Attributes
    ----------
    component_from_axes
        (3, 3) whose columns are right, anterior and proximal in the file's coordinates.
    told
        Whether the component's shape tells them, or somebody did.
    """

    component_from_axes: Array
    told: bool = True

    def __str__(self) -> str:
        """Return such as "right +z, anterior -x, proximal +y"."""
        words = []
        for name, column in zip(("right", "anterior", "proximal"), self.component_from_axes.T, strict=True):
            axis = int(np.abs(column).argmax())
            words.append(f"{name} {'+' if column[axis] > 0 else '-'}{'xyz'[axis]}")
        return ", ".join(words)


def state_axes(anterior: str, proximal: str) -> Array:
    """Return (3, 3) right, anterior and proximal of two ways, each one of `WAYS`.

    Raises
    ------
    InputError
        Where they are no ways, or not at right angles.
    """
    fix = later("Give two of {ways} that are at right angles, anterior first, such as +y+z.", ways=", ".join(WAYS))
    if anterior not in WAYS or proximal not in WAYS or anterior[1] == proximal[1]:
        raise InputError(later("is not anterior and proximal"), fix=fix, file=f"{anterior}{proximal}")
    return _axes(*(_unit("xyz".index(way[1]), 1.0 if way[0] == "+" else -1.0) for way in (anterior, proximal)))


def read_axes(text: str) -> Array:
    """Return (3, 3) of such as "+y+z", anterior first; raises as `state_axes`."""
    ways = re.findall(r"[+-][xyz]", text.lower())
    return state_axes(*ways) if "".join(ways) == text.lower() and len(ways) == 2 else state_axes(text, "")


def check_axes(meshes: tuple[Mesh, Mesh], names: Sequence[str]) -> None:
    """Raise an InputError that names the first component, femoral or tibial, whose axes nothing tells."""
    for name, axes in zip(names, (guess_femoral_axes(meshes[0]), guess_tibial_axes(meshes[1])), strict=True):
        if not axes.told:
            problem = later("its shape does not tell which ways are anterior and proximal")
            fix = later("Say which ways of its STL file they are: --femoral-axes or --tibial-axes, such as +y+z.")
            raise InputError(problem, fix=fix, file=name)


@lru_cache(maxsize=16)
def guess_femoral_axes(mesh: Mesh) -> Axes:
    """Return a femoral component's axes: those stated with it, else as its shape tells them."""
    if mesh.stated_axes is not None:
        return Axes(mesh.stated_axes)
    points, middle = _sample(mesh), mesh.centre
    apart = [_compare_with_mirror_image(points, axis, middle) for axis in range(3)]
    side = int(np.argmin(apart))
    across = np.abs(points[:, side] - middle[side])
    half = np.ptp(mesh.vertices[:, side]) / 2
    condyles = points[(across > CONDYLES[0] * half) & (across < CONDYLES[1] * half)]
    others = [axis for axis in range(3) if axis != side]
    depths = {(axis, sign): _depth_from(condyles, others, axis, sign) for axis in others for sign in (1.0, -1.0)}
    way = max(depths, key=lambda way: depths[way])
    least, proximal = sorted(depths.values())[-2], _unit(*way)
    anterior = 3 - side - way[0]
    reach, whole = points[across < MIDDLE_MM, anterior], points[:, anterior]
    if not len(reach):
        return Axes(_axes(_unit(anterior, 1.0), proximal), told=False)
    gap = (np.percentile(reach, 1) - whole.min()) - (whole.max() - np.percentile(reach, 99))
    told = min(apart) < MIRRORED * sorted(apart)[1] and depths[way] > DEEPER * least and abs(gap) > NOTCH_MM
    return Axes(_axes(_unit(anterior, gap), proximal), bool(told))


@lru_cache(maxsize=16)
def guess_tibial_axes(mesh: Mesh) -> Axes:
    """Return a tibial component's axes: those stated with it, else as its shape tells them.

    What is anterior in a tray without a notch, `angles.face_tibial_axes` finds from the motion.
    """
    if mesh.stated_axes is not None:
        return Axes(mesh.stated_axes)
    ends = {(axis, sign): _find_flat_face(mesh, axis, sign) for axis in range(3) for sign in (1.0, -1.0)}
    axis, sign = max(ends, key=lambda end: ends[end][1])
    level = ends[axis, sign][0]
    low, high = mesh.vertices[:, axis].min(), mesh.vertices[:, axis].max()
    points = _sample(mesh)
    plate = points[np.abs(points[:, axis] - level) < PLATE_MM]
    wide, deep = sorted((other for other in range(3) if other != axis), key=lambda other: -np.ptp(plate[:, other]))
    middle = (plate[:, wide].min() + plate[:, wide].max()) / 2
    notch, whole = plate[np.abs(plate[:, wide] - middle) < MIDDLE_MM, deep], plate[:, deep]
    gap = (notch.min() - whole.min()) - (whole.max() - notch.max()) if len(notch) else 0.0
    width, depth = np.ptp(plate[:, wide]), np.ptp(plate[:, deep])
    told = depth > WHOLE_TRAY_MM and width > WIDER * depth
    return Axes(_axes(_unit(deep, gap), _unit(axis, (level - low) - (high - level))), bool(told))


def _axes(anterior: Array, proximal: Array) -> Array:
    return np.stack([np.cross(anterior, proximal), anterior, proximal], 1)


def _unit(axis: int, sign: float) -> Array:
    vector = np.zeros(3)
    vector[axis] = 1.0 if sign >= 0 else -1.0
    return vector


def _sample(mesh: Mesh) -> Array:
    """Return (N, 3) points spread evenly over the surface, whatever its triangles are; always the same."""
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    toss = np.random.default_rng(0)
    face = toss.choice(len(area), POINTS, p=area / area.sum())
    weights = toss.dirichlet((1.0, 1.0, 1.0), POINTS)
    points: Array = np.einsum("nij,ni->nj", corners[face], weights)
    return points


def _compare_with_mirror_image(points: Array, axis: int, middle: Array) -> float:
    """Return the mean distance, in mm, of a surface from its reflection in the plane through its middle."""
    reflected = points.copy()
    reflected[:, axis] = 2 * middle[axis] - reflected[:, axis]
    return float(np.minimum(cKDTree(points).query(reflected)[0], FAR_MM).mean())


def _depth_from(points: Array, others: Sequence[int], axis: int, sign: float) -> float:
    """Return how deep, in mm, one typically sees into a sagittal slice from a way, in steps of 2 mm across it."""
    height = points[:, axis] * sign
    across = points[:, others[0] + others[1] - axis]
    step = np.floor((across - across.min()) / 2).astype(np.int64)
    top = np.full(step.max() + 1, -np.inf)
    np.maximum.at(top, step, height)
    return float(np.percentile(height.max() - top[np.isfinite(top)], 45))


def _find_flat_face(mesh: Mesh, axis: int, sign: float) -> tuple[float, float]:
    """Return where, in mm along an axis, the largest flat face looks its way, and its area in mm²."""
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    flat = mesh.normals[:, axis] * sign > FLAT
    if not flat.any():
        return 0.0, 0.0
    height = corners[flat, :, axis].mean(1)
    step = np.floor(height - height.min()).astype(np.int64)
    areas = np.convolve(np.bincount(step, area[flat]), [1.0, 1.0])
    at = int(areas.argmax())
    return float(height.min() + at), float(areas[at])
