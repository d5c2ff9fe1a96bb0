"""One camera for both calibrations: where a point in front of the X-ray source meets the image.

The source is the origin, x points right, y up, and the detector lies at negative z. A point (x, y, z) in mm is seen at
column = cx + fx·x/(−z), row = cy − fy·y/(−z); pixel centres are whole numbers.

Sources: `JT_INTCALIB` as JointTrack writes it (principal distance, principal point, pixel pitch, all in mm), with the
principal point subtracted as JTML does (github.com/ajensen1234/JTML, `render_engine.cu`, there with rows counted from
the bottom); `camera.txt` is the pinhole matrix of Hartley and Zisserman, Multiple View Geometry, 2004, section 6.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, name_file_in_errors
from models.io.pool import call_in_worker
from models.io.text import decode_text, parse_number, parse_numbers
from models.types import Image
from models.words import later

Array = NDArray[np.float64]

HEADER = "JT_INTCALIB"
FOCAL_SIDES = (0.5, 100.0)
"""Focal length over the longest side of the frames, the distance over the detector's side: 3 is usual."""
PITCH_MM = (0.01, 10.0)
"""Of a detector's pixels, those of pictures made small included: 0.1 to 0.5 are usual."""
FOCAL_RATIO, CENTRE_SIDES = 4.0, 5.0
"""How far apart fx and fy may be, and how many sides off the middle the principal point."""
FIX = later("Give a JT_INTCALIB calibration (five lines) or a camera.txt with an image size and a camera matrix.")


@dataclass(frozen=True)
class Camera:
    """A central projection.

    Attributes
    ----------
    focal_px
        (fx, fy): principal distance over pixel pitch, along columns and along rows.
    centre_px
        (cx, cy): column and row where the ray at right angles to the detector meets it.
    shape
        (rows, columns) of the image it belongs to.
    distance_mm
        From the source to the detector, where it is stated; the projection does not depend on it.
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    shape: tuple[int, int]
    distance_mm: float | None = field(default=None, compare=False)

    def project(self, points_mm: Array) -> Array:
        """(…, 3) points in the source's frame, in mm → (…, 2) column and row."""
        depth = -points_mm[..., 2]
        column = self.centre_px[0] + self.focal_px[0] * points_mm[..., 0] / depth
        row = self.centre_px[1] - self.focal_px[1] * points_mm[..., 1] / depth
        return np.stack([column, row], -1)

    def ray(self, column: float, row: float) -> Array:
        """Return the unit vector (3,) from the source to a pixel."""
        x, y = (column - self.centre_px[0]) / self.focal_px[0], (self.centre_px[1] - row) / self.focal_px[1]
        direction: Array = np.array([x, y, -1.0]) / math.sqrt(x * x + y * y + 1)
        return direction

    def scaled(self, factor: float) -> Camera:
        """Return the camera of the image resampled by `factor` (1/2: half as many pixels a side).

        Pixel centres are whole numbers, so a block of pixels has its centre between them: c' = (c + ½)·factor − ½.
        """
        rows, columns = (round(side * factor) for side in self.shape)
        cx, cy = ((c + 0.5) * factor - 0.5 for c in self.centre_px)
        focal = (self.focal_px[0] * factor, self.focal_px[1] * factor)
        return Camera(focal, (cx, cy), (rows, columns), self.distance_mm)

    def over(self, shape: Sequence[int]) -> Camera:
        """Return the camera of the same image in another grid of (rows, columns, …), each side resampled by its own."""
        down, across = shape[0] / self.shape[0], shape[1] / self.shape[1]
        focal = self.focal_px[0] * across, self.focal_px[1] * down
        centre = (self.centre_px[0] + 0.5) * across - 0.5, (self.centre_px[1] + 0.5) * down - 0.5
        return Camera(focal, centre, (shape[0], shape[1]), self.distance_mm)

    def cropped(self, row: int, column: int, shape: tuple[int, int]) -> Camera:
        """Return the camera of a part of the image that begins at (row, column)."""
        return replace(self, centre_px=(self.centre_px[0] - column, self.centre_px[1] - row), shape=shape)


def read_calibration(data: bytes, shape: tuple[int, int], name: str = "calibration") -> Camera:
    """Read either calibration format, told apart by its content, in a decoder process.

    Parameters
    ----------
    data
        The file's bytes.
    shape
        (rows, columns) of the frames; JT_INTCALIB does not say it, and camera.txt is checked against it.
    name
        What messages call the file.

    Raises
    ------
    InputError
        When it is neither format, a number is missing or not usable, or the image size is another.
    """
    with name_file_in_errors(name):
        return call_in_worker(_read, data, shape, name)


def _read(data: bytes, shape: tuple[int, int], name: str) -> Camera:
    return parse_calibration(decode_text(data, name), shape, name)


