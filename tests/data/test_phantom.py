"""Simulated radiographs: the same again by seed, plausible, and with a mask that matches."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from models.simulation.bodies import HERE
from models.simulation.knee_phantom import compute_knee_depth, compute_knee_soft_tissue
from models.simulation.leg_phantom import LegBreak, compute_leg_depth, compute_leg_soft_tissue, shape_leg_bones
from models.simulation.phantom import (
    Anatomy,
    Beam,
    Exposure,
    KneeJoint,
    ShoulderImplant,
    simulate_knee,
    simulate_shoulder,
    write_radiographs,
)
from models.simulation.xray import WHITE

SMALL = Beam((160, 128), 1.68, centre_mm=(24.0, 49.0))
SMALL_KNEE = Beam((128, 128), 1.06, centre_mm=(0.0, 2.0), source_object_mm=1050.0)
SMALL_LEG = Beam((200, 128), 1.44, centre_mm=(-6.0, -4.0), source_object_mm=1050.0)


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def test_a_seed_gives_the_same_picture() -> None:
    first, again, other = (simulate_shoulder(seed, beam=SMALL) for seed in (3, 3, 4))
    assert digest(first.pixels) == digest(again.pixels) != digest(other.pixels)
    assert (first.metal == again.metal).all()


@pytest.mark.parametrize("seed", range(4))
def test_every_drawn_shoulder_is_plausible(seed: int) -> None:
    shot = simulate_shoulder(seed, beam=SMALL)
    assert shot.pixels.shape == shot.metal.shape == SMALL.shape
    assert shot.pixels.dtype == np.uint16
    assert shot.pixels.max() <= WHITE
    assert 0.03 < shot.metal.mean() < 0.25
    assert shot.spacing_mm == pytest.approx((1.68 / 1.15, 1.68 / 1.15))


@pytest.mark.parametrize("kind", ["anatomic", "reverse"])
def test_metal_is_the_brightest_and_the_mask_finds_it(kind: str) -> None:
    implant = ShoulderImplant(kind=kind, head_radius_mm=20.0)  # type: ignore[arg-type]
    shot = simulate_shoulder(1, implant=implant, anatomy=Anatomy(), beam=SMALL, exposure=Exposure())
    pixels, metal = shot.pixels[45:], shot.metal[45:]  # below the letters
    dimmest, brightest = np.percentile(pixels[metal], 10), np.percentile(pixels[~metal], 99)
    assert dimmest > brightest
    bright = pixels > (dimmest + brightest) / 2
    assert (bright & metal).sum() / (bright | metal).sum() > 0.8


def test_a_longer_stem_reaches_further() -> None:
    reach = [
        np.nonzero(
            simulate_shoulder(1, implant=ShoulderImplant(stem_length_mm=mm), anatomy=Anatomy(), beam=SMALL).metal.any(1)
        )[0].max()
        for mm in (90.0, 130.0)
    ]
    assert (reach[1] - reach[0]) * 1.68 / 1.15 == pytest.approx(40 * np.cos(np.radians(10)), abs=3)


def test_left_mirrors_right() -> None:
    right, left = (simulate_shoulder(2, beam=SMALL, side=side) for side in ("R", "L"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(left.metal, right.metal[:, ::-1])


def test_worn_knees_have_less_joint_space_on_the_medial_side() -> None:
    beam = Beam((200, 60), 0.2, centre_mm=(22.0, 2.0), source_object_mm=1050.0)  # the medial compartment
    gaps_mm = []
    for grade in range(5):
        bone = compute_knee_depth(
            KneeJoint.of_grade(grade), 1.0, beam, np.random.default_rng(0)
        ) - compute_knee_soft_tissue(beam)
        gaps_mm.append((bone[40:160, 30] < 0.25).sum() * 0.2 / beam.magnification)
    widths_mm = [KneeJoint.of_grade(grade).medial_mm for grade in range(5)]
    np.testing.assert_allclose(gaps_mm, widths_mm, atol=1.0)
    assert gaps_mm[0] > gaps_mm[2] > gaps_mm[3] > gaps_mm[4]


def test_simulated_knees_hold_no_metal_and_differ_by_grade() -> None:
    healthy, worn = (simulate_knee(5, joint=KneeJoint.of_grade(grade), beam=SMALL_KNEE) for grade in (0, 4))
    assert not healthy.metal.any()
    assert healthy.pixels.shape == SMALL_KNEE.shape
    assert digest(healthy.pixels) != digest(worn.pixels)


def test_joint_space_is_what_was_asked_for() -> None:
    joint = KneeJoint(medial_mm=2.0, lateral_mm=6.0)
    assert joint.below_plateau(40, 0)[1] == 2.0
    assert joint.below_plateau(-40, 0)[1] == 6.0


@pytest.mark.slow
def test_the_shipped_radiographs_can_be_made_again(tmp_path: Path) -> None:
    from models.cases import CASES_DIR
    from models.io import read

    for path in write_radiographs(tmp_path):
        made, shipped = read(path).pixels, read(CASES_DIR / path.name).pixels
        assert np.abs(made - shipped).mean() < 1e-3, path.name


def test_a_break_moves_only_what_is_below_it() -> None:
    whole, broken = (compute_leg_depth(how, 1.0, SMALL_LEG, np.random.default_rng(0)) for how in (None, LegBreak()))
    rows_mm = SMALL_LEG.plane()[1]
    above, below = rows_mm < -45, rows_mm > 30
    np.testing.assert_array_equal(broken[above], whole[above])
    assert np.abs(broken - whole)[below].max() > 0.3


def test_a_break_that_moves_nothing_leaves_the_bone_as_thick_as_it_was() -> None:
    whole, cracked = (
        compute_leg_depth(how, 1.0, SMALL_LEG, np.random.default_rng(0)) for how in (None, LegBreak(below=HERE))
    )
    np.testing.assert_allclose(cracked, whole, atol=1e-9)


def test_the_bones_of_the_leg_stand_out_of_the_muscle() -> None:
    bone = compute_leg_depth(None, 1.0, SMALL_LEG, np.random.default_rng(0)) - compute_leg_soft_tissue(SMALL_LEG)
    across = np.nonzero(bone[100] > 0.15)[0]
    assert (
        len(shape_leg_bones()) == (np.diff(across) > 1).sum() + 1
    )  # tibia and fibula, apart in the middle of the shafts
