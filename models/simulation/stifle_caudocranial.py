"""The stifle of a standing horse from behind: lateral to the left, millimetres, y down, z towards the tube.

The origin lies on the joint, between the condyles; what is cranial, as trochlea and patella, has z < 0. The medial
intercondylar eminence is the taller one, the fibula thin and on the lateral side. Joint-space widths are those of
adult horses.

Reference: P. Trencart, K. Alexander, J. De Lasalle and S. Laverty, Radiographic evaluation of the width of the
femorotibial joint space in horses, Am J Vet Res 77:127-136, 2016.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from models.simulation import xray
from models.simulation.bodies import Part, Points, Pose, outline_tube
from models.simulation.stifle_joint import Bone, Fused, Placed, Stifle, blob, hollow, stuff
from models.simulation.xray import Beam, Field

TROCHLEA, PATELLAR = -44.0, -70.0
"""Planes of the trochlear ridges and of the patella."""
MEDIAL_SPACE_MM, LATERAL_SPACE_MM = 5.5, 6.0

FEMUR = [(-25, -320), (-24, -170), (-29, -128), (-41, -94), (-50, -66), (-52, -40), (-48, -15), (-38, -3), (-26, 0)]
FEMUR += [(-14, -5), (-9, -18), (-5, -38), (1, -45), (7, -38), (11, -18), (16, -5), (28, 1), (41, -2), (51, -15)]
FEMUR += [(54, -38), (52, -64), (44, -90), (32, -122), (27, -170), (27, -320)]
TIBIA = [(-54, 6), (-47, 0), (-34, -1), (-22, 1), (-14, -3), (-10, -11), (-6, -14), (-2, -6), (1, -9), (5, -20)]
TIBIA += [(9, -18), (13, -5), (21, 0), (35, 0), (48, 0), (54, 6), (52, 23), (44, 48), (34, 78), (28, 114), (25, 180)]
TIBIA += [(25, 320), (-21, 320), (-21, 180), (-23, 116), (-31, 78), (-44, 46), (-54, 22)]
"""With the joint space at 0: each plateau lies where the joint space says."""
MEDIAL_RIDGE = [(14, -18), (26, -22), (34, -46), (37, -78), (34, -104), (24, -117), (13, -108), (9, -76), (9, -40)]
LATERAL_RIDGE = [(-14, -20), (-25, -24), (-32, -44), (-35, -70), (-32, -94), (-24, -104), (-14, -98), (-9, -72)]
LATERAL_RIDGE += [(-9, -42)]
PATELLA = [(-6, -172), (-24, -160), (-38, -140), (-34, -122), (-20, -106), (-6, -94), (8, -108), (22, -126), (28, -144)]
PATELLA += [(14, -162)]
CREST = [(-30, 30), (-20, 18), (-6, 18), (2, 34), (0, 66), (-6, 104), (-14, 128), (-20, 104), (-28, 66)]
FIBULA_HEAD = [(-64, 24), (-56, 19), (-49, 25), (-47, 36), (-51, 52), (-56, 58), (-63, 47), (-67, 34)]


def caudocranial(stifle: Stifle, beam: Beam) -> tuple[Field, list[Placed | Fused]]:
    """Return the optical depth (H, W) of the soft tissue, and the bones with what has become of them."""
    pose = Pose(stifle.turn_deg)
    bodies = [*_femur(stifle, pose), *_tibia(stifle, pose), *_osteochondrosis(stifle, pose)]
    return _soft_tissue(stifle, beam, pose), [*bodies, *_cyst(stifle, pose), *_osteoarthritis(stifle, pose)]


def below(stifle: Stifle, points: Points) -> list[tuple[float, float]]:
    """Points of the tibia, moved down by the joint space above them, which is narrower where the joint is worn."""
    medial_mm = MEDIAL_SPACE_MM - 4.2 * stifle.severe("osteoarthritis")
    x = np.clip((np.array([x for x, _ in points]) + 22) / 44, 0, 1)
    down = LATERAL_SPACE_MM + x * (medial_mm - LATERAL_SPACE_MM)
    return [(x, y + float(d)) for (x, y), d in zip(points, down, strict=True)]


def _femur(stifle: Stifle, pose: Pose) -> list[Placed | Fused]:
    worn = stifle.severe("osteoarthritis")
    out = 10 * worn
    spur = [(48, -30), (53, -28), (54 + out, -14), (53 + out, -9), (49, -9), (42, -4), (40, -14)]
    flat = [(x, min(y, 1 - 2.5 * worn)) if x > 20 else (x, y) for x, y in FEMUR]
    cortex = ((-240, 7.0), (-150, 3.5), (-100, 1.6), (-40, 1.1))
    shaft = Bone(56, 24, 0, cortex, ((-200, -0.1), (-120, 0.8), (-50, 1.25)))
    ridge = Bone(20, 13, TROCHLEA, ((0, 0.4),), ((0, 1.4),))
    cortical = (xray.CORTICAL - xray.MUSCLE) * stifle.density
    open_mm = stifle.open_mm()
    line = [(-44, -86), (-28, -94), (-12, -88), (4, -95), (20, -89), (46, -88)]
    return [
        shaft.of(stifle, flat, pose, [spur] if worn > 0.15 else []),
        ridge.of(stifle, MEDIAL_RIDGE, pose),
        ridge.of(stifle, LATERAL_RIDGE, pose),
        Bone(30, 26, PATELLAR, ((0, 0.8),), ((0, 1.4),)).of(stifle, PATELLA, pose),
        *([stuff(stifle, outline_tube(line, open_mm / 2), 50, 0, -0.5 * cortical, pose)] if open_mm else []),
    ]


def _tibia(stifle: Stifle, pose: Pose) -> list[Placed | Fused]:
    worn = stifle.severe("osteoarthritis")
    out = 8 * worn
    edge = [(42, 0), (51, 0), (55 + out, -3 - 2 * worn), (56 + out, 1), (54, 8), (50, 20), (42, 16)]
    peak = [(1, -7), (4, -18), (5, -20 - 6 * worn), (8, -20 - 4 * worn), (11, -10), (6, -6)]
    spurs = [below(stifle, spur) for spur in (edge, peak)] if worn > 0.15 else []
    thick = ((14, 1.2), (50, 2.0), (110, 5.5), (200, 6.5))
    shaft = Bone(54, 22, 0, thick, ((10, 1.4), (60, 1.0), (110, -0.1)))
    cortical = (xray.CORTICAL - xray.MUSCLE) * stifle.density
    open_mm, late_mm = stifle.open_mm(), stifle.open_mm(3.0)
    line = [(-50, 34), (-30, 38), (-8, 33), (14, 38), (34, 33), (50, 36)]
    crest_line = [(-32, 34), (-26, 70), (-16, 112)]
    lines = [(line, open_mm)] * bool(open_mm) + [(crest_line, late_mm)] * bool(late_mm)
    return [
        shaft.of(stifle, below(stifle, TIBIA), pose, spurs),
        Bone(13, 12, -40, ((0, 0.35),), ((0, 1.0),)).of(stifle, CREST, pose),
        Bone(18, 8, 12, ((0, 1.1),), ((0, 1.4),)).of(stifle, FIBULA_HEAD, pose),
        Bone(6, 2.8, 10, ((0, 1.4),), ((0, 0.3),)).of(
            stifle, outline_tube([(-57, 50), (-53, 76), (-47, 108), (-40, 146), (-35, 172)], 3.1), pose
        ),
        *(stuff(stifle, outline_tube(way, mm / 2), 48, 0, -0.45 * cortical, pose) for way, mm in lines),
    ]


def _osteochondrosis(stifle: Stifle, pose: Pose) -> list[Placed]:
    """Return what shows of a lesion of the lateral ridge from behind: a lucency, a denser rim, perhaps a fragment."""
    severity = stifle.severe("osteochondrosis")
    if not severity:
        return []
    rng = stifle.lesion()
    at = (-23 + float(rng.normal(0, 1.5)), float(rng.choice([-62, -80, -44], p=[0.6, 0.25, 0.15])))
    inside = blob(at, (5 + 2.5 * severity, 8 + 13 * severity), float(rng.normal(0, 5)), rng, 0.12)
    bodies = hollow(stifle, inside, TROCHLEA, 9 + 9 * severity, pose, rim=0.8)
    for _ in range(int(rng.integers(0, 2 + round(2.2 * severity)))):
        piece = blob((at[0] + float(rng.normal(0, 2)), at[1] + float(rng.normal(0, 7))), (2.4, 3.5), 0, rng)
        bodies.append(stuff(stifle, piece, 5, TROCHLEA, 0.8 * (xray.CORTICAL - xray.MUSCLE), pose))
    return bodies


def _cyst(stifle: Stifle, pose: Pose) -> list[Placed]:
    """Return a cavity in the medial condyle: a shallow dent of its surface, a dome on it, or a round hole with a neck.

    Lucencies of sale yearlings are told apart so: wide and shallow, or rounded and open to the joint (Whitman et al.,
    Proc AAEP 52, 2006).
    """
    severity = stifle.severe("cyst")
    if not severity:
        return []
    rng = stifle.lesion()
    wide, tall = 5.0 + 7.5 * severity, (0.55 + 0.6 * float(rng.random())) * (5.0 + 7.5 * severity)
    x, neck = 29 + float(rng.normal(0, 3)), float(rng.uniform(0, 5)) * severity
    bodies = hollow(stifle, blob((x, -tall - neck), (wide, tall), 0, rng, 0.07), 5, 14 + 16 * severity, pose)
    opening = [(x - 3.5, 2), (x - 3, -neck - 4), (x + 3, -neck - 4), (x + 3.5, 2)]
    return [*bodies, stuff(stifle, opening, 14, 5, -0.35 * (xray.CORTICAL - xray.MUSCLE), pose)]


def _osteoarthritis(stifle: Stifle, pose: Pose) -> list[Placed]:
    """Return the denser bone under the medial joint surfaces."""
    worn = stifle.severe("osteoarthritis")
    if not worn:
        return []
    dense = 0.22 * worn * (xray.CORTICAL - xray.MUSCLE)
    plateau = below(stifle, [(12, -1), (30, 0), (48, 0), (52, 7), (40, 14), (24, 13), (14, 8)])
    condyle = [(14, -8), (28, 1), (46, -6), (48, -15), (30, -10), (16, -16)]
    return [stuff(stifle, outline, 44, 0, dense, pose) for outline in (plateau, condyle)]


def _soft_tissue(stifle: Stifle, beam: Beam, pose: Pose) -> Field:
    skin = [(-190, -300), (-150, -200), (-122, -120), (-100, -50), (-90, 0), (-86, 60), (-82, 130), (-78, 300)]
    skin += [(80, 300), (86, 130), (92, 60), (100, 0), (120, -60), (160, -130), (220, -210), (270, -300)]
    part = Part(stifle.placed(skin, 0), 175 * stifle.tissue, 58, ((0, 6.0),), xray.FAT, ((0, xray.MUSCLE),))
    return np.asarray(ndimage.gaussian_filter(np.add(*part.depths(beam, pose)), 1.5 / beam.pixel_mm))
