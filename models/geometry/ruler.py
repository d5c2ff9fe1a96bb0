"""All that a hand measured on one image, and the calibration that its millimetres rest on.

A ball, a coin or a length of known size gives the size of a pixel where that thing was. A ball is projected as a circle
wherever it is (all but exactly so near the central ray); where it was not as far from the detector as the bone, lengths
are divided by the bone's magnification relative to it (B. The and others, Comparison of techniques for correction of
magnification of pelvic X-rays for hip surgery planning, J Digit Imaging 2007).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from models.errors import InputError
from models.geometry.measure import (
    HandMeasurement,
    Point,
    Quantity,
    Tool,
    find_pixel_sides,
    fit_circle,
    lay_square,
    measure_by_hand,
    measure_length,
)
from models.geometry.texture import list_texture_notes
from models.io.spacing_notes import SPACING_NOTES
from models.types import Image, Judged
from models.words import later

Known = Literal["ball", "coin", "length"]
KNOWN: Mapping[Known, str] = {"ball": later("Ball"), "coin": later("Coin"), "length": later("Known length")}
KNOWN_POINTS: Mapping[Known, int] = {"ball": 3, "coin": 3, "length": 2}
"""How many points mark each."""
SOURCES: Mapping[Known, str] = {
    "ball": later("a user's ruler, by a ball of {size:g} mm"),
    "coin": later("a user's ruler, by a coin of {size:g} mm"),
    "length": later("a user's ruler, by a length of {size:g} mm"),
}
MAGNIFIED = later("{source}, magnification {factor:g}")
LEAST_PX = 2.0
"""Of what is calibrated by, in pixels: less says nothing."""
J = TypeVar("J", bound=Judged)


@dataclass(frozen=True)
class Calibration:
    """A thing of known size on a frame.

    Attributes
    ----------
    points
        Three on the rim of a ball or of a coin, or the two ends of a length.
    size_mm
        Its true diameter or length.
    magnification
        How many times larger than this thing the bone is projected; 1 where both were as far from the detector.
    """

    known: Known
    points: tuple[Point, ...]
    size_mm: float
    magnification: float = 1.0
    frame: int = 0

    @property
    def source(self) -> str:
        """Where the spacing comes from, in words for the screen."""
        source = later(SOURCES[self.known], size=self.size_mm)
        return source if self.magnification == 1 else later(MAGNIFIED, source=source, factor=self.magnification)

    def measure_size_px(self, image: Image) -> float:
        """Return its diameter or length on the frame, in smaller sides of a pixel.

        Raises
        ------
        InputError
            Where its points make no circle or no length.
        """
        places = lay_square(self.points, find_pixel_sides(image.cell))
        size = measure_length(places) if self.known == "length" else 2 * fit_circle(places).radius
        if size < LEAST_PX:
            raise InputError(
                later("what is calibrated by is smaller than two pixels"), fix=later("Mark something larger.")
            )
        return size


@dataclass(frozen=True)
class Ruler:
    """What a hand measured on one image."""

    measurements: tuple[HandMeasurement, ...] = ()
    calibration: Calibration | None = None

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.measurements) or self.calibration is not None

    def add(self, tool: Tool, points: tuple[Point, ...], frame: int = 0) -> Ruler:
        """Return it with one measurement more."""
        number = 1 + max((made.number for made in self.measurements if made.tool == tool), default=0)
        return replace(self, measurements=(*self.measurements, HandMeasurement(tool, points, frame, number)))

    def move(self, key: str, index: int, to: Point) -> Ruler:
        """Return it with one point of one measurement elsewhere."""
        moved = (
            replace(one, points=_moved(one.points, index, to)) if one.key == key else one for one in self.measurements
        )
        return replace(self, measurements=tuple(moved))

    def remove(self, key: str) -> Ruler:
        """Return it without one measurement."""
        return replace(self, measurements=tuple(one for one in self.measurements if one.key != key))

    def calibrate(self, calibration: Calibration | None) -> Ruler:
        """Return it with another calibration, or with none."""
        return replace(self, calibration=calibration)

    def move_calibration(self, index: int, to: Point) -> Ruler:
        """Return it with one point of the calibration elsewhere."""
        if self.calibration is None:
            return self
        return replace(self, calibration=replace(self.calibration, points=_moved(self.calibration.points, index, to)))


def calibrate_image(image: Image, calibration: Calibration | None) -> Image:
    """Return an image whose millimetres rest on a calibration; itself where there is none.

    The shape of its pixels stays the file's; what the reader noted of the file's own spacing no longer holds.

    Raises
    ------
    InputError
        Where the calibration's points make no circle or no length.
    """
    if calibration is None:
        return image
    side = calibration.size_mm / calibration.measure_size_px(image) / calibration.magnification
    height, width = find_pixel_sides(image.cell)
    return replace(
        image,
        spacing_mm=(height * side, width * side),
        spacing_source=calibration.source,
        warnings=tuple(said for said in image.warnings if said not in SPACING_NOTES),
    )


def leave_out_old_notes(answer: J, image: Image) -> J:
    """Return an answer without notes on a spacing that was the file's, where the image has a user's."""
    said = tuple(note for note in answer.warnings if note not in SPACING_NOTES or note in image.warnings)
    return answer if said == answer.warnings else replace(answer, warnings=said)


def list_measured(ruler: Ruler, image: Image) -> list[tuple[HandMeasurement, tuple[Quantity, ...]]]:
    """Return each measurement with its numbers; none where its points make no figure."""
    found = []
    for made in ruler.measurements:
        try:
            found.append((made, measure_by_hand(made, image)))
        except InputError:
            found.append((made, ()))
    return found


def write_ruler_record(ruler: Ruler, image: Image) -> dict[str, Any]:
    """Return what a hand measured as a JSON object: names in English, places in source pixels (x, y)."""
    regions = any(made.tool == "region" for made in ruler.measurements)
    told: dict[str, Any] = {
        "spacing_mm": list(image.spacing_mm) if image.spacing_mm else None,
        "spacing_source": image.spacing_source and str(image.spacing_source),
        "calibration": None,
        "notes": [str(note) for note in list_texture_notes(image.spacing_mm)] if regions else [],
        "measurements": [
            {
                "name": str(made.name),
                "tool": made.tool,
                "frame": made.frame,
                "points": [list(point) for point in made.points],
                "values": [{"name": one.key, "value": round(one.value, 4), "unit": one.unit} for one in measured],
            }
            for made, measured in list_measured(ruler, image)
        ],
    }
    if (by := ruler.calibration) is not None:
        told["calibration"] = {
            "by": by.known, "size_mm": by.size_mm, "magnification": by.magnification, "frame": by.frame,
            "points": [list(point) for point in by.points],
        }  # fmt: skip
    return told


def _moved(points: tuple[Point, ...], index: int, to: Point) -> tuple[Point, ...]:
    return tuple(to if at == index else point for at, point in enumerate(points))
