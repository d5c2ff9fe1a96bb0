"""Calibration by a thing of known size, what then follows in millimetres, and what is kept of a hand's work."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from models.errors import InputError
from models.geometry.measure import HandMeasurement, measure_by_hand
from models.geometry.ruler import (
    Calibration,
    Ruler,
    calibrate_image,
    leave_out_old_notes,
    list_measured,
    write_ruler_record,
)
from models.io.spacing_notes import AT_DETECTOR
from models.types import Classification, Image

TURNS = (0.3, 2.4, 4.4)
"""Where a hand touches a rim, in radians."""


def ball(x: float, y: float, radius: float, aspect: tuple[float, float] = (1.0, 1.0)) -> Image:
    """Draw a ball: the path of the ray through it is longest in the middle; 3 × 3 rays a pixel."""
    fine = np.arange(-1, 2) / 3
    rows, columns = np.mgrid[:300, :300].astype(float)
    drawn = np.zeros((300, 300))
    for down in fine:
        for across in fine:
            away = ((columns + across - x) * aspect[1]) ** 2 + ((rows + down - y) * aspect[0]) ** 2
            drawn += away < radius**2
    return Image((drawn / 9).astype(np.float32)[None], "", "0" * 64, aspect=aspect)


def touched(image: Image, x: float, y: float) -> tuple[tuple[float, float], ...]:
    """Return where the rim is half as bright, looked for from the middle outwards, as a hand under zoom sets it."""
    found = []
    for turn in TURNS:
        ways = np.arange(5, 145, 0.1)
        columns, rows = x + ways * math.cos(turn), y + ways * math.sin(turn)
        bright = map_coordinates(image.pixels[0], [rows, columns], order=1)
        last = int(np.flatnonzero(bright > 0.5)[-1])
        found.append((float(columns[last]), float(rows[last])))
    return tuple(found)


@pytest.mark.parametrize("radius", [35.2, 60.0, 71.3, 95.5])
@pytest.mark.parametrize("aspect", [(1.0, 1.0), (1.6, 1.0)])
def test_a_ball_calibrates_within_a_hundredth(radius: float, aspect: tuple[float, float]) -> None:
    image = ball(148.3, 151.7, radius, aspect)
    calibrated = calibrate_image(image, Calibration("ball", touched(image, 148, 152), 25.0))
    assert calibrated.spacing_mm is not None
    true = 25.0 / (2 * radius)
    assert calibrated.spacing_mm == pytest.approx((aspect[0] * true, aspect[1] * true), rel=0.01)


def test_millimetres_follow_and_say_what_they_rest_on() -> None:
    image = Image(np.zeros((1, 300, 300), np.float32), "", "0" * 64, warnings=(AT_DETECTOR, "another note"))
    length = HandMeasurement("length", ((10, 10), (110, 10)))
    assert measure_by_hand(length, image)[0].unit == "px"
    calibrated = calibrate_image(image, Calibration("length", ((0, 0), (200, 0)), 100.0, magnification=1.25))
    found = measure_by_hand(length, calibrated)[0]
    assert (found.value, found.unit) == (pytest.approx(40), "mm")
    assert calibrated.spacing_source == "a user's ruler, by a length of 100 mm, magnification 1.25"
    assert calibrated.warnings == ("another note",)
    assert calibrate_image(image, None) is image


def test_a_calibration_of_a_file_with_millimetres_takes_their_place_and_keeps_the_pixels_shape() -> None:
    image = Image(
        np.zeros((1, 300, 300), np.float32), "", "0" * 64, spacing_mm=(0.4, 0.2), spacing_source="PixelSpacing"
    )
    calibrated = calibrate_image(image, Calibration("length", ((0, 0), (100, 0)), 10.0))
    assert calibrated.spacing_mm == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize("points", [((0, 0), (1, 1)), ((5, 5), (5, 5))])
def test_too_small_a_thing_does_not_calibrate(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(InputError, match="smaller than two pixels"):
        calibrate_image(Image(np.zeros((1, 9, 9), np.float32), "", "0"), Calibration("length", points, 10))


def test_notes_of_the_files_own_spacing_leave_an_answer_too() -> None:
    image = Image(np.zeros((1, 300, 300), np.float32), "", "0" * 64, warnings=(AT_DETECTOR,))
    said = (AT_DETECTOR, "something else")
    answer = Classification(
        task="implant", card="good", sha256="0" * 64, seconds=0.1, labels=("a",),
        probabilities=np.ones(1, np.float32), warnings=said,
    )  # fmt: skip
    assert leave_out_old_notes(answer, image) is answer
    calibrated = calibrate_image(image, Calibration("length", ((0, 0), (200, 0)), 100.0))
    assert leave_out_old_notes(answer, calibrated).warnings == ("something else",)


def test_a_ruler_numbers_moves_and_removes() -> None:
    ruler = Ruler().add("length", ((0, 0), (3, 4))).add("point", ((1, 1),)).add("length", ((0, 0), (0, 9)))
    assert [str(one.name) for one in ruler.measurements] == ["Length 1", "Point 1", "Length 2"]
    moved = ruler.move("length-1", 1, (6, 8))
    assert moved.measurements[0].points == ((0, 0), (6, 8))
    assert ruler.measurements[0].points == ((0, 0), (3, 4))
    left = moved.remove("length-1").add("length", ((0, 0), (1, 0)))
    assert [one.key for one in left.measurements] == ["point-1", "length-2", "length-3"]
    assert bool(left)
    assert not Ruler()
    assert ruler.move_calibration(0, (1, 1)) is ruler
    by = Ruler(calibration=Calibration("length", ((0, 0), (200, 0)), 100.0)).move_calibration(1, (100, 0)).calibration
    assert by is not None
    assert by.points == ((0, 0), (100, 0))


def test_the_record_is_json_with_places_numbers_and_what_they_rest_on() -> None:
    image = Image(np.zeros((1, 300, 300), np.float32), "mrs_smith.png", "0" * 64)
    ruler = Ruler(calibration=Calibration("ball", ((0, 50), (100, 50), (50, 100)), 25.0)).add(
        "length", ((0, 0), (30, 40))
    )
    ruler = ruler.add("circle", ((0, 0), (1, 1), (2, 2)))  # no circle
    told = json.loads(json.dumps(write_ruler_record(ruler, calibrate_image(image, ruler.calibration))))
    assert told["spacing_mm"] == pytest.approx([0.25, 0.25])
    assert told["spacing_source"] == "a user's ruler, by a ball of 25 mm"
    assert told["calibration"]["by"] == "ball"
    assert told["measurements"][0] == {
        "name": "Length 1", "tool": "length", "frame": 0, "points": [[0, 0], [30, 40]],
        "values": [{"name": "length", "value": 12.5, "unit": "mm"}],
    }  # fmt: skip
    assert told["measurements"][1]["values"] == []
    assert "smith" not in json.dumps(told)
    assert [len(numbers) for _, numbers in list_measured(ruler, image)] == [1, 0]
