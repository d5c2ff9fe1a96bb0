"""Thickness of bands that are known: straight, tilted, bent, cut, split and simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.simulation.joint_section import CLASSES, simulate_joint_section
from models.tasks.segmentation.thickness import measure_thickness


def bar(height: float, angle_deg: float = 0.0, shape: tuple[int, int] = (160, 240)) -> np.ndarray:
    """A band through the middle of the whole picture."""
    rows, columns = np.indices(shape, float)
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    off = c * (rows - shape[0] / 2 + 0.37) - s * (columns - shape[1] / 2)
    return np.abs(off) < height / 2


def test_a_straight_band_has_exactly_its_thickness() -> None:
    band = np.zeros((60, 200), bool)
    band[20:41] = True
    found = measure_thickness(band)
    assert (found.unit, found.mean, found.minimum) == ("px", pytest.approx(21, abs=0.05), pytest.approx(21, abs=1e-3))
    assert found.roughness == pytest.approx(0, abs=0.02)
    np.testing.assert_allclose(found.segments[:, :, 0].min(1), 19.5, atol=1e-3)
    np.testing.assert_allclose(found.segments[:, :, 0].max(1), 40.5, atol=1e-3)


@pytest.mark.parametrize("angle_deg", [0, 8, 20, 45])
@pytest.mark.parametrize("height", [12.0, 25.0])
def test_a_tilted_band(height: float, angle_deg: float) -> None:
    found = measure_thickness(bar(height, angle_deg), (0.01, 0.01))
    assert found.unit == "mm"
    assert found.mean == pytest.approx(height / 100, rel=0.03)
    assert found.minimum > 0.9 * height / 100


def test_pixels_that_are_not_square() -> None:
    assert measure_thickness(bar(20.0), (0.02, 0.01)).mean == pytest.approx(0.4, rel=0.02)
    assert measure_thickness(bar(20.0).T, (0.02, 0.01)).mean == pytest.approx(0.2, rel=0.02)


def test_a_ring_segment_has_the_difference_of_its_radii() -> None:
    rows, columns = np.indices((200, 400), float)
    radius = np.hypot(rows + 60, columns - 200)
    found = measure_thickness((radius > 180) & (radius < 204))
    assert found.mean == pytest.approx(24, rel=0.02)


def test_a_wedge_has_the_mean_of_its_profile() -> None:
    rows, columns = np.indices((120, 400), float)
    half = 10 + columns / 40  # 20 to 40 pixels thick
    found = measure_thickness(np.abs(rows - 60) < half)
    middle = found.points[:, 1]
    np.testing.assert_allclose(found.profile, 20 + middle / 20, rtol=0.05)


def test_the_thinnest_place_is_found() -> None:
    rows, columns = np.indices((100, 400), float)
    dent = 12 * np.exp(-(((columns - 260) / 30) ** 2))
    found = measure_thickness((rows > 30 + dent) & (rows < 60))
    assert found.minimum == pytest.approx(17, abs=1.2)
    assert found.thinnest is not None
    assert found.thinnest[0][1] == pytest.approx(260, abs=12)


def test_fissures_and_holes_are_bridged() -> None:
    band = np.zeros((80, 300), bool)
    band[20:60] = True
    whole = measure_thickness(band).mean
    band[20:45, 80:82], band[30:34, 150:154] = False, False
    assert measure_thickness(band).mean == pytest.approx(whole, rel=0.01)


def test_roughness_of_a_wave_is_its_root_mean_square() -> None:
    rows, columns = np.indices((160, 700), float)
    wave = 3 * np.sin(2 * np.pi * columns / 24)
    rough = measure_thickness((rows > 40 + wave) & (rows < 100), outside=rows < 40 + wave)
    assert rough.roughness == pytest.approx(3 / math.sqrt(2), rel=0.2)
    other_side = measure_thickness((rows > 40 + wave) & (rows < 100), outside=rows > 100)
    assert other_side.roughness < 0.3 * rough.roughness


def test_two_bands_are_measured_together_and_crumbs_are_not() -> None:
    band = np.zeros((200, 300), bool)
    band[20:40], band[120:150] = True, True
    band[80:83, 50:60] = True
    found = measure_thickness(band)
    assert found.mean == pytest.approx(25, abs=0.5)
    assert found.minimum == pytest.approx(20, abs=0.1)
    assert len(found.lines(10)) in (10, 11)


@pytest.mark.parametrize("band", [np.zeros((50, 50), bool), np.eye(50, dtype=bool) & False, np.ones((6, 6), bool)])
def test_what_is_no_band_has_no_thickness(band: np.ndarray) -> None:
    found = measure_thickness(band)
    assert math.isnan(found.mean)
    assert found.lines() == []
    assert found.thinnest is None


@pytest.mark.parametrize("seed", [0, 3, 5, 16, 29, 36])
def test_simulated_cartilage_has_the_thickness_of_its_curves(seed: int) -> None:
    shot = simulate_joint_section(seed)
    cartilage = shot.mask == CLASSES.index("articular-cartilage")
    assert measure_thickness(cartilage, shot.spacing_mm).mean == pytest.approx(shot.reference.thickness_mm, rel=0.05)
