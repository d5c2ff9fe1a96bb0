"""STL files as CAD programs and people leave them; calibrations and poses as editors do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from models.errors import InputError
from models.geometry import camera as cameras
from models.geometry import jts
from models.geometry import stl as stls
from models.geometry.camera import Camera, read_calibration
from models.geometry.mesh import read_mesh
from models.tasks.kinematics.flags import warn_beyond_detector


def cube(size: float = 50.0) -> trimesh.Trimesh:
    return trimesh.creation.box(extents=(size, size * 0.8, size * 0.6))


def binary(mesh: trimesh.Trimesh | None = None) -> bytes:
    return (mesh or cube()).export(file_type="stl")


def ascii_(mesh: trimesh.Trimesh | None = None) -> str:
    return (mesh or cube()).export(file_type="stl_ascii")


def twelve(data: bytes) -> bool:
    mesh = read_mesh(data, "x.stl")
    whole = trimesh.Trimesh(mesh.vertices, mesh.faces)
    return len(mesh.faces) == 12 and whole.volume == pytest.approx(50 * 40 * 30, rel=1e-4)


@pytest.mark.parametrize("tail", [b"\0", b"colour table" * 20, b"solid " + b"\0" * 70])
def test_bytes_after_the_last_triangle_do_no_harm(tail: bytes) -> None:
    assert twelve(binary() + tail)


def test_a_binary_file_whose_header_says_solid() -> None:
    assert twelve(b"solid exported by a CAD program".ljust(80) + binary()[80:])


@pytest.mark.parametrize("normal", ["nan nan nan", "0 0", "", "1,0 0,0 0,0", "-1.#IND 0 0", "inf 1e400 0"])
def test_broken_normals_do_no_harm(normal: str) -> None:
    lines = [f"facet normal {normal}" if line.strip().startswith("facet") else line for line in ascii_().splitlines()]
    assert twelve("\n".join(lines).encode())


@pytest.mark.parametrize("change", [str.upper, lambda text: text.replace("\n", "\r\n"), lambda text: "\n  " + text])
def test_ascii_in_any_dress(change) -> None:
    assert twelve(change(ascii_()).encode())


def test_decimal_commas_in_corners() -> None:
    lines = [line.replace(".", ",") if "vertex" in line else line for line in ascii_().splitlines()]
    assert twelve("\n".join(lines).encode())


def test_a_surface_that_stands_twice_is_taken_once_and_told() -> None:
    whole = cube()
    twice = trimesh.Trimesh(whole.vertices, np.vstack([whole.faces, whole.faces]), process=False)
    assert "12 triangles stand twice" in read_mesh(binary(twice), "x.stl").warnings[0]
    assert twelve(binary(twice))
    inside_out = trimesh.Trimesh(whole.vertices, np.vstack([whole.faces, whole.faces[:, ::-1]]), process=False)
    assert twelve(binary(inside_out))


def test_triangles_without_area_are_left_out() -> None:
    whole = cube()
    flat = trimesh.Trimesh(whole.vertices, np.vstack([whole.faces, [[0, 0, 1], [3, 3, 3]]]), process=False)
    assert twelve(binary(flat))


@pytest.mark.parametrize(
    ("size", "unit"),
    [
        (0.07, "metres"),
        (6.4, "centimetres"),
        (2.6, "inches"),
        (5.0, "inches or centimetres"),
        (70_000.0, "micrometres"),
    ],
)
def test_the_unit_is_told_by_the_size(size: float, unit: str) -> None:
    with pytest.raises(InputError, match=unit):
        read_mesh(binary(cube(size)), "femur.stl")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (binary()[:-120], "cut off: 9 of 12 triangles"),
        (binary()[:134], "cut off: 1 of 12 triangles"),
        (binary()[:133], "is no STL file"),  # not one triangle
        (binary()[:84], "is no STL file"),
        (binary()[:83], "is no STL file"),
        (b"solid ".ljust(80) + binary()[80:-50], "is no STL|no triangle|empty"),
        (binary()[:100] + np.array([np.nan], "<f4").tobytes() + binary()[104:-120], "is no STL file"),
        (binary()[:80] + (2_000_000).to_bytes(4, "little") + binary()[84:], "more than 1,000,000 triangles"),
        (binary()[:100] + np.array([np.nan], "<f4").tobytes() + binary()[104:], "no number"),
        (ascii_().replace("vertex 25", "vertex twenty", 1).encode(), "not three numbers"),
        (ascii_()[: ascii_().rindex("vertex")].encode(), "cut off within a triangle"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "no STL file|more than"),
    ],
)
def test_what_is_no_surface_is_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read_mesh(data, "x.stl")
    assert refused.value.file == "x.stl"


JOINT_TRACK = "JT_INTCALIB\n1198\n0\n0\n0.373\n"
PINHOLE = "image size\n1024,768\n\ncamera matrix\n4000,0,400\n0,4100,600\n0,0,1\n"


@pytest.mark.parametrize(
    "text",
    ["\ufeff" + JOINT_TRACK, JOINT_TRACK.replace("\n", "\r\n"), JOINT_TRACK.replace("0.373", "0,373"),
     JOINT_TRACK.replace("1198", " 1198,0 "), "jt_intcalib\n1198 0 0 0.373"],
)  # fmt: skip
def test_a_calibration_from_any_editor(text: str) -> None:
    camera = read_calibration(text.encode(), (1024, 1024))
    assert camera.focal_px == pytest.approx((1198 / 0.373,) * 2)
    assert camera.distance_mm == 1198


@pytest.mark.parametrize(
    "matrix",
    ["4000,0,400\n0,4100,600\n0,0,1", "4000, 0, 400\n0, 4100, 600\n0, 0, 1", "4000,0 0,0 400,0\n0 4100 600\n0 0 1",
     "4000,0;0;400\n0;4100;600\n0;0;1", "4000 0 400\r\n0 4100 600\r\n0 0 1"],
)  # fmt: skip
def test_a_matrix_in_any_separators(matrix: str) -> None:
    camera = read_calibration(("camera matrix\n" + matrix).encode(), (768, 1024))
    assert (camera.focal_px, camera.centre_px) == ((4000, 4100), (400, 600))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("JT_INTCALIB\n1e308\n0\n0\n1e-308\n", "focal length of inf"),
        ("JT_INTCALIB\n1e14\n0\n0\n1\n", "focal length of 1e"),
        ("JT_INTCALIB\n1198\n0\n0\n373\n", "focal length of 3.21 pixels"),  # pitch in micrometres
        ("JT_INTCALIB\n1198\n0\n0\n0.000373\n", "focal length"),  # in metres
        ("JT_INTCALIB\n1.198\n0\n0\n0.373\n", "focal length"),
        ("JT_INTCALIB\n1.198\n0\n0\n0.000373\n", "pixel pitch of 0.000373 mm"),  # both in metres
        ("JT_INTCALIB\n1198\n90000\n0\n0.373\n", "principal point"),
        ("JT_INTCALIB\n1198\n1e308\n0\n1e-10\n", "focal length|principal point"),
        ("camera matrix\n1e-14,0,400\n0,1e-14,600\n0,0,1\n", "focal length"),
        ("camera matrix\n4000,0,400\n0,41000,600\n0,0,1\n", "differ"),
        ("camera matrix\n4000,0,1e9\n0,4000,600\n0,0,1\n", "principal point"),
    ],
)
def test_a_camera_that_no_x_ray_unit_is(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read_calibration(text.encode(), (1024, 1024), "calibration.txt")
    assert refused.value.fix


def test_a_principal_point_may_lie_five_pictures_off_the_middle() -> None:
    for centre in (5_600, -4_600):
        camera = read_calibration(
            f"camera matrix\n4000,0,{centre}\n0,4000,512\n0,0,1\n".encode(), (1024, 1024), "c.txt"
        )
        assert camera.centre_px[0] == centre
    with pytest.raises(InputError, match="principal point"):
        read_calibration(b"camera matrix\n4000,0,5700\n0,4000,512\n0,0,1\n", (1024, 1024), "c.txt")


def test_a_pose_beyond_the_detector_is_told() -> None:
    mesh = read_mesh(binary())
    camera = Camera((3000.0, 3000.0), (512.0, 512.0), (1024, 1024), 1000.0)
    near, far = np.eye(4), np.eye(4)
    near[2, 3], far[2, 3] = -900, -1100
    assert warn_beyond_detector("femoral", near, mesh, camera) is None
    assert "1,100 mm from the source, beyond the detector at 1,000 mm" in str(
        warn_beyond_detector("femoral", far, mesh, camera)
    )
    assert warn_beyond_detector("femoral", far, mesh, Camera((3000.0, 3000.0), (512.0, 512.0), (1024, 1024))) is None
    assert camera.scaled(0.5).distance_mm == camera.cropped(1, 1, (5, 5)).distance_mm == 1000


def test_poses_from_any_editor_and_not_without_end() -> None:
    pose = jts.pose_from_jts_row(np.array([1.5, -2.25, -900.0, 10.0, 20.0, 30.0]))
    text = jts.write_jts(pose[None])
    for dressed in ("\ufeff" + text, text.replace("\n", "\r\n"), "JT_EULER_312\nnames\n1,5;-2,25;-900;10;20;30\n"):
        assert np.allclose(jts.read_jts(dressed.encode()), pose, atol=1e-5)
    with pytest.raises(InputError, match="more than 20,000"):
        jts.read_jts(b"JT_EULER_312\nnames\n" + b"0,0,0,0,0,0\n" * 20_001)


def test_poses_and_calibrations_are_parsed_by_a_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((jts, "parse_jts"), (cameras, "parse_calibration")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("parsed in the process of the models"))
    assert jts.read_jts(b"JT_EULER_312\nnames\n1,2,3,0,0,0\n").shape == (1, 4, 4)
    assert read_calibration(JOINT_TRACK.encode(), (1024, 1024)).distance_mm == 1198


def test_as_many_triangles_and_bytes_as_allowed_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stls, "MOST_FACES", 12)
    for data in (binary(), ascii_().encode()):
        monkeypatch.setattr(stls, "MOST_BYTES", len(data))
        assert stls.read_stl_triangles(data, "x.stl").shape == (12, 3, 3)
        monkeypatch.setattr(stls, "MOST_BYTES", len(data) - 1)
        with pytest.raises(InputError, match="too large for the CAD") as refused:
            stls.read_stl_triangles(data, "x.stl")
        assert refused.value.file == "x.stl"
    monkeypatch.undo()
    monkeypatch.setattr(stls, "MOST_FACES", 11)
    for data in (binary(), ascii_().encode()):
        with pytest.raises(InputError, match="more than 11 triangles"):
            stls.read_stl_triangles(data, "x.stl")


def test_corners_are_those_of_the_file_one_by_one() -> None:
    said = cube().triangles
    assert stls.read_stl_triangles(binary(), "x.stl") == pytest.approx(said)
    assert stls.read_stl_triangles(ascii_().encode(), "x.stl") == pytest.approx(said)
    only = b"solid\n" + b"vertex 1 2 3\nvertex 0.1 5 6\nvertex 7 8 9\n"
    assert stls.read_stl_triangles(only, "x.stl").tolist() == [[[1, 2, 3], [float(np.float32(0.1)), 5, 6], [7, 8, 9]]]
    # a long name before the first corner, as some programs write their copyright
    named = b"solid " + b"name " * 200 + b"\n" + ascii_().encode().split(b"\n", 1)[1]
    assert stls.read_stl_triangles(named, "x.stl").shape == (12, 3, 3)
    assert stls.read_stl_triangles(b" " * 200 + ascii_().encode(), "x.stl").shape == (12, 3, 3)


CASES = Path(__file__).parents[3] / "shared" / "cases"


def test_the_cases_of_the_shared_folder() -> None:
    if not CASES.exists():
        pytest.skip("../shared/cases is not there")
    assert len(read_mesh((CASES / "17a_trailing_bytes.stl").read_bytes()).faces) == 12
    camera = read_calibration((CASES / "18_calibration_bom.txt").read_bytes(), (1024, 1024))
    assert camera.focal_px[0] == pytest.approx(1198 / 0.373)
    with pytest.raises(InputError, match="focal length"):
        read_calibration((CASES / "cam_inf.txt").read_bytes(), (1024, 1024))
