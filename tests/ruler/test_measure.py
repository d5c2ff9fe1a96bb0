"""The tools of the ruler on synthetic films of known lengths and angles, with square pixels and with others.

A film is drawn with blurred dots and balls at known places between pixels; "a hand" finds them again in the pixels: a
dot by its centre of mass, a rim by where it is half as bright.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import InputError
from models.geometry.measure import (
    POINTS,
    HandMeasurement,
    Point,
    Tool,
    fit_circle,
    lay_square,
    measure_by_hand,
)
from models.types import Image

SHAPE = (220, 260)
CELLS = ((1.0, 1.0), (0.143, 0.143), (0.4, 0.25))
TRIALS = 40
Array = NDArray[np.float64]


def film(dots: Array) -> Image:
    """Draw (N, 2) x, y as dots of 2 px."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    drawn = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8) for x, y in dots)
    return Image(np.asarray(drawn, np.float32)[None].clip(0, 1), "", "0" * 64)


def seen(image: Image, near: Array) -> tuple[Point, ...]:
    """Return the centres of mass of the dots near (N, 2) x, y, as a hand under zoom sets them."""
    found = []
    for x, y in near.round().astype(int):
        rows, columns = np.mgrid[y - 6 : y + 7, x - 6 : x + 7]
        weight = image.pixels[0, y - 6 : y + 7, x - 6 : x + 7]
        found.append((float((columns * weight).sum() / weight.sum()), float((rows * weight).sum() / weight.sum())))
    return tuple(found)


def apart(rng: np.random.Generator, n: int) -> Array:
    """Draw n places with 25 px between any two."""
    while True:
        places = rng.uniform((12, 12), (SHAPE[1] - 12, SHAPE[0] - 12), (n, 2))
        gaps = [math.dist(a, b) for i, a in enumerate(places) for b in places[:i]]
        if min(gaps, default=99) > 25:
            return places


def truth(tool: Tool, places: Array) -> float:
    """Return what a tool should measure, by other formulas than its own."""
    a, b, *rest = (complex(*place) for place in places)
    if tool == "length":
        return abs(a - b)
    c = rest[0]
    if tool == "angle":
        return math.degrees(
            math.acos(((abs(a - b)) ** 2 + abs(c - b) ** 2 - abs(a - c) ** 2) / (2 * abs(a - b) * abs(c - b)))
        )
    if tool == "cobb":
        one, other = ((math.degrees(math.atan2((q - p).imag, (q - p).real))) % 180 for p, q in ((a, b), (c, rest[1])))
        return min(abs(one - other), 180 - abs(one - other))
    area = abs(((b - a).conjugate() * (c - a)).imag) / 2
    if tool == "perpendicular":
        return 2 * area / abs(b - a)
    return abs(a - b) * abs(b - c) * abs(c - a) / (2 * area)  # diameter of the circle through a triangle's corners


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tool", ["length", "angle", "cobb", "circle", "perpendicular"])
def test_tools_measure_within_half_a_pixel_and_a_tenth_of_a_degree(tool: Tool, cell: tuple[float, float]) -> None:
    rng = np.random.default_rng(list(POINTS).index(tool))
    worst = 0.0
    for _ in range(TRIALS):
        dots = apart(rng, POINTS[tool])
        if tool == "circle" and min(truth("perpendicular", np.roll(dots, i, 0)) for i in range(3)) < 40:
            continue  # nearly on a line: no hand sets a circle so
        image = film(dots)
        calibrated = Image(image.pixels, "", image.sha256, spacing_mm=cell, spacing_source="PixelSpacing")
        found = measure_by_hand(HandMeasurement(tool, seen(image, dots)), calibrated)[0]
        true = truth(tool, dots * np.array(cell[::-1]))
        worst = max(worst, abs(found.value - true) / (1 if found.unit == "°" else min(cell)))
    assert worst < (0.1 if tool in ("angle", "cobb") else 0.5)


@pytest.mark.parametrize("cell", [(0.4, 0.25), (1.0, 1.0)])
def test_angles_are_those_in_millimetres(cell: tuple[float, float]) -> None:
    corner = np.array([[10.0, 0], [0, 0], [0, 10]]) @ np.array([[0.8, 0.6], [-0.6, 0.8]])  # a right angle, turned
    points = tuple(map(tuple, (corner / np.array(cell[::-1]) + 50).tolist()))
    image = Image(np.zeros((1, 99, 99), np.float32), "", "0" * 64, spacing_mm=cell, spacing_source="PixelSpacing")
    assert measure_by_hand(HandMeasurement("angle", points), image)[0].value == pytest.approx(90)


def test_a_leg_is_straight_where_hip_knee_and_ankle_lie_on_a_line() -> None:
    image = Image(np.zeros((1, 99, 99), np.float32), "", "0" * 64)
    for tilt_deg in (0.0, 4.0, -7.5):
        ankle = (50 + 40 * math.sin(math.radians(tilt_deg)), 50 + 40 * math.cos(math.radians(tilt_deg)))
        hka, off = measure_by_hand(HandMeasurement("limb", ((50, 5), (50, 50), ankle)), image)
        assert (hka.value, off.value) == (pytest.approx(180 - abs(tilt_deg)), pytest.approx(abs(tilt_deg)))


def test_without_a_scale_lengths_are_pixels_and_their_shape_still_counts() -> None:
    image = Image(np.zeros((1, 99, 99), np.float32), "", "0" * 64, aspect=(2.0, 1.0))
    down, across = (
        measure_by_hand(HandMeasurement("length", points), image)[0]
        for points in (((5, 5), (5, 15)), ((5, 5), (15, 5)))
    )
    assert (down.value, down.unit, across.value, across.unit) == (20, "px", 10, "px")


def test_a_cobb_angle_does_not_mind_how_its_lines_were_drawn() -> None:
    image = Image(np.zeros((1, 99, 99), np.float32), "", "0" * 64)
    upper, lower = ((0, 0), (50, 10)), ((0, 80), (50, 60))
    lines = [(*one, *other) for one in (upper, upper[::-1]) for other in (lower, lower[::-1])]
    angles = [measure_by_hand(HandMeasurement("cobb", points), image)[0].value for points in lines]
    assert angles == pytest.approx([math.degrees(math.atan(0.2) + math.atan(0.4))] * 4)


def test_a_circle_of_least_squares_goes_through_many_points() -> None:
    turns = np.linspace(0, 5, 30)
    found = fit_circle(np.column_stack([40 + 17 * np.cos(turns), -9 + 17 * np.sin(turns)]))
    assert (found.x, found.y, found.radius) == pytest.approx((40, -9, 17))


@pytest.mark.parametrize(
    ("tool", "points"),
    [
        ("circle", ((0, 0), (5, 5), (10, 10))),
        ("angle", ((3, 3), (3, 3), (9, 9))),
        ("cobb", ((3, 3), (3, 3), (9, 9), (1, 0))),
        ("perpendicular", ((3, 3), (3, 3), (9, 9))),
    ],
)
def test_what_makes_no_figure_is_refused(tool: Tool, points: tuple[Point, ...]) -> None:
    image = Image(np.zeros((1, 99, 99), np.float32), "", "0" * 64)
    with pytest.raises(InputError, match=r"line"):
        measure_by_hand(HandMeasurement(tool, points), image)


def test_a_point_has_its_place_alone() -> None:
    image = Image(np.zeros((1, 99, 99), np.float32), "", "0" * 64)
    assert measure_by_hand(HandMeasurement("point", ((1, 2),)), image) == ()
    assert lay_square([(1, 2)], (3, 5)).tolist() == [[5, 6]]
