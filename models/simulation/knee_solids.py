"""Implicit solids: fields over a grid in millimetres, negative inside, joined, cut, and meshed as closed surfaces.

What is joined takes the smaller value, what is cut away the larger. Frames: x to the right, y anterior, z proximal.
Reference: A. Ricci, A constructive geometry for computer graphics, The Computer Journal 1973.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from models.geometry.mesh import Mesh

Array = NDArray[np.float64]
Axes = tuple[Array, Array, Array]

GRID_MM = 1.25
"""Spacing of the grid on which the solids are meshed."""
MARGIN_MM = 3.0
"""Of empty grid around a solid, so that its surface is closed."""


def lay_rod(x: Array, y: Array, z: Array, ends: tuple[float, float], radius: Array | float) -> Array:
    """Return the field of a rod along z between two ends; x and y are measured from its axis."""
    field: Array = np.maximum(np.hypot(x, y) - radius, np.abs(z - sum(ends) / 2) - (ends[1] - ends[0]) / 2)
    return field


def unite(*solids: Array) -> Array:
    """Return all of several solids."""
    return reduce(np.minimum, solids)


def cut(solid: Array, kept: Array) -> Array:
    """Return a solid where another field is negative too."""
    return np.maximum(solid, kept)


def lay_grid(low: tuple[float, float, float], high: tuple[float, float, float]) -> Axes:
    """Return x, y and z over a grid with some room around a box, in mm."""
    sides = (np.arange(a - MARGIN_MM, b + MARGIN_MM + GRID_MM, GRID_MM) for a, b in zip(low, high, strict=True))
    x, y, z = np.meshgrid(*sides, indexing="ij")
    return x, y, z


def mesh_solid(solid: Array, axes: Axes) -> Mesh:
    """Mesh where the solid is negative; the largest piece, wound outwards."""
    import trimesh
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(solid, 0.0, spacing=(GRID_MM,) * 3, allow_degenerate=False)
    whole = trimesh.Trimesh(vertices, faces, process=True)
    piece = max(whole.split(only_watertight=True), key=lambda part: abs(part.volume))
    if piece.volume < 0:
        piece.invert()
    origin = np.array([axis.flat[0] for axis in axes])
    return Mesh(np.asarray(piece.vertices) + origin, np.asarray(piece.faces, np.int32))
