"""CAD files: both kinds of STL, and what is no closed surface in millimetres."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from models.errors import InputError
from models.geometry.mesh import Mesh, read_mesh, write_stl


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
