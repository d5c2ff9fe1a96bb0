"""A report as one HTML file: pictures inside, no script, nothing from the network; light, dark and in print.

The content security policy in its head forbids what it does not need, so a reader can see that nothing is loaded
(https://www.w3.org/TR/CSP3).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from models.reporting.curves import HEIGHT, LEFT, RIGHT, WIDTH, Panel, lay_out_curve
from models.reporting.parts import (
    Answer,
    Bars,
    Chapter,
    Curves,
    Facts,
    Paragraph,
    Part,
    Pictures,
    Report,
    Section,
    Table,
)
from models.words import DISCLAIMER, later

MARK = (
    '<svg class="mark" viewBox="0 0 36 36" fill="none" aria-hidden="true"><g stroke="#2FA79B" stroke-width="2.8" '
    'stroke-linecap="round"><circle cx="18" cy="18" r="14"/><path d="M12 15.4a6 6 0 0 1 12 0M12 15.4h12M18 15.4v10"/>'
    "</g></svg>"
)
"""The product's mark, as in `dashboard/style/mark.svg`."""

STYLE = """
:root { color-scheme: light dark; --ink: #14191d; --soft: #56626c; --paper: #fff; --line: #dfe4e8; --tint: #f1f5f5;
  --accent: #0b7a75; --warn: #8a4b00; --warn-tint: #fdf3e4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ec; --soft: #a3aeb7; --paper: #0e1114; --line: #2b333a;
  --tint: #181d22; --accent: #5cc7bc; --warn: #f0b868; --warn-tint: #2a2013; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--paper); margin: 0 auto; max-width: 56rem; padding: 1rem clamp(1rem, 4vw, 2.5rem) 3rem;
  overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .7rem; }
.mark { width: 2rem; height: 2rem; }
.brand { font-weight: 650; } .made { color: var(--soft); margin-inline-start: auto; font-size: .875rem; }
.label { flex-basis: 100%; font-weight: 600; }
.disclaimer { border-block: 1px solid var(--line); padding: .45rem 0; margin: .7rem 0 1.4rem; font-size: .9rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1.5rem 0 .3rem; }
h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; }
.mark-simulated { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem;
  font-size: .85rem; color: var(--soft); }
.answer { background: var(--tint); border-inline-start: .3rem solid var(--accent); border-radius: .4rem;
  padding: .8rem 1.1rem; margin: .9rem 0; }
.answer.none { background: var(--warn-tint); border-color: var(--warn); }
.answer .said { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1.5rem; font-size: 1.45rem;
  font-weight: 650; line-height: 1.3; }
.answer p { margin: .2rem 0 0; } .answer .unit { color: var(--soft); font-size: .875rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: .9rem;
  margin: 1rem 0; }
figure { margin: 0; } figure img { width: 100%; max-height: 34rem; object-fit: contain; background: #07090b;
  border-radius: .4rem; display: block; }
figcaption, .note { color: var(--soft); font-size: .875rem; margin: .35rem 0; }
.warning { border-inline-start: .2rem solid var(--warn); padding-inline-start: .7rem; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-size: .925rem; overflow-wrap: normal; }
.wide { overflow-x: auto; } .wide table { font-size: .825rem; }
caption { text-align: start; font-weight: 600; padding-bottom: .25rem; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); text-align: end; vertical-align: top;
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
.word { text-align: start; }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin-inline-end: .5em;
  border: 1px solid var(--soft); }
dl { display: grid; grid-template-columns: minmax(7rem, 11rem) 1fr; gap: .3rem 1rem; margin: .6rem 0;
  font-size: .925rem; }
dt { color: var(--soft); } dd { margin: 0; }
.bars td { border: 0; padding-block: .15rem; } .bars .track { width: 45%; }
.bars .track div { height: .8em; background: var(--accent); border-radius: .2em; min-width: 2px; margin-top: .35em; }
.bars .out .track div { background: var(--soft); }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: .7rem; }
.curves svg { width: 100%; height: auto; } .curves text { font: 7.5px system-ui, sans-serif; fill: var(--soft); }
.curves .title { fill: var(--ink); font-weight: 600; font-size: 8.5px; }
footer { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: .6rem; color: var(--soft);
  font-size: .875rem; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { :root { color-scheme: light; --ink: #14191d; --soft: #56626c; --paper: #fff; --line: #dfe4e8;
  --tint: #f1f5f5; --accent: #0b7a75; --warn: #8a4b00; --warn-tint: #fdf3e4; }
  body { font-size: 10.5pt; max-width: none; padding: 0; } article + article { break-before: page; }
  figure, tr, .answer { break-inside: avoid; } h1, h2 { break-after: avoid; } figure img { max-height: 9cm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="author" content="OrthoLens">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>{mark}<span class="brand">{brand}</span><span class="made">{made}</span>{label}</header>
<p class="disclaimer"><strong>{disclaimer}</strong></p>
<main>
{body}
</main>
<footer>{disclaimer}</footer>
</body>
</html>
"""


