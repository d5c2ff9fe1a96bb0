"""CAD files: both kinds of STL, and what is no closed surface in millimetres."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
import trimesh

from models.errors import InputError
from models.geometry.mesh import Mesh, parse_mesh, read_mesh, write_stl


def box(size: float = 50.0) -> trimesh.Trimesh:
    return trimesh.creation.box(extents=(size, size * 0.8, size * 0.6))


def stl(mesh: trimesh.Trimesh, kind: str = "stl") -> bytes:
    data = mesh.export(file_type=kind)
    return data.encode() if isinstance(data, str) else data


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_both_kinds_of_stl_are_read(kind: str) -> None:
    mesh = read_mesh(stl(box(), kind), "box.stl")
    assert len(mesh.vertices) == 8
    assert len(mesh.faces) == 12
    assert mesh.warnings == ()
    assert np.allclose(mesh.normals.sum(0), 0)
    assert len(mesh.edges[0]) == 18


def test_a_surface_wound_inwards_is_turned() -> None:
    inwards = box()
    inwards.invert()
    mesh = read_mesh(stl(inwards))
    corners = mesh.vertices[mesh.faces].mean(1)
    assert (np.einsum("ij,ij->i", corners, mesh.normals) > 0).all()


def test_what_is_written_is_read_again() -> None:
    mesh = read_mesh(stl(box()))
    again = read_mesh(write_stl(mesh))
    assert np.allclose(sorted(map(tuple, again.vertices)), sorted(map(tuple, mesh.vertices)))


def test_mirroring_keeps_the_outside_outside() -> None:
    mesh = read_mesh(stl(box())).mirrored(1)
    assert trimesh.Trimesh(mesh.vertices, mesh.faces).volume == pytest.approx(50 * 40 * 30)


def test_a_thinned_mesh_keeps_its_outline() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=30)
    mesh = Mesh(np.asarray(ball.vertices), np.asarray(ball.faces, np.int32))
    thin = mesh.coarse(4.0)
    assert len(thin.faces) < len(mesh.faces) / 3
    assert thin.radius_mm == pytest.approx(30, abs=2)


def test_an_odd_size_is_a_warning() -> None:
    assert "unusual for a knee component" in read_mesh(stl(box(20.0)), "small.stl").warnings[0]


def test_what_is_said_of_a_mesh_names_no_file() -> None:
    """It goes into reports, and a file's name may be a patient's."""
    odd = box(20.0)
    twice = trimesh.Trimesh(odd.vertices, np.vstack([odd.faces, odd.faces]), process=False)
    fine = trimesh.creation.icosphere(subdivisions=4, radius=30)
    torn = trimesh.Trimesh(fine.vertices, fine.faces[1:], process=False)
    said = [*read_mesh(stl(twice), "Doe_Jane.stl").warnings, *read_mesh(stl(torn), "Doe_Jane.stl").warnings]
    assert len(said) == 3
    assert "Doe" not in " ".join(said)


@pytest.mark.parametrize(("size", "unit"), [(0.07, "metres"), (2.6, "inches"), (70_000.0, "micrometres")])
def test_another_unit_is_refused_by_name(size: float, unit: str) -> None:
    with pytest.raises(InputError, match=unit) as caught:
        read_mesh(stl(box(size)), "femur.stl")
    assert "millimetres" in str(caught.value)


def test_an_open_mesh_is_refused() -> None:
    whole = box()
    whole.update_faces(np.arange(12) > 1)
    with pytest.raises(InputError, match="open mesh: 4 of 17 edges"):
        read_mesh(stl(whole), "open.stl")


@pytest.mark.parametrize("data", [b"", b"solid nothing\nendsolid nothing\n", b"\0" * 84, b"no mesh at all"])
def test_an_empty_file_and_no_stl_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"empty mesh|no STL file"):
        read_mesh(data, "x.stl")


TETRAHEDRON = Mesh(
    np.array([(0, 0, 0), (10, 0, 0), (0, 20, 0), (0, 0, 40)], float),
    np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)], np.int32),
    ("told",),
)


def test_normals_edges_middle_and_radius_by_hand() -> None:
    slope = np.array([4, 2, 1]) / np.sqrt(21)  # of the plane x/10 + y/20 + z/40 = 1
    assert TETRAHEDRON.normals == pytest.approx(np.array([(0, 0, -1), (0, -1, 0), (-1, 0, 0), slope]))
    assert TETRAHEDRON.centre.tolist() == [5, 10, 20]
    assert TETRAHEDRON.radius_mm == pytest.approx(np.sqrt(5**2 + 10**2 + 20**2))
    edges, sides = TETRAHEDRON.edges
    shared = {(*edge, *sorted(side)) for edge, side in zip(edges.tolist(), sides.tolist(), strict=True)}
    assert shared == {(0, 1, 0, 1), (0, 2, 0, 2), (0, 3, 1, 2), (1, 2, 0, 3), (1, 3, 1, 3), (2, 3, 2, 3)}
    flat = Mesh(TETRAHEDRON.vertices, np.array([(0, 1, 1)], np.int32))
    assert flat.normals.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirror_turns_one_axis_and_the_winding(axis: int) -> None:
    other = TETRAHEDRON.mirrored(axis)
    sign = np.where(np.arange(3) == axis, -1, 1)
    assert (other.vertices == TETRAHEDRON.vertices * sign).all()
    assert np.sort(other.normals, 0) == pytest.approx(np.sort(TETRAHEDRON.normals * sign, 0))
    assert other.warnings == ("told",)


def test_vertices_of_a_cell_become_their_mean_and_triangles_that_collapse_go() -> None:
    vertices = np.array([(0, 0, 0), (1, -1, 0.5), (10, 0, 0), (0, 10, 0), (0, 12, 0)], float)
    faces = np.array([(0, 2, 3), (0, 1, 2), (1, 2, 4), (2, 3, 4), (3, 4, 0)], np.int32)
    thin = Mesh(vertices, faces).coarse(5)
    assert sorted(map(tuple, thin.vertices)) == [(0, 11, 0), (0.5, -0.5, 0.25), (10, 0, 0)]
    corners = [{*map(tuple, thin.vertices[face])} for face in thin.faces]
    assert corners == [{*map(tuple, thin.vertices)}] * 2  # three of five have two corners in one cell


@pytest.mark.parametrize(
    ("size", "says"),
    [(35.0, ""), (160.0, ""), (34.0, "is 34 mm across, unusual"), (161.0, "is 161 mm across"), (15.0, "is 15 mm"),
     (300.0, "is 300 mm")],
)  # fmt: skip
def test_a_size_is_usual_odd_or_refused_by_its_bounds(size: float, says: str) -> None:
    told = parse_mesh(stl(box(size)), "x.stl").warnings
    assert len(told) == bool(says)
    assert says in "".join(told)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        (14.9, "measures 14.9 across, which looks like centimetres"),
        (301.0, "measures 301 across$"),
        (0.035, "looks like metres"),
        (0.16, "looks like metres"),
        (0.17, "measures 0.17 across$"),
        (1.4, "looks like inches"),
        (3.5, "looks like inches or centimetres"),
        (6.2, "looks like inches or centimetres"),
        (6.4, "looks like centimetres"),
        (35_000.0, "looks like micrometres"),
        (161_000.0, "measures 161000 across$"),
    ],
)
def test_a_size_of_other_units_is_refused_with_those_that_fit(size: float, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_mesh(stl(box(size)), "femur.stl")
    assert re.search(says, str(caught.value.problem))
    assert caught.value.file == "femur.stl"


def test_a_few_open_edges_are_told_and_a_cut_through_a_fine_mesh_is_not_taken() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=30)  # 5,120 triangles, 7,680 edges
    torn = ball.faces[2:]  # two that share an edge
    told = parse_mesh(stl(trimesh.Trimesh(ball.vertices, torn, process=False)), "x.stl").warnings
    assert len(told) == 1
    count = int(re.match(r"(\d+) of ([\d,]+) edges", str(told[0]))[1])
    edges = np.sort(torn[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, times = np.unique(edges, axis=0, return_counts=True)
    assert count == (times != 2).sum()
    assert f"{count} of {len(times):,} edges" in told[0]
    middle = ball.triangles_center[:, 2]
    with pytest.raises(InputError, match=r"open mesh: \d+ of [\d,]+ edges"):
        parse_mesh(stl(trimesh.Trimesh(ball.vertices, ball.faces[middle > 0], process=False)), "x.stl")
    fine = trimesh.creation.icosphere(subdivisions=6, radius=30)
    half = trimesh.Trimesh(fine.vertices, fine.faces[fine.triangles_center[:, 2] > 0], process=False)
    edges = np.sort(half.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, times = np.unique(edges, axis=0, return_counts=True)
    assert (times == 1).mean() < 0.01  # few are open, and yet half of the ball is not there
    with pytest.raises(InputError, match="open mesh"):
        parse_mesh(stl(half), "x.stl")


def test_zero_and_minus_zero_are_one_place() -> None:
    whole = trimesh.creation.box(bounds=[(0, 0, 0), (50, 40, 30)])
    data = bytearray(stl(whole))
    flips = 0
    for face in range(0, 12, 2):
        for corner in range(9):
            at = 84 + 50 * face + 12 + 4 * corner
            if data[at : at + 4] == b"\0\0\0\0":
                data[at + 3], flips = 0x80, flips + 1
    assert flips > 5
    mesh = parse_mesh(bytes(data), "x.stl")
    assert (len(mesh.vertices), len(mesh.faces), mesh.warnings) == (8, 12, ())


def test_what_is_written_is_what_other_programs_read() -> None:
    data = write_stl(TETRAHEDRON)
    assert len(data) == 84 + 4 * 50
    assert data[:80].startswith(b"OrthoLens, millimetres, simulated")
    other = trimesh.load(BytesIO(data), file_type="stl", process=False)
    assert other.triangles == pytest.approx(TETRAHEDRON.vertices[TETRAHEDRON.faces])
    normals = np.frombuffer(data[84:], np.dtype([("n", "<f4", 3), ("rest", "V38")]))["n"]
    assert normals == pytest.approx(TETRAHEDRON.normals, abs=1e-6)
