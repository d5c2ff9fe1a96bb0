"""The rasters against shapes whose projection is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation
from shapely import MultiPoint, Point

from models.geometry.camera import Camera
from models.geometry.compiled import trace_outline
from models.geometry.mesh import Mesh
from models.geometry.render import _at, render_rim, render_silhouette, render_thickness_mm
from models.simulation.motion import Scene

CAMERA = Camera((1000.0, 1000.0), (100.0, 90.0), (200, 240))
FAR = np.eye(4)
FAR[:3, 3] = [0, 0, -500]


def as_mesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(shape.vertices), np.asarray(shape.faces, np.int32))


BOX = as_mesh(trimesh.creation.box(extents=(20, 10, 8)))
BALL = as_mesh(trimesh.creation.icosphere(subdivisions=5, radius=20))


def test_the_silhouette_of_a_box_is_that_of_its_near_face() -> None:
    mask = render_silhouette(BOX, FAR, CAMERA)
    rows, columns = np.nonzero(mask)
    scale = 1000 / 496  # the near face, 4 mm before the middle
    assert (columns.min(), columns.max()) == (np.ceil(100 - 10 * scale), np.floor(100 + 10 * scale))
    assert (rows.min(), rows.max()) == (np.ceil(90 - 5 * scale), np.floor(90 + 5 * scale))
    assert mask.sum() == len(set(rows)) * len(set(columns))


def test_thickness_is_exact_along_the_central_ray_and_zero_outside() -> None:
    depth = render_thickness_mm(BOX, FAR, CAMERA)
    assert depth[90, 100] == pytest.approx(8)
    assert (depth[render_silhouette(BOX, FAR, CAMERA) == 0] == 0).all()
    ball = render_thickness_mm(BALL, FAR, CAMERA)
    assert ball[90, 100] == pytest.approx(40, abs=0.1)
    volume = (ball * (500 / 1000) ** 2).sum()  # pixels are half a millimetre wide in the middle of the ball
    assert volume == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)


def test_the_rim_of_a_ball_is_its_tangent_cone() -> None:
    rim = render_rim(BALL, FAR, CAMERA)
    radius = 1000 * 20 / np.sqrt(500**2 - 20**2)
    apart = np.linalg.norm(rim.pixels - [100, 90], axis=1)
    assert len(rim.pixels) > 150
    assert np.abs(apart - radius).max() < 0.3
    assert np.allclose(rim.normals, (rim.pixels - [100, 90]) / apart[:, None], atol=0.05)


def test_the_rim_of_a_box_seen_from_the_front_is_that_of_its_near_face() -> None:
    for near_mm in (-500, -30):
        pose = FAR.copy()
        pose[2, 3] = near_mm
        rim = render_rim(BOX, pose, Camera((1000.0, 1000.0), (400.0, 400.0), (800, 800)))
        assert np.allclose(rim.points_mm[:, 2], near_mm + 4)
        across = np.abs(rim.points_mm[:, :2]) / (10, 5)
        assert np.allclose(across.max(1), 1)
        assert len(rim.points_mm) > 30


def test_a_rim_that_the_component_hides_is_left_out(lunge: Scene) -> None:
    pose = lunge.femoral_poses[1]
    mask = render_silhouette(lunge.femoral, pose, lunge.camera)
    border = trace_outline(np.pad(mask, 1)) - 1.0
    rim = render_rim(lunge.femoral, pose, lunge.camera)
    outer = rim.pixels[np.linalg.norm(rim.pixels[:, None] - border[None], axis=2).min(1) < 1.5]
    assert len(outer) > 0.8 * len(rim.pixels)  # the rest lies along a hole


def test_the_outline_walks_around_a_square_once() -> None:
    mask = np.zeros((10, 12), np.uint8)
    mask[3:6, 4:9] = 1
    border = trace_outline(mask)
    assert len(border) == 2 * (3 + 5)
    assert border.min(0).tolist() == [3.5, 2.5]
    assert border.max(0).tolist() == [8.5, 5.5]


def by_slabs(extents: tuple[float, ...], pose: np.ndarray, camera: Camera) -> np.ndarray:
    """(H, W) length in mm that each pixel's ray runs inside a box: where it enters and leaves three pairs of planes."""
    column, row = np.meshgrid(np.arange(camera.shape[1]), np.arange(camera.shape[0]))
    x, y = (column - camera.centre_px[0]) / camera.focal_px[0], (row - camera.centre_px[1]) / camera.focal_px[1]
    rays = np.stack([x, -y, -np.ones_like(x)], -1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    away, start = rays @ pose[:3, :3], -pose[:3, :3].T @ pose[:3, 3]
    half = np.array(extents) / 2
    with np.errstate(divide="ignore"):
        sides = np.stack([(-half - start) / away, (half - start) / away])
    return np.maximum(sides.max(0).min(-1) - sides.min(0).max(-1), 0)


def turned(*degrees: float, at: tuple[float, float, float] = (0, 0, -500)) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    pose[:3, 3] = at
    return pose


OBLONG = Camera((900.0, 1100.0), (40.0, 70.0), (110, 130))


@pytest.mark.parametrize(
    "pose",
    [turned(30, -20, 10), turned(-75, 40, 100, at=(12, -9, -400)), turned(10, 20, 30, at=(-18, 30, -420)),
     turned(200, 10, -60, at=(44, -2, -500))],
)  # fmt: skip
def test_every_pixel_of_a_box_anywhere_is_as_thick_as_its_planes_say(pose: np.ndarray) -> None:
    said = by_slabs((20, 10, 8), pose, OBLONG)
    assert said.max() > 7  # it lies in the picture, or across its border
    found = render_thickness_mm(BOX, pose, OBLONG)
    assert found == pytest.approx(said, abs=1e-3)
    wrong = (render_silhouette(BOX, pose, OBLONG) > 0) != (said > 0)
    assert not (wrong & (said > 0.01)).any()
    assert wrong.sum() <= 3  # a border may touch the middle of a pixel


def test_the_rim_of_a_box_follows_its_edges_at_even_steps() -> None:
    pose = turned(35, 25, 15)
    step_px = 2.0
    rim = render_rim(BOX, pose, CAMERA, step_px)
    corners = pose[:3, :3] @ (np.array(list(product((-10, 10), (-5, 5), (-4, 4)))).T) + pose[:3, 3:]
    shape = MultiPoint([tuple(CAMERA.project(one[None])[0]) for one in corners.T]).convex_hull
    for point, normal in zip(rim.pixels, rim.normals, strict=True):
        assert shape.exterior.distance(Point(point)) < 1e-6  # a convex body's rim is its outline
        assert not shape.contains(Point(point + 0.5 * normal))
    assert np.allclose(np.linalg.norm(rim.normals, axis=1), 1)
    assert np.allclose(CAMERA.project(rim.points_mm), rim.pixels)
    along = np.linalg.norm(np.diff(rim.points_mm, axis=0), axis=1)
    step_mm = step_px * 500 / 1000
    assert np.median(along) == pytest.approx(step_mm)
    round_it = [
        corners.T[np.linalg.norm(CAMERA.project(corners.T) - end, axis=1).argmin()] for end in shape.exterior.coords
    ]
    length = np.linalg.norm(np.diff(round_it, axis=0), axis=1).sum()
    assert (
        length / step_mm - 7 <= len(rim.pixels) <= length / step_mm + 1
    )  # close to a corner, what is beside it hides one


def test_the_outline_of_a_corner_goes_round_it_clockwise() -> None:
    mask = np.zeros((7, 8), np.uint8)
    mask[2:4, 3:5] = 1
    mask[4, 3:6] = 1  # three rows, the last one wider
    walked = [
        (3, 1.5), (4, 1.5), (4.5, 2), (4.5, 3), (5, 3.5), (5.5, 4), (5, 4.5), (4, 4.5), (3, 4.5), (2.5, 4), (2.5, 3),
        (2.5, 2),
    ]  # fmt: skip
    assert [tuple(one) for one in trace_outline(mask)] == walked
    assert trace_outline(np.zeros((4, 5), np.uint8)).shape == (0, 2)
    apart = np.zeros((6, 9), np.uint8)
    apart[3, 2], apart[2, 5:8] = 1, 1  # the first in reading order, though it lies further right
    assert len(trace_outline(apart)) == 8


def test_the_value_at_a_point_is_that_of_its_pixel_and_of_none_outside() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    points = np.array([(0, 0), (3, 2), (1.4, 0.6), (-0.6, 0), (0, -0.6), (3.6, 0), (0, 2.6), (2, 1)], float)
    assert _at(mask, points).tolist() == [0, 11, 5, -1, -1, -1, -1, 6]


def test_the_silhouette_of_the_public_example_overlaps_its_mask(kneel) -> None:
    from models.geometry import jts
    from models.geometry.camera import read_calibration
    from models.geometry.mesh import read_mesh

    camera = read_calibration(kneel.bytes("calibration.txt"), (1024, 1024))
    for component, short in (("femoral", "fem"), ("tibial", "tib")):
        mesh = read_mesh(kneel.bytes(f"{component}.stl"))
        drawn = render_silhouette(mesh, jts.read_jts(kneel.bytes(f"{short}.jts"))[0], camera) > 0
        mask = kneel.mask(short, 0)
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.96
