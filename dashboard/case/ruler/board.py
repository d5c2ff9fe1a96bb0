"""The film with everything that was measured on it, as points that can be moved and the lines between them."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.case.handles import YELLOW, Board, Handle, Mark, MarkKind, Place
from dashboard.case.ruler.bench import CALIBRATION, Bench, write_numbers
from dashboard.i18n import format_number, spoken, t
from dashboard.style import figures
from models import Image
from models.errors import InputError
from models.geometry.measure import HandMeasurement, Tool, measure_by_hand
from models.reporting.ruler import write_quantity

TEAL = "#7FD8CE"
"""Of what is calibrated by."""
MARKS: Mapping[Tool, MarkKind] = {
    "length": "line", "angle": "angle", "cobb": "cobb", "circle": "circle", "perpendicular": "perpendicular",
    "point": "line", "region": "box", "limb": "angle",
}  # fmt: skip


def encode_film(bench: Bench) -> str:
    """Return the frame as it is displayed, as a data address."""
    shown = figures.shrink_picture(bench.view.shown(bench.image), figures.LONGEST_PX)
    return figures.encode_raster(shown, exact=False)


def lay_out_board(bench: Bench, picture: str) -> Board:
    """Return the film of a bench, given as `encode_film` returns it, with everything that was measured on it."""
    image, view, by = bench.image, bench.view, bench.ruler.calibration
    handles: list[Handle] = []
    marks: list[Mark] = []
    for made in bench.ruler.measurements:
        if made.frame == view.frame:
            own = _handles(made.key, t(made.name), made.points, YELLOW)
            label, says = _label(made, image)
            marks.append(Mark(MARKS[made.tool], tuple(one.key for one in own), label, f"{t(made.name)}: {says}"))
            handles += own
    if by is not None and by.frame == view.frame:
        own = _handles(CALIBRATION, t("Calibration"), by.points, TEAL)
        kind: MarkKind = "line" if by.known == "length" else "circle"
        keys = tuple(one.key for one in own)
        marks.append(Mark(kind, keys, f"{format_number(by.size_mm, 'g')} mm", t(by.source), TEAL))
        handles += own
    return Board(
        picture, image.shape, image.cell, handles, marks, bench.places, str(bench.known or bench.tool),
        name=t("The film to measure on"), mm=min(image.spacing_mm) if image.spacing_mm else None,
    )  # fmt: skip


def _handles(key: str, name: str, points: tuple[Place, ...], colour: str) -> list[Handle]:
    named = [t("{name}, point {number}", name=name, number=number) for number in range(1, len(points) + 1)]
    return [
        Handle(f"{key}/{index}", named[index] if len(points) > 1 else name, x, y, colour=colour)
        for index, (x, y) in enumerate(points)
    ]


def _label(made: HandMeasurement, image: Image) -> tuple[str, str]:
    """Return what stands beside a measurement, and all that a pointer over it is told."""
    try:
        numbers, says = measure_by_hand(made, image), write_numbers(made, image)
    except InputError as problem:
        return "–", t(problem.problem)
    if not numbers:
        return str(made.number), says
    first = write_quantity(numbers[0], spoken())
    return f"⌀ {first}" if made.tool == "circle" else first, says
