"""The loops over triangles and edges, compiled by numba: what makes a frame take a second on a laptop.

A silhouette of a CAD of 15,000 triangles takes milliseconds here and seconds in NumPy. Compiled on first use and kept
on disk beside the module. Pixel centres are whole numbers; points are (column, row).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compile_kernel(function: Kernel) -> Kernel:
    """Compile a function of arrays on first use, keep the result on disk, and release the interpreter while it runs."""
    return cast(Kernel, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


@compile_kernel
def fill_silhouette(points: Array, faces: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the (H, W) silhouette: 1 where a pixel centre lies in any projected triangle.

    Parameters
    ----------
    points
        (V, 2) column and row.
    faces
        (F, 3) indices of points, wound outwards.
    """
    rows, columns = shape
    out = np.zeros((rows, columns), np.uint8)
    for f in range(faces.shape[0]):
        ax, ay = points[faces[f, 0], 0], points[faces[f, 0], 1]
        bx, by = points[faces[f, 1], 0], points[faces[f, 1], 1]
        cx, cy = points[faces[f, 2], 0], points[faces[f, 2], 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area > 0:
            continue  # rows grow downwards: seen from behind, and the far side of a closed surface covers nothing more
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(rows - 1, int(np.floor(max(ay, by, cy))))
        for r in range(top, bottom + 1):
            left, right = np.inf, -np.inf
            for e in range(3):
                if e == 0:
                    px, py, qx, qy = ax, ay, bx, by
                elif e == 1:
                    px, py, qx, qy = bx, by, cx, cy
                else:
                    px, py, qx, qy = cx, cy, ax, ay
                if (py <= r) != (qy <= r) or py == r or qy == r:
                    x = px if py == qy else px + (r - py) * (qx - px) / (qy - py)
                    left, right = min(left, x), max(right, x)
                    if py == qy:
                        left, right = min(left, qx), max(right, qx)
            first, last = max(0, int(np.ceil(left - 1e-9))), min(columns - 1, int(np.floor(right + 1e-9)))
            for c in range(first, last + 1):
                out[r, c] = 1
    return out


@compile_kernel
def trace_thickness(points: Array, ranges_mm: Array, faces: NDArray[np.int32], shape: tuple[int, int]) -> Array:
    """Return the (H, W) length in mm that each pixel's ray runs inside closed surfaces.

    Every crossing adds its distance from the source, with the sign of the side it is seen from; 1/depth is linear over
    a projected triangle. Edges are tested from their lower vertex to their higher, so that two triangles never both
    claim or both leave a pixel on the edge they share; rays pass a ten-millionth of a pixel beside the pixel's centre,
    so that none meets a vertex.

    Parameters
    ----------
    points, faces
        As in `fill_silhouette`.
    ranges_mm
        (V,) depth −z of every vertex.
    """
    rows, columns = shape
    out = np.zeros((rows, columns))
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if a > b:
            a, b = b, a
        if b > c:
            b, c = c, b
        if a > b:
            a, b = b, a
        ax, ay, bx, by, cx, cy = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        even = (faces[f, 0] == a and faces[f, 1] == b) or (faces[f, 1] == a and faces[f, 2] == b)
        even = even or (faces[f, 2] == a and faces[f, 0] == b)
        sign = 1.0 if (area > 0) == even else -1.0
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(rows - 1, int(np.floor(max(ay, by, cy))))
        first, last = max(0, int(np.ceil(min(ax, bx, cx)))), min(columns - 1, int(np.floor(max(ax, bx, cx))))
        for i in range(top, bottom + 1):
            for j in range(first, last + 1):
                r, k = i + 1.37e-7, j + 2.91e-7
                ab = (bx - ax) * (r - ay) - (by - ay) * (k - ax)  # always from the lower vertex to the higher
                bc = (cx - bx) * (r - by) - (cy - by) * (k - bx)
                ac = (cx - ax) * (r - ay) - (cy - ay) * (k - ax)
                inside = (ab >= 0 and bc >= 0 and ac < 0) if area > 0 else (ab < 0 and bc < 0 and ac >= 0)
                if inside:
                    weighted = (ab / ranges_mm[c] + bc / ranges_mm[a] - ac / ranges_mm[b]) / area
                    out[i, j] += sign / weighted
    return out


@compile_kernel
def trace_rim(
    vertices: Array,
    normals: Array,
    distances: Array,
    edges: NDArray[np.int32],
    sides: NDArray[np.int32],
    source_mm: Array,
    step_mm: float,
) -> tuple[Array, Array]:
    """Return points every `step_mm` along the edges between what faces the source and what does not, and their normals.

    Parameters
    ----------
    vertices, normals
        (V, 3) and (F, 3), in the component's frame.
    distances
        (F,) of the triangles' planes from the origin, along their normals.
    edges, sides
        (E, 2) vertices, and the two triangles, of every edge.
    source_mm
        (3,) the X-ray source in the component's frame.
    """
    facing = np.empty(normals.shape[0], np.bool_)
    for f in range(normals.shape[0]):
        towards = normals[f, 0] * source_mm[0] + normals[f, 1] * source_mm[1] + normals[f, 2] * source_mm[2]
        facing[f] = towards > distances[f]
    crossed, shares = [], []
    due = step_mm / 2
    for e in range(edges.shape[0]):
        if facing[sides[e, 0]] == facing[sides[e, 1]]:
            continue
        a, b = edges[e, 0], edges[e, 1]
        length = np.sqrt(
            (vertices[b, 0] - vertices[a, 0]) ** 2
            + (vertices[b, 1] - vertices[a, 1]) ** 2
            + (vertices[b, 2] - vertices[a, 2]) ** 2
        )
        while due < length:
            crossed.append(e)
            shares.append(due / length)
            due += step_mm
        due -= length
    points, outward = np.empty((len(crossed), 3)), np.empty((len(crossed), 3))
    for i in range(len(crossed)):
        e, share = crossed[i], shares[i]
        for k in range(3):
            start = vertices[edges[e, 0], k]
            points[i, k] = start + (vertices[edges[e, 1], k] - start) * share
            outward[i, k] = normals[sides[e, 0], k] + normals[sides[e, 1], k]
    return points, outward


@compile_kernel
def trace_outline(mask: NDArray[np.uint8]) -> Array:
    """Return the outer border of the object whose pixel comes first in reading order, as (N, 2) column and row.

    Follows the cracks between pixels with the object on the right (clockwise on the screen); the points are the middles
    of the cracks, so that an oblique border is a straight line and not a staircase. Needs a frame of background.
    """
    rows, columns = mask.shape
    start = -1
    for i in range(rows * columns):
        if mask[i // columns, i % columns]:
            start = i
            break
    if start < 0:
        return np.empty((0, 2))
    step_r, step_c = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])  # east, south, west, north
    r0, c0 = start // columns, start % columns
    r, c, heading = r0, c0, 0
    found = []
    while True:
        found.append((c + step_c[heading] / 2 - 0.5, r + step_r[heading] / 2 - 0.5))
        r, c = r + step_r[heading], c + step_c[heading]
        if r == r0 and c == c0:
            break
        # pixels ahead of the corner (r, c): to the left and to the right of the heading
        if heading == 0:
            left, right = mask[r - 1, c], mask[r, c]
        elif heading == 1:
            left, right = mask[r, c], mask[r, c - 1]
        elif heading == 2:
            left, right = mask[r, c - 1], mask[r - 1, c - 1]
        else:
            left, right = mask[r - 1, c - 1], mask[r - 1, c]
        if left:
            heading = (heading + 3) % 4
        elif not right:
            heading = (heading + 1) % 4
    border = np.empty((len(found), 2))
    for i in range(len(found)):
        border[i, 0], border[i, 1] = found[i]
    return border
