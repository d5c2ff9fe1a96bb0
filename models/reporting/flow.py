"""The parts of a report as flowables of reportlab: what they look like on paper.

DejaVu Sans shows Latin, Greek and Cyrillic; reportlab embeds the glyphs that are used. Reference: ReportLab User Guide
4, chapters 5 to 9.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.pathobject import PDFPathObject
from reportlab.platypus import Flowable

from models.drawing.draw import FONTS
from models.reporting.curves import HEIGHT, LEFT, RIGHT, WIDTH, Panel, lay_out_curve
from models.reporting.parts import Answer, Bars, Curves, Facts, Paragraph, Part, Picture, Pictures, Table
from models.reporting.tags import Beside, Drawn, NamedGrid, TaggedCanvas, TaggedGrid, TaggedParagraph, TaggedSheet

PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
MARGIN = 46.0
WIDE = A4[0] - 2 * MARGIN
"""Width of the text, in points."""
INK, SOFT, LINE = HexColor("#14191D"), HexColor("#56626C"), HexColor("#DFE4E8")
ACCENT, TINT = HexColor("#0B7A75"), HexColor("#F1F5F5")
BAND = HexColor("#CDE8E5")
WARN, WARN_TINT = HexColor("#8A4B00"), HexColor("#FDF3E4")
TALL = {1: 250.0, 2: 225.0, 3: 165.0}
"""How tall pictures may be, by how many stand side by side."""
WHOLE = 8
"""Rows up to which a table stays on one page."""
GAP = 10.0
BAR = 150.0
CELLS: list[tuple[Any, ...]] = [
    ("FONTNAME", (0, 0), (-1, -1), PLAIN),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


@lru_cache(maxsize=1)
def register_fonts() -> None:
    """Make the fonts known to reportlab, once a process."""
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def _style(name: str, size: float, leading: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, **{"fontName": PLAIN, "fontSize": size, "leading": leading, "textColor": INK} | more)


TITLE = _style("title", 16, 20, fontName=BOLD, spaceAfter=3)
HEADING = _style("heading", 10.5, 14, fontName=BOLD, textColor=ACCENT, spaceBefore=11, spaceAfter=3, keepWithNext=1)
BODY = _style("body", 8.6, 12.2, spaceAfter=3)
NOTE = _style("note", 7.6, 10.6, textColor=SOFT, spaceAfter=2)
WARNING = _style("warning", 8.6, 12.2, textColor=WARN, spaceAfter=3, leftIndent=12, firstLineIndent=-12)
SAID = _style("said", 15, 19, fontName=BOLD)
FIGURE = _style("figure", 15, 19, fontName=BOLD, alignment=TA_RIGHT)
UNIT = _style("unit", 7.6, 10.6, textColor=SOFT, alignment=TA_RIGHT)
CELL, NUMBER = _style("cell", 8, 10.6), _style("number", 8, 10.6, alignment=TA_RIGHT)
HEADER = _style("header", 7.6, 10, textColor=SOFT, fontName=BOLD)
HEADER_NUMBER = _style("header number", 7.6, 10, textColor=SOFT, fontName=BOLD, alignment=TA_RIGHT)
CAPTION = _style("caption", 8.6, 12, fontName=BOLD, spaceBefore=4, spaceAfter=1, keepWithNext=1)
MARK = _style("mark", 8, 11, textColor=SOFT, spaceAfter=2)


def lay_out_text(text: str, style: ParagraphStyle) -> TaggedParagraph:
    """Return plain text as a paragraph."""
    return TaggedParagraph(escape(text), style)


def lay_out_part(part: Part) -> list[Flowable]:
    """Return one part of a section as it flows down the page."""
    return WRITERS[type(part)](part)


def _paragraph(part: Paragraph) -> list[Flowable]:
    if part.kind == "warning":
        return [lay_out_text(f"⚠ {part.text}", WARNING)]
    return [lay_out_text(part.text, NOTE if part.kind == "note" else BODY)]


def _answer(part: Answer) -> list[Flowable]:
    left = [lay_out_text(part.text, SAID), *([lay_out_text(part.meaning, BODY)] if part.meaning else [])]
    right = [
        *([lay_out_text(part.figure, FIGURE)] if part.figure else []),
        *([lay_out_text(part.unit, UNIT)] if part.unit else []),
    ]
    edge, tint = (ACCENT, TINT) if part.given else (WARN, WARN_TINT)
    share = 0.72 if right else 1.0
    cells, widths = ([left, right], [WIDE * share, WIDE * (1 - share)]) if right else ([left], [WIDE])
    look = [
        ("BACKGROUND", (0, 0), (-1, -1), tint), ("LINEBEFORE", (0, 0), (0, -1), 3, edge),
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("FONTNAME", (0, 0), (-1, -1), PLAIN),
        ("LEFTPADDING", (0, 0), (-1, -1), 11), ("RIGHTPADDING", (0, 0), (-1, -1), 11),
        ("TOPPADDING", (0, 0), (-1, -1), 6), ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
    ]  # fmt: skip
    return [Beside([cells], widths, style=look, spaceBefore=4, spaceAfter=8)]


def lay_out_table(part: Table, shares: tuple[float, ...] = ()) -> list[Flowable]:
    """Return a table; `shares` are the widths of its columns, by default from their longest words."""

    def cell(text: str, column: int, styles: tuple[ParagraphStyle, ParagraphStyle]) -> TaggedParagraph:
        return lay_out_text(text, styles[column >= part.words])

    header = [cell(text, n, (HEADER, HEADER_NUMBER)) for n, text in enumerate(part.columns)]
    rows = [[cell(text, n, (CELL, NUMBER)) for n, text in enumerate(row)] for row in part.rows]
    for row, words, colour in zip(rows, part.rows, part.colours, strict=bool(part.colours)):
        swatch = f'<font color="{colour}">■</font> ' if colour else "\u2003"
        row[0] = TaggedParagraph(f"{swatch}{escape(words[0])}", CELL)
    look: list[tuple[Any, ...]] = [
        *CELLS, ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE), ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5), ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]  # fmt: skip
    if len(rows) <= WHOLE:
        look.append(("NOSPLIT", (0, 0), (-1, -1)))
    widths = [share * WIDE for share in shares or _shares(part)]
    grid = TaggedGrid([header, *rows], widths, style=look, repeatRows=1, spaceBefore=3, spaceAfter=6)
    return [*([lay_out_text(part.title, CAPTION)] if part.title else []), grid]


def _shares(part: Table) -> list[float]:
    """Return the widths of columns as shares: by their longest texts, none so narrow that a word breaks."""
    lengths = []
    for title, *texts in zip(part.columns, *part.rows, strict=True):
        heading = max(len(word) for word in title.split(" "))  # a heading may break between words
        lengths.append(max([1.2 * heading, *(min(len(text), 34) for text in texts)]) + 3)
    return [length / sum(lengths) for length in lengths]


def _facts(part: Facts) -> list[Flowable]:
    rows = [[lay_out_text(name, NOTE), lay_out_text(value, CELL)] for name, value in part.rows]
    look = [*CELLS, ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return [NamedGrid(rows, [112, WIDE - 112], style=look, spaceAfter=4)]


def _pictures(part: Pictures) -> list[Flowable]:
    count = len(part.pictures)
    wide = (WIDE - GAP * (count - 1)) / count if count > 1 else 0.62 * WIDE
    cells = [[_sheet(one, wide, TALL[count]), lay_out_text(one.caption, NOTE)] for one in part.pictures]
    look = [
        *CELLS, ("VALIGN", (0, 0), (-1, -1), "BOTTOM"), ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
    ]  # fmt: skip
    return [Beside([cells], [wide + GAP] * (count - 1) + [wide], style=look, hAlign="LEFT", spaceAfter=5)]


def _sheet(part: Picture, wide: float, tall: float) -> TaggedSheet:
    scale = min(wide / part.width, tall / part.height)
    sheet = TaggedSheet(io.BytesIO(part.data), part.width * scale, part.height * scale, hAlign="LEFT")
    sheet.alt = part.alt
    return sheet


def _bars(part: Bars) -> list[Flowable]:
    rows = []
    for bar in part.bars:
        colour = SOFT if bar.possible is False else ACCENT
        drawn = Drawn(BAR, 9, partial(_bar, share=bar.share, colour=colour))
        rows.append(
            [lay_out_text(bar.name, CELL), drawn, lay_out_text(bar.figure, NUMBER), lay_out_text(part.word(bar), NOTE)]
        )
    look = [*CELLS, ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]
    rest = WIDE - BAR - 10 - 45
    widths = [0.65 * rest, BAR + 10, 45, 0.35 * rest]
    return [lay_out_text(part.title, CAPTION), NamedGrid(rows, widths, style=look, spaceAfter=6, hAlign="LEFT")]


def _bar(canvas: TaggedCanvas, share: float, colour: Color) -> None:
    canvas.setFillColor(colour)
    canvas.rect(0, 0, max(0.8, BAR * share), 7, stroke=0, fill=1)


def _curves(part: Curves) -> list[Flowable]:
    lines = -(-len(part.curves) // 3)
    step = HEIGHT + 18

    def paint(canvas: TaggedCanvas) -> None:
        for number, curve in enumerate(part.curves):
            canvas.saveState()
            canvas.translate(number % 3 * (WIDE - WIDTH) / 2, (lines - 1 - number // 3) * step)
            _panel(canvas, lay_out_curve(curve))
            canvas.restoreState()

    return [Drawn(WIDE, lines * step, paint, part.alt), lay_out_text(part.caption, NOTE)]


def _panel(canvas: TaggedCanvas, drawn: Panel) -> None:
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, 7.6)
    canvas.drawString(LEFT, HEIGHT + 3, drawn.title)
    canvas.setFont(PLAIN, 6.6)
    canvas.setFillColor(SOFT)
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    for level, text in drawn.levels:
        canvas.line(LEFT, level, WIDTH - RIGHT, level)
        canvas.drawRightString(LEFT - 4, level - 2.4, text)
    for at, text in drawn.frames:
        canvas.drawCentredString(at, 3, text)
    canvas.setFillColor(BAND)
    for band in drawn.bands:
        canvas.drawPath(_path(canvas, band), stroke=0, fill=1)
    canvas.setStrokeColor(SOFT)
    canvas.setLineWidth(0.8)
    canvas.setDash(2, 2)
    for line in drawn.dashed:
        canvas.drawPath(_path(canvas, line if len(line) > 1 else line * 2), stroke=1, fill=0)
    canvas.setDash()
    canvas.setStrokeColor(ACCENT)
    canvas.setLineWidth(1.3)
    canvas.setLineCap(1)
    for line in drawn.lines:
        canvas.drawPath(_path(canvas, line if len(line) > 1 else line * 2), stroke=1, fill=0)


def _path(canvas: TaggedCanvas, points: Sequence[tuple[float, float]]) -> PDFPathObject:
    path = canvas.beginPath()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    return path


WRITERS: dict[type[Part], Callable[[Any], list[Flowable]]] = {
    Paragraph: _paragraph,
    Answer: _answer,
    Table: lay_out_table,
    Facts: _facts,
    Pictures: _pictures,
    Bars: _bars,
    Curves: _curves,
}
