"""The shadow of a mesh against lengths worked out by hand, and scenes made of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from models.simulation.fluoroscopy import Implant, cover_metal, fill_component, rotate_fluoroscope, simulate_fluoroscopy
from models.simulation.metal import SIDE, SOURCE_MM, Component, trace_metal_thickness


def block(width: float, height: float, depth: float, inside_out: bool = False) -> bytes:
    """A binary STL of a block about the origin."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = signs * [width / 2, height / 2, depth / 2]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [(a, b, c) for a, b, c, _ in faces] + [(a, c, d) for a, _, c, d in faces]
    if inside_out:
        triangles = [triangle[::-1] for triangle in triangles]
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *corners[list(triangle)].ravel(), 0) for triangle in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + body


@pytest.mark.parametrize("inside_out", [False, True])
def test_a_block_seen_face_on_is_as_thick_as_it_is_deep(inside_out: bool) -> None:
    mesh = Component.from_stl(block(40, 24, 16, inside_out), np.eye(3))
    found = trace_metal_thickness(mesh.triangles, 2.0, (200.0, 300.0))
    assert found.shape == (SIDE, SIDE)
    assert found[200, 300] == pytest.approx(16, abs=0.01)
    assert found[200, 330] == pytest.approx(16, abs=0.02)  # 15 mm aside, hardly oblique
    near = SOURCE_MM / (SOURCE_MM - 8)  # the face towards the source is enlarged
    assert (found > 0.5).sum() == pytest.approx(40 * 24 * 4 * near**2, rel=0.03)
    assert not found[:170].any()


def test_a_turned_block_hides_as_much_metal_as_it_holds() -> None:
    mesh = Component.from_stl(block(32, 16, 16), np.eye(3))
    for angle in (0, 20, 45, 80):
        corners = mesh.triangles @ (rotate_fluoroscope(angle, 1) @ rotate_fluoroscope(angle / 2, 0)).T.astype(
            np.float32
        )
        volume = float(trace_metal_thickness(corners, 2.0, (256.0, 256.0)).sum()) / 4
        assert volume == pytest.approx(32 * 16 * 16, rel=0.02)


def test_a_tray_seen_edge_on_is_a_line() -> None:
    mesh = Component.from_stl(block(48, 4, 72), np.eye(3))
    found = trace_metal_thickness(mesh.triangles, 2.0, (256.0, 256.0))
    assert np.ptp(np.nonzero(found > 1)[0]) + 1 <= 10
    assert found.max() == pytest.approx(72, rel=0.01)


def test_a_scene_is_its_seed_s_and_shows_both_components() -> None:
    parts = [Component.from_stl(block(*size), np.eye(3)) for size in ((56, 40, 64), (48, 24, 64))]
    implant = Implant(parts[0], parts[1], gap_mm=34)
    first, again, other = (simulate_fluoroscopy(seed, [implant]) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.pixels != other.pixels).any()
    assert first.pixels.dtype == np.uint8
    assert set(np.unique(first.mask)) == {0, 1, 2}


def test_a_knee_that_kneels_lies_on_its_shin() -> None:
    parts = [Component.from_stl(block(*size), np.eye(3)) for size in ((56, 40, 64), (48, 24, 64))]
    for seed in range(6):
        mask = simulate_fluoroscopy(seed, [Implant(parts[0], parts[1], gap_mm=34)], kneeling=True).mask
        (femoral_row, femoral_column), (row, column) = (np.argwhere(mask == value).mean(0) for value in (1, 2))
        assert abs(femoral_row - row) < abs(femoral_column - column)


def test_bone_and_cement_fill_the_hollow_of_a_component_and_nothing_else() -> None:
    metal = np.zeros((SIDE, SIDE), np.float32)
    metal[200:300, 200:300] = 30
    metal[200:280, 220:280] = 0  # a cup of 60 columns, open at the top
    found = sum(fill_component(np.random.default_rng(seed), metal, 1.5) for seed in range(20)) / 20
    assert found[240:276, 224:276].min() > 0.05
    assert found[278, 250] > 1.2 * found[240, 250]  # cement along the metal
    assert found[:180].max() == 0
    assert max(found[:, :180].max(), found[320:].max(), found[:, 320:].max()) == 0
    assert not fill_component(np.random.default_rng(0), np.zeros_like(metal), 1.5).any()


def test_covered_metal_takes_the_grey_around_it() -> None:
    frame = np.full((80, 80), 180, np.uint8)
    metal = np.zeros((80, 80), bool)
    metal[30:50, 30:50] = True
    found = cover_metal(np.where(metal, 20, frame).astype(np.uint8), metal)
    assert np.abs(found.astype(int) - 180).max() <= 2
