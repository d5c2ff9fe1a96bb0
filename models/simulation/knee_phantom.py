"""A simulated knee, seen from the front, from healthy to worn out: bones as rounded bodies around a joint space.

The frame is a right knee in mm: origin under the middle of the femoral condyles, x towards the other knee, y down.
Joint space, osteophytes and sclerosis follow the words of the Kellgren-Lawrence grades; the grade is an intention of
the simulation and no reader's verdict.

Reference: J. H. Kellgren and J. S. Lawrence, Radiological assessment of osteo-arthrosis, Ann Rheum Dis 16:494, 1957.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from models.simulation import xray
from models.simulation.bodies import Knots, Part, Points, draw_bone_texture, outline_tube
from models.simulation.xray import Beam, Field


@dataclass(frozen=True)
class KneeJoint:
    """What wear changes.

    Attributes
    ----------
    medial_mm, lateral_mm
        Joint-space widths.
    osteophyte_mm
        Length of the spurs at the margins.
    sclerosis
        Extra bone under the worn medial plateau, 0 to 1.
    """

    medial_mm: float = 5.0
    lateral_mm: float = 5.6
    osteophyte_mm: float = 0.0
    sclerosis: float = 0.0

    @classmethod
    def of_grade(cls, grade: int) -> KneeJoint:
        """Typical wear of a Kellgren-Lawrence grade, 0 to 4."""
        return (
            cls(),
            cls(4.8, 5.4, 1.6, 0.1),
            cls(4.2, 5.2, 3.6, 0.3),
            cls(2.2, 5.0, 5.5, 0.7),
            cls(0.2, 4.6, 8.5, 1.0),
        )[grade]

    def below_plateau(self, x: float, y: float) -> tuple[float, float]:
        """Point of the tibia, `y` below the condyles at contact, moved down by the joint space there."""
        medial = float(np.clip((x + 22) / 44, 0, 1))
        return x, y + self.lateral_mm + medial * (self.medial_mm - self.lateral_mm)


def shape_knee_bones(joint: KneeJoint, density: float = 1.0) -> list[Part]:
    """Femur, tibia, patella and fibula, with their spurs."""
    cortical, spongy = (np.array([xray.CORTICAL, xray.CANCELLOUS]) - xray.MUSCLE) * density

    def bone(outline: Points, size_mm: tuple[float, float], cortex: Knots, fill: Knots, z: float = 0.0) -> Part:
        return Part(outline, *size_mm, cortex, cortical, tuple((y, spongy * share) for y, share in fill), z)

    femur = [(-16, -190), (-16, -120), (-20, -86), (-31, -60), (-40, -42), (-42.5, -26), (-40, -10), (-32, -1.5)]
    femur += [(-21, 0), (-12, -4), (-7, -14), (0, -18.5), (7, -14), (11, -4), (21, 0.5), (33, -1.5), (42, -12)]
    femur += [(44, -28), (41, -44), (31, -62), (21, -86), (17, -120), (17, -190)]
    tibia = [(-40, 1.6), (-37, -2), (-30, -1.4), (-21, -0.4), (-12, -1.6), (-8, -6.4), (-5, -9.4), (-1.5, -5.6)]
    tibia += [(2, -6.4), (5, -10.9), (8.5, -5.9), (13, -1.4), (22, -0.2), (31, -1.4), (37.5, -2.4), (41, 1.6)]
    tibia += [(40.5, 11.6), (35, 27.6), (25, 51.6), (18, 83.6), (16, 190)]
    tibia += [(-12, 190), (-14, 83.6), (-21, 51.6), (-33, 27.6), (-40, 11.6)]
    tibia = [joint.below_plateau(x, y) for x, y in tibia]
    patella = [(-3, -69), (-17, -64), (-24, -51), (-20, -37), (-8, -28), (-1, -25), (7, -29), (17, -38), (21, -51)]
    patella += [(13, -64)]
    fibula = outline_tube([(-39, 34), (-40, 60), (-39, 100), (-37, 190)], 6.2)
    fibula_head = [(-44, 15), (-36, 13), (-29, 19), (-29, 30), (-33, 42), (-42, 42), (-48, 32), (-49, 22)]
    bones = [
        bone(femur, (42, 13), ((-130, 4.5), (-80, 2.0), (-40, 0.9), (-10, 1.0)), ((-120, -0.2), (-60, 0.8), (0, 1.1))),
        bone(tibia, (40, 13), ((4, 1.2), (14, 0.9), (50, 1.6), (100, 4.0)), ((10, 1.15), (50, 0.7), (110, -0.2))),
        bone(patella, (12, 14), ((0, 0.6),), ((0, 1.0),), z=45),
        replace(bone(fibula, (14, 6.2), ((40, 1.4), (80, 3.0)), ((0, 0.3),), z=-15), spurs=(fibula_head,)),
    ]
    femoral, tibial = _spurs(joint)
    return [replace(bones[0], spurs=femoral), replace(bones[1], spurs=tibial), *bones[2:]]


def _spurs(joint: KneeJoint) -> tuple[tuple[Points, ...], tuple[Points, ...]]:
    """Beaks at the margins of femur and tibia, half as long on the lateral side."""
    femoral, tibial = [], []
    for side, edge, length in ((1.0, 42.0, joint.osteophyte_mm), (-1.0, 40.5, joint.osteophyte_mm / 2)):
        tip = edge + length
        beak = [(edge - 6, -30), (edge + 0.4, -25), (tip - 0.6, -12), (tip, -8.5), (tip - 2, -7.5), (edge - 6, -6)]
        lip = [(edge - 9, 0), (edge - 2, -1), (tip - 1.5, -1.5), (tip, 0), (tip - 1, 3), (edge - 1, 12), (edge - 8, 16)]
        femoral.append([(side * x, y) for x, y in beak])
        tibial.append([joint.below_plateau(side * x, y) for x, y in lip])
    return (tuple(femoral), tuple(tibial)) if joint.osteophyte_mm else ((), ())


def compute_knee_soft_tissue(beam: Beam) -> Field:
    """Optical depth (H, W) of muscle and fat, skin to skin."""
    skin = [(-84, -210), (-78, -120), (-70, -60), (-65, -20), (-63, 20), (-66, 60), (-69, 110), (-66, 210)]
    skin += [(58, 210), (61, 110), (61, 60), (62, 20), (66, -20), (72, -60), (81, -120), (88, -210)]
    part = Part(skin, 108, 36, ((0, 8.0),), xray.FAT, ((0, xray.MUSCLE),))
    return np.asarray(ndimage.gaussian_filter(np.add(*part.depths(beam)), 1.5 / beam.pixel_mm))


def draw_sclerosis(joint: KneeJoint, beam: Beam) -> Field:
    """Optical depth (H, W) of the bone thickened under the medial plateau."""
    outline = [(7, -1), (22, 0), (34, -1), (41, 2), (38, 8), (30, 11), (20, 10), (12, 7)]
    dense = (xray.CORTICAL - xray.CANCELLOUS) * 0.3 * joint.sclerosis
    part = Part([joint.below_plateau(x, y) for x, y in outline], 34, 7, ((0, 0.0),), 0.0, ((0, dense),))
    return np.asarray(ndimage.gaussian_filter(part.depths(beam)[1], 1.2 / beam.pixel_mm))


def draw_growth_scars(beam: Beam) -> Field:
    """Optical depth (H, W) of the faint lines where femur and tibia once grew."""
    femoral = [(-36, -37), (-20, -41), (0, -39), (20, -42), (37, -37)]
    tibial = [(-34, 25), (-18, 23), (0, 26), (18, 23), (35, 24)]
    fade = ((-36.0, 0.0), (-24.0, 1.0), (4.0, 0.4), (24.0, 1.0), (36.0, 0.0))
    bone = ((0.0, xray.CORTICAL - xray.CANCELLOUS),)
    scars = [Part(outline_tube(line, 0.9), 3, 0.9, ((0, 0.0),), 0.0, bone, taper=fade) for line in (femoral, tibial)]
    return np.asarray(ndimage.gaussian_filter(sum(scar.depths(beam)[1] for scar in scars), 0.4 / beam.pixel_mm))


def compute_knee_depth(joint: KneeJoint, density: float, beam: Beam, rng: np.random.Generator) -> Field:
    """Optical depth (H, W) of the whole knee; `density` scales all bone, 1 in a young adult."""
    trabeculae = 0.7 * draw_bone_texture(beam, rng, 0.3, 5.0) + 0.7 * draw_bone_texture(beam, rng, 0.9, 2.0)
    depth = (
        compute_knee_soft_tissue(beam) * (1 + 0.006 * draw_bone_texture(beam, rng, 1.6, 3.0))
        + draw_growth_scars(beam)
        + draw_sclerosis(joint, beam)
    )
    for part in shape_knee_bones(joint, density):
        shell, core = part.depths(beam)
        depth += shell + core * (1 + 0.11 * trabeculae)
    return depth
