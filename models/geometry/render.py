"""Silhouettes, thickness and rim of a component in a pose: what the registration compares with an image.

The rim is where the surface turns away from the source (Laurentini's contour generator); its projection holds the
silhouette's border with sub-pixel precision, which no raster does. Reference: R. Cipolla and P. Giblin, Visual Motion
of Curves and Surfaces, 2000, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.geometry.camera import Camera
from models.geometry.compiled import fill_silhouette, trace_rim, trace_thickness
from models.geometry.mesh import Mesh

Array = NDArray[np.float64]
Mask = NDArray[np.uint8]

INSIDE_PX, OUTSIDE_PX = 1.5, 0.5
"""How far inside and outside a rim point the silhouette is asked whether the point lies on its border.

A CAD's rim zigzags along its triangles; asked further outside, the inner corners would count, and all poses come out a
little too near.
"""


def place_points(points_mm: Array, pose: Array) -> Array:
    """(N, 3) in the component's frame → (N, 3) in the source's."""
    moved: Array = points_mm @ pose[:3, :3].T + pose[:3, 3]
    return moved


def render_silhouette(mesh: Mesh, pose: Array, camera: Camera) -> Mask:
    """Return the (H, W) silhouette, 1 inside."""
    return fill_silhouette(camera.project(place_points(mesh.vertices, pose)), mesh.faces, camera.shape)


def render_thickness_mm(mesh: Mesh, pose: Array, camera: Camera) -> Array:
    """Return the (H, W) length in mm of each pixel's ray inside the component."""
    points = place_points(mesh.vertices, pose)
    depth = np.maximum(trace_thickness(camera.project(points), -points[:, 2], mesh.faces, camera.shape), 0)
    column, row = np.meshgrid(np.arange(camera.shape[1]), np.arange(camera.shape[0]))
    x = (column - camera.centre_px[0]) / camera.focal_px[0]
    y = (row - camera.centre_px[1]) / camera.focal_px[1]
    along: Array = depth * np.sqrt(1 + x * x + y * y)
    return along


@dataclass(frozen=True, eq=False)
class Rim:
    """The part of the rim that makes the silhouette's border.

    Attributes
    ----------
    points_mm
        (N, 3) in the source's frame.
    pixels
        (N, 2) their column and row.
    normals
        (N, 2) unit, pointing out of the silhouette, in (column, row).
    """

    points_mm: Array
    pixels: Array
    normals: Array


def render_rim(mesh: Mesh, pose: Array, camera: Camera, step_px: float = 1.0) -> Rim:
    """Return the visible rim, one point about every `step_px` pixels."""
    r, t = pose[:3, :3], pose[:3, 3]
    step_mm = step_px * max(1.0, -float(t[2])) / camera.focal_px[0]
    edges, sides = mesh.edges
    points, outward = trace_rim(mesh.vertices, mesh.normals, mesh.distances_mm, edges, sides, -r.T @ t, step_mm)
    points, outward = place_points(points, pose), outward @ r.T
    pixels = camera.project(points)
    towards = camera.project(points + 0.1 * outward) - pixels
    normals = towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
    mask = render_silhouette(mesh, pose, camera)
    border = (_at(mask, pixels - INSIDE_PX * normals) == 1) & (_at(mask, pixels + OUTSIDE_PX * normals) == 0)
    return Rim(points[border], pixels[border], normals[border])


def _at(mask: Mask, pixels: Array) -> NDArray[np.int64]:
    """Value of the pixel that each point falls in; −1 outside the picture."""
    column, row = np.round(pixels).astype(int).T
    inside = (row >= 0) & (row < mask.shape[0]) & (column >= 0) & (column < mask.shape[1])
    value = np.full(len(pixels), -1, np.int64)
    value[inside] = mask[row[inside], column[inside]]
    return value
