"""The stifle of a standing horse from the outer side: cranial to the left, millimetres, y down, z towards the tube.

The origin lies under the femoral condyles, on the joint. Femur, patella and their lesions are drawn with the femur
upright and turned about the middle of the condyles; the beam comes from the lateral side, so what is lateral has z > 0.
The medial trochlear ridge is the larger one and reaches further; the apex of the patella points into the groove between
the ridges; the tibial tuberosity grows from a centre of its own, whose line stays open into the third year.

Reference: J. A. Butler, C. M. Colles, S. J. Dyson, S. E. Kold and P. W. Poulos, Clinical Radiology of the Horse, the
chapter on the stifle.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from models.simulation import xray
from models.simulation.bodies import Part, Points, Pose, outline_tube
from models.simulation.stifle_joint import Bone, Fused, Placed, Stifle, blob, dented, hollow, stuff
from models.simulation.xray import Beam, Field

CONDYLES: tuple[float, float] = (22.0, -33.0)
"""About which the femur turns."""
STANCE_DEG = 18.0
"""How far the shaft of the standing horse's femur leans back."""
LATERAL, MEDIAL = 24.0, -25.0
"""Planes of the two halves of the joint."""

SHAFT = [(-22, -320), (-22, -200), (-24, -145), (-27, -116), (-30, -92), (-24, -66), (-10, -46), (4, -36), (22, -38)]
SHAFT += [(38, -56), (45, -78), (40, -100), (30, -126), (27, -160), (26, -200), (26, -320)]
EPIPHYSIS = [(-34, -108), (-46, -82), (-44, -56), (-28, -28), (0, -20), (32, -22), (47, -42), (46, -74), (40, -100)]
EPIPHYSIS += [(26, -126), (0, -138), (-20, -128)]
FEMORAL_PLATE = [(-46, -98), (-30, -104), (-12, -98), (6, -104), (24, -97), (40, -101)]
GROOVE = [(-20, -106), (-38, -103), (-49, -90), (-51, -72), (-48, -54), (-41, -38), (-29, -24), (-14, -34), (-8, -76)]
MEDIAL_RIDGE = [(-18, -114), (-36, -124), (-54, -121), (-66, -107), (-71, -88), (-70, -68), (-64, -48), (-53, -30)]
MEDIAL_RIDGE += [(-40, -17), (-29, -14), (-20, -26), (-14, -60), (-11, -96)]
LATERAL_RIDGE = [(-15, -100), (-30, -108), (-46, -105), (-57, -94), (-62, -78), (-62, -60), (-56, -42), (-46, -26)]
LATERAL_RIDGE += [(-36, -17), (-26, -20), (-18, -40), (-12, -72)]
MEDIAL_CONDYLE = [(-15, -13), (-1, -3), (20, 1), (39, -4), (53, -19), (59, -40), (53, -60), (37, -71), (15, -68)]
MEDIAL_CONDYLE += [(-6, -52), (-17, -32)]
LATERAL_CONDYLE = [(-10, -17), (3, -6), (20, -2), (36, -7), (49, -21), (54, -39), (49, -57), (34, -67), (15, -63)]
LATERAL_CONDYLE += [(-3, -47), (-12, -31)]
PATELLA = [(-42, -146), (-56, -153), (-76, -151), (-91, -140), (-96, -121), (-93, -100), (-86, -80), (-76, -66)]
PATELLA += [(-68, -67), (-64, -82), (-58, -100), (-50, -122)]
TIBIA = [(-12, 5), (8, 6), (28, 6), (46, 8), (54, 14), (55, 25), (50, 40), (52, 62), (62, 95), (78, 135), (97, 182)]
TIBIA += [(130, 265), (80, 265), (46, 200), (24, 152), (2, 114), (-20, 84), (-40, 60), (-53, 40), (-58, 24), (-53, 10)]
TIBIA += [(-43, 5), (-35, 10), (-26, 8)]
MEDIAL_EMINENCE = [(-8, 9), (-2, 2), (3, -8), (8, -15), (13, -9), (19, 2), (26, 9), (10, 14)]
LATERAL_EMINENCE = [(-4, 9), (4, 1), (10, -7), (15, -9), (19, -3), (25, 9), (12, 14)]
FIBULA_HEAD = [(40, 26), (49, 22), (58, 27), (61, 38), (58, 50), (53, 56), (46, 46), (41, 36)]
LATERAL_MIDDLE: Points = ((-62.0, -70.0), (-60.0, -88.0), (-57.0, -44.0))
"""Where on the lateral ridge osteochondrosis may lie: about its middle, less often towards an end."""


