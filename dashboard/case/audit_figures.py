"""Plotly figures of an explanation audit: maps side by side, their curves, their agreement, and the sanity check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from PIL import Image as Pillow
from plotly.subplots import make_subplots

from dashboard.i18n import find_separators, format_number, format_significant, t
from dashboard.style.figures import FONT, INK, PAPER, View, draw_viewer, encode_raster, shrink_picture
from models import Image
from models.drawing import draw
from models.trust.methods import METHODS
from models.types import Pixels

if TYPE_CHECKING:
    from models.tasks.classification.audit import Audit
    from models.tasks.classification.faithfulness import Curves

COLOURS = dict(zip(METHODS, ("#2FA79B", "#D9902F", "#8E7CC3", "#D1607A", "#5B8DEF", "#94A832"), strict=True))
"""One a method, the same in every figure, told apart by readers who see colours differently too."""
GREY, CLEAR = "rgba(128,140,150,0.9)", "rgba(0,0,0,0)"
MAP_PX, STRIP_PX = 700, 150
"""Longest side of a picture of the maps, and of the strip."""
CELL_PX, WORDS_PX = 122, 30
"""Width of a picture of the strip on a common screen, and room for the words below it."""
GRAIN, FULL = 3, 0.98
"""Pixels a side drawn as one, and the share of them below the heat that is drawn at full strength."""


def draw_audited_maps(audit: Audit, image: Image, view: View) -> go.Figure:
    """Return each method's map on the part of the image that the network sees, with linked zoom."""
    image = image.crop(audit.part)
    shown = shrink_picture(view.shown(image), MAP_PX)
    heats = [finding.explanation.heat for finding in audit.findings]
    pictures = [encode_raster(_overlay(shown, heat, view)) for heat in heats]
    fig = draw_viewer(image, pictures, view.frame)
    for number, finding in enumerate(audit.findings, 1):
        why = finding.explanation
        at = "x domain" if number == 1 else f"x{number} domain"
        title = f"{t(METHODS[why.method].name)} · {format_significant(why.seconds, 2)} s"
        _words(fig, title, at, "paper", y=1, yshift=20, size=14)
    return fig


def draw_faithfulness_curves(audit: Audit) -> go.Figure:
    """Return probability of the label against the share of the picture taken away, and uncovered."""
    fig = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.08)
    lines = [(t(METHODS[f.explanation.method].name), COLOURS[f.explanation.method], f.curves) for f in audit.findings]
    for name, colour, found in [(t("Random map"), GREY, audit.random), *lines]:
        _line(fig, name, colour, found)
    titles = (t("Deletion"), t("Insertion"))
    for number, title in enumerate(titles, 1):
        at = "x domain" if number == 1 else "x2 domain"
        _words(fig, title, at, "paper", y=1, yshift=22, size=14)
    fig.update_xaxes(tickformat=".0%", range=[0, 1], title=None, showgrid=False, fixedrange=True)
    fig.update_yaxes(tickformat=".0%", range=[0, 1.02], fixedrange=True, nticks=5)
    fig.update_layout(
        separators=find_separators(),
        height=300, margin={"l": 44, "r": 8, "t": 46, "b": 64}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        legend={"orientation": "h", "y": -0.14, "yanchor": "top", "x": 0}, hovermode="x unified",
    )  # fmt: skip
    return fig


def _line(fig: go.Figure, name: str, colour: str, found: Curves) -> None:
    for column, values in enumerate((found.deletion, found.insertion), 1):
        fig.add_scatter(
            x=found.shares, y=values, name=name, legendgroup=name, showlegend=column == 1, mode="lines",
            line={"color": colour, "width": 2.5, "dash": "dot" if colour == GREY else "solid"},
            hovertemplate="%{y:.0%}", row=1, col=column,
        )  # fmt: skip


