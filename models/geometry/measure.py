"""What a hand measures on a film: lengths, angles, circles and distances from points in source pixels.

All is computed where pixels are square, in mm where the image is calibrated and else in smaller sides of a pixel, so
that unequal sides bend no angle. A Cobb angle is that between two end plates (J. R. Cobb, Outline for the study of
scoliosis, AAOS Instr Course Lect 1948); the circle is the least-squares one of I. Kåsa (IEEE Trans Instrum Meas 1976,
doi 10.1109/TIM.1976.6312298), through three points the one that they lie on. The mechanical axes of femur and tibia
meet at the knee (D. Paley, Principles of Deformity Correction, Springer 2002, chapter 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.geometry.texture import measure_texture
from models.types import Image
from models.words import later

Point = tuple[float, float]
"""(x, y): column and row in source pixels, whole numbers at pixel centres."""
Tool = Literal["length", "angle", "cobb", "circle", "perpendicular", "point", "region", "limb"]
Unit = Literal["mm", "px", "°", "%", ""]
Array = NDArray[np.float64]

POINTS: Mapping[Tool, int] = {
    "length": 2, "angle": 3, "cobb": 4, "circle": 3, "perpendicular": 3, "point": 1, "region": 2,
    "limb": 3,
}  # fmt: skip
"""How many points each tool takes: of an angle the second is its corner, of a Cobb angle two lie on each line, of a
perpendicular distance the first two lie on the line, a region is a rectangle between two corners, a limb is marked by
the middles of hip, knee and ankle."""
TOOLS: Mapping[Tool, str] = {
    "length": later("Length"), "angle": later("Angle"), "cobb": later("Cobb angle"), "circle": later("Circle"),
    "perpendicular": later("Perpendicular distance"), "point": later("Point"), "region": later("Region"),
    "limb": later("Leg axis"),
}  # fmt: skip
QUANTITIES: Mapping[str, str] = {
    "length": later("Length"), "angle": later("Angle"), "cobb": later("Cobb angle"), "diameter": later("Diameter"),
    "radius": later("Radius"), "distance": later("Perpendicular distance"),
    "density": later("Relative density"), "texture_rows": later("Texture along rows"),
    "texture_columns": later("Texture along columns"),
    "hka": later("Hip-knee-ankle angle"), "off_straight": later("From straight"),
}  # fmt: skip
LEAST = 1e-6
"""Of a length, in sides of a pixel, below which it has no direction."""
FLAT = 1e-9
"""Of the spread of points across their line over that along it, below which they lie on it."""


@dataclass(frozen=True)
class HandMeasurement:
    """What a hand placed on a frame.

    Attributes
    ----------
    points
        As many as `POINTS` says, in the order that it says.
    number
        Of those made with the tool, from 1: "Length 2".
    """

    tool: Tool
    points: tuple[Point, ...]
    frame: int = 0
    number: int = 1

    @property
    def key(self) -> str:
        """What names it among all of an image."""
        return f"{self.tool}-{self.number}"

    @property
    def name(self) -> str:
        """What it is called: "Length 2"."""
        return later("{tool} {number}", tool=TOOLS[self.tool], number=self.number)


@dataclass(frozen=True)
class Quantity:
    """One number that was measured; `key` is one of `QUANTITIES`."""

    key: str
    value: float
    unit: Unit


@dataclass(frozen=True)
class Circle:
    """A circle where pixels are square."""

    x: float
    y: float
    radius: float


def measure_by_hand(made: HandMeasurement, image: Image) -> tuple[Quantity, ...]:
    """Return what was measured; a point has its place alone.

    Raises
    ------
    InputError
        Where the points do not make the figure: two that coincide, three of a circle on one line; as
        `measure_texture` for a region.
    """
    unit: Unit = "mm" if image.spacing_mm else "px"
    places = lay_square(made.points, image.spacing_mm or find_pixel_sides(image.cell))
    match made.tool:
        case "length":
            return (Quantity("length", measure_length(places), unit),)
        case "angle":
            return (Quantity("angle", measure_angle_deg(places), "°"),)
        case "cobb":
            return (Quantity("cobb", measure_cobb_deg(places), "°"),)
        case "circle":
            radius = fit_circle(places).radius
            return Quantity("diameter", 2 * radius, unit), Quantity("radius", radius, unit)
        case "perpendicular":
            return (Quantity("distance", measure_distance(places), unit),)
        case "limb":
            angle = measure_angle_deg(places)
            return Quantity("hka", angle, "°"), Quantity("off_straight", 180 - angle, "°")
        case "region":
            return _measure_region(made, image)
        case "point":
            return ()


def find_pixel_sides(cell: tuple[float, float]) -> tuple[float, float]:
    """Return (height, width) of a pixel as multiples of its smaller side."""
    return cell[0] / min(cell), cell[1] / min(cell)


def lay_square(points: Sequence[Point], cell: tuple[float, float]) -> Array:
    """Return points in source pixels as (N, 2) x, y where pixels are square, in the unit of `cell` (height, width)."""
    square: Array = np.asarray(points, float).reshape(-1, 2) * np.array(cell[::-1])
    return square


def measure_length(places: Array) -> float:
    """(2, 2) x, y → their distance, in the same unit."""
    return float(np.hypot(*(places[1] - places[0])))


def measure_angle_deg(places: Array) -> float:
    """(3, 2) x, y → the angle at the second point, in [0, 180] degrees."""
    return _turn_deg(places[0] - places[1], places[2] - places[1])


def measure_cobb_deg(places: Array) -> float:
    """(4, 2) x, y → the smaller angle between the lines through the first two and the last two, in [0, 90] degrees."""
    angle = _turn_deg(places[1] - places[0], places[3] - places[2])
    return min(angle, 180 - angle)


def measure_distance(places: Array) -> float:
    """(3, 2) x, y → distance of the third point from the line through the first two, in the same unit."""
    return float(np.hypot(*(places[2] - find_foot(places))))


def find_foot(places: Array) -> Array:
    """(3, 2) x, y → (2,) where the perpendicular from the third point meets the line through the first two."""
    along = _direction(places[1] - places[0])
    foot: Array = places[0] + ((places[2] - places[0]) @ along) * along
    return foot


def fit_circle(places: Array) -> Circle:
    """(N ≥ 3, 2) x, y → the circle of least squares; through three points it is exact.

    Raises
    ------
    InputError
        Where the points lie on one line.
    """
    middle = places.mean(0)
    moved = places - middle
    spread = np.linalg.svd(moved, compute_uv=False)
    if len(places) < 3 or spread[1] <= FLAT * max(spread[0], LEAST):
        raise InputError(later("the points of a circle lie on one line"), fix=later("Move one of them."))
    system = np.column_stack([2 * moved, np.ones(len(moved))])
    (x, y, rest), *_ = np.linalg.lstsq(system, (moved**2).sum(1), rcond=None)
    return Circle(float(middle[0] + x), float(middle[1] + y), math.sqrt(rest + x * x + y * y))


def _measure_region(made: HandMeasurement, image: Image) -> tuple[Quantity, ...]:
    """Return relative density and texture of a rectangle."""
    if image.colour:
        problem = later("density and texture are those of radiographs, and this picture is in colour")
        raise InputError(problem, fix=later("Measure lengths and angles."))
    first, second = made.points
    found = measure_texture(image.pixels[made.frame], (first, second), image.spacing_mm)
    return (
        Quantity("density", found.brightness, "%"),
        Quantity("texture_rows", found.along_rows, ""),
        Quantity("texture_columns", found.along_columns, ""),
    )


def _turn_deg(one: Array, other: Array) -> float:
    one, other = _direction(one), _direction(other)
    across, along = one[0] * other[1] - one[1] * other[0], one @ other
    return abs(math.degrees(math.atan2(across, along)))


def _direction(way: Array) -> Array:
    length = float(np.hypot(*way))
    if length < LEAST:
        raise InputError(later("two points of a line lie in one place"), fix=later("Move one of them."))
    return way / length
