"""The rasters against shapes whose projection is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from models.geometry.camera import Camera
from models.geometry.compiled import outline
from models.geometry.mesh import Mesh
from models.geometry.render import rim_of, silhouette, thickness_mm
from models.simulation.motion import Scene

CAMERA = Camera((1000.0, 1000.0), (100.0, 90.0), (200, 240))
FAR = np.eye(4)
FAR[:3, 3] = [0, 0, -500]


def as_mesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(shape.vertices), np.asarray(shape.faces, np.int32))


BOX = as_mesh(trimesh.creation.box(extents=(20, 10, 8)))
BALL = as_mesh(trimesh.creation.icosphere(subdivisions=5, radius=20))


def test_the_silhouette_of_a_box_is_that_of_its_near_face() -> None:
    mask = silhouette(BOX, FAR, CAMERA)
    rows, columns = np.nonzero(mask)
    scale = 1000 / 496  # the near face, 4 mm before the middle
    assert (columns.min(), columns.max()) == (np.ceil(100 - 10 * scale), np.floor(100 + 10 * scale))
    assert (rows.min(), rows.max()) == (np.ceil(90 - 5 * scale), np.floor(90 + 5 * scale))
    assert mask.sum() == len(set(rows)) * len(set(columns))


def test_thickness_is_exact_along_the_central_ray_and_zero_outside() -> None:
    depth = thickness_mm(BOX, FAR, CAMERA)
    assert depth[90, 100] == pytest.approx(8)
    assert (depth[silhouette(BOX, FAR, CAMERA) == 0] == 0).all()
    ball = thickness_mm(BALL, FAR, CAMERA)
    assert ball[90, 100] == pytest.approx(40, abs=0.1)
    volume = (ball * (500 / 1000) ** 2).sum()  # pixels are half a millimetre wide in the middle of the ball
    assert volume == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)


def test_the_rim_of_a_ball_is_its_tangent_cone() -> None:
    rim = rim_of(BALL, FAR, CAMERA)
    radius = 1000 * 20 / np.sqrt(500**2 - 20**2)
    apart = np.linalg.norm(rim.pixels - [100, 90], axis=1)
    assert len(rim.pixels) > 150
    assert np.abs(apart - radius).max() < 0.3
    assert np.allclose(rim.normals, (rim.pixels - [100, 90]) / apart[:, None], atol=0.05)


def test_a_rim_that_the_component_hides_is_left_out(lunge: Scene) -> None:
    pose = lunge.femoral_poses[1]
    mask = silhouette(lunge.femoral, pose, lunge.camera)
    border = outline(np.pad(mask, 1)) - 1.0
    rim = rim_of(lunge.femoral, pose, lunge.camera)
    outer = rim.pixels[np.linalg.norm(rim.pixels[:, None] - border[None], axis=2).min(1) < 1.5]
    assert len(outer) > 0.8 * len(rim.pixels)  # the rest lies along a hole


def test_the_outline_walks_around_a_square_once() -> None:
    mask = np.zeros((10, 12), np.uint8)
    mask[3:6, 4:9] = 1
    border = outline(mask)
    assert len(border) == 2 * (3 + 5)
    assert border.min(0).tolist() == [3.5, 2.5]
    assert border.max(0).tolist() == [8.5, 5.5]


def test_the_silhouette_of_the_public_example_overlaps_its_mask(kneel) -> None:
    from models.geometry import jts
    from models.geometry.camera import read_calibration
    from models.geometry.mesh import read_mesh

    camera = read_calibration(kneel.bytes("calibration.txt"), (1024, 1024))
    for component, short in (("femoral", "fem"), ("tibial", "tib")):
        mesh = read_mesh(kneel.bytes(f"{component}.stl"))
        drawn = silhouette(mesh, jts.read(kneel.bytes(f"{short}.jts"))[0], camera) > 0
        mask = kneel.mask(short, 0)
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.96
