"""Points, how sure each is, and what is measured between them, as they stand on a film that a reader can work on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from dashboard import session
from dashboard.case.handles import Board, Handle, Mark
from dashboard.i18n import later, spoken, t
from dashboard.style.figures import LONGEST_PX, encode_raster, shrink_picture
from dashboard.views.landmarks.case import LandmarkCase
from models import Explanation
from models.drawing import draw
from models.reporting import reason
from models.tasks.landmarks.edit import list_moved
from models.tasks.landmarks.joint_line import Segment
from models.tasks.landmarks.marks import (
    colour_of_landmark,
    colour_of_measurement,
    is_narrowest,
    is_space,
    list_lines_to_draw,
    list_outlines,
    write_value,
)
from models.tasks.landmarks.measures import Measurement

LAYERS = (later("Outline"), later("Radii"), later("Measurements"))
"""What can be drawn beside the points."""


def draw_board(case: LandmarkCase, layers: Collection[str], why: Explanation | None = None) -> Board:
    """Return the film with its points, to be moved by hand; where there is heat, it lies over the film."""
    shown, names = case.shown, case.names
    moved = list_moved(shown)
    handles = tuple(
        Handle(
            name, names[name], float(x), float(y), float(radius) if "Radii" in layers and name not in moved else 0.0,
            colour_of_landmark(name), name in moved,
        )
        for name, (x, y), radius in zip(shown.names, shown.points, shown.radius_px, strict=True)
    )  # fmt: skip
    marks: list[Mark] = []
    if "Outline" in layers:
        curves, between = list_outlines(shown.names)
        marks += [Mark("curve", along, colour=colour_of_landmark(along[0])) for along in curves]
        marks += [Mark("line", along, colour=colour_of_landmark(along[0])) for along in between]
    if "Measurements" in layers:
        lines = [_mark_line(measurement, line) for measurement, line in list_lines_to_draw(case.measurements)]
        marks += sorted(lines, key=lambda mark: bool(mark.label))  # no line crosses a label
    image = case.image
    return Board(
        _picture(case, why), image.shape, image.cell, handles, tuple(marks), name=t("The film with its points"),
        mm=min(image.spacing_mm) if image.spacing_mm else None,
    )  # fmt: skip


def _mark_line(measurement: Measurement, line: Segment) -> Mark:
    """Return a line of a measurement, which says what it is; the smallest distance of a half bears its value."""
    value = write_value(measurement, spoken())
    return Mark(
        "line", line, value if is_narrowest(measurement) else "",
        f"{t(measurement.name)}: {value}. {t(measurement.definition)}", colour_of_measurement(measurement),
        dashed=not is_space(measurement),
    )  # fmt: skip


def _picture(case: LandmarkCase, why: Explanation | None) -> str:
    """Return the frame as it is displayed, made once for each way to look at it."""
    view = case.view
    key = (case.identity, repr(view.window), view.invert, repr(view.look), f"{why.method}-{why.target}" if why else "")

    def make() -> str:
        shown = shrink_picture(view.shown(case.image), LONGEST_PX)
        if why is None:
            return encode_raster(shown)
        look = reason.choose_heat_look(replace(view.look, opacity=0.7), None)
        return encode_raster(draw.blend_heat(shown, shrink_picture(why.heat, LONGEST_PX), look), exact=False)

    return session.compute_once(make, "landmarks-picture", *key)
