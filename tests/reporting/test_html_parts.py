"""The HTML page element by element: nothing left out, nothing that was not given, curves as on paper."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

from models.i18n import Language
from models.reporting.curves import lay_out_curve
from models.reporting.html import _part, write_html
from models.reporting.parts import (
    Answer,
    Bar,
    Bars,
    Chapter,
    Curve,
    Curves,
    Facts,
    Paragraph,
    Part,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
)
from models.words import DISCLAIMER


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    kids: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(kid if isinstance(kid, str) else kid.text for kid in self.kids)

    def all(self, tag: str, **attributes: str) -> list[Node]:
        """Return every element below with a tag, or with any for "", that has attributes."""
        found = []
        for kid in self.kids:
            if isinstance(kid, Node):
                fits = tag in ("", kid.tag) and all(
                    kid.attributes.get(key.rstrip("_")) == value for key, value in attributes.items()
                )
                found += [kid] * fits + kid.all(tag, **attributes)
        return found


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack = [Node("")]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.stack[-1].kids.append(node)
        if tag not in ("meta", "img", "path", "circle"):
            self.stack.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].kids.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.stack[-1].kids.append(data)


def read(part: Part) -> Node:
    return Reader(_part(part)).stack[0]


def page(*chapters: Chapter, label: str = "", language: str = "en") -> Node:
    made = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)
    return Reader(write_html(Report("Two <knees>", chapters, made, label, Language(language))).decode()).stack[0]


def chapter(title: str = "Knee & hip", simulated: str = "") -> Chapter:
    sections = Section("", (Answer("KL 3"),)), Section("How far < to trust", (Paragraph("far"), Paragraph("near")))
    return Chapter(title, "ab<12", "KL > 3", "70%", sections, simulated)


@pytest.mark.parametrize("simulated", ["", "simulated & more"])
@pytest.mark.parametrize("label", ["", "Series <7>"])
def test_a_report_of_one_answer_is_its_chapter_between_head_and_foot(label: str, simulated: str) -> None:
    whole = page(chapter(simulated=simulated), label=label)
    (head,), (main,), (foot,) = (whole.all(tag) for tag in ("header", "main", "footer"))
    assert head.all("", class_="brand")[0].text == "OrthoLens report"
    assert head.all("", class_="made")[0].text == "2026-11-24 09:05 UTC"
    assert [one.text for one in head.all("", class_="label")] == [label] * bool(label)
    assert [one.text for one in whole.all("p", class_="disclaimer")] == [foot.text] == [str(DISCLAIMER)]
    assert whole.all("title")[0].text == "OrthoLens report: Two <knees>"
    assert [one.text for one in main.all("h1")] == ["Knee & hip"]
    assert [one.text for one in main.all("h2")] == ["How far < to trust"]  # a section without a title has no heading
    assert [one.text for one in main.all("", class_="mark-simulated")] == [simulated] * bool(simulated)
    assert main.text.split("\n")[2:] == [f"Knee & hip{simulated}", "KL 3", "How far < to trustfarnear", "", ""]
    assert whole.all("nav") == []
    assert [one.attributes["id"] for one in main.all("article")] == ["image-1"]


def test_a_report_of_several_has_contents_that_lead_to_each() -> None:
    whole = page(chapter(), chapter("Hip"))
    assert page(chapter(), language="de").all("html")[0].attributes["lang"] == "de"
    (contents,) = whole.all("nav")
    assert [one.text for one in whole.all("main")[0].all("h1")] == ["Two <knees>", "Knee & hip", "Hip"]
    heads, *rows = contents.all("tr")
    assert len(heads.all("th")) == len(heads.all("th", class_="word")) + 1 == 4
    assert [[cell.text for cell in row.all("td")] for row in rows] == [
        ["1", "ab<12", "KL > 3", "70%"],
        ["2", "ab<12", "KL > 3", "70%"],
    ]
    links = [link.attributes["href"] for link in contents.all("a")]
    assert links == [f"#{one.attributes['id']}" for one in whole.all("article")] == ["#image-1", "#image-2"]
    assert contents.attributes["aria-label"] == "Contents"


@pytest.mark.parametrize("given", [True, False])
def test_an_answer_says_what_it_has_and_whether_it_was_given(given: bool) -> None:
    (answer,) = read(Answer("KL < 3", "58 %", "sure & certain", "moderate <", given)).kids
    assert isinstance(answer, Node)
    assert answer.attributes["class"] == ("answer" if given else "answer none")
    (said,) = answer.all("", class_="said")
    assert [one.text for one in said.all("span")] == ["KL < 3", "58 %"]
    assert [(one.text, one.attributes.get("class")) for one in answer.all("p")] == [
        ("sure & certain", "unit"),
        ("moderate <", None),
    ]
    (bare,) = read(Answer("KL 3")).kids
    assert isinstance(bare, Node)
    assert [one.tag for one in bare.all("")] == ["div", "span"]


def test_paragraphs_facts_and_tables() -> None:
    kinds = [read(Paragraph("a < b", kind)).all("p")[0] for kind in ("body", "note", "warning")]  # type: ignore[arg-type]
    assert [(one.text, one.attributes) for one in kinds] == [
        ("a < b", {}), ("a < b", {"class": "note"}), ("a < b", {"class": "warning"})
    ]  # fmt: skip
    facts = read(Facts((("Size", "90 < 120"), ("Weights", "ab"))))
    assert [(one.tag, one.text) for one in facts.all("dl")[0].all("")] == [
        ("dt", "Size"), ("dd", "90 < 120"), ("dt", "Weights"), ("dd", "ab")
    ]  # fmt: skip
    rows = (("bone", "left", "1 < 2"), ("cartilage", "right", "3"))
    table = read(Table(("Tissue", "Side", "mm"), rows, "Areas & more", words=2, colours=("#112233", None)))
    heads, *body = table.all("tr")
    assert [one.text for one in table.all("caption")] == ["Areas & more"]
    assert [(one.text, one.attributes) for one in heads.all("th")] == [
        ("Tissue", {"scope": "col", "class": "word"}), ("Side", {"scope": "col", "class": "word"}),
        ("mm", {"scope": "col"}),
    ]  # fmt: skip
    assert [[(one.text, one.attributes.get("class")) for one in row.all("td")] for row in body] == [
        [*((text, "word") for text in row[:2]), (row[2], None)] for row in rows
    ]
    (swatch,) = table.all("span")
    assert swatch in body[0].all("td")[0].all("span")  # before the name, and only where there is a colour
    assert swatch.attributes["style"] == "background:#112233"
    assert read(Table(("a",), (("b",),))).all("caption") == []


def test_pictures_bars_and_their_words() -> None:
    picture = Picture(b"jpeg", 400, 200, 'a "knee"', "the <knee>")
    (figure,) = read(Pictures((picture,))).all("figure")
    (drawn,) = figure.all("img")
    assert (drawn.attributes["width"], drawn.attributes["height"], drawn.attributes["alt"]) == (
        "400", "200", 'a "knee"'
    )  # fmt: skip
    assert base64.b64decode(str(drawn.attributes["src"]).removeprefix("data:image/jpeg;base64,")) == b"jpeg"
    assert figure.text == "the <knee>"
    bars = tuple(Bar(f"KL {n}", 0.125, "13%", fits) for n, fits in enumerate((True, False, None)))
    table = read(Bars("Labels <", bars, ("may be", "is not")))
    assert table.all("caption")[0].text == "Labels <"
    rows = table.all("tr")
    assert [row.attributes for row in rows] == [{}, {"class": "out"}, {}]
    assert [[cell.text for cell in row.all("td")] for row in rows] == [
        ["KL 0", "", "13%", "may be"], ["KL 1", "", "13%", "is not"], ["KL 2", "", "13%", ""]
    ]  # fmt: skip
    for row in rows:
        assert [one.attributes["style"] for one in row.all("div")] == ["width:12.5%"]
        assert [one.attributes.get("class") for one in row.all("td")] == ["word", "track", None, "word"]


def numbers(path: Node) -> list[float]:
    return [float(word) for word in re.findall(r"-?\d+\.?\d*", str(path.attributes["d"]))]


def test_curves_are_drawn_upside_down_below_their_titles() -> None:
    curve = Curve("Flexion <", "°", np.array([0.0, 10.0, np.nan, 5.0]), np.array([1.0, 2.0, 0.0, 0.5]))
    laid = lay_out_curve(curve)
    (figure,) = read(Curves((curve, curve), "two curves", "of a knee")).all("figure")
    assert figure.all("figcaption")[0].text == "of a knee"
    assert figure.all("div")[0].attributes["aria-label"] == "two curves"
    drawn, other = figure.all("svg")
    assert drawn == other
    assert drawn.attributes["viewbox"] == "0 0 170.0 104.0"  # 92 and a line of 12 for the title
    title, *texts = drawn.all("text")
    assert (title.text, title.attributes["x"], title.attributes["y"]) == ("Flexion <", "34.0", "8")
    words = [(one.text, float(str(one.attributes["x"])), float(str(one.attributes["y"]))) for one in texts]
    levels, frames = words[: len(laid.levels)], words[len(laid.levels) :]
    assert levels == [(text, 30, pytest.approx(104 - y + 2.6, abs=0.01)) for y, text in laid.levels]
    assert frames == [(text, pytest.approx(x, abs=0.01), 101) for x, text in laid.frames]
    paths = drawn.all("path")
    grid, bands, lines = (
        [one for one in paths if one.attributes.get("stroke") == "var(--line)"],
        [one for one in paths if "opacity" in one.attributes],
        [one for one in paths if one.attributes.get("fill") == "none"],
    )
    assert [numbers(one) for one in grid] == [pytest.approx([34, 104 - y, 166], abs=0.01) for y, _ in laid.levels]
    flipped = [[value for x, y in run for value in (x, 104 - y)] for run in (*laid.bands, *laid.lines)]
    flipped[-1] *= 2  # a frame alone is a dot: a line to itself
    assert [numbers(one) for one in (*bands, *lines)] == [pytest.approx(run, abs=0.01) for run in flipped]
    assert all(str(one.attributes["d"]).endswith("Z") for one in bands)
    assert len(paths) == len(grid) + len(bands) + len(lines)
