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
