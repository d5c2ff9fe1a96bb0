"""JointTrack's pose files (`.jts`): six numbers a frame, in mm and degrees, read and written.

The rotation is R = Rz·Rx·Ry (body-fixed 3-1-2), and a CAD vertex v maps to R·v + t. Source: the program that
introduced the format (S. A. Banks and W. A. Hodge, IEEE Trans Biomed Eng 1996, doi 10.1109/10.495283), as JTML reads it
(github.com/ajensen1234/JTML, `RenderEngine::SetPose`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, name_file_in_errors
from models.io.pool import call_in_worker
from models.io.text import decode_text, parse_numbers
from models.words import later

Array = NDArray[np.float64]

HEADER = "JT_EULER_312"
COLUMNS = ("x_tran", "y_tran", "z_tran", "z_rot", "x_rot", "y_rot")
MOST_FRAMES = 20_000
FIX = later("A .jts file begins with {header}, names six columns, and has six numbers a frame.", header=HEADER)


def rotate_about_axis(axis: int, angle_deg: float) -> Array:
    """Return the (3, 3) rotation about the axis 0, 1 or 2, right-handed."""
    angle = math.radians(angle_deg)
    turned = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turned[i, i] = turned[j, j] = math.cos(angle)
    turned[j, i], turned[i, j] = math.sin(angle), -math.sin(angle)
    return turned


def pose_from_jts_row(row: Array) -> Array:
    """(6,) x, y, z in mm and z, x, y rotation in degrees → (4, 4) source_from_implant."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotate_about_axis(2, row[3]) @ rotate_about_axis(0, row[4]) @ rotate_about_axis(1, row[5])
    matrix[:3, 3] = row[:3]
    return matrix


def jts_row_from_pose(matrix: Array) -> Array:
    """(4, 4) source_from_implant → (6,) x, y, z in mm and z, x, y rotation in degrees.

    The x rotation lies in [−90, 90]; at ±90 the other two turn about one axis, and the y rotation is set to 0.
    """
    r = matrix[:3, :3]
    x = math.asin(float(np.clip(r[2, 1], -1, 1)))
    if abs(r[2, 1]) > 1 - 1e-12:
        z, y = math.atan2(r[1, 0], r[0, 0]), 0.0
    else:
        z, y = math.atan2(-r[0, 1], r[1, 1]), math.atan2(-r[2, 0], r[2, 2])
    return np.array([*matrix[:3, 3], *np.degrees([z, x, y])])


def read_jts(data: bytes, name: str = "poses") -> Array:
    """Read the bytes of a .jts file in a decoder process → (T, 4, 4) source_from_implant in mm.

    Raises
    ------
    InputError
        When it is no .jts file, or a line has not six finite numbers.
    """
    with name_file_in_errors(name):
        return call_in_worker(_read, data, name)


def _read(data: bytes, name: str) -> Array:
    return parse_jts(decode_text(data, name), name)


def parse_jts(text: str, name: str = "poses") -> Array:
    """Do what `read_jts` says, here, with the text of a file."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if len(lines) > MOST_FRAMES + 2:
        problem = later("holds {count:,} poses, more than {most:,}", count=len(lines) - 2, most=MOST_FRAMES)
        raise InputError(problem, fix=later("Give the poses of one sequence."), file=name)
    if not lines or lines[0].upper() != HEADER:
        raise InputError(later("is not a pose file"), fix=FIX, file=name)
    poses = []
    for number, line in enumerate(lines[2:], 1):
        try:
            values = np.array(parse_numbers(line))
        except ValueError as error:
            raise InputError(
                later("has text where the pose of frame {number} should be", number=number), fix=FIX, file=name
            ) from error
        if values.shape != (6,) or not np.isfinite(values).all():
            raise InputError(later("has no six finite numbers for frame {number}", number=number), fix=FIX, file=name)
        poses.append(pose_from_jts_row(values))
    if not poses:
        raise InputError(later("holds no pose"), fix=FIX, file=name)
    return np.stack(poses)


def write_jts(poses: Array) -> str:
    """(T, 4, 4) source_from_implant in mm → the text of a .jts file, exact to 1e-6 mm and degrees.

    A frame without a pose (not finite) is written as a row of zeros, as JointTrack leaves frames nobody has matched.
    """
    lines = [HEADER, ",".join(f"{column:>16}" for column in COLUMNS)]
    for matrix in poses:
        values = jts_row_from_pose(matrix) if np.isfinite(matrix).all() else np.zeros(6)
        lines.append(",".join(f"{value:16.6f}" for value in values))
    return "\n".join(lines) + "\n"
