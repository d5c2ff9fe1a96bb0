"""What a hand measured, for people: a section of the report with its picture, and a table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from models.drawing.draw import RGB, load_font, to_rgb_bytes
from models.geometry.measure import (
    QUANTITIES,
    HandMeasurement,
    Point,
    Quantity,
    Tool,
    find_foot,
    fit_circle,
    lay_square,
)
from models.geometry.ruler import Ruler, list_measured
from models.geometry.texture import RELATIVE, list_texture_notes
from models.i18n import Language
from models.reporting.case import Case
from models.reporting.parts import Paragraph, Part, Pictures, Section, Table
from models.reporting.pictures import make_report_picture, render_report_frame
from models.types import Image, Judged, Pixels
from models.words import DISCLAIMER, later

INK = "#FFD23F"
"""Of lines on a film: stands out on every grey."""
ROUND = 72
"""Corners of a circle as it is drawn."""
RESTS_ON = later("Millimetres rest on: {source}")
NO_SCALE = later("Not calibrated: lengths are in pixels.")
Array = NDArray[np.float64]


def write_quantity(one: Quantity, say: Language) -> str:
    """Return a number with its unit: "12.3 mm", "34.5°"; one without a unit to the second digit."""
    gap = "" if one.unit in ("°", "") else " "
    return f"{say.number(one.value, ',.1f' if one.unit else '.2f')}{gap}{one.unit}"


def write_rest(image: Image, say: Language) -> str:
    """Say what the millimetres of an image rest on."""
    return say(RESTS_ON, source=image.spacing_source) if image.spacing_source else say(NO_SCALE)


def list_ruler_notes(ruler: Ruler, image: Image) -> tuple[str, ...]:
    """Return what a reader of the texture of regions must know; nothing where there is none."""
    return list_texture_notes(image.spacing_mm) if any(made.tool == "region" for made in ruler.measurements) else ()


def report_ruler(case: Case) -> list[Section]:
    """Return the section of what a hand measured on the image of a report; none where it measured nothing."""
    ruler, say, image = case.ruler, case.say, case.image
    if ruler is None or not ruler.measurements:
        return []
    rows = []
    for made, numbers in list_measured(ruler, image):
        name = say(made.name) if image.frames == 1 else f"{say(made.name)} ({made.frame + 1})"
        places = "; ".join(f"{say.number(x, '.1f')}, {say.number(y, '.1f')}" for x, y in made.points)
        values = " · ".join(f"{say(QUANTITIES[one.key])} {write_quantity(one, say)}" for one in numbers) or "–"
        rows.append((name, values, places))
    heads = (say(later("By hand")), say(later("Measured")), say(later("Points (column, row)")))
    parts: list[Part] = [Table(heads, tuple(rows), words=3), Paragraph(write_rest(image, say), "note")]
    parts += [Paragraph(say(note), "note") for note in list_ruler_notes(ruler, image)]
    frame = case.prediction.frame if isinstance(case.prediction, Judged) else 0
    if any(made.frame == frame for made in ruler.measurements):
        shown = case.shown if case.shown is not None else render_report_frame(image, frame)
        drawn = draw_ruler(shown, ruler, image, frame, say)
        told = say(later("The image with what was measured by hand"))
        parts.append(Pictures((make_report_picture(drawn, told, told),)))
    return [Section(say(later("Measured by hand")), tuple(parts))]


def draw_ruler(shown: Pixels, ruler: Ruler, image: Image, frame: int, say: Language) -> RGB:
    """Draw the measurements of a frame on its picture.

    Parameters
    ----------
    shown
        (h, w[, 3]) in [0, 1] that covers the whole frame, of any size.
    """
    sheet = Pillow.fromarray(to_rgb_bytes(shown))
    pen, face = ImageDraw.Draw(sheet), load_font(max(13, max(sheet.size) // 60))
    scale = np.array([sheet.width / image.shape[1], sheet.height / image.shape[0]])
    line = max(2, max(sheet.size) // 500)
    for made, numbers in list_measured(ruler, image):
        if made.frame != frame:
            continue
        drawn = [(np.asarray(way, float) + 0.5) * scale for way in trace_measurement(made, image.cell, bool(numbers))]
        for colour, width in (("black", line + 2), (INK, line)):
            for way in drawn:
                pen.line([tuple(at) for at in way.tolist()], fill=colour, width=width, joint="curve")
        for at in ((np.asarray(made.points) + 0.5) * scale).tolist():
            pen.circle(at, 1.5 * line, fill=INK, outline="black")
        text = write_quantity(numbers[0], say) if numbers else str(made.number)
        x, y = drawn[0].mean(0) if drawn else (np.asarray(made.points[0]) + 0.5) * scale
        pen.text((x + 3 * line, y), text, fill="white", font=face, stroke_width=max(1, line), stroke_fill="black")
    return np.asarray(sheet)


def trace_measurement(made: HandMeasurement, cell: tuple[float, float], figure: bool) -> list[Sequence[Point]]:
    """Return the lines of a measurement in source pixels; where its points make no figure, the way through them."""
    if made.tool == "cobb":
        return [made.points[:2], made.points[2:]]
    if made.tool == "region":
        return [list_corners(made.points)]
    if not figure or made.tool in ("length", "angle", "limb"):
        return [made.points] if len(made.points) > 1 else []
    square, side = lay_square(made.points, cell), np.array(cell[::-1])
    if made.tool == "perpendicular":
        return [made.points[:2], [made.points[2], tuple(find_foot(square) / side)]]
    found, turns = fit_circle(square), np.linspace(0, 2 * np.pi, ROUND)
    rim = np.column_stack([found.x + found.radius * np.cos(turns), found.y + found.radius * np.sin(turns)]) / side
    return [[tuple(at) for at in rim.tolist()]]


def list_corners(points: Sequence[Point]) -> list[Point]:
    """Return the five corners of the closed rectangle between two."""
    (left, top), (right, bottom) = points
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def export_ruler_csv(ruler: Ruler, image: Image) -> bytes:
    """Write a row for each number, and one for each point: English names, places in source pixels.

    A file's name may identify a patient and is not written.
    """
    out = io.StringIO()
    names = ("sha256", "frame", "name", "quantity", "value", "unit", "rests_on", "points_xy", "note")
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for made, numbers in list_measured(ruler, image):
        common = {
            "sha256": image.sha256, "frame": made.frame, "name": str(made.name),
            "points_xy": "; ".join(f"{x:g} {y:g}" for x, y in made.points),
            "note": f"{RELATIVE} {DISCLAIMER}" if made.tool == "region" else DISCLAIMER,
        }  # fmt: skip
        writer.writerows({**common, **row} for row in _rows(made.tool, numbers, image))
    return out.getvalue().encode()


def _rows(tool: Tool, numbers: Sequence[Quantity], image: Image) -> Iterator[dict[str, str]]:
    if not numbers:
        yield {"quantity": tool, "value": "", "unit": "", "rests_on": ""}
    for one in numbers:
        rests_on = str(image.spacing_source or "") if one.unit == "mm" else ""
        yield {"quantity": one.key, "value": f"{one.value:.4f}", "unit": one.unit, "rests_on": rests_on}