def lateromedial(stifle: Stifle, beam: Beam) -> tuple[Field, list[Placed | Fused]]:
    """Return the optical depth (H, W) of the soft tissue, and the bones with what has become of them."""
    limb = Pose(stifle.turn_deg)
    centre = limb.place([CONDYLES])[0]
    femoral = _about(centre, CONDYLES, stifle.turn_deg + STANCE_DEG + stifle.flexion_deg)
    bodies = [*_femur(stifle, femoral), *_tibia(stifle, limb), *_osteochondrosis(stifle, femoral)]
    return _soft_tissue(stifle, beam, limb), [*bodies, *_cyst(stifle, femoral), *_osteoarthritis(stifle, femoral, limb)]


def _about(world: tuple[float, float], body: tuple[float, float], angle_deg: float) -> Pose:
    """Pose that turns a body and puts one of its points at a place in the world."""
    x, y = Pose(angle_deg).place([body])[0]
    return Pose(angle_deg, (world[0] - x, world[1] - y))


def _femur(stifle: Stifle, pose: Pose) -> list[Placed | Fused]:
    worn = stifle.severe("osteoarthritis")
    shaft = Bone(46, 23, 0, ((-220, 7.0), (-130, 3.5), (-90, 1.4), (-40, 1.0)), ((-200, -0.2), (-110, 1.0), (-60, 1.6)))
    ridge, condyle = ((0.0, 1.1),), ((0.0, 1.0),)
    spur = [(-70, -88), (-67, -106), (-56, -123), (-56 - 7 * worn, -128 - 9 * worn), (-60, -124), (-70, -106)]
    lateral: Points = LATERAL_RIDGE
    if stifle.severe("osteochondrosis"):
        at, length_mm, depth_mm = _lesion(stifle)
        lateral = dented(LATERAL_RIDGE, at, length_mm, depth_mm, stifle.lesion())
    patella_beak = [(-46, -132), (-40, -147), (-37 + 2 * worn, -151 - 4 * worn), (-48, -151), (-54, -140)]
    lower_beak = [(-72, -76), (-68, -67), (-64 + 6 * worn, -59 + 5 * worn), (-76, -64), (-80, -72)]
    halves = (
        Bone(30, 17, MEDIAL, ridge, ((0, 1.0),)).of(stifle, MEDIAL_RIDGE, pose, [spur] if worn > 0.3 else []),
        Bone(22, 15, LATERAL - 4, ridge, ((0, 1.0),)).of(stifle, lateral, pose),
        Bone(36, 24, MEDIAL, condyle, ((0, 1.15),)).of(stifle, MEDIAL_CONDYLE, pose),
        Bone(36, 24, LATERAL, condyle, ((0, 1.15),)).of(stifle, LATERAL_CONDYLE, pose),
    )
    middle, groove = Bone(78, 40, 0, ((0, 0.2),), ((0, 1.1),)), Bone(52, 13, 0, ridge, ((0, 1.1),))
    inner = (shaft, SHAFT), (middle, EPIPHYSIS), (groove, GROOVE)
    patella = Bone(54, 20, 2, ((0, 1.3),), ((0, 1.7),)).of(
        stifle, PATELLA, pose, [patella_beak, lower_beak] if worn > 0.3 else []
    )
    roof = [(-24, -26), (-8, -40), (12, -50), (30, -54)]  # of the intercondylar fossa
    fossa = [(-22, -16), (-14, -22), (-6, -18), (-4, -10), (-12, -6), (-20, -8)]  # of the long digital extensor
    tuberosity = [(31, -112), (28, -132), (27, -152)]  # supracondylar, rough
    cortical = (xray.CORTICAL - xray.MUSCLE) * stifle.density
    return [
        Fused((*((bone.of(stifle, outline, pose),) for bone, outline in inner), halves)),
        patella,
        stuff(stifle, outline_tube(roof, 0.8), 26, 0, 0.45 * cortical, pose),
        stuff(stifle, outline_tube(tuberosity, 2.6), 16, LATERAL, 0.5 * cortical, pose),
        stuff(stifle, fossa, 12, LATERAL, -0.2 * cortical, pose),
        *_plate(
            stifle, [(-46, -98), (-30, -104), (-12, -98), (6, -104), (24, -97), (40, -101)], pose, stifle.open_mm()
        ),
    ]


