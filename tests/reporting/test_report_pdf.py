"""The PDF as other programs see it: text in any of three scripts, tags, fonts, the foot of every page."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models import DISCLAIMER
from models.reporting.parts import Answer, Bar, Bars, Chapter, Curve, Curves, Facts, Paragraph, Report, Section, Table
from models.reporting.pdf import write_pdf
from models.reporting.tags import TaggedCanvas

Write = Callable[..., Report]
GREEK, CYRILLIC = "Γόνατο δεξιό", "Колено правое"

pytestmark = pytest.mark.skipif(
    shutil.which("pdftotext") is None or shutil.which("pdftoppm") is None,
    reason="needs pdftotext and pdftoppm (Debian: apt install poppler-utils)",
)


def asked(program: str, *arguments: str, content: bytes, tmp_path: Path) -> str:
    """Return what one of poppler's programs says of a PDF."""
    (tmp_path / "report.pdf").write_bytes(content)
    last = ["-"] if program == "pdftotext" else []
    out = subprocess.run([program, *arguments, "report.pdf", *last], cwd=tmp_path, capture_output=True, check=True)
    assert out.stderr == b""
    return out.stdout.decode()


def drawn(content: bytes, tmp_path: Path) -> list[np.ndarray]:
    (tmp_path / "report.pdf").write_bytes(content)
    subprocess.run(["pdftoppm", "-r", "60", "-png", "report.pdf", "page"], cwd=tmp_path, check=True)
    return [
        np.asarray(Pillow.open(BytesIO(file.read_bytes())).convert("L")) for file in sorted(tmp_path.glob("page*.png"))
    ]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("classification", "KL 3, moderate"),
        ("abstention", "No answer"),
        ("segmentation", "Articular cartilage"),
        ("motion", "Flexion from 0° to 60°"),
    ],
)
def test_every_kind_is_read_and_drawn_on_one_or_two_pages(write: Write, tmp_path: Path, kind: str, answer: str) -> None:
    content = write_pdf(write(kind))
    text = asked("pdftotext", "-layout", content=content, tmp_path=tmp_path)
    pages = text.rstrip("\f").split("\f")
    assert answer in pages[0]
    assert len(pages) <= 2
    for number, page in enumerate(pages, 1):
        assert DISCLAIMER in page
        assert f"Page {number} of {len(pages)}" in page
    pictures = drawn(content, tmp_path)
    assert len(pictures) == len(pages)
    for picture in pictures:
        edges = np.concatenate([picture[:, :20].ravel(), picture[:, -20:].ravel(), picture[:15].ravel()])
        assert edges.min() == 255  # nothing runs off the page
        assert picture.min() < 80


def test_greek_and_cyrillic_labels_survive(write: Write, tmp_path: Path) -> None:
    content = write_pdf(write("classification", label=f"{GREEK} · {CYRILLIC}"))
    text = asked("pdftotext", "-layout", content=content, tmp_path=tmp_path)
    assert text.count(f"{GREEK} · {CYRILLIC}") == 2  # in the text, and at the head of the second page
    fonts = asked("pdffonts", content=content, tmp_path=tmp_path).splitlines()[2:]
    assert len(fonts) == 2
    assert all("DejaVuSans" in font and " yes yes yes " in font for font in fonts)  # embedded, subset, with unicode


def test_title_author_language_and_structure(write: Write, tmp_path: Path) -> None:
    content = write_pdf(write("classification"))
    facts = asked("pdfinfo", content=content, tmp_path=tmp_path)
    assert "OrthoLens report: Knee osteoarthritis" in facts
    assert f"Subject:         {DISCLAIMER}" in facts
    assert "Tagged:          yes" in facts
    assert b"/Lang (en)" in content
    assert b"/DisplayDocTitle true" in content
    assert b"/Alt (The image, 90 by 120 pixels)" in content
    tags = [
        line.strip().split(" ")[0]
        for line in asked("pdfinfo", "-struct", content=content, tmp_path=tmp_path).splitlines()
    ]
    assert tags.count("H1") == 1
    assert tags.count("H2") == 5
    assert tags.count("Figure") == 2
    assert {"Table", "TR", "TH", "TD", "P"} <= set(tags)


def test_several_answers_have_a_table_of_contents_and_a_chapter_each(write: Write, tmp_path: Path) -> None:
    content = write_pdf(write("classification", "abstention", "segmentation", label="Series 7"))
    text = asked("pdftotext", "-layout", content=content, tmp_path=tmp_path)
    contents, *chapters = text.split("\f")
    assert "3 images" in contents
    for expected in ("KL 3, moderate", "No answer", "ab12ab12ab12"):
        assert expected in contents
    starts = [page for page in chapters if " of 3, image ab12ab12ab12" in page]
    assert len(starts) == 3


