"""Both calibrations project as the data's README says, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InputError
from models.geometry.camera import Camera, find_camera_of_image, parse_calibration, read_calibration, write_calibration
from models.types import Geometry, Image

JOINT_TRACK = "JT_INTCALIB\n1000\n0\n0\n0.5\n"
PINHOLE = """image size
1024,768

camera matrix
4000,0,400
0,4100,600
0,0,1

rotation
1,0,0
0,1,0
0,0,1
"""


def test_joint_track_by_hand() -> None:
    camera = parse_calibration(JOINT_TRACK, (600, 800))
    # 10 mm right and 20 mm up at 500 mm: 20 and 40 mm on the detector, 40 and 80 pixels from the middle
    assert camera.project(np.array([10.0, 20.0, -500.0])).tolist() == [440.0, 220.0]


def test_the_principal_point_is_subtracted_from_the_middle() -> None:
    camera = parse_calibration("JT_INTCALIB\n1000\n5\n-3\n0.5\n", (600, 800))
    assert camera.centre_px == (390.0, 294.0)


def test_pinhole_by_hand() -> None:
    camera = parse_calibration(PINHOLE, (768, 1024))
    assert camera.project(np.array([[10.0, 20.0, -1000.0]])).tolist() == [[440.0, 518.0]]


def test_the_files_of_the_public_example(kneel) -> None:
    camera = read_calibration(kneel.bytes("calibration.txt"), (1024, 1024))
    assert camera.focal_px[0] == pytest.approx(1198 / 0.373)
    assert camera.centre_px == (512, 512)


def test_a_written_calibration_reads_the_same() -> None:
    camera = parse_calibration(write_calibration(1198, 0.373), (1024, 1024))
    assert camera.focal_px == (pytest.approx(1198 / 0.373),) * 2


@given(st.floats(-200, 1200), st.floats(-200, 1200))
def test_a_ray_meets_the_pixel_it_was_made_for(column: float, row: float) -> None:
    camera = Camera((3000.0, 3100.0), (500.0, 520.0), (1024, 1024))
    assert np.allclose(camera.project(700 * camera.ray(column, row)), [column, row])


def test_halving_keeps_a_point_at_the_same_place_of_the_detector() -> None:
    camera, point = Camera((3000.0, 3000.0), (511.5, 511.5), (1024, 1024)), np.array([30.0, -20.0, -900.0])
    whole, half = camera.project(point), camera.scaled(0.5).project(point)
    assert np.allclose((whole + 0.5) / 2, half + 0.5)
    assert np.allclose(camera.cropped(100, 50, (10, 10)).project(point), whole - [50, 100])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("hello", "neither"),
        ("JT_INTCALIB\n1000\n0\n0\n", "3 numbers"),
        ("JT_INTCALIB\n0.373\n0\n0\n-5\n", "principal distance"),
        ("JT_INTCALIB\n1000\nzero\n0\n1\n", "where numbers should be"),
        ("JT_INTCALIB\n1000\nnan\n0\n1\n", "not finite"),
        ("camera matrix\n1,0,2\n0,1,2\n", "3 rows"),
        ("camera matrix\n1,5,2\n0,1,2\n0,0,1", "no pinhole"),
        (PINHOLE, "not for frames of 600 × 600"),
    ],
)
def test_what_is_no_calibration_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_calibration(text.encode(), (600, 600), "calibration.txt")
    assert str(caught.value).startswith("calibration.txt: ")


def test_a_dicom_header_is_a_camera_and_a_picture_without_one_is_not() -> None:
    detector = Geometry(1000.0, 700.0, pitch_mm=(0.2, 0.25))
    image = Image(np.zeros((1, 100, 200), np.float32), "x", "0", spacing_mm=(0.14, 0.175), geometry=detector)
    camera = find_camera_of_image(image)
    assert camera == Camera((4000.0, 5000.0), (99.5, 49.5), (100, 200))
    assert find_camera_of_image(Image(image.pixels, "x", "0")) is None
    in_the_patient_only = Image(image.pixels, "x", "0", spacing_mm=(0.14, 0.175), geometry=Geometry(1000.0, 700.0))
    assert find_camera_of_image(in_the_patient_only) is None


def test_another_grid_keeps_a_point_at_the_same_place_of_the_detector() -> None:
    camera, point = Camera((3000.0, 2800.0), (511.5, 300.0), (600, 1024), 1000.0), np.array([30.0, -20.0, -900.0])
    half = camera.scaled(0.5)
    assert (half.shape, half.distance_mm) == ((300, 512), 1000)
    thin = camera.over((1200, 256, 3))
    assert (thin.shape, thin.distance_mm) == ((1200, 256), 1000)
    column, row = camera.project(point) + 0.5
    assert thin.project(point) + 0.5 == pytest.approx([column / 4, row * 2])
    part = camera.cropped(100, 50, (10, 20))
    assert (part.shape, part.focal_px) == ((10, 20), (3000, 2800))


def test_the_principal_point_of_a_header_goes_before_the_middle() -> None:
    detector = Geometry(1000.0, 700.0, principal_point_px=(10.0, 20.0), pitch_mm=(0.2, 0.25))
    camera = find_camera_of_image(Image(np.zeros((1, 100, 200), np.float32), "x", "0", geometry=detector))
    assert camera is not None
    assert (camera.centre_px, camera.distance_mm) == ((20, 10), 1000)


def pinhole(fx: float, fy: float, cx: float = 300, cy: float = 200, skew: float = 0, last: str = "0,0,1") -> Camera:
    return parse_calibration(f"camera matrix\n{fx},{skew},{cx}\n0,{fy},{cy}\n{last}", (400, 600))


@pytest.mark.parametrize(
    ("inside", "outside", "says"),
    [
        ((300, 300), (299, 300), "focal length of 299 pixels for frames of 600 pixels"),  # half of the longest side
        ((300, 300), (300, 299), "focal length of 299 "),
        ((60000, 60000), (60060, 60000), r"focal length of 6.01e\+04 pixels"),  # a hundred times it
        ((4000, 1000), (4001, 1000), "differ by more"),
        ((1000, 4000), (1000, 4001), "differ by more"),
        ((1000, 1000, 3300), (1000, 1000, 3301), "principal point 3,001 pixels off the middle"),  # five longest sides
        ((1000, 1000, -2700), (1000, 1000, -2701), "principal point 3,001 "),
        ((1000, 1000, 300, 3200), (1000, 1000, 300, 3201), "principal point 3,001 "),
        ((1000, 1000, 300, -2800), (1000, 1000, 300, -2801), "principal point 3,001 "),
    ],
)
def test_a_camera_is_taken_up_to_a_bound_and_not_beyond(
    inside: tuple[float, ...], outside: tuple[float, ...], says: str
) -> None:
    assert pinhole(*inside).focal_px == inside[:2]
    with pytest.raises(InputError, match=says):
        pinhole(*outside)


@pytest.mark.parametrize(
    ("distance", "pitch", "fits"),
    [(5, 0.01, True), (4.95, 0.0099, False), (5000, 10, True), (5500, 11, False)],
)
def test_a_pitch_is_taken_from_a_hundredth_of_a_millimetre_to_ten(distance: float, pitch: float, fits: bool) -> None:
    text = write_calibration(distance, pitch)
    if fits:
        assert parse_calibration(text, (400, 600)).distance_mm == distance
        return
    with pytest.raises(InputError, match=f"pixel pitch of {pitch:g} mm"):
        parse_calibration(text, (400, 600))


@pytest.mark.parametrize(
    "matrix",
    [{"fx": 0, "fy": 4000}, {"fx": 4000, "fy": 0}, {"fx": -4000, "fy": 4000}, {"fx": 4000, "fy": 4000, "skew": 2e-6},
     {"fx": 4000, "fy": 4000, "last": "0,0,2"}, {"fx": 4000, "fy": 4000, "last": "0,1,1"}],
)  # fmt: skip
def test_a_matrix_with_one_number_out_of_place_is_no_pinhole(matrix: dict) -> None:
    assert pinhole(4000, 4100, skew=1e-7).focal_px == (4000, 4100)
    with pytest.raises(InputError, match="no pinhole camera"):
        pinhole(**matrix)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("JT_INTCALIB\n0\n0\n0\n0.3", "principal distance of 0 and a pixel pitch of 0.3"),
        ("JT_INTCALIB\n1000\n0\n0\n0", "principal distance of 1000 and a pixel pitch of 0"),
        ("JT_INTCALIB\n1000 0 0 0.3 7", "has 5 numbers after JT_INTCALIB, not 4"),
        ("JT_INTCALIB\n1000\n0\n0\n0.3\n7", "has 5 numbers"),
        ("JT_INTCALIB\n1000\n0\n0\n" + "x" * 39 + "yz", 'has "' + "x" * 39 + 'y" where numbers'),
        ("JT_INTCALIB\n1000\n0\n" + "x" * 39 + "yz", 'has "' + "x" * 39 + 'y" where numbers'),
        ("JT_INTCALIB\n1000\n0\n0\n,", 'has "," where numbers should be'),
        (PINHOLE.replace("1024,768", "1024"), "not for frames of 1024 × 768 pixels"),
        (PINHOLE.replace("1024,768", "1024,768,3"), "not for frames"),
        (PINHOLE.replace("1024,768", "768,1024"), "not for frames"),
        ("camera matrix\n4000,0,400\n0,4100,600\n0,0,1\nimage size", "not for frames"),
        ("camera matrix\n4000,0,400\n0,4100,600", "without 3 rows of 3 numbers"),
        ("camera matrix\n4000,0,400\n0,4100,600\n0,0,1,5", "without 3 rows of 3 numbers"),
    ],
)
def test_what_is_out_of_place_in_a_calibration_is_named(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_calibration(text, (768, 1024), "c.txt")
    assert (caught.value.file, bool(caught.value.fix)) == ("c.txt", True)


def test_a_calibration_may_have_its_numbers_on_a_line_each_or_on_one_and_blank_lines_between() -> None:
    one, each = (
        parse_calibration("JT_INTCALIB\n1000 5 -3 0.5", (600, 800)),
        parse_calibration("\ufeff\n JT_INTCALIB \n1000\n\n5\n-3\n0.5\n\n", (600, 800)),
    )
    assert one == each == Camera((2000, 2000), (390, 294), (600, 800))
    size_last = PINHOLE.split("\n\n")
    assert parse_calibration("\n".join([size_last[1], size_last[0]]), (768, 1024)).centre_px == (400, 600)
