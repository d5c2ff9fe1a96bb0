"""A report in another language: every fixed word goes through the reader's language, numbers have its separators."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from models.i18n import Language
from models.reporting.html import write_html
from models.reporting.parts import Answer, Bars, Curves, Facts, Paragraph, Pictures, Report, Table
from models.reporting.pdf import write_pdf

WRAPPED = Language("de", lambda text: f"«{text}»")
"""Says what was translated."""


def texts(report: Report) -> list[str]:
    """Every text of a report that is a sentence or a heading."""
    found = [report.title]
    for one in report.chapters:
        found += [one.title, one.answer]
        for section in one.sections:
            found.append(section.title)
            for part in section.parts:
                match part:
                    case Paragraph():
                        found.append(part.text)
                    case Answer():
                        found += [part.text, part.unit, part.meaning]
                    case Table():
                        found += [*part.columns, part.title]
                    case Facts():
                        found += [name for name, _ in part.rows]
                    case Pictures():
                        found += [text for one in part.pictures for text in (one.alt, one.caption)]
                    case Bars():
                        found += [part.title, *part.words]
                    case Curves():
                        found += [part.alt, part.caption]
    return [text for text in found if text]


KEPT = re.compile(r"^(SHA-256|Dice|Jaccard|HD95.*|[\d ,.×%±°]*)$")
"""What has no language."""


@pytest.mark.parametrize("kind", ["classification", "segmentation", "motion"])
def test_no_fixed_word_is_left_in_english(write: Callable[..., Report], kind: str) -> None:
    left = [text for text in texts(write(kind, say=WRAPPED)) if "«" not in text and not KEPT.match(text)]
    assert left == (["Simulated frame 1"] if kind == "motion" else [])  # the name of a frame


def test_numbers_have_the_separators_of_the_language(write: Callable[..., Report]) -> None:
    report = write("classification", say=WRAPPED)
    page = write_html(report).decode()
    assert '<html lang="de">' in page
    assert "70,0\u00a0%" in page
    assert "70.0%<" not in page
    assert write_pdf(report).startswith(b"%PDF")


def test_a_report_of_several_has_its_contents_in_the_language(write: Callable[..., Report]) -> None:
    page = write_html(write("classification", "segmentation", say=WRAPPED)).decode()
    assert "«2 images»" in page
    assert "«Image (SHA-256)»" in page