def draw_map_agreement(audit: Audit) -> go.Figure:
    """Return the rank correlation of each pair of maps as a matrix."""
    names = [t(METHODS[finding.explanation.method].name) for finding in audit.findings]
    cells = {"x": names, "y": names, "zmin": -1, "zmax": 1, "xgap": 3, "ygap": 3, "showscale": False}
    shades = [[0, "#B4532A"], [0.5, "rgba(128,140,150,0.16)"], [1, "#2FA79B"]]
    fig = go.Figure(go.Heatmap(z=audit.agreement, colorscale=shades, hoverinfo="skip", **cells))
    for (row, column), value in np.ndenumerate(audit.agreement):
        colour = {"font_color": "#FFFFFF"} if abs(value) > 0.5 else {}  # else the theme's own, on a pale cell
        _words(fig, _signed(value), "x", "y", x=names[column], y=names[row], size=12, **colour)
    fig.update_layout(
        separators=find_separators(),
        height=320, margin={"l": 8, "r": 8, "t": 8, "b": 8}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
    )  # fmt: skip
    fig.update_xaxes(showgrid=False, fixedrange=True, automargin=True, tickangle=-25)
    fig.update_yaxes(showgrid=False, fixedrange=True, automargin=True, autorange="reversed", ticklabelstandoff=6)
    return fig


def draw_sanity_strip(audit: Audit, view: View) -> go.Figure:
    """Return a strip of pictures for each method: its map, and what is left as the network forgets."""
    rows, columns = len(audit.findings), len(audit.findings[0].cascade.steps) + 1
    shown = shrink_picture(1 - audit.picture.grey() if view.invert else audit.picture.grey(), STRIP_PX)
    height, width = shown.shape
    row_px = round(CELL_PX * height / width) + WORDS_PX
    fig = make_subplots(rows, columns, horizontal_spacing=0.006, vertical_spacing=WORDS_PX / row_px / rows)
    heads = [t("learnt"), t("head"), *(step.down_to for step in audit.findings[0].cascade.steps[1:])]
    for row, finding in enumerate(audit.findings):
        left = [(step.explanation.heat, _signed(step.agreement)) for step in finding.cascade.steps]
        for column, (heat, words) in enumerate([(finding.explanation.heat, ""), *left]):
            axis = str(row * columns + column + 1) if row + column else ""
            fig.add_layout_image(
                source=encode_raster(_overlay(shown, heat, view)), xref=f"x{axis}", yref=f"y{axis}", layer="below",
                x=0, y=0, sizex=width, sizey=height, sizing="stretch",
            )  # fmt: skip
            fig.update_xaxes(range=[0, width], row=row + 1, col=column + 1)
            fig.update_yaxes(range=[height, 0], scaleanchor=f"x{axis}", row=row + 1, col=column + 1)
            at = f"x{axis} domain", f"y{axis} domain"
            _words(fig, words, *at, y=0, yanchor="top", yshift=-3)
            if row == 0:
                _words(fig, heads[column], *at, y=1, yanchor="bottom", yshift=4)
            if column == 0:
                name = METHODS[finding.explanation.method].name
                _words(fig, f"<b>{name}</b>", *at, y=0.5, x=0, xanchor="right", xshift=-12)
    fig.update_xaxes(visible=False, constrain="domain", fixedrange=True)
    fig.update_yaxes(visible=False, constrain="domain", fixedrange=True)
    fig.update_layout(
        separators=find_separators(),
        template="none", paper_bgcolor=PAPER, plot_bgcolor=PAPER, height=72 + row_px * rows - WORDS_PX,
        font={"family": FONT, "color": INK}, margin={"l": 164, "r": 12, "t": 40, "b": 32},
    )  # fmt: skip
    return fig


def _signed(value: float) -> str:
    return format_number(round(float(value), 2) + 0.0, ".2f")  # no minus before a zero


def _overlay(shown: Pixels, heat: Pixels, view: View) -> np.ndarray:
    """Draw heat of any resolution; single pixels far hotter than the rest do not make those invisible."""
    rows, columns = shown.shape[:2]
    grains = Pillow.fromarray(heat).reduce(GRAIN)
    lifted = Pillow.fromarray(draw.lift_heat(np.asarray(grains), FULL))
    return draw.blend_heat(shown, np.asarray(lifted.resize((columns, rows), Pillow.Resampling.BILINEAR)), view.look)


def _words(
    fig: go.Figure,
    text: str,
    xref: str,
    yref: str,
    *,
    y: float | str,
    x: float | str = 0.5,
    size: int = 13,
    **more: object,
) -> None:
    """Write on a figure, the colour left to the theme unless the paper is dark."""
    fig.add_annotation(text=text, xref=xref, yref=yref, x=x, y=y, showarrow=False, font_size=size, **more)
