"""Plotly figures of an explanation audit: maps side by side, their curves, their agreement, and the sanity check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from PIL import Image as Pillow
from plotly.subplots import make_subplots

from dashboard.figures import FONT, PAPER, View, raster, shrunk, viewer
from models import Image
from models.reporting import draw
from models.trust.methods import METHODS
from models.types import Pixels

if TYPE_CHECKING:
    from models.trust.audit import Audit
    from models.trust.faithfulness import Curves

COLOURS = dict(zip(METHODS, ("#2FA79B", "#D9902F", "#8E7CC3", "#D1607A", "#5B8DEF", "#94A832"), strict=True))
"""One a method, the same in every figure, told apart by readers who see colours differently too."""
GREY, CLEAR = "rgba(128,140,150,0.9)", "rgba(0,0,0,0)"
MAP_PX, STRIP_PX = 700, 150
"""Longest side of a picture of the maps, and of the strip."""


def maps(audit: Audit, image: Image, view: View) -> go.Figure:
    """Return each method's map on the part of the image that the network sees, with linked zoom."""
    image = image.crop(audit.part)
    shown = shrunk(view.shown(image), MAP_PX)
    heats = [finding.explanation.heat for finding in audit.findings]
    pictures = [raster(_overlay(shown, heat, view)) for heat in heats]
    fig = viewer(image, pictures, view.frame)
    for number, finding in enumerate(audit.findings, 1):
        why = finding.explanation
        at = "x domain" if number == 1 else f"x{number} domain"
        _words(fig, f"{METHODS[why.method].name} · {why.seconds:.2g} s", at, "paper", y=1, yshift=20, size=14)
    return fig


def curves(audit: Audit) -> go.Figure:
    """Return probability of the label against the share of the picture taken away, and uncovered."""
    fig = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04)
    lines = [(METHODS[f.explanation.method].name, COLOURS[f.explanation.method], f.curves) for f in audit.findings]
    for name, colour, found in [("Random map", GREY, audit.random), *lines]:
        _line(fig, name, colour, found)
    titles = ("Deletion: the hottest places greyed first", "Insertion: the hottest places uncovered first")
    for number, title in enumerate(titles, 1):
        at = "x domain" if number == 1 else "x2 domain"
        _words(fig, title, at, "paper", y=1, yshift=16, size=14)
    fig.update_xaxes(tickformat=".0%", range=[0, 1], title=None, showgrid=False, fixedrange=True)
    fig.update_yaxes(tickformat=".0%", range=[0, 1.02], fixedrange=True, nticks=5)
    fig.update_layout(
        height=300, margin={"l": 44, "r": 8, "t": 34, "b": 64}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        legend={"orientation": "h", "y": -0.14, "yanchor": "top", "x": 0}, hovermode="x unified",
    )  # fmt: skip
    return fig


def _line(fig: go.Figure, name: str, colour: str, found: Curves) -> None:
    for column, values in enumerate((found.deletion, found.insertion), 1):
        fig.add_scatter(
            x=found.shares, y=values, name=name, legendgroup=name, showlegend=column == 1, mode="lines",
            line={"color": colour, "width": 2.5, "dash": "dot" if name == "Random map" else "solid"},
            hovertemplate="%{y:.0%}", row=1, col=column,
        )  # fmt: skip


def agreement(audit: Audit) -> go.Figure:
    """Return the rank correlation of each pair of maps as a matrix."""
    names = [METHODS[finding.explanation.method].name for finding in audit.findings]
    fig = go.Figure(
        go.Heatmap(
            z=audit.agreement, x=names, y=names, zmin=-1, zmax=1, xgap=3, ygap=3, showscale=False,
            colorscale=[[0, "#B4532A"], [0.5, "rgba(128,140,150,0.16)"], [1, "#2FA79B"]],
            texttemplate="%{z:.2f}", textfont_size=15, hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
        )
    )  # fmt: skip
    fig.update_layout(
        height=300, margin={"l": 8, "r": 8, "t": 8, "b": 8}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
    )  # fmt: skip
    fig.update_xaxes(showgrid=False, fixedrange=True, automargin=True, tickangle=0 if len(names) < 4 else -20)
    fig.update_yaxes(showgrid=False, fixedrange=True, automargin=True, autorange="reversed")
    return fig


def sanity(audit: Audit, view: View) -> go.Figure:
    """Return a strip of pictures for each method: its map, and what is left as the network forgets."""
    rows, columns = len(audit.findings), len(audit.findings[0].cascade.steps) + 1
    fig = make_subplots(rows, columns, horizontal_spacing=0.006, vertical_spacing=0.1 / rows)
    shown = shrunk(1 - audit.picture.grey() if view.invert else audit.picture.grey(), STRIP_PX)
    height, width = shown.shape
    for row, finding in enumerate(audit.findings):
        first = [(finding.explanation.heat, "trained")]
        steps = [(step.explanation.heat, f"{step.agreement:.2f}") for step in finding.cascade.steps]
        for column, (heat, words) in enumerate(first + steps):
            axis = str(row * columns + column + 1) if row + column else ""
            fig.add_layout_image(
                source=raster(_overlay(shown, heat, view)), xref=f"x{axis}", yref=f"y{axis}", layer="below",
                x=0, y=0, sizex=width, sizey=height, sizing="stretch",
            )  # fmt: skip
            fig.update_xaxes(range=[0, width], row=row + 1, col=column + 1)
            fig.update_yaxes(range=[height, 0], scaleanchor=f"x{axis}", row=row + 1, col=column + 1)
            _words(fig, words, f"x{axis} domain", f"y{axis} domain", y=0, yshift=-10, size=13)
            if row == 0:
                _words(
                    fig, _step_name(finding.cascade.steps, column), f"x{axis} domain", "paper", y=1, yshift=16, size=13
                )
        name = METHODS[finding.explanation.method].name
        _words(fig, f"<b>{name}</b>", "paper", f"y{row * columns + 1 if row else ''} domain", y=0.5, x=0, xshift=-62)
    fig.update_xaxes(visible=False, constrain="domain", fixedrange=True)
    fig.update_yaxes(visible=False, constrain="domain", fixedrange=True)
    fig.update_layout(
        template="none", paper_bgcolor=PAPER, plot_bgcolor=PAPER, height=60 + 190 * rows, font={"family": FONT},
        margin={"l": 124, "r": 12, "t": 36, "b": 24},
    )  # fmt: skip
    return fig


def _step_name(steps: Sequence, column: int) -> str:
    return "as learnt" if column == 0 else "head random" if column == 1 else f"down to {steps[column - 1].down_to}"


def _overlay(shown: Pixels, heat: Pixels, view: View) -> np.ndarray:
    rows, columns = shown.shape[:2]
    fitted = np.asarray(Pillow.fromarray(heat).resize((columns, rows), Pillow.Resampling.BILINEAR))
    return draw.overlay(shown, fitted, view.opacity, view.threshold, view.colours)


def _words(
    fig: go.Figure, text: str, xref: str, yref: str, *, y: float, x: float = 0.5, size: int = 13, **shift: float
) -> None:
    """Write on a figure, the colour left to the theme unless the paper is dark."""
    fig.add_annotation(text=text, xref=xref, yref=yref, x=x, y=y, showarrow=False, font_size=size, **shift)
