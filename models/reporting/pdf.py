"""A report as PDF on A4: text to select and search, language, title and bookmarks, structure tags, embedded fonts.

Pages are laid out twice, since "page x of y" needs y. Reference: ReportLab User Guide 4, chapters 5 to 9.
"""

from __future__ import annotations

import io
from functools import partial

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate

from models.reporting.flow import (
    BOLD,
    CAPTION,
    HEADING,
    INK,
    LINE,
    MARGIN,
    MARK,
    PLAIN,
    SOFT,
    TITLE,
    WIDE,
    lay_out_part,
    lay_out_table,
    lay_out_text,
    register_fonts,
)
from models.reporting.parts import Chapter, Report, Table
from models.reporting.tags import TaggedCanvas
from models.words import DISCLAIMER, later

HEAD, FOOT = 62.0, 54.0
"""Margins above and below the text, in points."""


def write_pdf(report: Report) -> bytes:
    """Write a report as PDF."""
    register_fonts()
    pages = _written(report, 0)[1]
    return _written(report, pages)[0]


def _written(report: Report, pages: int) -> tuple[bytes, int]:
    """Lay the report out, and return it with the number of its pages."""
    out = io.BytesIO()
    frame = Frame(MARGIN, FOOT, WIDE, A4[1] - HEAD - FOOT, 0, 0, 0, 0)
    layout = BaseDocTemplate(
        out, pagesize=A4, title=report.heading, author="OrthoLens", subject=report.say(DISCLAIMER),
        creator="OrthoLens", lang=report.say.code, displayDocTitle=True, initialFontName=PLAIN,
    )  # fmt: skip
    layout.addPageTemplates(PageTemplate(frames=[frame], onPage=partial(_frame, report=report, pages=pages)))
    layout.build(_story(report), canvasmaker=TaggedCanvas)
    return out.getvalue(), layout.page


def _frame(canvas: TaggedCanvas, layout: BaseDocTemplate, report: Report, pages: int) -> None:
    """Draw what stands on every page: the product, the label, the disclaimer and the page's number."""
    with canvas.artifact():
        canvas.saveState()
        top, right = A4[1] - 36, A4[0] - MARGIN
        _mark(canvas, MARGIN, top - 6)
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 9)
        canvas.drawString(MARGIN + 24, top, report.say(later("OrthoLens report")))
        canvas.setFont(PLAIN, 7.6)
        canvas.setFillColor(SOFT)
        canvas.drawRightString(right, top, f"{report.made:%Y-%m-%d %H:%M} UTC")
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.7)
        canvas.line(MARGIN, 44, right, 44)
        canvas.drawRightString(right, 32, report.say(later("Page {page} of {pages}"), page=layout.page, pages=pages))
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 7.6)
        canvas.drawString(MARGIN, 32, report.say(DISCLAIMER))
        if report.label and layout.page > 1:  # on the first page it stands in the text
            canvas.setFont(BOLD, 8.6)
            canvas.drawCentredString(A4[0] / 2, top, _shortened(report.label, 250))
        canvas.restoreState()


def _mark(canvas: TaggedCanvas, x: float, y: float) -> None:
    """Draw the product's mark, as in `dashboard/style/mark.svg`, 18 points wide."""
    canvas.saveState()
    canvas.translate(x, y)
    canvas.scale(0.5, 0.5)
    canvas.setStrokeColor(HexColor("#2FA79B"))
    canvas.setLineWidth(2.8)
    canvas.setLineCap(1)
    canvas.circle(18, 18, 14)
    canvas.arc(12, 14.6, 24, 26.6, 0, 180)
    canvas.line(12, 20.6, 24, 20.6)
    canvas.line(18, 20.6, 18, 10.6)
    canvas.restoreState()


def _shortened(text: str, width: float) -> str:
    if pdfmetrics.stringWidth(text, BOLD, 8.6) <= width:
        return text
    while text and pdfmetrics.stringWidth(f"{text}…", BOLD, 8.6) > width:
        text = text[:-1]
    return f"{text}…"


def _story(report: Report) -> list[Flowable]:
    story: list[Flowable] = []
    if report.label:
        story.append(lay_out_text(report.label, CAPTION))
    if len(report.chapters) > 1:
        title = lay_out_text(report.title, TITLE)
        title.bookmark = "contents"
        rows = tuple((str(n), one.image, one.answer, one.sure) for n, one in enumerate(report.chapters, 1))
        contents = Table(report.contents, rows, words=3)
        story += [title, *lay_out_table(contents, (0.07, 0.2, 0.6, 0.13)), PageBreak()]
    for number, chapter in enumerate(report.chapters, 1):
        story += [PageBreak()] if number > 1 else []
        story += _chapter(chapter, number, report)
    return story


def _chapter(chapter: Chapter, number: int, report: Report) -> list[Flowable]:
    title = lay_out_text(chapter.title, TITLE)
    title.bookmark = f"image-{number}"
    story: list[Flowable] = [title]
    marks = [chapter.simulated] if chapter.simulated else []
    if len(report.chapters) > 1:
        place = later("{number} of {n}, image {image}")
        marks.insert(0, report.say(place, number=number, n=len(report.chapters), image=chapter.image))
    if marks:
        story.append(lay_out_text(" · ".join(marks), MARK))
    for section in chapter.sections:
        if section.title:
            story.append(lay_out_text(section.title, HEADING))
        for part in section.parts:
            story += lay_out_part(part)
    return story
