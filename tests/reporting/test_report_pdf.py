"""The PDF as other programs see it: text in any of three scripts, tags, fonts, the foot of every page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models import DISCLAIMER
from models.reporting.parts import Report
from models.reporting.pdf import write_pdf

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
