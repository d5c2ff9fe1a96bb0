"""Simulated knee components from a few numbers: implicit solids, meshed as closed surfaces in millimetres.

No maker's design: condyles are shells of ellipses rounded from side to side, with a flange, a notch, pegs or a box; the
tray has a posterior notch, a post and fins. Frames: x to the right, y anterior, z proximal.
Reference for the proportions: ISO 7207-1 and M. Bonnin et al., Knee Surg Sports Traumatol Arthrosc 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.geometry.mesh import Mesh

Array = NDArray[np.float64]

GRID_MM = 1.0
"""Spacing of the grid on which the solids are meshed."""


@dataclass(frozen=True)
class Design:
    """One simulated implant.

    Attributes
    ----------
    name
        For folders and files.
    width_mm, depth_mm, height_mm
        Femoral extents from side to side, front to back, and from the lowest point to the top of the flange.
    box
        Whether a posterior-stabilised box fills the notch; else two pegs.
    tilt_mm
        How much higher the flange is on the right: what makes the component unlike its mirror image.
    tray_mm
        (side to side, front to back) of the tibial tray.
    keel_mm
        Length of the post below the tray.
    fins_deg
        How far the fins point backwards.
    """

    name: str
    width_mm: float = 66.0
    depth_mm: float = 62.0
    height_mm: float = 56.0
    box: bool = False
    tilt_mm: float = 6.0
    tray_mm: tuple[float, float] = (72.0, 47.0)
    keel_mm: float = 38.0
    fins_deg: float = 35.0


DESIGNS = (
    Design("cruciate-retaining"),
    Design("posterior-stabilised", 70, 66, 60, box=True, tilt_mm=3.0, tray_mm=(76, 50), keel_mm=46, fins_deg=20),
    Design("small-asymmetric", 60, 57, 52, tilt_mm=9.0, tray_mm=(65, 43), keel_mm=32, fins_deg=45),
)
"""Three, unlike enough to test with."""


def build_femoral_component(design: Design) -> Mesh:
    """Return the femoral component; its origin lies between the condyles, at the centre of their curve."""
    half, depth, top = design.width_mm / 2, design.depth_mm / 2, design.height_mm - 26.0
    x, y, z = _grid((-half - 4, -depth - 4, -30.0), (half + 4, depth + 4, top + design.tilt_mm + 4))
    round_off = 0.004 * (np.abs(x) - half * 0.55) ** 2 * np.where(np.abs(x) > half * 0.55, 1.8, 1.0)
    outer = _ellipse(y, z, depth, 26.0, straight=y > 0) + round_off
    inner = _ellipse(y - 0.5, z - 2.0, depth - 9.0, 17.0, straight=y > 0)
    roof = np.where(y > 0, top + design.tilt_mm * x / half - 0.012 * x**2, 11.0)
    shell = np.maximum.reduce([outer, -inner, np.abs(x) - half, z - roof])
    notch = np.maximum(np.abs(x) - 9.0, y - 0.30 * depth)
    solid = np.maximum(shell, -notch)
    if design.box:
        hull = np.maximum.reduce([np.abs(x) - 12.0, np.abs(y + 2.0) - 16.0, np.abs(z - 1.0) - 12.0])
        hollow = np.maximum.reduce([np.abs(x) - 9.0, np.abs(y + 4.0) - 15.0, z - 10.0])
        solid = np.minimum(solid, np.maximum.reduce([hull, -hollow, outer]))
    else:
        for centre in (-half * 0.55, half * 0.55):
            solid = np.minimum(solid, np.maximum(np.hypot(x - centre, y + 2.0) - 3.5, np.abs(z + 8.0) - 12.0))
    return _mesh(solid, (x, y, z))


def build_tibial_component(design: Design) -> Mesh:
    """Return the tibial tray with its keel; its origin is the middle of the tray's upper face."""
    half, depth = design.tray_mm[0] / 2, design.tray_mm[1] / 2
    x, y, z = _grid((-half - 4, -depth - 4, -design.keel_mm - 8), (half + 4, depth + 4, 4.0))
    deeper = 1.0 + 0.06 * np.tanh(-x / 12.0) * (y < 0)  # the plateau on the left reaches further back
    outline = ((np.abs(x) / half) ** 2.6 + (np.abs(y) / (depth * deeper)) ** 2.6) ** (1 / 2.6)
    plate = np.maximum((outline - 1) * depth, np.abs(z + 2.0) - 2.0)
    plate = np.maximum(plate, -(np.hypot(x, 0.8 * (y + depth + 2.0)) - 10.0))
    at = y - 2.0
    post = np.maximum(np.hypot(x, at) - 7.0 - 0.05 * z, np.abs(z + design.keel_mm / 2 + 1) - design.keel_mm / 2)
    solid = np.minimum(plate, post)
    lean = np.radians(design.fins_deg)
    for side in (-1.0, 1.0):
        along = side * x * np.cos(lean) - at * np.sin(lean)
        across = side * x * np.sin(lean) + at * np.cos(lean)
        fin = np.maximum.reduce([np.abs(across) - 1.8, along + 0.9 * -z - 0.42 * design.tray_mm[0], -along, z + 1.0])
        solid = np.minimum(solid, np.maximum(fin, -z - 0.75 * design.keel_mm))
    return _mesh(solid, (x, y, z))


def _grid(low: tuple[float, float, float], high: tuple[float, float, float]) -> tuple[Array, Array, Array]:
    x, y, z = np.meshgrid(*(np.arange(a, b, GRID_MM) for a, b in zip(low, high, strict=True)), indexing="ij")
    return x, y, z


def _ellipse(y: Array, z: Array, depth: float, height: float, straight: NDArray[np.bool_]) -> Array:
    """Signed distance, nearly, from an ellipse in the sagittal plane, which in front runs on upwards as a flange."""
    lifted = np.where(straight & (z > 0), 0.32 * z, z)
    unit = np.hypot(y / depth, lifted / height)
    return (unit - 1) * min(depth, height)


def _mesh(solid: Array, grid: tuple[Array, Array, Array]) -> Mesh:
    """Mesh where the solid is negative; the largest piece, wound outwards."""
    import trimesh
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(solid, 0.0, spacing=(GRID_MM,) * 3, allow_degenerate=False)
    whole = trimesh.Trimesh(vertices, faces, process=True)
    piece = max(whole.split(only_watertight=True), key=lambda part: abs(part.volume))
    if piece.volume < 0:
        piece.invert()
    origin = np.array([axis.flat[0] for axis in grid])
    return Mesh(np.asarray(piece.vertices) + origin, np.asarray(piece.faces, np.int32))
