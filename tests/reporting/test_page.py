"""What stands where on paper, in points from the upper left corner: order, edges, distances, grounds and pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image as Pillow
from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

from models.reporting import flow
from models.reporting.parts import (
    Answer,
    Bar,
    Bars,
    Chapter,
    Facts,
    Paragraph,
    Part,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
)
from models.reporting.pdf import write_pdf
from models.reporting.tags import Drawn, TaggedCanvas, TaggedParagraph, TaggedSheet
from models.words import DISCLAIMER

WIDE, HIGH = 210 / 25.4 * 72, 297 / 25.4 * 72
LEFT, RIGHT, TOP, BOTTOM = 46, WIDE - 46, 62, HIGH - 54
"""Where the text of a page begins and ends."""
ACCENT, SOFT = HexColor("#0B7A75"), HexColor("#56626C")


@dataclass(frozen=True)
class Put:
    """A paragraph, a picture, a drawing, a line, a rectangle or a word outside the text, and what it is drawn with."""

    page: int
    kind: str
    text: str
    left: float
    top: float
    right: float
    bottom: float
    look: tuple[Any, ...] = ()


@pytest.fixture
def laid(monkeypatch: pytest.MonkeyPatch) -> Callable[[Report], list[Put]]:
    """Return what writes a report and tells what was put where, in the order in which it was."""
    runs: list[list[Put]] = [[]]

    def put(canvas: TaggedCanvas, kind: str, text: str, box: tuple[float, float, float, float], *look: Any) -> None:
        (x, y), (to_x, to_y) = canvas.absolutePosition(*box[:2]), canvas.absolutePosition(*box[2:])
        top, bottom = sorted((HIGH - y, HIGH - to_y))
        runs[-1].append(Put(canvas.getPageNumber(), kind, text, min(x, to_x), top, max(x, to_x), bottom, look))

    def watch(owner: type, name: str, told: Callable[..., None]) -> None:
        original = getattr(owner, name)

        def watched(self: Any, *arguments: Any, **named: Any) -> Any:
            told(self, *arguments, **named)
            return original(self, *arguments, **named)

        monkeypatch.setattr(owner, name, watched)

    def words(one: Any, canvas: TaggedCanvas, x: float, y: float, **_: Any) -> None:
        put(canvas, "words", one.getPlainText(), (x, y, x + one.width, y + one.height), one.style.name)

    def sheet(one: Any, canvas: TaggedCanvas, x: float, y: float, **_: Any) -> None:
        put(canvas, "picture", one.alt, (x, y, x + one.drawWidth, y + one.drawHeight))

    def drawing(one: Any, canvas: TaggedCanvas, x: float, y: float, **_: Any) -> None:
        put(canvas, "drawing", one.alt, (x, y, x + one.width, y + one.height))

    def string(share: float) -> Callable[..., None]:
        def told(canvas: Any, x: float, y: float, text: str, **_: Any) -> None:
            wide = stringWidth(text, canvas._fontname, canvas._fontsize)
            look = canvas._fontname, canvas._fontsize, canvas._fillColorObj
            put(canvas, "string", text, (x - share * wide, y, x + (1 - share) * wide, y), *look)

        return told

    def line(canvas: Any, *ends: float) -> None:
        put(canvas, "line", "", ends, canvas._lineWidth, canvas._strokeColorObj)  # type: ignore[arg-type]

    def ground(canvas: Any, x: float, y: float, width: float, height: float, **look: Any) -> None:
        put(canvas, "ground", "", (x, y, x + width, y + height), canvas._fillColorObj, look["stroke"], look["fill"])

    def round_(canvas: Any, x: float, y: float, r: float, **look: Any) -> None:
        put(canvas, "circle", "", (x - r, y - r, x + r, y + r), canvas._lineWidth, canvas._strokeColorObj)

    def arc(canvas: Any, *box: float) -> None:
        put(canvas, "arc", "", box[:4], *box[4:], canvas._lineCap)  # type: ignore[arg-type]

    watch(TaggedParagraph, "drawOn", words)
    watch(TaggedSheet, "drawOn", sheet)
    watch(Drawn, "drawOn", drawing)
    for name, share in (("drawString", 0.0), ("drawCentredString", 0.5), ("drawRightString", 1.0)):
        watch(TaggedCanvas, name, string(share))
    for name, told in (("line", line), ("rect", ground), ("circle", round_), ("arc", arc)):
        watch(TaggedCanvas, name, told)
    watch(TaggedCanvas, "save", lambda *_: runs.append([]))

    def lay(report: Report) -> list[Put]:
        assert write_pdf(report).startswith(b"%PDF")
        return runs[-2]

    return lay


def report(*chapters: Chapter, label: str = "") -> Report:
    return Report("Two knees", chapters, datetime(2026, 11, 24, 9, 5, tzinfo=UTC), label)


def chapter(*parts: Part, title: str = "Knee", simulated: str = "") -> Chapter:
    return Chapter(title, "ab12", "KL 3", "70%", (Section("", parts[:1]), Section("More", parts[1:])), simulated)


def words(put: list[Put]) -> list[Put]:
    return [one for one in put if one.kind == "words"]


def find(put: list[Put], text: str) -> Put:
    (found,) = (one for one in put if one.text == text)
    return found


def sample(width: int, height: int) -> Picture:
    out = BytesIO()
    Pillow.new("L", (width, height)).save(out, "JPEG")
    return Picture(out.getvalue(), width, height, f"{width} by {height}", f"caption {width}")


def test_a_chapter_runs_down_one_edge_in_the_order_of_its_parts(laid: Callable[..., list[Put]]) -> None:
    put = laid(
        report(
            chapter(Answer("KL 3", meaning="moderate"), Paragraph("body"), Paragraph("small", "note"),
                    Paragraph("look out", "warning"), Facts((("Size", "90 × 120"),)), simulated="simulated"),
        )
    )  # fmt: skip
    texts = words(put)
    assert [(one.text, *one.look) for one in texts] == [
        ("Knee", "title"), ("simulated", "mark"), ("KL 3", "said"), ("moderate", "body"), ("More", "heading"),
        ("body", "body"), ("small", "note"), ("⚠ look out", "warning"), ("Size", "note"), ("90 × 120", "cell"),
    ]  # fmt: skip
    assert [one.left for one in texts] == pytest.approx([46, 46, 57, 57, 46, 46, 46, 46, 46, 158])
    assert texts[0].top == pytest.approx(TOP)
    for above, below in pairwise(texts[:-1]):
        assert above.bottom <= below.top  # nothing overlaps, and nothing is out of order
    assert texts[-1].top == pytest.approx(texts[-2].top)
    assert [one.right for one in texts if one.left == LEFT] == pytest.approx([RIGHT] * 6 + [LEFT + 112 - 6])


@pytest.mark.parametrize("figure", ["", "58 %"])
def test_the_ground_and_the_edge_of_an_answer_enclose_all_of_it(laid: Callable[..., list[Put]], figure: str) -> None:
    put = laid(report(chapter(Answer("KL 3", figure, "sure" if figure else "", "moderate\n" * 30))))
    said, meaning = find(put, "KL 3"), next(one for one in put if one.text.startswith("moderate"))
    (ground,) = (one for one in put if one.kind == "ground")
    assert (ground.left, ground.right, ground.look[0]) == (LEFT, pytest.approx(RIGHT), flow.TINT)
    assert (ground.top, ground.bottom) == pytest.approx((said.top - 6, meaning.bottom + 7))
    (edge,) = (one for one in put if one.kind == "line" and one.look == (3, ACCENT))
    assert (edge.left, edge.top, edge.right, edge.bottom) == pytest.approx((LEFT, ground.top, LEFT, ground.bottom))
    assert (said.left, meaning.left) == pytest.approx((LEFT + 11, LEFT + 11))
    assert said.right == pytest.approx(LEFT + (0.72 if figure else 1) * (RIGHT - LEFT) - 11)
    if figure:
        number, unit = find(put, figure), find(put, "sure")
        assert (number.top, number.right) == pytest.approx((said.top, RIGHT - 11))
        assert unit.top == pytest.approx(number.bottom)
    assert find(put, "More").top >= ground.bottom + 11


@pytest.mark.parametrize("colours", [(), ("#112233", None)])
def test_a_table_has_even_rows_with_a_hairline_under_each(
    laid: Callable[..., list[Put]], colours: tuple[str | None, ...]
) -> None:
    rows = (("bone", "1.5"), ("cartilage of the femur", "2"))
    put = laid(
        report(chapter(Paragraph("body"), Table(("Tissue of\nthe joint", "mm"), rows, "Areas", colours=colours)))
    )
    first, number = [one for one in words(put) if one.text.strip("■ \u2003") in ("bone", "1.5")]
    second, other = [one for one in words(put) if one.text.strip("■ \u2003") in (rows[1][0], "2")]
    head, unit, title = find(put, "Tissue of the joint"), find(put, "mm"), find(put, "Areas")
    assert [one.left for one in (title, head, first, second)] == pytest.approx([LEFT] * 4)
    assert [one.right for one in (unit, number, other)] == pytest.approx([RIGHT - 4] * 3)
    assert [one.right for one in (head, first, second)] == pytest.approx([number.left - 4] * 3)
    assert number.top == pytest.approx(first.top)
    assert second.top - first.top == pytest.approx(10.6 + 2 + 2.5)  # a line of text, and room above and below
    assert unit.bottom == pytest.approx(head.bottom)
    assert first.top - head.bottom == pytest.approx(2 + 2.5)
    lines = [one for one in put if one.kind == "line" and one.look == (0.5, flow.LINE)]
    for below in (head, first, second):
        own = [one for one in lines if one.top == pytest.approx(below.bottom + 2.5)]
        assert min(one.left for one in own) == pytest.approx(LEFT)
        assert max(one.right for one in own) == pytest.approx(RIGHT)
        assert sum(one.right - one.left for one in own) == pytest.approx(RIGHT - LEFT)
    assert len({round(one.top, 3) for one in lines}) == 3


def test_rows_of_several_lines_begin_at_the_top_and_heads_end_at_the_bottom(laid: Callable[..., list[Put]]) -> None:
    long = "word " * 30
    put = laid(report(chapter(Paragraph("body"), Table(("Name", "words " * 30), ((long, "x"), ("y", long)), words=2),
                              Facts(((long, "z"),)))))  # fmt: skip
    texts = {one.text.strip(): one for one in words(put)}
    assert texts["Name"].bottom == pytest.approx(texts[("words " * 30).strip()].bottom)
    assert texts["Name"].top > texts[("words " * 30).strip()].top + 5
    wide = [one for one in words(put) if one.text.strip() == long.strip()]
    assert texts["x"].top == pytest.approx(wide[0].top)
    assert texts["y"].top == pytest.approx(wide[1].top)
    assert texts["z"].top == pytest.approx(wide[2].top)


def test_facts_are_a_column_of_names_and_one_of_what_they_are(laid: Callable[..., list[Put]]) -> None:
    put = laid(report(chapter(Paragraph("body"), Facts((("Size", "big"), ("Weights", "heavy"))))))
    size, big, weights, heavy = (find(put, text) for text in ("Size", "big", "Weights", "heavy"))
    assert (size.left, weights.left) == pytest.approx((LEFT, LEFT))
    assert (big.left, heavy.left) == pytest.approx((LEFT + 112, LEFT + 112))
    assert (big.top, heavy.top) == pytest.approx((size.top, weights.top))
    assert weights.top - size.top == pytest.approx(10.6 + 1 + 1)


def test_pictures_stand_on_one_line_above_their_captions(laid: Callable[..., list[Put]]) -> None:
    put = laid(report(chapter(Paragraph("body"), Pictures((sample(400, 200), sample(200, 400))))))
    low, tall = find(put, "400 by 200"), find(put, "200 by 400")
    half = (RIGHT - LEFT - 10) / 2
    assert (low.left, low.right) == pytest.approx((LEFT, LEFT + half))
    assert (tall.left, tall.bottom - tall.top) == pytest.approx((LEFT + half + 10, 225))
    assert low.bottom == pytest.approx(tall.bottom)  # they stand, rather than hang
    captions = [find(put, f"caption {width}") for width in (400, 200)]
    assert [one.left for one in captions] == pytest.approx([low.left, tall.left])
    assert [one.top for one in captions] == pytest.approx([low.bottom] * 2)
    alone = laid(report(chapter(Paragraph("body"), Pictures((sample(300, 600),)))))
    assert find(alone, "300 by 600").left == pytest.approx(LEFT)
    assert find(alone, "300 by 600").top == pytest.approx(find(alone, "More").bottom + 3)


def test_a_bar_stands_between_its_label_and_its_figure(laid: Callable[..., list[Put]]) -> None:
    bars = Bars("Labels", (Bar("KL 2", 0.5, "50%", True), Bar("KL 3", 0.25, "25%", False)), ("may be", "is not"))
    put = laid(report(chapter(Paragraph("body"), bars)))
    labels, figures, verdicts = (
        [find(put, text) for text in pair] for pair in (("KL 2", "KL 3"), ("50%", "25%"), ("may be", "is not"))
    )
    drawn, filled = ([one for one in put if one.kind == kind] for kind in ("drawing", "ground"))
    rest = RIGHT - LEFT - 150 - 10 - 45
    for n, share in enumerate((0.5, 0.25)):
        left = LEFT + 0.65 * rest
        assert (labels[n].left, drawn[n].left) == pytest.approx((LEFT, left))
        assert (filled[n].left, filled[n].right) == pytest.approx((left, left + 150 * share))
        assert filled[n].bottom - filled[n].top == pytest.approx(7)
        assert labels[n].top <= filled[n].top < filled[n].bottom <= labels[n].bottom + 1
        assert (figures[n].top, verdicts[n].top) == pytest.approx((labels[n].top,) * 2)
        assert figures[n].right <= verdicts[n].left == pytest.approx(left + 150 + 10 + 45)
        assert verdicts[n].right <= RIGHT
    assert labels[1].top - labels[0].top == pytest.approx(10.6 + 1)
    assert [one.look for one in filled] == [(ACCENT, 0, 1), (SOFT, 0, 1)]


def test_every_page_has_its_head_and_its_foot(laid: Callable[..., list[Put]]) -> None:
    label = "a series with a name that is far too long for the head of a page, and so ends in three points"
    put = laid(report(chapter(Paragraph("one")), chapter(Paragraph("two")), label=label))
    for page in (1, 2, 3):
        own = [one for one in put if one.page == page]
        strings = {one.text: one for one in own if one.kind == "string"}
        made, place = strings["2026-11-24 09:05 UTC"], strings[f"Page {page} of 3"]
        assert (made.right, place.right) == pytest.approx((RIGHT, RIGHT))
        assert (made.bottom, place.bottom) == pytest.approx((36, HIGH - 32))
        assert made.look == place.look == ("DejaVuSans", 7.6, SOFT)
        name, warning = strings["OrthoLens report"], strings[str(DISCLAIMER)]
        assert (name.left, name.bottom) == pytest.approx((LEFT + 24, 36))
        assert (warning.left, warning.bottom) == pytest.approx((LEFT, HIGH - 32))
        assert [one.look for one in (name, warning)] == [
            ("DejaVuSans-Bold", size, HexColor("#14191D")) for size in (9, 7.6)
        ]
        (rule,) = (one for one in own if one.kind == "line" and one.top == pytest.approx(HIGH - 44))
        assert (rule.left, rule.right, rule.look) == (LEFT, pytest.approx(RIGHT), (0.7, flow.LINE))
        above = [text for text in strings if text.startswith("a series")]
        assert len(above) == (page > 1)  # on the first page it stands in the text, whole
        for text in above:
            one = strings[text]
            assert text.endswith("…")
            assert label.startswith(text[:-1])
            assert (one.left + one.right) / 2 == pytest.approx(WIDE / 2)
            assert 240 < one.right - one.left <= 250  # as much as there is room for, between name and date
            assert (one.look[:2], one.bottom) == (("DejaVuSans-Bold", 8.6), pytest.approx(36))
            assert one.left > name.right
            assert one.right < made.left
    assert find([one for one in put if one.kind == "words"], label).page == 1
    short = laid(report(chapter(Paragraph("one")), chapter(Paragraph("two")), label="Series 7"))
    assert [one.page for one in short if one.text == "Series 7"] == [1, 2, 3]
    assert [one.page for one in laid(report(chapter(Paragraph("one")))) if one.text == "Page 1 of 1"] == [1]


def test_the_mark_is_a_ring_with_a_t_under_a_dome(laid: Callable[..., list[Put]]) -> None:
    """As `dashboard/style/mark.svg` draws it in a square of 36 units, at half the size."""
    put = laid(report(chapter(Paragraph("one"))))
    x, y = LEFT, 36 + 6 - 18  # its upper left corner
    (ring,) = (one for one in put if one.kind == "circle")
    assert (ring.left, ring.top, ring.right, ring.bottom) == pytest.approx((x + 2, y + 2, x + 16, y + 16))
    assert ring.look == (2.8, HexColor("#2FA79B"))
    (dome,) = (one for one in put if one.kind == "arc")
    # M12 15.4 a6 6 0 0 1 12 0: a half circle of radius 6 round (18, 15.4)
    assert (dome.left, dome.right) == pytest.approx((x + 6, x + 12))
    assert (dome.top, dome.bottom) == pytest.approx((y + (15.4 - 6) / 2, y + (15.4 + 6) / 2))
    assert dome.look == (0, 180, 1)  # with round ends
    across, down = (one for one in put if one.kind == "line" and one.look[0] == 2.8)
    # M12 15.4 h12, M18 15.4 v10
    assert (across.left, across.right, across.top) == pytest.approx((x + 6, x + 12, y + 15.4 / 2))
    assert across.bottom == pytest.approx(across.top)
    assert (down.left, down.right) == pytest.approx((x + 9, x + 9))
    assert (down.top, down.bottom) == pytest.approx((y + 15.4 / 2, y + 25.4 / 2))


def test_a_report_of_several_has_contents_and_each_chapter_its_own_page(laid: Callable[..., list[Put]]) -> None:
    second = replace(chapter(Paragraph("second"), simulated="simulated"), image="cd34")
    two = report(chapter(Paragraph("first")), second, label="me")
    texts = [(one.page, one.text) for one in words(laid(two)) if one.text != "More"]
    assert texts == [
        (1, "me"), (1, "Two knees"), (1, "No."), (1, "Image (SHA-256)"), (1, "Answer"), (1, "Sure"),
        (1, "1"), (1, "ab12"), (1, "KL 3"), (1, "70%"), (1, "2"), (1, "cd34"), (1, "KL 3"), (1, "70%"),
        (2, "Knee"), (2, "1 of 2, image ab12"), (2, "first"),
        (3, "Knee"), (3, "2 of 2, image cd34 · simulated"), (3, "second"),
    ]  # fmt: skip
    put = laid(two)
    wide = RIGHT - LEFT
    assert [find(put, head).left for head in ("No.", "Image (SHA-256)", "Answer")] == pytest.approx(
        [LEFT, LEFT + 0.07 * wide, LEFT + 0.27 * wide]
    )
    assert find(put, "Sure").right == pytest.approx(RIGHT - 4)
    assert find(put, "Two knees").look == ("title",)
    alone = [(one.page, one.text) for one in words(laid(report(chapter(Paragraph("first")))))]
    assert alone == [(1, "Knee"), (1, "first"), (1, "More")]


def test_text_fills_a_page_to_its_foot_and_goes_on_under_the_head_of_the_next(laid: Callable[..., list[Put]]) -> None:
    many = tuple(Paragraph(f"line {n}") for n in range(70))
    lines = [one for one in words(laid(report(chapter(Paragraph("body"), *many)))) if one.text.startswith("line")]
    first, last = (max((one for one in lines if one.page == page), key=lambda one: one.bottom) for page in (1, 2))
    assert BOTTOM - (12.2 + 3) < first.bottom <= BOTTOM  # no further line has room
    assert last.page == 2
    top = min(one.top for one in lines if one.page == 2)
    assert top == pytest.approx(TOP)
