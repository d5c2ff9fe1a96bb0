"""DICOM structured report of what a hand measured: TID 1500, each number with the coordinates that it is inferred from.

A length is a POLYLINE, an angle one of three points, a Cobb angle two lines, a circle a CIRCLE (an ELLIPSE where pixels
are not square), a perpendicular distance the line and the way to it, a rectangle a closed POLYLINE; a point is a region
of its own (DICOM PS3.16, TID 1501, 300 and 320). It runs in the worker, like every other parser of DICOM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from models.errors import InputError
from models.geometry.measure import HandMeasurement, Quantity, find_foot, fit_circle, lay_square
from models.geometry.texture import RELATIVE
from models.io.derived import read_source
from models.io.pool import call_in_worker
from models.io.sr import CORNER, bind_sr, encode_sr, open_sr, refer_to_frame, track
from models.reporting.ruler import NO_SCALE, RESTS_ON, list_corners
from models.words import later

MADE_BY = "ruler"
OWN = "99ORTHOLENS"
"""Of codes for which the standard has none."""
CODES = {
    "length": codes.SCT.Length, "angle": codes.SCT.Angle, "cobb": codes.SCT.CobbAngle, "diameter": codes.SCT.Diameter,
    "radius": codes.SCT.Radius, "distance": codes.DCM.Distance,
    "density": Code("density", OWN, "Relative grey value, no bone mineral density"),
    "texture_rows": Code("texture-rows", OWN, "Fractal dimension along rows"),
    "texture_columns": Code("texture-columns", OWN, "Fractal dimension along columns"),
    "hka": Code("hip-knee-ankle", OWN, "Hip-knee-ankle angle"),
    "off_straight": Code("off-straight", OWN, "Angle between mechanical axes of femur and tibia"),
}  # fmt: skip
UNITS = {
    "mm": codes.UCUM.Millimeter, "°": codes.UCUM.Degree, "px": Code("{pixels}", "UCUM", "pixels"),
    "%": codes.UCUM.Percent, "": codes.UCUM.NoUnits,
}  # fmt: skip
SAVE_CSV = later("Save the measurements as CSV instead.")
DIGITS = 4
"""Behind the point, of what is written."""
Array = NDArray[np.float64]
Graphic = tuple[str, Array]
"""Name of a graphic type, and its (N, 2) columns and rows as DICOM counts them."""


@dataclass(frozen=True, eq=False)
class MeasuredByHand:
    """What a report is written of.

    Attributes
    ----------
    made
        Measurements of one frame with their numbers, as `list_measured` returns them.
    cell
        (height, width) of a pixel, as `Image.cell`.
    spacing_source
        What its millimetres rest on; None where there are none.
    frame
        Of the file, from 0.
    """

    made: Sequence[tuple[HandMeasurement, tuple[Quantity, ...]]]
    cell: tuple[float, float]
    spacing_source: str | None
    frame: int = 0


@dataclass(frozen=True, eq=False)
class ReportedMeasurement:
    """What a report says of one measurement: its numbers as (meaning, value, unit), and the coordinates of each."""

    name: str
    values: tuple[tuple[str, float, str], ...]
    graphics: tuple[Graphic, ...]


def check_ruler_sr_source(source: bytes) -> None:
    """Raise `UnsupportedFormat` where a DICOM file lacks what a report must refer to."""
    call_in_worker(_check, source)


def write_ruler_sr(source: bytes, measured: MeasuredByHand, *, keep_identity: bool = False) -> bytes:
    """Write measurements as a DICOM Comprehensive SR about the file that they were made on.

    Parameters
    ----------
    source
        The DICOM file, of the very image that was measured.
    keep_identity
        Whether the patient's identity is copied, so that the report files into the study.

    Raises
    ------
    InputError
        When the source lacks what a report must refer to, or a point does not lie on it.
    """
    return call_in_worker(_write, source, measured, keep_identity)


def read_ruler_sr(data: bytes) -> tuple[ReportedMeasurement, ...]:
    """Read the measurements of a report like ours, by highdicom's own reader.

    Raises
    ------
    UnsupportedFormat
        When it is no structured report.
    """
    return call_in_worker(_read, data)


def _check(source: bytes) -> None:
    read_source(source, keep_identity=False, what="SR", fix=SAVE_CSV)


def _write(source: bytes, measured: MeasuredByHand, keep_identity: bool) -> bytes:
    image = read_source(source, keep_identity, "SR", SAVE_CSV)
    ends = np.array([point for made, _ in measured.made for point in made.points])
    if len(ends) and ((ends < -CORNER).any() or (ends > np.array([image.Columns, image.Rows]) - CORNER).any()):
        raise InputError(
            later("is not the image that was measured: a point lies outside"), fix=later("Measure this file first.")
        )
    rests = later(RESTS_ON, source=measured.spacing_source) if measured.spacing_source else NO_SCALE
    groups = [_group(image, made, numbers, measured) for made, numbers in measured.made]
    notes = [str(RELATIVE)] if any(made.tool == "region" for made, _ in measured.made) else []
    content = bind_sr(groups, ["Measured by hand", str(rests), *notes], MADE_BY)
    return encode_sr(image, content, MADE_BY, "1", keep_identity=keep_identity)


def _group(image: Dataset, made: HandMeasurement, numbers: Sequence[Quantity], measured: MeasuredByHand) -> Any:
    """Return the group of one measurement."""
    import highdicom as hd

    source = refer_to_frame(image, measured.frame)
    name = track(str(made.name))
    if made.tool == "point":
        region = hd.sr.ImageRegion("POINT", _count_from_corner(made.points), source)
        return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(tracking_identifier=name, referenced_region=region)
    drawn = [hd.sr.CoordinatesForMeasurement(kind, at, source) for kind, at in draw_graphics(made, measured.cell)]
    values = [
        hd.sr.Measurement(
            name=CODES[one.key], value=round(one.value, DIGITS), unit=UNITS[one.unit], referenced_coordinates=drawn
        )
        for one in numbers
    ]
    return hd.sr.MeasurementsAndQualitativeEvaluations(tracking_identifier=name, measurements=values)


def draw_graphics(made: HandMeasurement, cell: tuple[float, float]) -> list[Graphic]:
    """Return the graphics of a measurement, as DICOM counts columns and rows."""
    at = _count_from_corner(made.points)
    if made.tool == "region":
        return [("POLYLINE", _count_from_corner(list_corners(made.points)))]
    if made.tool == "cobb":
        return [("POLYLINE", at[:2]), ("POLYLINE", at[2:])]
    if made.tool == "perpendicular":
        foot = find_foot(lay_square(made.points, cell)) / np.array(cell[::-1]) + CORNER
        return [("POLYLINE", at[:2]), ("POLYLINE", np.stack([at[2], foot]))]
    if made.tool != "circle":
        return [("POLYLINE", at)]
    round_ = fit_circle(lay_square(made.points, cell))
    middle = np.array([round_.x, round_.y]) / np.array(cell[::-1]) + CORNER
    across, down = round_.radius / cell[1], round_.radius / cell[0]
    right, below = middle + np.array([across, 0]), middle + np.array([0, down])
    if cell[0] == cell[1]:
        return [("CIRCLE", np.stack([middle, right]))]
    ends = [[2 * middle - right, right], [2 * middle - below, below]]  # the longer axis first (PS3.3 C.18.6.1.2)
    return [("ELLIPSE", np.array(sorted(ends, key=lambda axis: -float(np.hypot(*(axis[1] - axis[0]))))).reshape(4, 2))]


def _count_from_corner(points: Sequence[tuple[float, float]]) -> Array:
    return np.array(points, float) + CORNER


def _read(data: bytes) -> tuple[ReportedMeasurement, ...]:
    content = open_sr(data, fix=later("Open a Comprehensive SR with measurements."))
    found = []
    for group in content.get_image_measurement_groups():
        values, graphics = [], []
        for measurement in group.get_measurements():
            values.append((measurement.name.meaning, float(measurement.value), measurement.unit.value))
            graphics = [(one.graphic_type.value, np.asarray(one.value)) for one in measurement.referenced_coordinates]
        found.append(ReportedMeasurement(group.tracking_identifier or "", tuple(values), tuple(graphics)))
    for point in content.get_planar_roi_measurement_groups():
        regions = [point.roi] if point.roi is not None else []
        drawn = tuple((region.graphic_type.value, np.asarray(region.value)) for region in regions)
        found.append(ReportedMeasurement(point.tracking_identifier or "", (), drawn))
    return tuple(found)
