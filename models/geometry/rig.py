"""Two cameras that see one place: where the source of each stood, and what brings a pose from one to the other.

`camera.txt` (MayaCam 2.0, as XMALab writes it) states a camera by the pinhole matrix, and by rotation R and translation
t in mm from the calibrated room to it: a point X of the room is seen from R·X + t, with y down and z along the beam, as
OpenCV has it. Here y goes up and the beam along −z (`models.geometry.camera`).

Sources: B. J. Knörlein et al., J Exp Biol 2016, doi 10.1242/jeb.145383 (XMALab), whose manual names OpenCV's camera
model; R. Hartley and A. Zisserman, Multiple View Geometry, 2004, section 6.1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, name_file_in_errors
from models.geometry.camera import Camera
from models.io.pool import call_in_worker
from models.io.text import decode_text, parse_numbers
from models.words import later

Array = NDArray[np.float64]

LEAST_DEG = 15.0
"""Between the beams of two views: below, and near 180°, the second sees little that the first does not."""
TOLERANCE = 1e-3
"""To which a rotation's rows must be at right angles and of unit length, in a file that rounds them."""
SOURCE_FROM_CAMERA = np.diag([1.0, -1.0, -1.0])
"""From OpenCV's axes to the source's."""


def read_source_from_room(data: bytes, name: str = "calibration") -> Array:
    """Read where a camera stood → (4, 4) source_from_room in mm, in a decoder process.

    Raises
    ------
    InputError
        When the file does not state it, as JT_INTCALIB never does, or what it states is no rotation and shift.
    """
    with name_file_in_errors(name):
        return call_in_worker(_read, data, name)


def _read(data: bytes, name: str) -> Array:
    return parse_source_from_room(decode_text(data, name), name)


def parse_source_from_room(text: str, name: str = "calibration") -> Array:
    """Do what `read_source_from_room` says, here, with the text of a file."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    turn, shift = _find_numbers(lines, "rotation", 9), _find_numbers(lines, "translation", 3)
    if turn is None or shift is None:
        fix = later("Give the camera.txt of each view, with its rotation and translation (mm), as XMALab writes it.")
        raise InputError(later("does not state where its camera stood, which two views need"), fix=fix, file=name)
    rotation = turn.reshape(3, 3)
    square = rotation @ rotation.T
    if not np.allclose(square, np.eye(3), atol=TOLERANCE) or np.linalg.det(rotation) < 0:
        fix = later("Calibrate both cameras together and export camera.txt anew.")
        raise InputError(later("has a rotation that is none"), fix=fix, file=name)
    left, _, right = np.linalg.svd(rotation)  # the nearest rotation, where the file rounds
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = SOURCE_FROM_CAMERA @ left @ right, SOURCE_FROM_CAMERA @ shift
    return pose


def _find_numbers(lines: list[str], title: str, count: int) -> Array | None:
    """Return the numbers that follow a title, whatever their lines; None where they are not so many."""
    start = next((i for i, line in enumerate(lines) if line.lower().rstrip(":") == title), None)
    found: list[float] = []
    for line in lines[start + 1 :] if start is not None else ():
        try:
            found += parse_numbers(line)
        except ValueError:  # the next title
            break
    return np.array(found) if len(found) == count and all(map(math.isfinite, found)) else None


def compute_second_from_first(first: Array, second: Array, name: str = "calibration") -> Array:
    """Return (4, 4) second_from_first of the sources of two views.

    Parameters
    ----------
    first, second
        (4, 4) source_from_room of each.
    name
        What a message calls the second.

    Raises
    ------
    InputError
        When their beams run along one line, so that the second tells nothing new.
    """
    between: Array = second @ np.linalg.inv(first)
    angle = math.degrees(math.acos(min(1.0, abs(float(between[2, 2])))))
    if angle < LEAST_DEG:
        fix = later("Give the other camera's own calibration; 60° to 90° between the beams are usual.")
        problem = later("has a beam only {angle:.0f}° from the line of the first view's", angle=angle)
        raise InputError(problem, fix=fix, file=name)
    return between


def write_placed_camera(camera: Camera, source_from_room: Array) -> str:
    """Return a camera.txt which says where a camera stood; `source_from_room` is (4, 4), in mm."""
    (across, down), (column, row) = camera.focal_px, camera.centre_px
    rotation, shift = (SOURCE_FROM_CAMERA @ source_from_room[:3, part] for part in (slice(3), 3))
    matrix = [[across, 0, column], [0, down, row], [0, 0, 1]]
    parts = {"image size": camera.shape[::-1], "camera matrix": matrix, "rotation": rotation, "translation": shift}
    written = []
    for title, numbers in parts.items():
        rows = np.array(numbers, np.float64)
        lines = [rows] if title == "image size" else rows.reshape(3, -1)
        written.append("\n".join([title, *(",".join(f"{value:.9g}" for value in line) for line in lines)]) + "\n")
    return "\n".join(written)
