"""The compiled loops on small rasters, against exact arithmetic, half-spaces and the cracks between pixels."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numba import config
from scipy import ndimage

from models.geometry.compiled import fill_silhouette, trace_outline, trace_rim, trace_thickness

SHAPE = (9, 11)


def turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> int:
    """Twice the signed area of a triangle, exact for whole numbers; rows grow downwards."""
    return int((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def holds(corners: np.ndarray, point: tuple[int, int]) -> bool:
    """Whether a triangle of whole numbers holds a point, its border and a triangle without area included."""
    at = np.array(point)
    sides = [turn(corners[i], corners[(i + 1) % 3], at) for i in range(3)]
    low, high = corners.min(0), corners.max(0)
    return (max(sides) <= 0 or min(sides) >= 0) and bool((low <= at).all() and (at <= high).all())


def test_a_pixel_is_filled_where_its_middle_lies_in_a_triangle_seen_from_the_front() -> None:
    rng = np.random.default_rng(5)
    cases = [rng.integers(-6, 16, (3, 2)) for _ in range(150)]
    cases += [np.array(one) for one in ([(1, 1), (5, 3), (9, 5)], [(3, 2), (3, 6), (3, 4)], [(2, 3), (8, 3), (5, 3)],
                                        [(0, 0), (0, 8), (10, 8)], [(0, 0), (10, 8), (10, 0)],
                                        [(2, 2), (2, 3), (3, 2)], [(2, 2), (3, 2), (2, 3)])]  # fmt: skip
    seen = 0
    for corners in cases:
        front = turn(*corners) <= 0
        whole = [[front and holds(corners, (c, r)) for c in range(SHAPE[1])] for r in range(SHAPE[0])]
        found = fill_silhouette(corners.astype(float), np.array([[0, 1, 2]], np.int32), SHAPE)
        assert found.tolist() == np.array(whole, int).tolist(), corners
        seen += int(found.any()) and int(turn(*corners) < 0)
    assert seen > 40


def test_triangles_add_up_and_one_may_lie_before_another() -> None:
    points = np.array([(0, 0), (0, 4), (4, 0), (7.4, 2.6), (7.4, 6.4), (9.6, 2.6)])
    both = fill_silhouette(points, np.array([[0, 1, 2], [3, 4, 5]], np.int32), SHAPE)
    rows, columns = np.nonzero(both[:, :6])
    assert {*zip(rows.tolist(), columns.tolist(), strict=True)} == {(r, c) for r in range(5) for c in range(5 - r)}
    # its long side passes columns 9.4, 8.8, 8.2 and 7.6 in rows 3 to 6
    assert [*zip(*np.nonzero(both[:, 6:]), strict=True)] == [(3, 2), (3, 3), (4, 2), (5, 2)]
    assert both.max() == 1


def depth_inside(points: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """(H, W) how much deeper the ray of each pixel leaves a tetrahedron than it enters: by its four half-spaces.

    The camera's focal length is one pixel and its principal point is pixel (0, 0).
    """
    corners = np.column_stack([points, np.ones(4)]) * ranges[:, None]
    column, row = np.meshgrid(np.arange(SHAPE[1]) + 2.91e-7, np.arange(SHAPE[0]) + 1.37e-7)
    rays = np.stack([column, row, np.ones_like(row)], -1)
    enter, leave = np.zeros(SHAPE), np.full(SHAPE, np.inf)
    for i in range(4):
        a, b, c = (corners[j] for j in range(4) if j != i)
        normal = np.cross(b - a, c - a)
        normal *= np.sign((corners[i] - a) @ normal)  # inwards
        along, gap = rays @ normal, -(a @ normal)
        with np.errstate(divide="ignore"):
            at = -gap / along
        enter = np.where(along > 0, np.maximum(enter, at), enter)
        leave = np.where(along < 0, np.minimum(leave, at), leave)
    return np.maximum(leave - enter, 0)


def test_a_ray_is_as_long_inside_a_tetrahedron_as_its_planes_say_whatever_corner_each_face_begins_with() -> None:
    rng, met = np.random.default_rng(11), 0
    for n in range(72):
        # whole numbers: rays pass along edges and through corners, which no two faces may both claim or both leave
        points = rng.integers(-3, 13, (4, 2)).astype(float) if n % 2 else rng.uniform(-3, 13, (4, 2))
        if n >= 60:  # hardly larger than a pixel
            points = rng.uniform(4.4, 5.6, (4, 2))
        ranges = rng.uniform(300, 900, 4)
        corners = np.column_stack([points, np.ones(4)]) * ranges[:, None]
        if abs(np.linalg.det(corners[1:] - corners[0])) < 1e3:  # flat
            continue
        faces = []
        for i in range(4):
            face = [j for j in range(4) if j != i]
            a, b, c = corners[face]
            outwards = np.cross(b - a, c - a) @ (corners[i] - a) < 0
            face = face if outwards else face[::-1]
            faces.append(np.roll(face, n % 3))
        # the camera's y points up and its z towards the source, which together turn nothing over
        found = trace_thickness(points, ranges, np.array(faces, np.int32), SHAPE)
        said = depth_inside(points, ranges)
        assert np.abs(found) == pytest.approx(said, abs=1e-2 * ranges.max() / 300), n
        met += int((said > 10).sum())
        assert (found >= -1e-6).all() or (found <= 1e-6).all()
    assert met > 400


def test_thickness_has_the_sign_of_a_surface_wound_outwards() -> None:
    points, ranges = np.array([(2.0, 2.0), (8.0, 2.0), (2.0, 7.0)]), np.array([500.0, 500.0, 500.0])
    for order in permutations(range(3)):
        face = np.array([order], np.int32)
        a, b, c = points[list(order)]
        front = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) < 0
        one = trace_thickness(points, ranges, face, SHAPE)
        assert one[3, 3] == pytest.approx(-500 if front else 500)  # where a ray enters, and where it leaves
        assert one[7, 8] == 0
        assert (fill_silhouette(points, face, SHAPE)[3, 3] == 1) == front
    assert not trace_thickness(points[[0, 0, 1]], ranges, np.array([[0, 1, 2]], np.int32), SHAPE).any()


def test_points_of_the_rim_are_evenly_spaced_over_its_edges_and_none_lies_between_faces_of_one_side() -> None:
    vertices = np.array([(0, 0, 0), (3, 0, 0), (3, 4, 0), (3, 4, 12), (0, 0, 9)], float)
    normals = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 0, 0), (0, -1, 0), (0, 0, -1)], float)
    distances = np.array([3.0, 4, 12, 0, 0, 0])
    edges = np.array([(0, 1), (1, 2), (2, 3), (0, 4)], np.int32)
    sides = np.array([(2, 5), (0, 4), (1, 0), (3, 4)], np.int32)
    source = np.array([2.0, 4.5, 13.0])  # beyond y 4 and z 12, before x 3: sees the second and the third alone
    points, outward = trace_rim(vertices, normals, distances, edges, sides, source, 5.0)
    # edges of 3 and of 12 count; 2.5 on the first, then 7.5, 12.5: 4.5 and 9.5 on the other
    assert points == pytest.approx(np.array([(2.5, 0, 0), (3, 4, 4.5), (3, 4, 9.5)]))
    assert outward.tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 0]]
    for nothing in (np.array([2.0, 4.0, 12.0]), np.array([1.0, 1.0, 1.0])):  # who is in a plane is not before it
        assert len(trace_rim(vertices, normals, distances, edges, sides, nothing, 5.0)[0]) == 0
    exact, _ = trace_rim(vertices, normals, distances, edges, sides, source, 2.0)
    assert exact[:, :2].tolist() == [[1, 0], *[[3, 4]] * 6]  # a point due where an edge ends belongs to the next
    assert exact[1:, 2].tolist() == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("before", [True, False])
def test_a_face_is_seen_by_its_own_plane(axis: int, before: bool) -> None:
    vertices = np.array([(5.0, 6.0, 7.0), (5.0, 6.0, 17.0)])
    normals = np.zeros((2, 3))
    normals[0, axis], normals[1] = 1, (-0.6, -0.8, 0)
    source = vertices[0] + 100 * np.eye(3)[(axis + 1) % 3] + (0.5 if before else -0.5) * np.eye(3)[axis]
    seen = [bool(normals[0] @ (source - vertices[0]) > 0), bool(normals[1] @ (source - vertices[0]) > 0)]
    assert seen[0] == before
    edge = np.array([[0, 1]], np.int32)
    points, _ = trace_rim(vertices, normals, normals @ vertices[0], edge, edge, source, 4.0)
    assert points[:, 2].tolist() == ([9, 13] if seen[0] != seen[1] else [])


def test_an_outline_is_every_crack_round_an_object_once_and_goes_clockwise() -> None:
    rng, corners = np.random.default_rng(2), 0
    for n in range(80):
        blobs = ndimage.binary_dilation(rng.random((8, 9)) > 0.93, iterations=n % 3)
        mask = np.pad(blobs | (rng.random((8, 9)) > 0.8), 1)
        touching, _ = ndimage.label(mask, np.ones((3, 3)))
        own = touching == touching.ravel()[np.flatnonzero(touching)[0]]
        own = ndimage.binary_fill_holes(own, [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
        across, down = np.nonzero(own[:, 1:] != own[:, :-1]), np.nonzero(own[1:] != own[:-1])
        cracks = {(c + 0.5, float(r)) for r, c in zip(*across, strict=True)}
        cracks |= {(float(c), r + 0.5) for r, c in zip(*down, strict=True)}
        found = trace_outline(mask.astype(np.uint8))
        walked = [*map(tuple, found)]
        assert {*walked} == cracks
        assert len(walked) == len(cracks)
        steps = np.linalg.norm(np.diff(np.vstack([found, found[:1]]), axis=0), axis=1)
        assert {*np.round(steps, 6)} <= {1.0, 0.707107}  # from crack to crack, over a corner or straight on
        x, y = found.T
        assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0
        first = np.flatnonzero(mask)[0]
        assert walked[0] == (first % 11, first // 11 - 0.5)
        corners += int((touching != ndimage.label(mask)[0]).any())
    assert corners > 10  # objects that hang together by a corner of a pixel


def test_kernels_are_kept_on_disk_and_let_other_threads_run() -> None:
    fill_silhouette(np.zeros((3, 2)), np.array([[0, 1, 2]], np.int32), SHAPE)
    if not config.DISABLE_JIT:
        assert fill_silhouette.stats.cache_path  # else each process would compile for seconds before its first frame
        assert fill_silhouette.targetoptions["nogil"]
