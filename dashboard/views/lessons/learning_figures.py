"""Figures of a network that learns: its loss and accuracy, its first filters, and what it says of patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.i18n import t
from dashboard.style.figures import ACCENT, FAINT, FONT, INK, PAPER, encode_raster
from dashboard.style.maps import enlarge_map
from dashboard.style.palette import SIGNED
from dashboard.views.lessons.figures import clear_figure
from models.types import Pixels

if TYPE_CHECKING:
    from models.lessons.learning import Snapshot

AMBER = "#E69F00"
GUESSING = "rgba(128,140,150,0.8)"
IN_A_ROW = 6
PATCH, BELOW = 28, 13
"""Side of a patch, and room for the words below it, in the units of the figure."""
RIGHT, WRONG = "#5CC7BC", "#F0A35E"


def draw_learning_progress(seen: Sequence[Snapshot], steps: int) -> go.Figure:
    """Return loss and accuracy against the steps done."""
    at = [snapshot.step for snapshot in seen]
    fig = make_subplots(1, 2, horizontal_spacing=0.1, subplot_titles=(t("Loss"), t("Accuracy")))
    fig.add_scatter(
        x=at, y=[s.loss for s in seen], mode="lines", line={"color": ACCENT, "width": 2.5}, showlegend=False,
        hovertemplate=t("step %{x}: %{y:.2f}<extra></extra>"), row=1, col=1,
    )  # fmt: skip
    for name, values, colour, dash in (
        (t("patches it trains on"), [s.trained for s in seen], AMBER, "dash"),
        (t("patches it never saw"), [s.held_out for s in seen], ACCENT, "solid"),
    ):
        fig.add_scatter(
            x=at, y=values, name=name, mode="lines", line={"color": colour, "dash": dash, "width": 2.5},
            hovertemplate=t("step %{x}: %{y:.1%}"), row=1, col=2,
        )  # fmt: skip
    for column, level in ((1, float(np.log(2))), (2, 0.5)):
        fig.add_hline(y=level, line={"color": GUESSING, "dash": "dot", "width": 1}, row=1, col=column)
        fig.add_annotation(
            x=steps, y=level, text=t("guessing"), showarrow=False, xanchor="right", yanchor="bottom", font_size=12,
            row=1, col=column,
        )  # fmt: skip
    most = max(1.0, *(s.loss for s in seen)) if seen else 1.0
    fig.update_xaxes(range=[0, steps], title=t("Step"), fixedrange=True, showgrid=False)
    fig.update_yaxes(range=[0, min(most, 3.0) * 1.05], fixedrange=True, nticks=5, row=1, col=1)
    fig.update_yaxes(range=[0, 1.03], tickformat=".0%", fixedrange=True, nticks=6, row=1, col=2)
    clear_figure(fig)
    return fig.update_layout(
        height=268, margin={"t": 30}, uirevision="learning",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 0.04, "yanchor": "bottom"},
    )  # fmt: skip


def draw_filters(weights: NDArray[np.float32]) -> go.Figure:
    """Return the filters of the first layer (n, k, k) in two rows: each scaled by its largest weight."""
    n, side, _ = weights.shape
    across = -(-n // 2)
    grid = np.full((2 * (side + 1) - 1, across * (side + 1) - 1), np.nan, np.float32)
    for i, one in enumerate(weights):
        row, column = i // across * (side + 1), i % across * (side + 1)
        grid[row : row + side, column : column + side] = one / max(float(np.abs(one).max()), 1e-6)
    fig = go.Figure(go.Heatmap(z=grid, colorscale=SIGNED, zmin=-1, zmax=1, showscale=False, hoverinfo="skip"))
    fig.update_xaxes(visible=False, constrain="domain", fixedrange=True)
    fig.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain", fixedrange=True)
    return clear_figure(fig).update_layout(height=176, uirevision="filters", margin={"l": 0, "r": 0, "t": 4, "b": 4})


def encode_patches(pixels: Pixels) -> tuple[str, ...]:
    """Return patches (n, h, w) as `draw_decisions` takes them; they stay while what is said of them changes."""
    return tuple(encode_raster(enlarge_map(patch, 112)) for patch in pixels)


def draw_decisions(
    patches: Sequence[str], broken: NDArray[np.bool_], probabilities: NDArray[np.float32] | None
) -> go.Figure:
    """Return patches, and below each what the network says of it and whether that is right, by word and mark.

    Parameters
    ----------
    patches
        (n) of `encode_patches`.
    broken
        (n,) the reference standard.
    probabilities
        (n,) that each is broken; None before there is a network: then the reference standard is written.
    """
    rows = -(-len(patches) // IN_A_ROW)
    fig = go.Figure()
    wide, high = IN_A_ROW * (PATCH + 4) - 4, rows * (PATCH + BELOW)
    for i, patch in enumerate(patches):
        x, y = i % IN_A_ROW * (PATCH + 4), i // IN_A_ROW * (PATCH + BELOW)
        fig.add_layout_image(
            source=patch, xref="x", yref="y", x=x, y=y, sizex=PATCH, sizey=PATCH, layer="below",
        )  # fmt: skip
        words, colour = _words(bool(broken[i]), None if probabilities is None else float(probabilities[i]))
        fig.add_annotation(
            x=x + PATCH / 2, y=y + PATCH + 1, text=words, showarrow=False, yanchor="top", font={"color": colour},
        )  # fmt: skip
    fig.update_xaxes(range=[-1, wide + 1], visible=False, constrain="domain", fixedrange=True)
    fig.update_yaxes(range=[high, -1], visible=False, scaleanchor="x", constrain="domain", fixedrange=True)
    return fig.update_layout(
        template="none", paper_bgcolor=PAPER, plot_bgcolor=PAPER, height=316, margin={"l": 8, "r": 8, "t": 8, "b": 4},
        font={"family": FONT, "color": INK, "size": 13}, uirevision="decisions",
    )  # fmt: skip


def _words(broken: bool, probability: float | None) -> tuple[str, str]:
    reference = t("broken") if broken else t("intact")
    if probability is None:
        return t("true: {truth}", truth=reference), FAINT
    says = probability > 0.5
    share = probability if says else 1 - probability
    right = says == broken
    said = t("broken") if says else t("intact")
    return f"{'✓' if right else '✗'} {said}<br>{share:.0%}", RIGHT if right else WRONG
