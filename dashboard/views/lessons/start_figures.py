"""Figures of the tips: views of one picture, two splits, learning curves, and marks on a confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.i18n import t
from dashboard.style.figures import encode_png, shrink_picture
from dashboard.style.maps import enlarge_map
from dashboard.style.palette import AMBER, TEAL
from dashboard.views.lessons.figures import clear_figure
from dashboard.views.model_cards import figures
from models import Card
from models.drawing import draw
from models.lessons.leakage import Pictures, Trials
from models.types import Pixels

LOOKS = {"imagenet": (TEAL, "solid", "circle"), "random": (AMBER, "dash", "diamond")}
"""Colour, dash and mark of a curve by what its features come from."""
MAP_PX = 520


def encode_view_tile(view: Pixels) -> bytes:
    """Return one view as PNG."""
    return encode_png(enlarge_map(view, 224))


def draw_patient_families(pictures: Pictures, patients: int, images: int) -> bytes:
    """Return a few patients, one a row, with a few of their pictures, as PNG."""
    low, high = np.quantile(pictures.pixels, (0.01, 0.99))
    rows = []
    for patient in range(patients):
        own = pictures.pixels[pictures.patient == patient][:images]
        tiles = [enlarge_map(((one - low) / (high - low)).astype(np.float32), 72) for one in own]
        rows.append(np.concatenate([np.pad(one, 3, constant_values=128) for one in tiles], 1))
    return encode_png(np.concatenate(rows, 0))


def draw_split_accuracies(found: Trials) -> go.Figure:
    """Return the accuracy of every trial of both splits, with their means."""
    fig = go.Figure()
    both = (
        (t("Split by picture"), found.leaking, AMBER, "diamond"),
        (t("Split by patient"), found.honest, TEAL, "circle"),
    )
    for row, (name, values, colour, mark) in enumerate(both):
        spread = (np.arange(len(values)) / max(1, len(values) - 1) - 0.5) * 0.34
        at = row + spread
        fig.add_scatter(
            x=values, y=at, mode="markers", marker={"color": colour, "symbol": mark, "size": 8, "opacity": 0.6},
            name=name, hovertemplate="%{x:.0%}<extra></extra>", showlegend=False,
        )  # fmt: skip
        mean = float(values.mean())
        fig.add_shape(type="line", x0=mean, x1=mean, y0=row - 0.3, y1=row + 0.3, line={"color": colour, "width": 4})
        fig.add_annotation(
            x=mean, y=row - 0.3, text=f"<b>{mean:.0%}</b>", showarrow=False, yanchor="bottom", font_size=15
        )
    fig.add_vline(0.5, line={"color": "rgba(128,140,150,0.8)", "dash": "dot", "width": 1})
    fig.add_annotation(x=0.5, y=1.5, text=t("guessing"), showarrow=False, yanchor="middle", font_size=12, xshift=30)
    fig.update_xaxes(range=[0.2, 1.03], tickformat=".0%", title=t("Accuracy in the test"), fixedrange=True)
    fig.update_yaxes(
        tickvals=[0, 1], ticktext=[t("Split by picture"), t("Split by patient")], range=[1.62, -0.62], fixedrange=True,
        showgrid=False, ticklabelstandoff=6,
    )  # fmt: skip
    return clear_figure(fig).update_layout(height=250)


def draw_learning_curves(
    report: Mapping[str, Any], names: Mapping[str, str], trained: Mapping[str, float] | None
) -> go.Figure:
    """Return accuracy against the number of training images, with 95 % intervals.

    Parameters
    ----------
    names
        Which curves to draw, and what they are called.
    trained
        Accuracy of the card's own network with its interval, drawn as a band.
    """
    fig = go.Figure()
    for key, name in names.items():
        colour, dash, mark = LOOKS[key]
        rows = report["curves"][key]
        fig.add_scatter(
            x=[row["n"] for row in rows], y=[row["value"] for row in rows], name=name, mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2.5}, marker={"symbol": mark, "size": 9},
            error_y={
                "array": [row["high"] - row["value"] for row in rows],
                "arrayminus": [row["value"] - row["low"] for row in rows], "color": colour, "thickness": 1.2,
            },
            hovertemplate="n = %{x:,}: %{y:.1%}",
        )  # fmt: skip
    if trained:
        fig.add_hrect(y0=trained["low"], y1=trained["high"], fillcolor="rgba(204,121,167,0.18)", line_width=0)
        fig.add_hline(
            y=trained["value"], line={"color": "#CC79A7", "dash": "dashdot", "width": 2},
            annotation_text=t("this card's network, fine-tuned on all"), annotation_position="top left",
            annotation_font_size=12,
        )  # fmt: skip
    fig.add_hline(
        y=report["commonest"], line={"color": "rgba(128,140,150,0.8)", "dash": "dot", "width": 1},
        annotation_text=t("always the commonest label"), annotation_position="bottom right", annotation_font_size=12,
    )  # fmt: skip
    ticks = [row["n"] for row in report["curves"]["imagenet"]]
    fig.update_xaxes(
        type="log", tickvals=ticks, ticktext=[f"{n:,}" for n in ticks], title=t("Training images"), fixedrange=True
    )
    fig.update_yaxes(tickformat=".0%", title=t("Accuracy"), fixedrange=True)
    clear_figure(fig)
    return fig.update_layout(
        height=360, legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, hovermode="closest",
        margin={"t": 30},
    )  # fmt: skip


def mark_confusion(card: Card, counts: Sequence[Sequence[int]], cells: Sequence[tuple[int, int]]) -> go.Figure:
    """Return the confusion matrix with some of its cells (row, column) framed."""
    fig = figures.draw_confusion(card, counts)
    for row, column in cells:
        fig.add_shape(
            type="rect", x0=column - 0.5, x1=column + 0.5, y0=row - 0.5, y1=row + 0.5, xref="x", yref="y",
            line={"color": AMBER, "width": 3},
        )  # fmt: skip
    return fig


def heat_picture(grey: Pixels, heat: Pixels) -> NDArray[np.uint8]:
    """Return a picture with its heat map on it, (h, w, 3)."""
    shown = shrink_picture(grey, MAP_PX)
    return draw.blend_heat(shown, shrink_picture(heat, MAP_PX))