def write_html(report: Report) -> bytes:
    """Write a report as one HTML file, UTF-8."""
    label = f'<span class="label">{escape(report.label)}</span>' if report.label else ""
    chapters = [_chapter(chapter, number) for number, chapter in enumerate(report.chapters, 1)]
    page = PAGE.format(
        title=escape(report.heading),
        language=report.say.code,
        brand=escape(report.say(later("OrthoLens report"))),
        style=STYLE,
        mark=MARK,
        made=f"{report.made:%Y-%m-%d %H:%M} UTC",
        label=label,
        disclaimer=escape(report.say(DISCLAIMER)),
        body="\n".join([*_contents(report), *chapters]),
    )
    return page.encode()


def _contents(report: Report) -> list[str]:
    """Return the table of contents of a report of several answers."""
    if len(report.chapters) < 2:
        return []
    rows = [
        f'<tr><td class="word">{number}</td><td class="word"><a href="#image-{number}">{escape(chapter.image)}</a></td>'
        f'<td class="word">{escape(chapter.answer)}</td><td>{escape(chapter.sure)}</td></tr>'
        for number, chapter in enumerate(report.chapters, 1)
    ]
    *words, sure = (escape(head) for head in report.contents)
    header = "".join(f'<th class="word">{head}</th>' for head in words) + f"<th>{sure}</th>"
    name = escape(report.say(later("Contents")))
    return [
        f'<h1>{escape(report.title)}</h1><nav aria-label="{name}" class="wide"><table><thead>'
        f"<tr>{header}</tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table></nav>"
    ]


def _chapter(chapter: Chapter, number: int) -> str:
    mark = f'<p><span class="mark-simulated">{escape(chapter.simulated)}</span></p>' if chapter.simulated else ""
    sections = "\n".join(_section(section) for section in chapter.sections)
    return f'<article id="image-{number}">\n<h1>{escape(chapter.title)}</h1>{mark}\n{sections}\n</article>'


def _section(section: Section) -> str:
    title = f"<h2>{escape(section.title)}</h2>" if section.title else ""
    return f"<section>{title}{''.join(map(_part, section.parts))}</section>"


def _part(part: Part) -> str:
    return WRITERS[type(part)](part)


def _paragraph(part: Paragraph) -> str:
    style = "" if part.kind == "body" else f' class="{part.kind}"'
    return f"<p{style}>{escape(part.text)}</p>"


def _answer(part: Answer) -> str:
    figure = f"<span>{escape(part.figure)}</span>" if part.figure else ""
    unit = f'<p class="unit">{escape(part.unit)}</p>' if part.unit else ""
    meaning = f"<p>{escape(part.meaning)}</p>" if part.meaning else ""
    style = "answer" if part.given else "answer none"
    return f'<div class="{style}"><div class="said"><span>{escape(part.text)}</span>{figure}</div>{unit}{meaning}</div>'


def _table(part: Table) -> str:
    header = _cells(part.columns, part.words, "th", ' scope="col"')
    rows = []
    for number, row in enumerate(part.rows):
        colour = part.colours[number] if part.colours else None
        swatch = f'<span class="swatch" style="background:{escape(colour)}"></span>' if colour else ""
        rows.append(f"<tr>{_cells(row, part.words, 'td', '', swatch)}</tr>")
    caption = f"<caption>{escape(part.title)}</caption>" if part.title else ""
    inside = f"{caption}<thead><tr>{header}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