def _plate(stifle: Stifle, line: Points, pose: Pose, open_mm: float) -> list[Placed]:
    """Return a growth plate: dark while it is open, a faint white line in the years after it has closed."""
    cortical = (xray.CORTICAL - xray.MUSCLE) * stifle.density
    if open_mm > 0:
        edges = [stuff(stifle, outline_tube(line, open_mm / 2 + 1.3), 44, 0, 0.14 * cortical, pose)]
        return [*edges, stuff(stifle, outline_tube(line, open_mm / 2), 44, 0, -0.5 * cortical, pose)]
    faint = 0.16 * float(np.clip(2 - stifle.age_years / 4, 0, 1))
    return [stuff(stifle, outline_tube(line, 0.8), 40, 0, faint * cortical, pose)] if faint else []


def _tibia(stifle: Stifle, pose: Pose) -> list[Placed | Fused]:
    worn = stifle.severe("osteoarthritis")
    peak, caudal = 5 * worn, 6 * worn
    spurs: list[Points] = [
        [(-20, 10), (-27, 7), (-31 - 3 * worn, 5 - peak), (-24, 3), (-12, 5), (-12, 12)],
        [(46, 9), (54, 13), (57 + caudal, 11), (56 + caudal, 17), (52, 26), (44, 24)],
    ]
    thick = ((20, 1.1), (60, 2.4), (110, 5.5), (200, 6.5))
    shaft = Bone(46, 21, 0, thick, ((10, 1.9), (60, 1.3), (110, -0.1)))
    bone, even = ((0.0, 1.0),), ((0.0, 1.2),)
    pointed = [(x, y - (4 * worn if y < -5 else 0)) for x, y in MEDIAL_EMINENCE]
    halves = (
        Bone(30, 15, MEDIAL, bone, even).of(
            stifle, [(-24, 7), (4, 6), (34, 7), (52, 11), (53, 28), (44, 56), (10, 60), (-20, 34)], pose,
            spurs if worn > 0.15 else [],
        ),
        Bone(28, 15, LATERAL, bone, even).of(
            stifle, [(-18, 9), (8, 5), (32, 6), (50, 14), (54, 28), (44, 56), (12, 60), (-14, 34)], pose
        ),
    )  # fmt: skip
    eminences = (
        Bone(12, 6, -7, bone, even).of(stifle, pointed, pose),
        Bone(10, 6, 8, bone, even).of(stifle, LATERAL_EMINENCE, pose),
    )
    return [
        Fused(((shaft.of(stifle, TIBIA, pose),), halves, eminences)),
        Bone(12, 5, 44, ((0, 1.0),), ((0, 1.2),)).of(stifle, FIBULA_HEAD, pose),
        Bone(6, 2.8, 42, ((0, 1.4),), ((0, 0.3),)).of(
            stifle, outline_tube([(53, 48), (60, 72), (72, 104), (86, 138), (98, 166)], 2.9), pose
        ),
        *_plate(stifle, [(-22, 29), (-6, 33), (14, 29), (32, 33), (52, 30)], pose, stifle.open_mm()),
        *_plate(stifle, [(-26, 10), (-29, 26), (-24, 44), (-14, 66), (-4, 86)], pose, stifle.open_mm(3.0)),
    ]  # fmt: skip