PARTS = (
    Answer("KL 3", "58 %", "sure", "moderate"),
    Table(("Tissue", "mm"), (("bone", "1"),), "Areas", colours=("#112233",)),
    Facts((("Size", "big"),)),
    Bars("Labels", (Bar("KL 2", 0.5, "50%", True),), ("may be", "is not")),
    Curves((Curve("Flexion", "°", np.arange(3.0), np.ones(3)),), "a curve", "of a knee"),
)
TREE = """
Document H1 "Two" Table TR TH P "No." TH P "Image (SHA-256)" TH P "Answer" TH P "Sure"
TR TD P "1" TD P "ab12" TD P "KL 3" TD P "70%" TR TD P "2" TD P "cd34" TD P "KL 3" TD P "70%"
H1 "Knee" P "1 of 2, image ab12" P "KL 3" P "moderate" P "58 %" P "sure" H2 "More" P "body"
H1 "Hip" P "2 of 2, image cd34" P "KL 3" P "moderate" P "58 %" P "sure" H2 "More" P "Areas"
Table TR TH P "Tissue" TH P "mm" TR TD P "■ bone" TD P "1" Table TR TH P "Size" TD P "big"
P "Labels" Table TR TH P "KL 2" TD TD P "50%" TD P "may be" Figure "" P "of a knee"
"""
"""What a screen reader reads: headings, cells of heads and of rows, a figure; a bar repeats the number beside it."""


def two_chapters() -> Report:
    knee = Chapter("Knee", "ab12", "KL 3", "70%", (Section("", PARTS[:1]), Section("More", (Paragraph("body"),))))
    hip = Chapter("Hip", "cd34", "KL 3", "70%", (Section("", PARTS[:1]), Section("More", PARTS[1:])))
    return Report("Two", (knee, hip), datetime(2026, 11, 24, 9, 5, tzinfo=UTC))


def test_the_structure_says_what_is_what_in_the_order_of_reading(tmp_path: Path) -> None:
    content = write_pdf(two_chapters())
    told = asked("pdfinfo", "-struct-text", content=content, tmp_path=tmp_path)
    line = re.compile(r'^ *(?:([A-Z]\w*)(?: \(block\))?|(".*"))$', re.M)
    drawn_texts = [role or text.replace('"\u2007', '"') for role, text in line.findall(told)]
    # the figure holds the words on its axes; what it shows is in its description
    figure = drawn_texts.index("Figure") + 1
    while drawn_texts[figure] != "P":
        del drawn_texts[figure]
    drawn_texts.insert(figure, '""')
    assert drawn_texts == re.findall(r'"[^"]*"|\w+', TREE)
    assert "/Alt (a curve)" in content.decode("latin-1")


def test_bookmarks_lead_to_the_page_of_each_chapter_and_all_that_is_no_text_is_marked_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marks: dict[str, int] = {}
    entries: list[tuple[str, str, int]] = []
    pages: list[str] = []
    bookmark, entry, show = TaggedCanvas.bookmarkPage, TaggedCanvas.addOutlineEntry, TaggedCanvas.showPage

    def bookmarked(self: TaggedCanvas, key: str) -> object:
        marks[key] = self.getPageNumber()
        return bookmark(self, key)

    def entered(self: TaggedCanvas, title: str, key: str, level: int) -> object:
        entries.append((title, key, level))
        return entry(self, title, key, level)

    def shown(self: TaggedCanvas) -> object:
        pages.append(" ".join(self._code))
        return show(self)

    monkeypatch.setattr(TaggedCanvas, "bookmarkPage", bookmarked)
    monkeypatch.setattr(TaggedCanvas, "addOutlineEntry", entered)
    monkeypatch.setattr(TaggedCanvas, "showPage", shown)
    write_pdf(two_chapters())
    assert entries[len(entries) // 2 :] == [  # of the second pass, which knows how many pages there are
        ("Two", "contents", 0),
        ("Knee", "image-1", 0),
        ("Hip", "image-2", 0),
    ]
    assert marks == {"contents": 1, "image-1": 2, "image-2": 3}
    assert len(pages) == 2 * 3
    for page in pages:
        depth, marked = 0, []
        for token in re.findall(r"BDC|BMC|EMC|\bTj\b|\bre\b|\bl\b|\bS\b|\bf\*?(?= |$)|MCID \d+", page):
            depth += {"BDC": 1, "BMC": 1, "EMC": -1}.get(token, 0)
            assert 0 <= depth <= 1  # never one within another
            marked += [token] * token.startswith("MCID")
            assert depth or token in ("EMC", *marked), token  # whatever is drawn is text or an ornament
        assert depth == 0
        assert marked == [f"MCID {number}" for number in range(len(marked))]
