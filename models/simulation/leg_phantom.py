"""A simulated lower leg, seen from the front, with the shafts of tibia and fibula broken.

The frame is a right leg in mm: origin in the middle of the tibial shaft, x towards the other leg, y down. A break is a
jagged line across the leg; bone below it is one piece that has turned and slid. Whether and how it is broken is an
intention of the simulation and no reader's verdict.

Reference: AO/OTA Fracture and Dislocation Classification Compendium, J Orthop Trauma 32 (suppl. 1), 2018: tibia, 42-A2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from models.simulation import xray
from models.simulation.bodies import HERE, Part, Points, Pose, draw_bone_texture
from models.simulation.xray import Beam, Field

EDGE_MM = 0.4
"""Over which a broken cortex ends."""
SLID = Pose(5.0, (6.0, -3.0))


@dataclass(frozen=True)
class LegBreak:
    """Where the shafts are broken and where the lower piece went.

    Attributes
    ----------
    line
        Points (x, y) in mm from the outer side to the inner.
    below
        How the piece below the line has turned about the origin and slid.
    """

    line: Points = (
        (-60, -30), (-38, -27), (-34, -22), (-30, -26), (-27, -20), (-14, 7), (-8, 4), (-5, 6), (1, -3), (6, -4),
        (10, -11), (14, -13), (60, -16),
    )  # fmt: skip
    below: Pose = SLID


def shape_leg_bones(density: float = 1.0) -> list[Part]:
    """Tibia and fibula, unbroken; thick cortex in the middle of the shaft, thin towards the joints."""
    cortical, marrow = (xray.CORTICAL - xray.MUSCLE) * density, xray.MARROW - xray.MUSCLE
    spongy = (xray.CANCELLOUS - xray.MUSCLE) * density
    tibia = [(-37, -190), (-30, -160), (-21, -125), (-15, -85), (-12.5, -40), (-11.5, 0), (-10.5, 45), (-10.5, 90)]
    tibia += [(-14, 125), (-21, 155), (-25, 185), (24, 185), (21, 155), (15, 125), (12, 90), (12, 45), (13, 0)]
    tibia += [(14, -40), (17, -85), (22, -125), (32, -160), (40, -190)]
    fibula = [(-44, -190), (-43, -160), (-37.5, -125), (-36.5, -60), (-35, 0), (-33, 60), (-32, 110), (-35, 150)]
    fibula += [(-33, 185), (-22, 185), (-23, 150), (-22.5, 110), (-23, 60), (-24.5, 0), (-25.5, -60), (-27, -125)]
    fibula += [(-30, -160), (-31, -190)]
    thick = ((-170.0, 1.0), (-110.0, 2.6), (-50.0, 5.0), (50.0, 5.2), (110.0, 3.0), (160.0, 1.2))
    slim = ((-150.0, 1.2), (-60.0, 2.8), (80.0, 2.9), (150.0, 1.4))
    fill = ((-150.0, spongy), (-90.0, marrow), (90.0, marrow), (150.0, spongy))
    return [Part(tibia, 26, 12.5, thick, cortical, fill), Part(fibula, 12, 5.6, slim, cortical, fill, z_mm=-14)]


def compute_leg_soft_tissue(beam: Beam) -> Field:
    """Optical depth (H, W) of muscle and fat, skin to skin."""
    skin = [(-60, -210), (-66, -130), (-68, -70), (-62, 0), (-52, 70), (-44, 130), (-42, 210), (36, 210), (37, 130)]
    skin += [(42, 70), (51, 0), (58, -70), (60, -130), (56, -210)]
    part = Part(skin, 102, 40, ((0, 6.0),), xray.FAT, ((0, xray.MUSCLE),))
    return np.asarray(ndimage.gaussian_filter(np.add(*part.depths(beam)), 1.5 / beam.pixel_mm))


def compute_leg_depth(broken: LegBreak | None, density: float, beam: Beam, rng: np.random.Generator) -> Field:
    """Optical depth (H, W) of the whole leg; `density` scales all bone, None is a leg that is not broken."""
    trabeculae = draw_bone_texture(beam, rng, 0.4, 4.0)
    depth = compute_leg_soft_tissue(beam) * (1 + 0.006 * draw_bone_texture(beam, rng, 1.6, 3.0))
    for part in shape_leg_bones(density):
        pieces = [(HERE, np.ones(beam.shape))]
        if broken is not None:
            above, below = _below(broken.line, HERE, beam), _below(broken.line, broken.below, beam)
            pieces = [(HERE, 1 - above), (broken.below, below)]
        for pose, kept in pieces:
            shell, core = part.depths(beam, pose)
            depth += kept * (shell * (1 + 0.03 * trabeculae) + core * (1 + 0.2 * trabeculae))
    return depth


def _below(line: Points, pose: Pose, beam: Beam) -> Field:
    """Return 1 (H, W) below a line of a body, 0 above."""
    offset = np.stack(np.meshgrid(*beam.plane()), axis=-1) - pose.shift_mm
    across, along = np.moveaxis(offset @ pose.world_from_body, -1, 0)
    line_mm = np.interp(across, [x for x, _ in line], [y for _, y in line])
    return np.asarray(np.clip((along - line_mm) / EDGE_MM + 0.5, 0, 1))
