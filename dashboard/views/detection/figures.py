"""Figures of boxes: on the image with their scores, against a reference, with the reason of one, and the FROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

import models
from dashboard.i18n import find_separators, format_number, t
from dashboard.style import figures
from dashboard.style.figures import ACCENT, LONGEST_PX, View, describe_heat, draw_viewer, encode_raster, shrink_picture
from dashboard.views.detection.case import Finding
from models import Card, Detections, Image
from models.drawing import draw
from models.drawing.draw import HeatLook
from models.drawing.paint import FALLBACK
from models.drawing.plate import square_pixels
from models.tasks.detection.boxes import KINDS
from models.tasks.detection.froc import Froc
from models.types import Pixels

HIT, MISSED, FALSE = (KINDS[kind].colour for kind in ("hit", "miss", "false positive"))
"""As in the files; lines and words differ too."""
CHOSEN = "#FFFFFF"
LEAST_VIEW = 0.2
"""Share of the image's sides that a zoom shows at least."""
AROUND = 4.0
"""How many times its longer side a zoom shows round a box."""
WORDS_WIDE, WORDS_HIGH = 0.12, 0.05
"""Room for words beside a box, as shares of the image's longer side."""


@dataclass(frozen=True)
class Mark:
    """One box as it is drawn.

    Attributes
    ----------
    text, hover
        Beside the box, and under the pointer.
    key
        What a click on it chooses; empty for nothing.
    """

    box: NDArray[np.float32]
    text: str
    hover: str
    colour: str
    dash: str = "solid"
    width: float = 2
    key: str = ""


def draw_detections(prediction: Detections, image: Image, view: View) -> go.Figure:
    """Return the image with the boxes that reach the threshold, each with its score."""
    card = models.card(prediction.card)
    marks = [
        Mark(
            prediction.boxes[row],
            format_number(prediction.scores[row], ".0%"),
            name,
            colour_of_boxes(card, int(prediction.classes[row])),
        )
        for row in prediction.shown
        for name in [card.labels[prediction.classes[row]].name]
    ]
    return draw_boxes(image, marks, view)


def colour_of_boxes(card: Card, label: int) -> str:
    """Return the colour of a label's boxes, as in the files."""
    several = len(card.labels) > 1
    return card.labels[label].colour or (FALLBACK[label % len(FALLBACK)] if several else KINDS["finding"].colour)


def mark_findings(findings: Sequence[Finding], card: Card, chosen: Finding | None) -> list[Mark]:
    """Return the marks of findings; those drawn by hand are dashed, the chosen one stands out."""
    marks = []
    for finding in findings:
        mine = chosen is not None and finding.key == chosen.key
        name = card.labels[finding.label].name
        marks.append(
            Mark(
                finding.box, f"{finding.number} · {finding.sure}", f"{finding.number}: {name}, {finding.sure}",
                CHOSEN if mine else colour_of_boxes(card, finding.label), "dash" if finding.by_hand else "solid",
                3.5 if mine else 2, finding.key,
            )
        )  # fmt: skip
    return marks


@dataclass(frozen=True, eq=False)
class Heat:
    """What speaks for a box: (H, W) in [−1, 1], how it is drawn, and what stands above it."""

    pixels: Pixels
    look: HeatLook
    title: str


def draw_boxes(image: Image, marks: Sequence[Mark], view: View, heat: Heat | None = None) -> go.Figure:
    """Return the image with boxes; where there is heat, it lies over the image."""
    shown = shrink_picture(view.shown(image), LONGEST_PX)
    if heat is None:
        fig = draw_viewer(image, [encode_raster(shown)], view.frame)
    else:
        hot = draw.blend_heat(shown, shrink_picture(heat.pixels, LONGEST_PX), heat.look)
        fig = describe_heat(draw_viewer(image, [encode_raster(hot)], view.frame, heat.pixels), heat.title, heat.look)
    _draw(fig, marks, image)
    _pickable(fig, [mark for mark in marks if mark.key], image)
    return fig


@dataclass(frozen=True)
class _Words:
    """Where a mark's words stand: the corner of its box they hang on, and the side of them that hangs there."""

    x: float
    y: float
    anchor: str


def _words(marks: Sequence[Mark], image: Image) -> list[_Words]:
    """Write above a box, inside it at the top of the picture, below it where words already stand."""
    long = max(image.shape) * image.cell[0]
    found: list[_Words] = []
    for mark in marks:
        left, top, _, bottom = _edges(mark.box, image)
        taken = any(abs(left - w.x) < WORDS_WIDE * long and abs(top - w.y) < WORDS_HIGH * long for w in found)
        inside = top < WORDS_HIGH * long
        found.append(_Words(left, bottom, "top") if taken else _Words(left, top, "top" if inside else "bottom"))
    return found