def _lesion(stifle: Stifle) -> tuple[tuple[float, float], float, float]:
    """Return where osteochondrosis of the lateral ridge lies, its length and its depth in mm."""
    rng, severity = stifle.lesion(), stifle.severity
    at = LATERAL_MIDDLE[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    return at, 16 + 26 * severity + float(rng.normal(0, 2)), 3.0 + 8.0 * severity


def _osteochondrosis(stifle: Stifle, pose: Pose) -> list[Placed]:
    """Return the bone that is missing or denser under the dent, and fragments in it."""
    severity = stifle.severe("osteochondrosis")
    if not severity:
        return []
    (x, y), length_mm, depth_mm = _lesion(stifle)
    rng, z = stifle.lesion(), LATERAL - 4
    under = blob((x + 2 + depth_mm, y), (2.5 + 2.5 * severity, length_mm * 0.36), 0, rng, 0.18)
    bodies = hollow(stifle, under, z, 17, pose, rim=1.3)
    for _ in range(int(rng.integers(0, 2 + round(2.2 * severity)))):
        at = (x + depth_mm * rng.uniform(0.0, 0.6), y + length_mm * rng.uniform(-0.32, 0.32))
        radii = (1.2 + 1.4 * severity * rng.random(), 2.0 + 3.5 * severity * rng.random())
        piece = blob(at, radii, float(rng.normal(0, 12)), rng)
        bodies.append(stuff(stifle, piece, 9, z, 0.8 * (xray.CORTICAL - xray.MUSCLE), pose))
    return bodies


def _cyst(stifle: Stifle, pose: Pose) -> list[Placed]:
    """Return a cavity at the distal, weight-bearing part of the medial condyle, open to the joint or not."""
    severity = stifle.severe("cyst")
    if not severity:
        return []
    rng = stifle.lesion()
    tall, wide = 3.5 + 8.5 * severity, 4.5 + 7.0 * severity
    x = 16 + float(rng.normal(0, 3))
    return hollow(stifle, blob((x, -2 - tall), (wide, tall), -STANCE_DEG, rng), MEDIAL, 10 + 15 * severity, pose)


def _osteoarthritis(stifle: Stifle, femoral: Pose, limb: Pose) -> list[Placed]:
    """Return the denser bone under the medial joint surfaces."""
    worn = stifle.severe("osteoarthritis")
    if not worn:
        return []
    dense = 0.22 * worn * (xray.CORTICAL - xray.MUSCLE)
    plateau = [(-22, 6), (10, 6), (42, 8), (46, 14), (30, 20), (4, 20), (-18, 14)]
    condyle = [(-8, -6), (20, 1), (46, -10), (44, -17), (20, -10), (-6, -14)]
    return [stuff(stifle, plateau, 28, MEDIAL, dense, limb), stuff(stifle, condyle, 28, MEDIAL, dense, femoral)]


def _soft_tissue(stifle: Stifle, beam: Beam, pose: Pose) -> Field:
    skin = [(-40, -290), (-72, -215), (-88, -165), (-88, -125), (-80, -85), (-74, -45), (-71, -10), (-71, 22)]
    skin += [(-64, 50), (-48, 78), (-28, 112), (0, 170), (40, 270), (260, 270), (270, 0), (260, -290)]
    muscle = Part(stifle.placed(skin, 0), 150 * stifle.tissue, 74, ((0, 5.0),), xray.FAT, ((0, xray.MUSCLE),))
    pad = [(-66, -112), (-70, -70), (-64, -30), (-58, -2), (-44, 2), (-34, -12), (-44, -40), (-54, -80)]
    fat = (xray.FAT - xray.MUSCLE) * (1 - stifle.effusion)
    ligament = outline_tube([(-70, -112), (-73, -60), (-66, -10), (-57, 20)], 4.5)
    pouch = [(-76, -180), (-60, -176), (-40, -150), (-30, -130), (-36, -112), (-52, -110), (-70, -130), (-80, -160)]
    planes = [[(62, -60), (92, 0), (130, 70), (150, 140)], [(90, -180), (120, -90), (170, 10)]]
    bodies = [
        stuff(stifle, pad, 62, 0, fat, pose),
        stuff(stifle, ligament, 18, 0, -0.7 * fat, pose),
        stuff(stifle, pouch, 60, 0, 0.5 * fat, pose),
        *(stuff(stifle, outline_tube(line, 4.0), 50, 0, 0.45 * (xray.FAT - xray.MUSCLE), pose) for line in planes),
    ]
    depth = np.add(*muscle.depths(beam, pose))
    for body in bodies:
        depth = depth + body.depth(beam, np.zeros(1))
    return np.asarray(ndimage.gaussian_filter(depth, 1.5 / beam.pixel_mm))
