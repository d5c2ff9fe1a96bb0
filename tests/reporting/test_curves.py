"""A small panel of a curve, point by point: where lines, bands and ticks lie, and what the ticks say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.reporting.curves import lay_out_curve
from models.reporting.parts import Curve


def curve(values: list[float], spread: list[float] | None = None, unit: str = "°") -> Curve:
    return Curve("Flexion", unit, np.array(values), np.array(spread or [0.0] * len(values)))


def test_values_lie_between_the_margins_with_a_twentieth_of_room() -> None:
    laid = lay_out_curve(curve([0, 20, 10], [0, 0, 0]))
    # from −1 to 21 over 14 to 88 points: 74 / 22 = 3.3636 a degree
    assert laid.lines == (((34, 17.36), (100, 84.64), (166, 51)),)
    assert laid.levels == tuple(
        (pytest.approx(14 + (tick + 1) * 74 / 22), text) for tick, text in ((0, "0°"), (10, "10°"), (20, "20°"))
    )
    assert laid.frames == ((34, "1"), (166, "3"))
    assert laid.title == "Flexion"


def test_a_band_goes_along_its_upper_edge_and_back_along_its_lower() -> None:
    laid = lay_out_curve(curve([5, 5], [1, 3], unit="mm"))  # 2 to 8, room of 0.3: 74 / 6.6 a millimetre
    ((a, b, c, d),) = laid.bands
    up = lambda mm: pytest.approx(14 + (mm - 1.7) * 74 / 6.6, abs=0.01)  # noqa: E731
    assert [a, b, c, d] == [(34, up(6)), (166, up(8)), (166, up(2)), (34, up(4))]
    assert laid.title == "Flexion, mm"
    assert all("°" not in text for _, text in laid.levels)


def test_frames_without_a_value_leave_a_gap() -> None:
    laid = lay_out_curve(curve([np.nan, 1, 2, np.nan, 3, np.nan], [0, 0, np.nan, 0, 0, 0]))
    assert [[x for x, _ in line] for line in laid.lines] == [[60.4, 86.8], [139.6]]
    assert len(laid.bands) == 2
    none = lay_out_curve(curve([np.nan, np.nan]))
    assert (none.lines, none.bands) == ((), ())
    assert [text for _, text in none.levels] == ["0.00°", "0.25°", "0.50°", "0.75°", "1.00°"]
    alone = lay_out_curve(curve([3.0]))
    assert alone.lines == (((100, 51),),)  # in the middle
    assert alone.frames == ((100, "1"),)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 115, ["0°", "50°", "100°"]),  # 126.5 / 4 is 31.6, so 50
        (0, 9, ["0.0°", "2.5°", "5.0°", "7.5°"]),  # of quarters of ten each is told as it is
        (0, 0.9, ["0.00°", "0.25°", "0.50°", "0.75°"]),
        (-7, 7, ["-5°", "0°", "5°"]),
        (-0.05, 0.05, ["-0.10°", "-0.05°", "0.00°", "0.05°", "0.10°"]),
        (0, 0.7, ["0.0°", "0.2°", "0.4°", "0.6°"]),
        (1000, 1090, ["1000°", "1025°", "1050°", "1075°"]),
    ],
)
def test_ticks_are_round_and_say_what_they_are(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in lay_out_curve(curve([low, high])).levels] == texts


def test_what_a_curve_is_compared_with_has_its_scale_and_its_gaps() -> None:
    other = np.array([30.0, 10, np.nan, 20])
    laid = lay_out_curve(replace(curve([0, 20, 10, 10]), other=other))
    first, last = laid.dashed
    assert (len(first), len(last)) == (2, 1)
    assert first[0][1] > laid.lines[0][1][1]  # 30 is above 20
    assert last[0][1] == pytest.approx(laid.lines[0][1][1])  # 20
    assert last[0][0] == laid.lines[0][3][0]
    assert lay_out_curve(curve([1, 2])).dashed == ()