def _draw(fig: go.Figure, marks: Sequence[Mark], image: Image) -> None:
    """Draw all marks at once: plotly looks through all that is there each time that one is added."""
    shapes, texts = list(fig.layout.shapes), list(fig.layout.annotations)
    for mark, words in zip(marks, _words(marks, image), strict=True):
        left, top, right, bottom = _edges(mark.box, image)
        line = {"color": mark.colour, "width": mark.width, "dash": mark.dash}
        shapes.append(go.layout.Shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line=line))
        font = {"color": mark.colour, "size": 13}
        texts.append(
            go.layout.Annotation(
                x=words.x, y=words.y, text=mark.text, showarrow=False, xanchor="left", yanchor=words.anchor,
                font=font, bgcolor="rgba(7,9,11,0.92)", borderpad=2,
            )
        )  # fmt: skip
    fig.update_layout(shapes=shapes, annotations=texts)


def _pickable(fig: go.Figure, marks: Sequence[Mark], image: Image) -> None:
    """Make a click in the middle of a box, or on its words, choose it, and the pointer name it."""
    x, y, keys, words = [], [], [], []
    for mark in marks:
        left, top, right, bottom = _edges(mark.box, image)
        x += [(left + right) / 2, left]
        y += [(top + bottom) / 2, top]
        keys += [mark.key] * 2
        words += [mark.hover] * 2
    if marks:
        fig.add_scatter(
            x=x, y=y, mode="markers", marker={"size": 22, "opacity": 0}, customdata=keys, text=words,
            hovertemplate="%{text}<extra></extra>", showlegend=False,
            selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        )  # fmt: skip


def zoom_to_box(fig: go.Figure, image: Image, box: Sequence[float] | None, count: int) -> go.Figure:
    """Look at the surroundings of a box, or at the whole image; another `count` overrides the reader's own zoom."""
    fig.update_layout(uirevision=f"{image.sha256}-{count}")
    if box is None:
        return fig
    down, across = image.cell
    rows, columns = image.shape
    x, y, width, height = box
    share = min(1.0, max(LEAST_VIEW, AROUND * width / columns, AROUND * height / rows))
    ranges = []
    for middle, side in ((x + width / 2, columns), (y + height / 2, rows)):  # the shape of the image is kept
        half = share * side / 2
        centre = min(max(middle, half - 0.5), side - 0.5 - half)
        ranges.append((centre - half, centre + half))
    (left, right), (top, bottom) = ranges
    fig.update_xaxes(range=[left * across, right * across])
    return fig.update_yaxes(range=[bottom * down, top * down])


def let_draw_boxes(fig: go.Figure, image: Image) -> go.Figure:
    """Let the reader drag a box; plotly allows it only where there are points."""
    down, across = image.cell
    rows, columns = image.shape
    fig.add_scatter(
        x=[0, columns * across], y=[0, rows * down], mode="markers", marker_opacity=0, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    return fig.update_layout(dragmode="select", newselection_line={"color": ACCENT, "dash": "solid", "width": 2})


def draw_froc(curve: Froc, threshold: float, most: float = 4.0) -> go.Figure:
    """Return sensitivity over false positives per image, with the place of the threshold on it."""
    within = curve.false_positives <= most
    sensitivity, false = curve.at(threshold)
    fig = go.Figure()
    fig.add_scatter(
        x=curve.false_positives[within], y=curve.sensitivity[within], mode="lines", line={"color": ACCENT, "width": 2},
        hovertemplate=t("%{x:.2f} false positives per image<br>sensitivity %{y:.0%}<extra></extra>"), showlegend=False,
    )  # fmt: skip
    fig.add_scatter(
        x=[min(false, most)], y=[sensitivity], mode="markers", hoverinfo="skip", showlegend=False,
        marker={"color": "#E69F00", "size": 12, "symbol": "diamond"},
    )  # fmt: skip
    fig.update_xaxes(title=t("False positives per image"), range=[0, most], fixedrange=True)
    fig.update_yaxes(title=t("Sensitivity"), range=[0, 1.02], tickformat=".0%", fixedrange=True)
    return fig.update_layout(height=210, margin={"l": 8, "r": 8, "t": 8, "b": 8}, separators=find_separators())


def draw_thumbnail_of_box(image: Image, box: NDArray[np.float32], view: View, side: int = 96) -> bytes:
    """Return a square PNG of a box and a little of what is round it."""
    rows, columns = image.shape
    x, y, width, height = (float(length) for length in box)
    half = max(0.7 * max(width, height), 8)
    top, left = (int(max(0, round(middle - half))) for middle in (y + height / 2, x + width / 2))
    bottom, right = (
        int(min(most, round(middle + half) + 1)) for middle, most in ((y + height / 2, rows), (x + width / 2, columns))
    )
    frame = image.pixels[view.frame : view.frame + 1, top : max(bottom, top + 1), left : max(right, left + 1)]
    part = square_pixels(replace(view, frame=0).shown(replace(image, pixels=frame)), image.cell)
    square = np.zeros((max(part.shape[:2]),) * 2 + part.shape[2:], np.float32)
    above, beside = ((len(square) - length) // 2 for length in part.shape[:2])
    square[above : above + part.shape[0], beside : beside + part.shape[1]] = part
    return figures.encode_png(shrink_picture(square, side))


def _edges(box: NDArray[np.float32], image: Image) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom in the unit of the axes."""
    down, across = image.cell
    x, y, width, height = (float(side) for side in box)
    return x * across, y * down, (x + width) * across, (y + height) * down
