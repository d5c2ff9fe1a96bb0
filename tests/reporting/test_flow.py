"""The parts of a report as they lie on paper: which cell says what, how wide, and where a drawing is drawn."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT

from models.reporting import flow, html
from models.reporting.curves import lay_out_curve
from models.reporting.parts import Answer, Bar, Bars, Curve, Curves, Facts, Paragraph, Picture, Pictures, Table
from models.reporting.tags import TaggedCanvas

TEXT_WIDTH = 210 / 25.4 * 72 - 92  # A4 in points, less 46 on either side


@pytest.fixture(autouse=True)
def _fonts() -> None:
    flow.register_fonts()


def cells(grid: Any) -> list[list[Any]]:
    return grid._cellvalues


def plain(grid: Any) -> list[list[str]]:
    return [[cell.getPlainText() for cell in row] for row in cells(grid)]


def test_a_table_is_a_legend_where_it_has_colours() -> None:
    rows = (("Bone & marrow", "40.0", "1"), ("Cartilage", "7.5", "2"))
    part = Table(("Tissue", "mm²", "n"), rows, "Areas", 1, ("#112233", None))
    title, grid = flow.lay_out_table(part)
    assert title.getPlainText() == "Areas"
    assert plain(grid)[0] == ["Tissue", "mm²", "n"]
    assert [row[1:] for row in plain(grid)[1:]] == [["40.0", "1"], ["7.5", "2"]]
    swatch, none = cells(grid)[1][0], cells(grid)[2][0]
    assert swatch.getPlainText() == "■ Bone & marrow"
    assert swatch.frags[0].textColor == HexColor("#112233")
    assert none.getPlainText().strip() == "Cartilage"
    assert [cell.style.alignment == TA_RIGHT for cell in cells(grid)[1]] == [False, True, True]
    assert [cell.style.alignment == TA_RIGHT for cell in cells(grid)[0]] == [False, True, True]
    assert sum(grid._colWidths) == pytest.approx(TEXT_WIDTH)
    (alone,) = flow.lay_out_table(Table(("a", "b"), (("x", "y"),), words=2), (0.25, 0.75))
    assert alone._colWidths == pytest.approx([TEXT_WIDTH / 4, TEXT_WIDTH * 3 / 4])
    assert [cell.style.alignment == TA_RIGHT for cell in cells(alone)[1]] == [False, False]


def test_columns_are_as_wide_as_their_longest_texts() -> None:
    part = Table(("a", "heading of words"), (("abcdefg", "12"), ("x" * 50, "3")))
    # 34 letters at most and three of room; a heading counts by its longest word and a fifth more: 1.2 · 7 + 3
    assert flow._shares(part) == pytest.approx([37 / 48.4, 11.4 / 48.4])


@pytest.mark.parametrize(("rows", "whole"), [(8, True), (9, False)])
def test_a_short_table_stays_on_one_page(rows: int, whole: bool) -> None:
    (grid,) = flow.lay_out_table(Table(("a", "b"), (("x", "1"),) * rows))
    assert bool(grid._nosplitCmds) == whole
    assert grid.repeatRows == 1


def test_an_answer_has_its_figure_on_the_right_and_its_edge_says_whether_it_was_given() -> None:
    (given,) = flow.lay_out_part(Answer("KL 3", "58 %", "calibrated confidence", "moderate"))
    left, right = cells(given)[0]
    assert [one.getPlainText() for one in left] == ["KL 3", "moderate"]
    assert [one.getPlainText() for one in right] == ["58 %", "calibrated confidence"]
    assert given._colWidths == pytest.approx([0.72 * TEXT_WIDTH, 0.28 * TEXT_WIDTH])
    (withheld,) = flow.lay_out_part(Answer("No answer", meaning="no knee", given=False))
    assert withheld._colWidths == pytest.approx([TEXT_WIDTH])
    assert [[one.getPlainText() for one in cell] for cell in cells(withheld)[0]] == [["No answer", "no knee"]]
    edges = [one._linecmds[0][4] for one in (given, withheld)]
    assert edges == [flow.ACCENT, flow.WARN]
    (bare,) = flow.lay_out_part(Answer("KL 3", unit="uncalibrated"))
    assert [[one.getPlainText() for one in cell] for cell in cells(bare)[0]] == [["KL 3"], ["uncalibrated"]]


def test_what_a_reader_must_not_miss_is_marked() -> None:
    texts = [flow.lay_out_part(Paragraph("a < b", kind))[0] for kind in ("body", "note", "warning")]
    assert [one.getPlainText() for one in texts] == ["a < b", "a < b", "⚠ a < b"]
    assert [one.style.fontSize for one in texts] == [8.6, 7.6, 8.6]
    assert texts[2].style.textColor == flow.WARN


def test_facts_have_a_name_and_what_it_is() -> None:
    (grid,) = flow.lay_out_part(Facts((("Weights", "ab12"), ("Device", "cpu"))))
    assert plain(grid) == [["Weights", "ab12"], ["Device", "cpu"]]
    assert grid._colWidths == pytest.approx([112, TEXT_WIDTH - 112])


def jpeg(width: int, height: int) -> Picture:
    out = BytesIO()
    Pillow.new("L", (width, height)).save(out, "JPEG")
    return Picture(out.getvalue(), width, height, f"{width} by {height}", f"caption {width}")


@pytest.mark.parametrize(
    ("sizes", "drawn", "columns"),
    [
        # one is at most 0.62 of the text wide and 250 points tall: 200 · 312.03 / 400, and 600 → 250
        ([(400, 200)], [(312.03, 156.02)], [312.03]),
        ([(300, 600)], [(125, 250)], [312.03]),
        # two and three share the width, with 10 points between
        ([(400, 200), (200, 400)], [(246.64, 123.32), (112.5, 225)], [256.64, 246.64]),
        ([(100, 100)] * 3, [(161.09, 161.09)] * 3, [171.09, 171.09, 161.09]),
    ],
)
def test_pictures_fill_the_width_and_keep_their_shape(
    sizes: list[tuple[int, int]], drawn: list[tuple[float, float]], columns: list[float]
) -> None:
    (grid,) = flow.lay_out_part(Pictures(tuple(jpeg(*size) for size in sizes)))
    sheets = [sheet for sheet, _ in cells(grid)[0]]
    assert [(one.drawWidth, one.drawHeight) for one in sheets] == [pytest.approx(one, abs=0.01) for one in drawn]
    assert [one.alt for one in sheets] == [f"{width} by {height}" for width, height in sizes]
    assert [caption.getPlainText() for _, caption in cells(grid)[0]] == [f"caption {width}" for width, _ in sizes]
    assert grid._colWidths == pytest.approx(columns, abs=0.01)


class Pen(TaggedCanvas):
    """Keeps what is drawn, where."""

    def __init__(self) -> None:
        super().__init__(BytesIO())
        self.kept: list[tuple[Any, ...]] = []

    def rect(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        self.kept.append(("rect", self._fillColorObj, x, y, width, height, look["stroke"], look["fill"]))

    def translate(self, dx: float, dy: float) -> None:
        self.kept.append(("move", round(dx, 2), round(dy, 2)))

    def line(self, *ends: float) -> None:
        self.kept.append(("line", *ends))

    def drawString(self, x: float, y: float, text: str) -> None:  # noqa: N802
        self.kept.append(("left", x, round(y, 2), text))

    def drawRightString(self, x: float, y: float, text: str) -> None:  # noqa: N802
        self.kept.append(("right", x, round(y, 2), text))

    def drawCentredString(self, x: float, y: float, text: str) -> None:  # noqa: N802
        self.kept.append(("centre", x, y, text))

    def drawPath(self, path: Any, **look: int) -> None:  # noqa: N802
        self.kept.append(("path", path.getCode(), look["stroke"], look["fill"]))


def test_bars_are_as_long_as_their_shares_and_pale_outside_the_set() -> None:
    bars = Bars("Labels", (Bar("KL 2", 0.5, "50%", True), Bar("KL 3", 0.001, "0.1%", False)), ("may be", "is not"))
    title, grid = flow.lay_out_part(bars)
    assert title.getPlainText() == "Labels"
    assert [[row[n].getPlainText() for n in (0, 2, 3)] for row in cells(grid)] == [
        ["KL 2", "50%", "may be"],
        ["KL 3", "0.1%", "is not"],
    ]
    assert sum(grid._colWidths) == pytest.approx(TEXT_WIDTH)
    assert grid._colWidths[1:3] == [160, 45]
    assert grid._colWidths[0] / grid._colWidths[3] == pytest.approx(65 / 35)
    pen = Pen()
    for row in cells(grid):
        assert (row[1].width, row[1].height) == (150, 9)
        row[1].paint(pen)
    assert pen.kept == [
        ("rect", flow.ACCENT, 0, 0, 75, 7, 0, 1),  # half of 150 points
        ("rect", flow.SOFT, 0, 0, 0.8, 7, 0, 1),  # never so short that it is not seen
    ]


def test_curves_stand_three_a_row_from_the_top() -> None:
    values = np.array([0.0, 10.0, np.nan, 5.0])
    curve = Curve("Flexion", "°", values, np.ones(4))
    drawing, caption = flow.lay_out_part(Curves((curve,) * 4, "four curves", "of a knee"))
    assert (drawing.width, drawing.height, drawing.alt) == (pytest.approx(TEXT_WIDTH), 220, "four curves")
    assert caption.getPlainText() == "of a knee"
    pen = Pen()
    drawing.paint(pen)
    moves = [one[1:] for one in pen.kept if one[0] == "move"]
    assert moves == [(0, 110), (166.64, 110), (333.28, 110), (0, 0)]  # (503.28 − 170) / 2 apart, 92 + 18 high
    one, laid = pen.kept[1 : pen.kept.index(("move", 166.64, 110))], lay_out_curve(curve)
    assert one[0] == ("left", 34, 95, "Flexion")
    for level, text in laid.levels:
        assert ("line", 34, level, 166, level) in one  # from margin to margin of 170 points
        assert ("right", 30, round(level - 2.4, 2), text) in one
    assert [entry for entry in one if entry[0] == "centre"] == [("centre", 34, 3, "1"), ("centre", 166, 3, "4")]
    paths = [entry[1:] for entry in one if entry[0] == "path"]
    assert [look for _, *look in paths] == [[0, 1], [0, 1], [1, 0], [1, 0]]  # bands are filled, lines are drawn
    (first, second), (third, *rest) = laid.lines[0], laid.lines[1]
    assert not rest
    numbers = [[float(word) for word in code.split() if word not in "nml"] for code, *_ in paths[2:]]
    assert numbers[0] == pytest.approx([*first, *second], abs=0.01)
    assert numbers[1] == pytest.approx([*third, *third], abs=0.01)  # a frame alone is a dot


def test_bars_outside_the_set_are_marked_in_the_page_too() -> None:
    bars = Bars(
        "Labels", tuple(Bar(f"KL {n}", 0.5, "50%", fits) for n, fits in enumerate((True, False, None))), ("a", "b")
    )
    rows = html._part(bars).split("<tr")[-3:]
    assert ['class="out"' in row for row in rows] == [False, True, False]
