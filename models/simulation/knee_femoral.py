"""The femoral component of a knee arthroplasty, from numbers that a designer would write.

A J-shaped shell over five flat bone cuts, with what holds or guides it: pegs, box, stem, augments, the axle of a hinge.
No maker's design: proportions after ISO 7207-1 and M. Bonnin et al., Knee Surg Sports Traumatol Arthrosc 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.geometry.mesh import Mesh
from models.simulation.knee_solids import Array, cut, lay_grid, lay_rod, mesh_solid, unite

Condyles = Literal["both", "one", "trochlea"]


@dataclass(frozen=True)
class Femoral:
    """The femoral component; lengths in mm.

    Attributes
    ----------
    width, depth, flange
        Side to side, front to back, and from the lowest point up to the top of the flange.
    drop
        From the centre of the condyles' curve down to their lowest point.
    posterior
        How far the posterior condyles rise above that centre.
    roundness
        Of the condyles' curve: 1 is an ellipse, more is boxier.
    wall
        Thickness at the bone cuts.
    notch, notch_depth
        Width of the gap between the condyles, and how far it reaches forwards, as a share of the half depth.
    tilt
        How much higher the flange stands on the right.
    larger
        How much further one condyle reaches backwards and downwards than the other.
    pegs, peg_radius
        Length of the two pegs, 0 for none, and their radius.
    box, box_height
        Width of the box between the condyles, 0 for none, and its height.
    axle
        Radius of the transverse axle of a hinge, 0 for none.
    stem, stem_radius
        Length above the box, 0 for none, and radius.
    augment
        Height of the blocks upon the distal cuts, 0 for none.
    condyles
        Which part of the component there is.
    """

    width: float = 66.0
    depth: float = 62.0
    flange: float = 56.0
    drop: float = 25.0
    posterior: float = 11.0
    roundness: float = 1.0
    wall: float = 8.5
    notch: float = 18.0
    notch_depth: float = 0.3
    tilt: float = 5.0
    larger: float = 0.0
    pegs: float = 0.0
    peg_radius: float = 3.5
    box: float = 0.0
    box_height: float = 24.0
    axle: float = 0.0
    stem: float = 0.0
    stem_radius: float = 7.0
    augment: float = 0.0
    condyles: Condyles = "both"


def mesh_femoral(part: Femoral) -> Mesh:
    """Return the femoral component; its origin lies between the condyles, at the centre of their curve."""
    half, depth = part.width / 2, part.depth / 2
    top = max(part.flange - part.drop + part.tilt, part.box_height - part.drop + part.wall + part.stem, 16.0)
    low = -part.drop - max(part.larger, 0.0)
    x, y, z = lay_grid((-half, -depth - part.larger, low), (half, depth, top))
    shell = _shell(part, x, y, z)
    whole = unite(shell, *_fixation(part, x, y, z, _outer(part, x, y, z)))
    if part.condyles == "one":
        whole = cut(np.maximum(whole, np.abs(x - half * 0.5) - half * 0.34), y - depth * 0.62)
    elif part.condyles == "trochlea":
        whole = cut(whole, 0.12 * depth - y + 0.25 * np.abs(x))
        whole = cut(whole, np.abs(x) - half * 0.72 - 0.12 * z)
    return mesh_solid(whole, (x, y, z))


def _outer(part: Femoral, x: Array, y: Array, z: Array) -> Array:
    """Return the field of everything within the outer surface: condyles that run on upwards in front as a flange."""
    half, depth = part.width / 2, part.depth / 2
    own = part.larger * (x < 0)
    lifted = np.where((y > 0) & (z > 0), 0.30 * z, z)
    power = 2 * part.roundness
    unit = ((np.abs(y) / (depth + own * (y < 0))) ** power + (np.abs(lifted) / (part.drop + own)) ** power) ** (
        1 / power
    )
    middle = half * 0.55
    across = np.abs(np.abs(x) - middle)
    rounded = 0.010 * across**2 * np.where(np.abs(x) > middle, 1.8, np.where(y > 0.5 * depth, 0.5, 1.0))
    field: Array = (unit - 1) * min(depth, part.drop) + rounded
    return field


def _shell(part: Femoral, x: Array, y: Array, z: Array) -> Array:
    half, depth = part.width / 2, part.depth / 2
    bone = np.maximum.reduce([  # five flat cuts
        -(z + part.drop - part.wall), y - (depth - 0.75 * part.wall), -y - (depth - 1.05 * part.wall),
        (y - z) / np.sqrt(2) - 0.60 * depth - 0.25 * part.drop, (-y - z) / np.sqrt(2) - 0.58 * depth - 0.25 * part.drop,
    ])  # fmt: skip
    above = part.flange - part.drop
    roof = np.where(y > 0, above + part.tilt * x / half - 0.010 * x**2, part.posterior - 0.004 * x**2)
    shell = np.maximum.reduce([_outer(part, x, y, z), -bone, np.abs(x) - half, z - roof])
    narrow = np.abs(x) - half * (1 - 0.22 * np.clip((z + 5) / max(above, 1), 0, 1) * (y > 0))  # a flange tapers upwards
    gap = np.maximum(np.abs(x) - part.notch / 2, y - part.notch_depth * depth)
    return cut(np.maximum(shell, narrow), -gap)


def _fixation(part: Femoral, x: Array, y: Array, z: Array, outer: Array) -> list[Array]:
    """Return what holds or guides the component, each a field of its own."""
    half, floor = part.width / 2, -part.drop + part.wall
    found = []
    if part.pegs:
        found += [
            lay_rod(x - side, y + 1.0, z, (floor - 2, floor + part.pegs), part.peg_radius)
            for side in (-half * 0.55, half * 0.55)
        ]
    roof = -part.drop + part.box_height
    if part.box:
        hull = np.maximum.reduce([np.abs(x) - part.box / 2, np.abs(y + 4.0) - 0.55 * part.depth / 2, z - roof])
        hollow = np.maximum.reduce(
            [np.abs(x) - part.box / 2 + 2.5, np.abs(y + 6.0) - 0.55 * part.depth / 2, z - roof + 3.0]
        )
        found.append(np.maximum.reduce([hull, -hollow, outer]))
    if part.axle:
        found.append(np.maximum(np.hypot(y + 8.0, z + 2.0) - part.axle, np.abs(x) - part.box / 2 - 5.0))
    if part.stem:
        lean = x - (z - roof) * np.tan(np.radians(5.0))  # towards the hip, as the thigh bone leans
        tip = np.clip((z - roof) / part.stem, 0, 1)
        found.append(lay_rod(lean, y + 2.0, z, (roof - 5, roof + part.stem), part.stem_radius * (1.15 - 0.25 * tip)))
        found.append(lay_rod(lean, y + 2.0, z, (roof - 5, roof + 9), part.stem_radius * 1.45))
    if part.augment:
        block = np.maximum.reduce(
            [
                np.abs(z - floor - part.augment / 2 + 1) - part.augment / 2 - 1,
                np.abs(y + 0.16 * part.depth) - 0.26 * part.depth,
                np.abs(x) - half + 3,
            ]
        )
        found.append(np.maximum(block, part.notch / 2 + 2 - np.abs(x)))
    return found
