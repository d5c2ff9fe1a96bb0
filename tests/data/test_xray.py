"""The physics of the simulation: exact chords, Beer-Lambert, and a detector that keeps the order of things."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from models.simulation import xray
from models.simulation.bodies import Ball, Frustum, Part, Pose, cast_solids, outline_tube
from models.simulation.xray import WHITE, Beam, Exposure, expose_xray

PARALLEL = Beam((81, 81), 0.5, source_object_mm=math.inf, source_detector_mm=math.inf)
NEAR = replace(PARALLEL, source_object_mm=1000.0, source_detector_mm=1200.0)


def test_a_ball_is_met_at_its_diameter() -> None:
    chords = cast_solids([Ball((0.0, 0.0, 0.0), 10.0)], PARALLEL)
    assert chords[40, 40] == pytest.approx(20.0)
    assert chords[40, 52] == pytest.approx(2 * math.sqrt(10**2 - 6**2))  # 12 pixels of 0.5 mm aside
    assert chords[40, 61] == 0.0


def test_volume_is_the_sum_of_chords() -> None:
    solids = {
        Ball((0.0, 0.0, 0.0), 10.0): 4 / 3 * math.pi * 10**3,
        Ball((0.0, 0.0, 0.0), 10.0, (1.0, 0.0, 0.0), 4.0): math.pi * 6**2 * (10 - 6 / 3),  # a cap 6 high
        Frustum((-10.0, 0.0, 0.0), (10.0, 0.0, 0.0), 6.0, 3.0): math.pi * 20 / 3 * (36 + 18 + 9),
        Frustum((-6.0, -8.0, 0.0), (6.0, 8.0, 0.0), 5.0, 5.0): math.pi * 25 * 20,
    }
    for solid, volume in solids.items():
        assert cast_solids([solid], PARALLEL).sum() * 0.5**2 == pytest.approx(volume, rel=0.01)


def test_turning_a_ball_changes_nothing() -> None:
    ball = [Ball((0.0, 0.0, 0.0), 10.0)]
    np.testing.assert_allclose(cast_solids(ball, PARALLEL, Pose(30), 25), cast_solids(ball, PARALLEL), atol=1e-6)


def test_version_foreshortens() -> None:
    bar = [Frustum((-10.0, 0.0, 0.0), (10.0, 0.0, 0.0), 2.0, 2.0)]
    widths = [int((cast_solids(bar, PARALLEL, version_deg=turn)[40] > 0).sum()) for turn in (0, 40, 80)]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 3


def test_pose_turns_clockwise_on_the_screen() -> None:
    hand = Part(outline_tube([(0, 0), (0, -8), (0, -16)], 2.0), 4.0, 2.0, ((0, 0.0),), 0.0, ((0, 1.0),))
    rows, columns = np.nonzero(hand.depths(PARALLEL, Pose(90))[1])
    assert columns.mean() > 50  # twelve o'clock has become three
    assert abs(rows.mean() - 40) < 1


def test_what_is_nearer_to_the_tube_is_larger() -> None:
    def width(z: float) -> int:
        return int((cast_solids([Ball((0.0, 0.0, z), 8.0)], NEAR)[40] > 0).sum())

    assert width(-300.0) < width(0.0) < width(300.0)
    assert NEAR.magnification == pytest.approx(1.2)
    x, _ = NEAR.plane()
    assert x[1] - x[0] == pytest.approx(0.5 / 1.2)


def test_a_tube_of_bone_is_brightest_at_its_cortex() -> None:
    bone = Part(outline_tube([(0, -40), (0, 0), (0, 40)], 10.0), 20.0, 10.0, ((0, 3.0),), 0.06, ((0, 0.02),))
    shell, core = bone.depths(PARALLEL)
    row = (shell + core)[40]
    assert row[40 + 14] > row[40] > row[40 + 19] > row[40 + 25] == 0  # 7, 0, 9.5 and 12.5 mm from the axis


def test_thicker_is_brighter_and_metal_is_brightest() -> None:
    beam = Beam((60, 200), 0.5)
    steps = np.repeat([0.0, 40.0, 80.0, 120.0, 0.0], 40)[None] * xray.MUSCLE + np.zeros((60, 1))
    steps[:, 160:] = 10 * xray.COBALT_CHROME
    picture = expose_xray(steps, beam, Exposure(scatter=0.1, scatter_mm=3.0), np.random.default_rng(0))
    greys = [picture[:, 40 * k + 10 : 40 * k + 30].mean() for k in range(5)]
    assert greys == sorted(greys)
    assert greys[-1] > 0.9 * WHITE


def test_fewer_photons_are_noisier_and_scatter_flattens() -> None:
    beam = Beam((80, 80), 0.5)
    wedge = np.linspace(0.5, 3, 80)[None] + np.zeros((80, 1))

    def taken(exposure: Exposure) -> np.ndarray:
        return expose_xray(wedge, beam, exposure, np.random.default_rng(1)).astype(float)

    bright, dim = taken(Exposure(photons=50_000.0)), taken(Exposure(photons=500.0))
    assert dim[:, 20:60].std(axis=0).mean() > 3 * bright[:, 20:60].std(axis=0).mean()


def test_a_picture_without_anything_in_it_is_still_a_picture() -> None:
    empty = expose_xray(
        np.zeros((40, 40)), Beam((40, 40), 0.5), Exposure(border_mm=(2, 2, 2, 2)), np.random.default_rng(0)
    )
    assert empty[0, 0] == 0
    assert empty.max() <= WHITE
