"""The tibial component of a knee arthroplasty, from numbers that a designer would write: a tray, and what it stands on.

No maker's design: proportions after ISO 7207-1 and M. Bonnin et al., Knee Surg Sports Traumatol Arthrosc 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.geometry.mesh import Mesh
from models.simulation.knee_solids import Array, cut, lay_grid, lay_rod, mesh_solid, unite

Keel = Literal["fins", "cross", "cone", "pegs", "beam", "twin"]


@dataclass(frozen=True)
class Tibial:
    """The tibial component; lengths in mm.

    Attributes
    ----------
    width, depth, plate
        Side to side, front to back, and thickness of the tray.
    squareness
        Exponent of its outline: 2 is an ellipse.
    notch
        How far the gap for the posterior ligament reaches in from behind.
    bridge
        Width of a gap that runs forwards through the tray but for a bridge in front, 0 for none.
    larger
        How much deeper the plateau on the left is than the other, as a share.
    keel, keel_length, keel_radius
        Kind, length and radius of what stands below the tray.
    lean
        How far fins point backwards, in degrees.
    stem, stem_radius
        Length below the keel, 0 for none, and radius.
    augment
        Height of the block below one half of the tray, 0 for none.
    post
        Height of the post of a hinge above the tray, 0 for none.
    half
        Whether there is one half of a tray alone.
    """

    width: float = 72.0
    depth: float = 47.0
    plate: float = 4.0
    squareness: float = 2.6
    notch: float = 8.0
    bridge: float = 0.0
    larger: float = 0.06
    keel: Keel = "fins"
    keel_length: float = 38.0
    keel_radius: float = 7.0
    lean: float = 35.0
    stem: float = 0.0
    stem_radius: float = 6.5
    augment: float = 0.0
    post: float = 0.0
    half: bool = False


def mesh_tibial(part: Tibial) -> Mesh:
    """Return the tray with its keel; its origin is the middle of the tray's upper face."""
    half, depth = part.width / 2, part.depth / 2
    low = -part.plate - max(part.keel_length + part.stem, part.augment)
    x, y, z = lay_grid((-half, -depth * (1 + part.larger), low), (half, depth, max(part.post, 0.0)))
    deeper = 1.0 + part.larger * np.tanh(-x / 12.0) * (y < 0)
    n = part.squareness
    outline = ((np.abs(x) / half) ** n + (np.abs(y) / (depth * deeper)) ** n) ** (1 / n)
    edge = (outline - 1) * depth
    plate = np.maximum(edge, np.abs(z + part.plate / 2) - part.plate / 2)
    if part.notch:
        plate = cut(plate, 0.55 * part.width / 4 - np.hypot(x, y + depth + 0.55 * part.width / 4 - part.notch))
    if part.bridge:
        plate = cut(plate, -np.maximum(np.abs(x) - part.bridge / 2, y - depth + 9.0))
    whole = unite(plate, *_below(part, x, y, z, edge))
    if part.post:
        whole = unite(whole, lay_rod(x, y - 1.0, z, (-part.plate, part.post), 5.5))
    if part.half:
        whole = cut(whole, 3.0 - x)
    return mesh_solid(whole, (x, y, z))


def _below(part: Tibial, x: Array, y: Array, z: Array, edge: Array) -> list[Array]:
    """Return what stands below the tray, each a field of its own."""
    at, end, radius = y - 1.0, -part.plate - part.keel_length, part.keel_radius
    found = []
    if part.keel in ("fins", "cross", "cone"):
        wide = (
            radius * (1 - 0.35 * np.clip(-z / max(part.keel_length, 1), 0, 1)) * (1.35 if part.keel == "cone" else 1.0)
        )
        found.append(lay_rod(x, at, z, (end, -1.0), wide))
    if part.keel == "fins":
        lean = np.radians(part.lean)
        for side in (-1.0, 1.0):
            along, across = side * x * np.cos(lean) - at * np.sin(lean), side * x * np.sin(lean) + at * np.cos(lean)
            reach = along - 0.9 * z - 0.40 * part.width  # narrower with depth
            found.append(np.maximum.reduce([np.abs(across) - 1.8, reach, -along, z + 1.0, -z + 0.72 * end]))
    if part.keel == "cross":
        for along, across in ((x, at), (at, x)):
            found.append(
                np.maximum.reduce([np.abs(across) - 1.9, np.abs(along) - 2.1 * radius, z + 1.0, -z + 0.6 * end])
            )
    if part.keel == "pegs":
        pointed = radius * (1 + 0.2 * z / part.keel_length)
        found += [
            lay_rod(x - i * 0.27 * part.width, y - j * 0.24 * part.depth, z, (end, -1.0), pointed)
            for i in (-1, 1) for j in (-1, 1)
        ]  # fmt: skip
    if part.keel == "beam":
        found.append(np.maximum.reduce([np.abs(at) - 2.5, np.abs(x) - 0.34 * part.width, z + 1.0, -z + end]))
        found += [
            np.maximum.reduce([np.abs(x - side) - 2.5, np.abs(at) - radius, z + 1.0, -z + end])
            for side in (-0.3 * part.width, 0.3 * part.width)
        ]
    if part.keel == "twin":
        found += [
            lay_rod(x - side, y + 2.0, z, (end, -1.0), radius) for side in (-0.25 * part.width, 0.25 * part.width)
        ]
    if part.stem:
        found.append(lay_rod(x, at, z, (end - part.stem, end + 4), part.stem_radius))
    if part.augment:
        found.append(np.maximum.reduce([edge + 1.0, 4.0 - x, z + 1.0, -z - part.plate - part.augment]))
    return found
