"""A simulated shoulder arthroplasty, seen from the front: anatomy as rounded bodies, the implant as solids.

The frame is a right shoulder in mm: origin at the centre of the joint, x towards the trunk, y down. No maker's product
is copied; sizes lie within those of published stemmed implants.

Reference: J. P. Iannotti et al., The normal glenohumeral relationships, J Bone Joint Surg Am 74:491-500, 1992.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.simulation import xray
from models.simulation.bodies import (
    Ball,
    Frustum,
    Knots,
    Part,
    Points,
    Pose,
    Solid,
    Vector,
    cast_solids,
    draw_bone_texture,
    measure_inward_distance,
    outline_tube,
)
from models.simulation.xray import Beam, Field

GLENOID_MM = 28.0
"""From the centre of the joint to the bony glenoid of a natural shoulder."""
NECK_AXIS: Vector = (0.5**0.5, -(0.5**0.5), 0.0)
"""From the neck towards the head: 135° to the shaft."""


@dataclass(frozen=True)
class ShoulderImplant:
    """Sizes in mm of a stemmed humeral implant, and what stands opposite to it.

    Attributes
    ----------
    kind
        "anatomic": a metal head on the humerus; "reverse": the ball on the glenoid, a cup on the humerus.
    metal
        Attenuation in 1/mm.
    version_deg
        Turn about the humerus: 0 shows the neck in its full length.
    fin_holes
        Suture holes of the lateral fin; 0: no fin.
    collar, glenoid, cement
        A rim under the head, a polyethylene glenoid with cemented pegs, a mantle of cement around the stem.
    """

    kind: Literal["anatomic", "reverse"] = "anatomic"
    head_radius_mm: float = 24.0
    head_base_mm: float = 4.0
    stem_length_mm: float = 120.0
    stem_radius_mm: float = 6.5
    metal: float = xray.COBALT_CHROME
    version_deg: float = 12.0
    fin_holes: int = 3
    collar: bool = False
    glenoid: bool = False
    cement: bool = False


@dataclass(frozen=True)
class Anatomy:
    """The patient around it: build, arm position, bone quality."""

    abduction_deg: float = 10.0
    scale: float = 1.0
    arm_depth_mm: float = 92.0
    trunk_depth_mm: float = 135.0
    fat_mm: float = 9.0
    cortex_mm: float = 4.8
    density: float = 1.0


def _scaled(points: Points, scale: float) -> list[tuple[float, float]]:
    return [(x * scale, y * scale) for x, y in points]


def shape_humerus(anatomy: Anatomy) -> Part:
    """Shaft and resected metaphysis; the cortex thins towards the tuberosities, the marrow turns from bone to fat."""
    outline = [(-14, -20), (-21, -17), (-28, -9), (-30.5, 2), (-28, 20), (-23.5, 42), (-21, 70), (-20, 140)]
    outline += [(-20.5, 290), (4.5, 290), (4, 140), (4, 72), (6, 48), (11.5, 30), (19.5, 15), (12, 6), (0, -6)]
    spongy = (xray.CANCELLOUS - xray.MUSCLE) * anatomy.density
    return Part(
        _scaled(outline, anatomy.scale),
        depth_mm=26.0,
        roundness_mm=12.2 * anatomy.scale,
        shell_mm=((0, 0.7), (35, 1.5), (75, anatomy.cortex_mm), (220, anatomy.cortex_mm)),
        shell=(xray.CORTICAL - xray.MUSCLE) * anatomy.density,
        core=((20, spongy), (70, xray.MARROW - xray.MUSCLE)),
    )


def shape_shoulder_girdle(anatomy: Anatomy) -> list[Part]:
    """Scapula with the glenoid at x = GLENOID_MM, coracoid, spine and acromion; clavicle; ribs."""
    cortical, spongy = (np.array([xray.CORTICAL, xray.CANCELLOUS]) - xray.MUSCLE) * anatomy.density

    def bone(outline: Points, depth_mm: float, roundness_mm: float, cortex_mm: float, taper: Knots = ((0, 1),)) -> Part:
        core, shell_mm = ((0.0, spongy),), ((0.0, cortex_mm),)
        return Part(_scaled(outline, anatomy.scale), depth_mm, roundness_mm, shell_mm, cortical, core, taper=taper)

    g = GLENOID_MM
    vault = [(g - 1, -17), (g + 2, -8), (g + 3, 2), (g + 2, 11), (g - 1, 19), (g + 4, 25), (g + 14, 26), (g + 28, 40)]
    vault += [(g + 40, 62), (g + 46, 40), (g + 50, 4), (g + 44, -24), (g + 26, -25), (g + 9, -23)]
    blade = [(g + 6, -10), (g + 12, 22), (g + 34, 70), (g + 56, 128), (g + 66, 146), (g + 78, 138), (g + 98, 60)]
    blade += [(g + 106, -24), (g + 84, -36), (g + 50, -27)]
    margin = [(g + 9, 23), (g + 20, 38), (g + 31, 64), (g + 42, 94), (g + 55, 128), (g + 62, 142)]
    acromion = [(g + 30, -22), (g + 14, -37), (6, -47), (-9, -46), (-21, -39), (-24, -31), (-18, -28), (-8, -33)]
    acromion += [(4, -34), (18, -29), (g + 6, -19), (g + 22, -11)]
    spine = [(g + 106, 2), (g + 80, -10), (g + 54, -20), (g + 30, -24)]
    coracoid = [(g + 20, -24), (g + 10, -27), (g - 1, -21), (g - 7, -10), (g - 4, -3), (g + 3, -6), (g + 12, -13)]
    clavicle = [(8, -50), (26, -56), (54, -61), (86, -58), (118, -52), (150, -57), (190, -70)]
    parts = [
        bone(vault, 27, 13, 1.1, ((g + 10, 1), (g + 22, 0.55), (g + 46, 0))),
        bone(blade, 7.0, 5.0, 1.2),
        bone(outline_tube(margin, 3.4), 10, 3.4, 1.6, ((g + 10, 0.3), (g + 24, 1), (g + 62, 0.6))),
        bone(outline_tube(spine, 5.2), 12, 5.2, 1.1, ((g + 26, 0), (g + 40, 1))),
        bone(acromion, 17, 7.0, 1.7, ((g, 1), (g + 32, 0.1))),
        bone(coracoid, 20, 6.5, 1.6),
        bone(outline_tube(clavicle, 6.4), 13, 6.4, 2.4),
    ]
    for k in range(7):  # each rib from the spine, round the side, to the front
        turn = np.radians(np.linspace(68, 292, 13))
        x, y = 196 + 6 * k + (116 + 3 * k) * np.cos(turn), 2 + 33 * k - (46 - k) * np.sin(turn)
        path = [(float(a), float(b)) for a, b in zip(x, y - 0.34 * (x - 196), strict=True)]
        parts.append(bone(outline_tube(path, 5.4), 9.0, 5.4, 1.5))
    return parts


def compute_shoulder_soft_tissue(anatomy: Anatomy, arm: Pose, trunk: Pose, beam: Beam) -> Field:
    """Optical depth of trunk and arm, skin to skin, with fat under the skin, and the lung."""
    arm_outline = [(-40, -54), (-56, -30), (-64, 5), (-66, 50), (-62, 110), (-58, 190), (-58, 330), (38, 330)]
    arm_outline += [(37, 190), (40, 125), (46, 70), (40, 0), (0, -60)]
    trunk_outline = [(320, -190), (190, -138), (140, -104), (84, -82), (30, -72), (-22, -60), (-48, -36), (-52, 10)]
    trunk_outline += [(-26, 70), (14, 118), (36, 146), (50, 186), (60, 240), (66, 340), (330, 340)]
    lung_outline = [(104, 20), (128, -22), (168, -44), (260, -40), (300, 300), (110, 300), (92, 200), (92, 90)]

    def skin(outline: Points, depth_mm: float, roundness_mm: float, pose: Pose) -> Field:
        muscle = ((0.0, xray.MUSCLE),)
        part = Part(_scaled(outline, anatomy.scale), depth_mm, roundness_mm, ((0, anatomy.fat_mm),), xray.FAT, muscle)
        return np.add(*part.depths(beam, pose))

    limb = skin(arm_outline, anatomy.arm_depth_mm, 48, arm)
    body = np.maximum(limb, skin(trunk_outline, anatomy.trunk_depth_mm, 80, trunk))
    air = ((0.0, xray.LUNG - xray.MUSCLE),)
    return body + Part(_scaled(lung_outline, anatomy.scale), 95, 42, ((0, 0.0),), 0.0, air).depths(beam, trunk)[1]


def _on_neck(mm: float) -> Vector:
    return NECK_AXIS[0] * mm, NECK_AXIS[1] * mm, 0.0


def shape_humeral_implant(implant: ShoulderImplant) -> list[Solid]:
    """Stem, neck and head (or tray), in the frame of the humerus."""
    base, radius = implant.head_base_mm, implant.stem_radius_mm
    rim = (implant.head_radius_mm**2 - base**2) ** 0.5
    tip = (-8.0, implant.stem_length_mm, 0.0)
    solids: list[Solid] = [Frustum((-5.6, 12.0, 0.0), tip, radius + 3.0, radius * 0.82), Ball(tip, radius * 0.82)]
    if implant.kind == "reverse":  # the tray; the polyethylene on it lets the rays through
        taper = Frustum(_on_neck(-6), _on_neck(-15), rim * 0.84, radius + 3.5)
        return [*solids, Frustum(_on_neck(0), _on_neck(-6), rim, rim), taper, Ball(_on_neck(-14), radius + 3.6)]
    solids.append(Ball((0.0, 0.0, 0.0), implant.head_radius_mm, NECK_AXIS, base))
    solids.append(Frustum(_on_neck(base), _on_neck(base - 14), 10.0, 8.5))
    if implant.collar:
        solids.append(Frustum(_on_neck(base - 2.5), _on_neck(base - 5), rim * 0.75, rim * 0.62))
    return solids


def shape_glenoid(implant: ShoulderImplant) -> list[Solid]:
    """Ball of a reverse prosthesis with its base plate, peg and screws, in the frame of the joint."""
    return [
        Ball((0.0, 0.0, 0.0), implant.head_radius_mm, (-1.0, 0.0, 0.0), -2.0),
        Frustum((2.0, 0.0, 0.0), (5.0, 0.0, 0.0), 13.5, 13.5),
        Frustum((5.0, 0.0, 0.0), (25.0, 1.0, 0.0), 4.2, 3.2),
        Frustum((4.0, -8.0, 3.0), (34.0, -17.0, 4.0), 2.4, 1.9),
        Frustum((4.0, 8.0, -3.0), (30.0, 21.0, -4.0), 2.4, 1.9),
    ]


def measure_shoulder_metal(implant: ShoulderImplant, humerus_pose: Pose, beam: Beam) -> Field:
    """Length (H, W) in mm of each ray in the metal."""
    metal = cast_solids(shape_humeral_implant(implant), beam, humerus_pose, implant.version_deg)
    if implant.kind == "reverse":
        return np.maximum(metal, cast_solids(shape_glenoid(implant), beam))
    w = implant.stem_radius_mm + 2.0
    body = [(-7, -10), (4, 1), (14, 10), (9.5, 17), (4.5, 28), (1, 46), (-2.5, 62), (-7, 74), (-12.5, 62)]
    body += [(-6.5 - w, 40), (-7 - w, 18), (-7 - w, 0)]
    metal = np.maximum(metal, _plate(body, 15.0, 7.0, implant).depths(beam, humerus_pose)[1])
    if implant.fin_holes:
        fin = [(-8, -10), (-17, -6.5), (-20.5, 0), (-21, 16), (-18.5, 28), (-13, 36), (-8, 36)]
        plate = _plate(fin, 2.4, 0.8, implant).depths(beam, humerus_pose)[1]
        metal = np.maximum(metal, plate * ~_suture_holes(implant, humerus_pose, beam))
    return metal


def _narrowed(points: Points, implant: ShoulderImplant) -> Points:
    return [(x * float(np.cos(np.radians(implant.version_deg))), y) for x, y in points]


def _plate(outline: Points, depth_mm: float, roundness_mm: float, implant: ShoulderImplant) -> Part:
    return Part(_narrowed(outline, implant), depth_mm, roundness_mm, ((0, 0.0),), 0.0, ((0, 1.0),))


def _suture_holes(implant: ShoulderImplant, pose: Pose, beam: Beam) -> NDArray[np.bool_]:
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    holes = np.zeros(beam.shape, bool)
    for y in np.linspace(0, 22, implant.fin_holes):
        circle = _narrowed([(-17.4 + 1.5 * np.cos(turn), y + 1.5 * np.sin(turn)) for turn in turns], implant)
        holes |= measure_inward_distance([pose.place(circle)], *beam.plane()) > 0
    return holes


def compute_shoulder_depth(
    implant: ShoulderImplant, anatomy: Anatomy, beam: Beam, rng: np.random.Generator
) -> tuple[Field, NDArray[np.bool_]]:
    """Optical depth (H, W) of the whole shoulder, and where metal is."""
    reverse = implant.kind == "reverse"
    face_mm = 5.0 if reverse else implant.head_radius_mm + (5.0 if implant.glenoid else 3.0)
    trunk = Pose(0.0, (face_mm - GLENOID_MM, -6.0 if reverse else 0.0))
    arm = Pose(anatomy.abduction_deg)
    if reverse:  # tray and polyethylene stand between the ball and the cut humerus
        arm = Pose(anatomy.abduction_deg, arm.place([_on_neck(-implant.head_radius_mm - 6.0)[:2]])[0])
    trabeculae = draw_bone_texture(beam, rng, 0.35, 3.0)
    depth = compute_shoulder_soft_tissue(anatomy, arm, trunk, beam)
    depth = ndimage.gaussian_filter(depth, 1.5 / beam.pixel_mm) * (1 + 0.005 * draw_bone_texture(beam, rng, 1.6, 3.0))
    for part, pose in [(shape_humerus(anatomy), arm), *((part, trunk) for part in shape_shoulder_girdle(anatomy))]:
        shell, core = part.depths(beam, pose)
        depth += shell + core * (1 + 0.3 * trabeculae)
    if implant.cement:
        depth += draw_cement_mantle(implant, arm, beam)
    if implant.glenoid and not reverse:
        depth += draw_glenoid_pegs(face_mm, beam)
    metal = measure_shoulder_metal(implant, arm, beam)
    return depth + metal * implant.metal, metal > 0.5


def draw_cement_mantle(implant: ShoulderImplant, arm: Pose, beam: Beam) -> Field:
    """Optical depth of the cement around the stem, with a plug below its tip."""
    outline = outline_tube([(-6, 30), (-7, 70), (-8, implant.stem_length_mm + 12)], 8.4)
    extra = xray.CEMENT - xray.MARROW
    return Part(outline, 16.0, 8.0, ((0, 0.0),), 0.0, ((35, 0.0), (55, extra))).depths(beam, arm)[1]


def draw_glenoid_pegs(face_mm: float, beam: Beam) -> Field:
    """Optical depth of three cemented pegs of a polyethylene glenoid, and of the wire that marks it."""
    pegs = np.zeros(beam.shape)
    for y, length_mm in ((-9, 10), (1, 13), (11, 10)):
        peg = outline_tube([(face_mm, y), (face_mm + length_mm / 2, y), (face_mm + length_mm, y)], 2.6)
        pegs += Part(peg, 5.0, 2.5, ((0, 0.0),), 0.0, ((0, xray.CEMENT - xray.CANCELLOUS),)).depths(beam)[1]
    wire = outline_tube([(face_mm - 2.5, -13), (face_mm - 1.2, 1), (face_mm - 2.5, 15)], 0.5)
    return pegs + Part(wire, 0.8, 0.4, ((0, 0.0),), 0.0, ((0, xray.COBALT_CHROME),)).depths(beam)[1]
