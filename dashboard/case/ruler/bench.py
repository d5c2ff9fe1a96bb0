"""What is measured on and with what, and what a hand's doing makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dashboard.case.handles import Touch
from dashboard.i18n import format_number, spoken, t
from dashboard.session import RulerSheet
from dashboard.style.figures import View
from models import Image
from models.geometry.measure import POINTS, QUANTITIES, HandMeasurement, Point, Tool, measure_by_hand
from models.geometry.ruler import KNOWN_POINTS, Calibration, Ruler
from models.reporting.ruler import write_quantity

CALIBRATION = "calibration"
"""What the handles of the calibration are called by, before their number."""


@dataclass(frozen=True)
class Bench:
    """A frame, the sheet that keeps what is measured on it, and the tool in hand.

    Attributes
    ----------
    tool
        None where the scale is set.
    known
        What the scale is set by, without its points; None where something is measured.
    """

    image: Image
    view: View
    sheet: RulerSheet
    tool: Tool | None = None
    known: Calibration | None = None

    @property
    def places(self) -> int:
        """How many points the tool takes."""
        if self.known is not None:
            return KNOWN_POINTS[self.known.known]
        return POINTS[self.tool] if self.tool else 0

    @property
    def ruler(self) -> Ruler:
        """What is measured now."""
        return self.sheet.now

    def take(self, touch: Touch) -> None:
        """Keep what a hand did on the film."""
        points = tuple(keep_inside(point, self.image) for point in touch.points)
        name, _, index = touch.key.rpartition("/")
        if touch.kind == "placed":
            self.place(points)
        elif touch.kind == "removed":
            self.remove(name)
        elif touch.kind == "moved" and points and index.isdigit():
            self.move(name, int(index), points[0], touch.turn)

    def place(self, points: tuple[Point, ...]) -> None:
        """Keep what the tool makes of new points; nothing where they are not as many as it takes."""
        if len(points) != self.places:
            return
        if self.known is not None:
            self.sheet.keep(self.ruler.calibrate(replace(self.known, points=points, frame=self.view.frame)))
        elif self.tool is not None:
            self.sheet.keep(self.ruler.add(self.tool, points, self.view.frame))

    def move(self, name: str, index: int, to: Point, turn: float = 0.0) -> None:
        """Keep another place of one point of a measurement, by its key, or of the calibration."""
        if name == CALIBRATION:
            self.sheet.keep(self.ruler.move_calibration(index, to), turn)
        else:
            self.sheet.keep(self.ruler.move(name, index, to), turn)

    def remove(self, name: str) -> None:
        """Take a measurement away, by its key, or the calibration."""
        self.sheet.keep(self.ruler.calibrate(None) if name == CALIBRATION else self.ruler.remove(name))

    def find_points(self, name: str) -> tuple[Point, ...]:
        """Return the points of a measurement, by its key, or of the calibration; none where there is none."""
        if name == CALIBRATION:
            return self.ruler.calibration.points if self.ruler.calibration else ()
        return next((made.points for made in self.ruler.measurements if made.key == name), ())


def keep_inside(point: Point, image: Image) -> Point:
    """Return a place on the image, to a hundredth of a pixel: what a browser tells is not trusted."""
    rows, columns = image.shape
    x, y = np.clip(point, -0.5, (columns - 0.5, rows - 0.5)).round(2).tolist()
    return x, y


def write_numbers(made: HandMeasurement, image: Image) -> str:
    """Return the numbers of a measurement in words, or where a point is.

    Raises
    ------
    InputError
        Where its points make no figure.
    """
    numbers = measure_by_hand(made, image)
    if not numbers:
        (x, y), *_ = made.points
        return t("column {x}, row {y}", x=format_number(x, ".1f"), y=format_number(y, ".1f"))
    if len(numbers) == 1:
        return write_quantity(numbers[0], spoken())
    return " · ".join(f"{t(QUANTITIES[one.key])} {write_quantity(one, spoken())}" for one in numbers)
