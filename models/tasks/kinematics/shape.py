"""First guess of a pose from a silhouette alone: normalised Fourier descriptors against a library of views.

A library holds the component's outline from every direction (two out-of-plane angles). The angle in the image plane,
the distance and the shift follow in closed form: outlines are complex functions of arc length, and the best rotation
and starting point are the largest value of their circular cross-correlation. Outlines live on the plane at distance 1
from the source, seen along the ray through the object, so one library serves every camera.

Reference: S. A. Banks and W. A. Hodge, IEEE Trans Biomed Eng 1996, doi 10.1109/10.495283.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.geometry.camera import Camera
from models.geometry.compiled import trace_outline
from models.geometry.mesh import Mesh
from models.geometry.render import render_silhouette

Array = NDArray[np.float64]
Outline = NDArray[np.complex128]

POINTS = 128
"""Of an outline, equally spaced along it."""
HARMONICS = 24
"""Kept on either side of zero: finer detail is noise of the border."""
VIEWS = 1200
"""Directions of a library, about 6° apart."""
DISTANCE_MM = 1000.0
"""At which the library sees the component; the usual place of a knee before a C-arm."""
SIDE_PX = 160
"""Of the pictures from which the library's outlines are taken."""
CELL_MM = 1.0
"""To which the CAD is thinned for them."""


@dataclass(frozen=True, eq=False)
class Library:
    """Outlines of one component.

    Attributes
    ----------
    rotations
        (M, 3, 3) source_from_implant of each view.
    spectra
        (M, POINTS) Fourier coefficients, centred, of unit length.
    centroids, sizes
        (M,) outline's middle relative to the projected centre of the component, and its length as a vector, on the
        plane at distance 1.
    centre_mm
        (3,) centre of the component that is placed, in its own frame.
    """

    rotations: Array
    spectra: Outline
    centroids: Outline
    sizes: Array
    centre_mm: Array


@dataclass(frozen=True, eq=False)
class Candidate:
    """One possible pose: (4, 4) source_from_implant in mm, and how well the outlines agree, in [0, 1]."""

    pose: Array
    score: float


def spread_shape_directions(count: int) -> Array:
    """(count, 3) unit vectors spread evenly over the sphere (Fibonacci's spiral)."""
    step = np.arange(count) + 0.5
    z, turn = 1 - 2 * step / count, np.pi * (1 + np.sqrt(5)) * step
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)


def rotate_shape_view(direction: Array) -> Array:
    """(3, 3) rotation that turns a direction of the component towards the source, which looks along −z."""
    z = direction / np.linalg.norm(direction)
    helper = np.eye(3)[int(np.abs(z).argmin())]
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def build_shape_library(mesh: Mesh, views: int = VIEWS) -> Library:
    """See the component from `views` directions, all over the sphere."""
    thin = mesh.coarse(CELL_MM)
    focal = SIDE_PX * 0.47 / (mesh.radius_mm * 1.02 / (DISTANCE_MM - mesh.radius_mm))
    camera = Camera((focal, focal), ((SIDE_PX - 1) / 2, (SIDE_PX - 1) / 2), (SIDE_PX, SIDE_PX))
    rotations = np.stack([rotate_shape_view(direction) for direction in spread_shape_directions(views)])
    spectra, centroids, sizes = [], [], []
    for rotation in rotations:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, np.array([0, 0, -DISTANCE_MM]) - rotation @ mesh.centre
        spectrum, centroid, size = _described(_plane(trace_outline(render_silhouette(thin, pose, camera)), camera))
        spectra.append(spectrum)
        centroids.append(centroid)
        sizes.append(size)
    return Library(rotations, np.stack(spectra), np.array(centroids), np.array(sizes), mesh.centre)


def keep_largest_part(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Keep the largest connected part, with a frame of background around the picture."""
    parts, count = ndimage.label(mask)
    if count > 1:
        mask = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return np.pad(mask.astype(np.uint8), 1)


def propose_shape_poses(library: Library, mask: NDArray[np.bool_], camera: Camera, count: int = 12) -> list[Candidate]:
    """Return the poses whose outlines agree best with the mask's largest part, at least 12° apart, best first.

    Returns an empty list where the mask holds nothing that could be a component (fewer than 50 pixels of border).
    """
    border = trace_outline(keep_largest_part(mask)) - 1.0
    if len(border) < 50:
        return []
    flat = _plane(border, camera)
    ray = np.array([flat.real.mean(), flat.imag.mean(), -1.0])
    towards = _onto(ray)
    rays = np.stack([flat.real, flat.imag, -np.ones(len(flat))], 1) @ towards  # seen along the ray through the object
    spectrum, centroid, size = _described(rays[:, 0] / -rays[:, 2] + 1j * rays[:, 1] / -rays[:, 2])
    products = np.fft.ifft(spectrum[None] * library.spectra.conj(), axis=1) * POINTS
    best = np.abs(products).argmax(1)
    peak = products[np.arange(len(best)), best]
    found: list[Candidate] = []
    for m in np.argsort(-np.abs(peak)):
        turn, scale = peak[m] / abs(peak[m]), size / library.sizes[m]
        middle = centroid - scale * turn * library.centroids[m]
        spun = np.array([[turn.real, -turn.imag, 0], [turn.imag, turn.real, 0], [0, 0, 1]])
        pose = np.eye(4)
        pose[:3, :3] = towards @ spun @ library.rotations[m]
        at = DISTANCE_MM / scale * np.array([middle.real, middle.imag, -1.0])
        pose[:3, 3] = towards @ at - pose[:3, :3] @ library.centre_mm
        if all(measure_rotation_deg(pose, other.pose) >= 12 for other in found):
            found.append(Candidate(pose, float(abs(peak[m]))))
            if len(found) == count:
                break
    return found


def measure_rotation_deg(first: Array, second: Array) -> float:
    """Angle of the rotation between two poses, in degrees."""
    trace = float(np.sum(first[:3, :3] * second[:3, :3]))
    return float(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))))


def _plane(pixels: Array, camera: Camera) -> Outline:
    """(N, 2) column and row → (N,) x + iy on the plane at distance 1, y up."""
    x = (pixels[:, 0] - camera.centre_px[0]) / camera.focal_px[0]
    y = (camera.centre_px[1] - pixels[:, 1]) / camera.focal_px[1]
    along: Outline = x + 1j * y
    return along


def _onto(ray: Array) -> Array:
    """(3, 3) smallest rotation that turns −z onto a ray."""
    end = ray / np.linalg.norm(ray)
    start = np.array([0.0, 0.0, -1.0])
    axis = np.cross(start, end)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turned: Array = np.eye(3) + k + k @ k / (1 + float(start @ end))
    return turned


def _described(border: Outline) -> tuple[Outline, complex, float]:
    """Return spectrum (POINTS,) of unit length, centroid and size of an outline."""
    steps = np.abs(np.diff(border, append=border[:1]))
    along = np.concatenate([[0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], POINTS, endpoint=False)
    closed = np.append(border, border[0])
    even = np.interp(at, along, closed.real) + 1j * np.interp(at, along, closed.imag)
    spectrum = np.fft.fft(even) / POINTS
    centroid = complex(spectrum[0])
    spectrum[0] = 0
    spectrum[HARMONICS + 1 : -HARMONICS] = 0
    size = float(np.linalg.norm(spectrum))
    return spectrum / max(size, 1e-30), centroid, size
