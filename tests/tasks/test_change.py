"""Then and now: placement maps back exactly, errors are those of repetition, and changes are told in one unit."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from models.errors import Cancelled
from models.tasks.landmarks.change import (
    PLACEMENTS,
    Film,
    compare_films,
    estimate_errors,
    export_changes_csv,
    repeat_answers,
)
from models.tasks.landmarks.edit import Move, move_points
from models.types import Image, Landmarks

NAMES = (*(f"tibia_{i}" for i in range(9)), *(f"femur_{i}" for i in range(7)))


def knee(space: float = 12.0, **kept: object) -> Landmarks:
    """A knee of straight lines: a plateau of 160 px, and condyles that many pixels above it."""
    tibia = [(20 + 20 * i, 120 - (8 if 3 <= i <= 5 else 0)) for i in range(9)]
    femur = [(24 + 26 * i, 120 - space - (20 if i == 3 else 0)) for i in range(7)]
    points = np.array([*tibia, *femur], np.float32)
    return Landmarks(
        task="landmarks", card="c", sha256="s", seconds=0.0, names=NAMES, points=points,
        radius_px=np.ones(16, np.float32), **kept,
    )  # fmt: skip


def film(seed: int = 0) -> Image:
    """Sixteen bright dots where the points are, for a network that sees dots."""
    pixels = np.full((1, 200, 210), 0.1, np.float32)
    rows, columns = np.mgrid[:200, :210]
    for number, (x, y) in enumerate(knee().points):
        pixels[0] += (0.02 + 0.05 * number) * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 8)
    return Image(pixels=pixels, sha256="s", name="film")


def test_a_film_that_is_placed_differently_brings_its_points_back() -> None:
    seen: list[Image] = []
    truth = knee()

    def place(image: Image) -> Landmarks:
        """Find each dot near where it was, by the brightest pixels there."""
        seen.append(image)
        found = []
        for x, y in truth.points:
            x0, y0 = int(x) - 9, int(y) - 9
            part = image.pixels[0, max(y0, 0) : y0 + 19, max(x0, 0) : x0 + 19].astype(float)
            weight = np.clip(part - np.quantile(part, 0.9), 0, None) ** 2
            rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
            total = weight.sum()
            found.append(((weight * columns).sum() / total + max(x0, 0), (weight * rows).sum() / total + max(y0, 0)))
        return replace(truth, points=np.array(found, np.float32))

    told: list[float] = []
    answers = repeat_answers(place, film(), told.append)
    assert len(answers) == len(PLACEMENTS) == len({image.sha256 for image in seen})
    assert told[-1] == 1
    apart = np.array([np.linalg.norm(answer.points - truth.points, axis=1) for answer in answers])
    assert np.median(apart) < 0.6  # of shifts of up to 4 px, turns of 2° and scales of 2 %
    with pytest.raises(Cancelled):
        repeat_answers(place, film(), cancelled=lambda: True)


def test_a_change_is_told_against_what_repetition_errs_by() -> None:
    rng = np.random.default_rng(0)
    repeated = [
        [replace(one, points=one.points + rng.normal(0, 0.5, (16, 2)).astype(np.float32)) for _ in range(40)]
        for one in (knee(12), knee(9))
    ]
    spacing = (0.5, 0.5)
    changes = compare_films(*(Film(knee(gap), spacing, "right", of) for gap, of in zip((12, 9), repeated, strict=True)))
    by_key = {change.before.key: change for change in changes}
    space = by_key["minimum_space_medial"]
    assert (space.before.unit, space.difference) == ("mm", pytest.approx(-1.5, abs=0.01))
    assert space.detectable == pytest.approx(1.96 * np.hypot(*(estimate_errors(r, spacing, "right")[
        "minimum_space_medial"] for r in repeated)))  # fmt: skip
    assert 0.3 < space.detectable < 1.5
    assert space.beyond_error
    assert not by_key["convergence_angle"].beyond_error
    assert not {"condylar_tilt", "plateau_tilt"} & by_key.keys()


def test_films_of_unlike_scale_or_side_are_compared_by_what_both_have() -> None:
    later = Film(knee(9), None, None, [knee(9)] * 3)
    changes = compare_films(Film(knee(12), (0.5, 0.5), "right", [knee(12)] * 3), later)
    by_key = {change.before.key: change for change in changes}
    assert by_key["minimum_space_left"].before.unit == by_key["minimum_space_left"].after.unit == "%"
    assert by_key["minimum_space_left"].difference == pytest.approx(-100 * 3 / 160, abs=0.05)
    assert "plateau_width" not in by_key  # pixels of two films are no measure
    moved = move_points(knee(12), [Move("tibia_1", 41, 121)])
    for unknown in (Film(moved, None, None, [knee(12)] * 3), Film(knee(12), None, None)):
        told = compare_films(unknown, later)
        assert {change.detectable for change in told} == {None} == {change.beyond_error for change in told}
    rows = list(csv.DictReader(io.StringIO(export_changes_csv(changes).decode())))
    assert [row["measure"] for row in rows] == list(by_key)
    assert {row["beyond_it"] for row in rows} == {"yes", "no"}  # the films are never off, so any change is beyond it
    assert float(rows[0]["change"]) == pytest.approx(float(rows[0]["now"]) - float(rows[0]["then"]), abs=2e-3)