def parse_calibration(text: str, shape: tuple[int, int], name: str = "calibration") -> Camera:
    """Do what `read_calibration` says, here, with the text of a file."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines:
        raise InputError(later("is empty"), fix=FIX, file=name)
    if lines[0].upper() == HEADER:
        return _plausible(_joint_track(lines[1:], shape, name), name)
    if any(line.lower().startswith("camera matrix") for line in lines):
        return _plausible(_pinhole(lines, shape, name), name)
    raise InputError(later("is neither a JT_INTCALIB calibration nor a pinhole camera"), fix=FIX, file=name)


def _plausible(camera: Camera, name: str) -> Camera:
    """Refuse a camera that no X-ray unit is: most often a pitch in other units than the distance."""
    longest = max(camera.shape)
    for focal in camera.focal_px:
        if not FOCAL_SIDES[0] <= focal / longest <= FOCAL_SIDES[1]:
            raise InputError(
                later(
                    "has a focal length of {focal:.3g} pixels for frames of {longest} pixels, which no X-ray unit has",
                    focal=focal,
                    longest=longest,
                ),
                fix=later("Give the distance and the pixel pitch both in millimetres; 1200 and 0.3 are usual."),
                file=name,
            )
    if max(camera.focal_px) > FOCAL_RATIO * min(camera.focal_px):
        raise InputError(
            later("has focal lengths that differ by more than pixels do along rows and columns"),
            fix=later("Check fx and fy."),
            file=name,
        )
    rows, columns = camera.shape
    away = max(abs(camera.centre_px[0] - columns / 2), abs(camera.centre_px[1] - rows / 2))
    if away > CENTRE_SIDES * longest:
        raise InputError(
            later("has its principal point {away:,.0f} pixels off the middle of the frames", away=away),
            fix=later("Check the principal point and its unit: mm in JT_INTCALIB, pixels in camera.txt."),
            file=name,
        )
    pitch = camera.distance_mm / camera.focal_px[0] if camera.distance_mm else None
    if pitch is not None and not PITCH_MM[0] <= pitch <= PITCH_MM[1]:
        raise InputError(
            later("has a pixel pitch of {pitch:g} mm, which no detector has", pitch=pitch),
            fix=later("Give the distance and the pixel pitch both in millimetres; 1200 and 0.3 are usual."),
            file=name,
        )
    return camera


def _joint_track(lines: list[str], shape: tuple[int, int], name: str) -> Camera:
    if len(lines) == 4:  # one a line, as JointTrack writes them: a comma is a decimal comma
        values = [_number(line, name) for line in lines]
    else:
        values = [number for line in lines for number in _numbers(line, name)]
    if len(values) != 4:
        raise InputError(
            later("has {count} numbers after {header}, not 4", count=len(values), header=HEADER), fix=FIX, file=name
        )
    distance, x, y, pitch = values
    if distance <= 0 or pitch <= 0:
        fix = later("Both are positive lengths in mm; check the order: distance, point x, point y, pitch.")
        problem = later(
            "has a principal distance of {distance:g} and a pixel pitch of {pitch:g}", distance=distance, pitch=pitch
        )
        raise InputError(problem, fix=fix, file=name)
    with np.errstate(over="ignore"):
        focal, right, up = (np.array([distance, x, y]) / pitch).tolist()
    return Camera((focal, focal), (shape[1] / 2 - right, shape[0] / 2 + up), shape, distance)


def _pinhole(lines: list[str], shape: tuple[int, int], name: str) -> Camera:
    titles = [line.lower() for line in lines]
    start = next(i for i, line in enumerate(titles) if line.startswith("camera matrix"))
    matrix = np.array([_row(lines, start + 1 + i, name) for i in range(3)])
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.allclose(matrix[2], [0, 0, 1]) or abs(matrix[0, 1]) > 1e-6:
        fix = later("It is fx 0 cx / 0 fy cy / 0 0 1 in pixels, with fx and fy positive and no skew.")
        raise InputError(later("has a camera matrix that is no pinhole camera"), fix=fix, file=name)
    if "image size" in titles:
        at = titles.index("image size") + 1
        size = _numbers(lines[at], name) if at < len(lines) else []
        if len(size) != 2 or (int(size[1]), int(size[0])) != shape:
            fix = later("Use the calibration that was made for these frames.")
            raise InputError(
                later("is not for frames of {size} pixels", size=f"{shape[1]} × {shape[0]}"), fix=fix, file=name
            )
    return Camera((matrix[0, 0], matrix[1, 1]), (matrix[0, 2], matrix[1, 2]), shape)


def _row(lines: list[str], index: int, name: str) -> list[float]:
    values = _numbers(lines[index], name) if index < len(lines) else []
    if len(values) != 3:
        raise InputError(later("has a camera matrix without 3 rows of 3 numbers"), fix=FIX, file=name)
    return values


def _number(line: str, name: str) -> float:
    try:
        values = _numbers(str(parse_number(line)), name)
    except ValueError:
        values = _numbers(line, name)  # says what is there instead
    if not values:
        raise InputError(later('has "{words}" where numbers should be', words=line[:40]), fix=FIX, file=name)
    return values[0]


def _numbers(line: str, name: str) -> list[float]:
    try:
        values = parse_numbers(line)
    except ValueError as error:
        raise InputError(later('has "{words}" where numbers should be', words=line[:40]), fix=FIX, file=name) from error
    if not all(map(math.isfinite, values)):
        raise InputError(later("has a number that is not finite"), fix=FIX, file=name)
    return values


def find_camera_of_image(image: Image) -> Camera | None:
    """Return the camera that a DICOM header (XA, RF) describes; None where distance or detector pitch is not stated.

    The pitch is that of the detector (ImagerPixelSpacing): the image's own spacing is that of the patient, whom the
    beam magnifies. Without a principal point, the picture's centre. Reference: DICOM PS3.3, C.8.7.5.
    """
    geometry = image.geometry
    if geometry is None or geometry.pitch_mm is None:
        return None
    pitch = geometry.pitch_mm
    rows, columns = image.shape
    row, column = geometry.principal_point_px or ((rows - 1) / 2, (columns - 1) / 2)
    distance = geometry.source_detector_mm
    return Camera((distance / pitch[1], distance / pitch[0]), (column, row), image.shape, distance)


def write_calibration(distance_mm: float, pitch_mm: float) -> str:
    """Return a JT_INTCALIB text whose principal point is the image's centre."""
    return f"{HEADER}\n{distance_mm:g}\n0\n0\n{pitch_mm:g}\n"
