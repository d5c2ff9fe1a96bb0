"""The shadow of metal: how much of a closed triangle mesh each ray of a pinhole passes through.

A length inside is the sum of the depths at which a ray leaves less those at which it enters, whatever the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]
SIDE = 512
"""Rows and columns of a scene."""
SOURCE_MM = 1100.0
"""From the source to the middle of the knee."""
COARSE_MM = 0.8
"""Grid to which the corners of a mesh are moved: a scene has 0.5 to 0.8 mm a pixel, so finer triangles show nothing."""
LONGEST_MM = 110.0
"""No ray passes through more metal."""


@dataclass(frozen=True, eq=False)
class Component:
    """A closed mesh in anatomical axes: x anterior, y proximal, z to the viewer; mm.

    Attributes
    ----------
    triangles
        (M, 3, 3) corners, counter-clockwise seen from outside.
    """

    triangles: Field

    @classmethod
    def from_stl(cls, data: bytes, axes: NDArray[np.float64]) -> Component:
        """Read a binary STL; `axes` (3, 3) turns its own axes into anatomical ones."""
        record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        corners = np.frombuffer(data, record, offset=84)["corners"] @ axes.T.astype(np.float32)
        coarse = np.round(corners / COARSE_MM).astype(np.int64)  # corners that meet still meet, so it stays closed
        whole = (coarse[:, [0, 1, 2]] != coarse[:, [1, 2, 0]]).any(-1).all(-1)
        corners = (coarse[whole] * COARSE_MM).astype(np.float32)
        volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum()
        return cls(corners if volume > 0 else corners[:, ::-1])


def trace_metal_thickness(corners: Field, px_per_mm: float, middle_px: tuple[float, float], side: int = SIDE) -> Field:
    """Return how much of a closed mesh each ray passes through, (side, side) in mm.

    A ray's length inside is the sum of the depths at which it leaves minus those at which it enters. Every triangle is
    tested against the few pixel centres inside its box, all triangles of one box size at once.

    Parameters
    ----------
    corners
        (M, 3, 3) in mm about the middle of the knee: x to the right, y up, z to the source.
    px_per_mm
        In the plane of the middle.
    middle_px
        (row, column) of the middle.
    """
    depth = SOURCE_MM - corners[..., 2]  # from the source
    scale = px_per_mm * SOURCE_MM / depth
    column = corners[..., 0] * scale + middle_px[1] + 0.0137  # never on a pixel centre, so no edge counts twice
    row = middle_px[0] - corners[..., 1] * scale + 0.0071
    a, b, c = np.moveaxis(np.stack([column, row], -1), 1, 0)  # (M, 2) each
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    low = np.ceil(np.minimum(np.minimum(a, b), c)).astype(np.int64)
    span = (np.floor(np.maximum(np.maximum(a, b), c)).astype(np.int64) - low + 1).max(1)
    total = np.zeros(side * side)
    size = 1
    while size <= 2 * side:
        of = np.flatnonzero((span <= size) & (span > size // 2) & (np.abs(area) > 1e-9))
        for part in np.array_split(of, max(1, len(of) * size * size // 2_000_000)):
            _add(total, (a[part], b[part], c[part]), depth[part], area[part], low[part], size, side)
        size *= 2
    found = total.reshape(side, side)
    faulty = (found < -1) | (found > LONGEST_MM)  # a hole or a double face in the mesh
    return np.where(faulty, ndimage.median_filter(found, 5), found).clip(0, LONGEST_MM).astype(np.float32)


def _add(
    total: NDArray[np.float64],
    corners: tuple[Field, Field, Field],
    depth: Field,
    area: Field,
    low: NDArray[np.int64],
    size: int,
    side: int,
) -> None:
    """Add the signed depths of triangles to the pixels whose centres they cover, in a box of `size` pixels each."""
    a, b, c = (corner[:, None] for corner in corners)
    steps = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1).reshape(-1, 2)
    at = low[:, None] + steps  # (M, size², 2)

    def share(p: Field, q: Field) -> Field:
        found: Field = (q[..., 0] - p[..., 0]) * (at[..., 1] - p[..., 1])
        return found - (q[..., 1] - p[..., 1]) * (at[..., 0] - p[..., 0])

    u, v = share(b, c) / area[:, None], share(c, a) / area[:, None]
    w = 1 - u - v
    inside = (u >= 0) & (v >= 0) & (w >= 0) & (at >= 0).all(-1) & (at < side).all(-1)
    z = u * depth[:, :1] + v * depth[:, 1:2] + w * depth[:, 2:]
    signed = z * np.sign(area)[:, None]  # rows point down, so a face turned to the source has a positive area
    pixel = at[..., 1] * side + at[..., 0]
    total -= np.bincount(pixel[inside], -signed[inside], minlength=len(total))