def _cells(row: Sequence[str], words: int, tag: str, more: str, before: str = "") -> str:
    styles = [' class="word"' if number < words else "" for number in range(len(row))]
    return "".join(
        f"<{tag}{more}{style}>{'' if number else before}{escape(cell)}</{tag}>"
        for number, (cell, style) in enumerate(zip(row, styles, strict=True))
    )


def _facts(part: Facts) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(said)}</dd>' for name, said in part.rows)}</dl>"


def _pictures(part: Pictures) -> str:
    figures = (
        f'<figure><img alt="{escape(one.alt)}" width="{one.width}" height="{one.height}" style="height:auto" '
        f'src="data:image/jpeg;base64,{base64.b64encode(one.data).decode()}">'
        f"<figcaption>{escape(one.caption)}</figcaption></figure>"
        for one in part.pictures
    )
    return f'<div class="pictures">{"".join(figures)}</div>'


def _bars(part: Bars) -> str:
    rows = []
    for bar in part.bars:
        style = ' class="out"' if bar.possible is False else ""
        rows.append(
            f'<tr{style}><td class="word">{escape(bar.name)}</td><td class="track" aria-hidden="true">'
            f'<div style="width:{bar.share:.1%}"></div></td><td>{escape(bar.figure)}</td>'
            f'<td class="word">{escape(part.word(bar))}</td></tr>'
        )
    return f'<table class="bars"><caption>{escape(part.title)}</caption><tbody>{"".join(rows)}</tbody></table>'


def _curves(part: Curves) -> str:
    drawn = "".join(_panel(lay_out_curve(curve)) for curve in part.curves)
    return (
        f'<figure><div class="curves" role="img" aria-label="{escape(part.alt)}">{drawn}</div>'
        f"<figcaption>{escape(part.caption)}</figcaption></figure>"
    )


def _panel(drawn: Panel) -> str:
    """Draw a panel as SVG, whose y runs down, below a line for its title."""
    head = 12.0
    total = HEIGHT + head
    grid = "".join(
        f'<path d="M{LEFT} {total - y:.2f}H{WIDTH - RIGHT}" stroke="var(--line)" stroke-width=".6"/>'
        f'<text x="{LEFT - 4}" y="{total - y + 2.6:.2f}" text-anchor="end">{escape(words)}</text>'
        for y, words in drawn.levels
    )
    ticks = "".join(
        f'<text x="{x:.2f}" y="{total - 3:.2f}" text-anchor="middle">{escape(words)}</text>'
        for x, words in drawn.frames
    )
    bands = "".join(f'<path d="{_path(band, total)}Z" fill="#2FA79B" opacity=".25"/>' for band in drawn.bands)
    lines = "".join(
        f'<path d="{_path(line, total)}" fill="none" stroke="#2FA79B" stroke-width="1.6" stroke-linecap="round"/>'
        for line in drawn.lines
    )
    dashed = "".join(
        f'<path d="{_path(line, total)}" fill="none" stroke="var(--soft)" stroke-width="1" stroke-dasharray="2 2"/>'
        for line in drawn.dashed
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {total}" aria-hidden="true"><text class="title" x="{LEFT}" y="8">'
        f"{escape(drawn.title)}</text>{grid}{ticks}{bands}{dashed}{lines}</svg>"
    )


def _path(points: Sequence[tuple[float, float]], total: float) -> str:
    steps = " L".join(f"{x:.2f} {total - y:.2f}" for x, y in points)
    return f"M{steps}{f' L{points[0][0]:.2f} {total - points[0][1]:.2f}' if len(points) == 1 else ''}"


WRITERS: dict[type, Callable[[Any], str]] = {
    Paragraph: _paragraph,
    Answer: _answer,
    Table: _table,
    Facts: _facts,
    Pictures: _pictures,
    Bars: _bars,
    Curves: _curves,
}
