"""Plotly figures of the trust in one answer; they take their ink from the theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from dashboard.i18n import find_separators, format_number, t
from dashboard.style.palette import AMBER, TEAL

if TYPE_CHECKING:
    from models.tasks.classification.robustness import Perturbation

TRACK, INK = "rgba(128,140,150,0.18)", "rgba(128,140,150,0.95)"
WIDEST = 2.0
"""OOD score at the end of the gauge."""


def draw_ood_gauge(ood_score: float) -> go.Figure:
    """Return how far from the training images, as part of the limit at which the model abstains."""
    fig = go.Figure()
    common = {"y": [0], "orientation": "h", "width": 0.5, "hoverinfo": "skip"}
    fig.add_bar(x=[WIDEST], marker_color=TRACK, **common)
    fig.add_bar(x=[min(ood_score, WIDEST)], marker_color=TEAL if ood_score <= 1 else AMBER, **common)
    fig.add_shape(type="line", x0=1, x1=1, y0=-0.42, y1=0.42, line={"color": INK, "width": 2})
    for x, words, anchor in (
        (0, t("in distribution"), "left"),
        (1, t("limit"), "center"),
        (WIDEST, t("out of distribution"), "right"),
    ):
        fig.add_annotation(x=x, y=0.42, text=words, showarrow=False, xanchor=anchor, yanchor="bottom", font_size=12)
    fig.update_yaxes(visible=False, range=[-0.5, 1.1])
    return _bare(fig, 52, WIDEST)


def draw_robustness_strip(perturbations: Sequence[Perturbation], label: int) -> go.Figure:
    """Return the probability of one label under each change; another colour where another label wins.

    Parameters
    ----------
    perturbations
        As `models.measure_robustness` returns them: the first is the image as it is.
    label
        Index of the answer.
    """
    names = [t(perturbation.name) for perturbation in perturbations]
    shares = [float(perturbation.probabilities[label]) for perturbation in perturbations]
    same = [int(perturbation.probabilities.argmax()) == label for perturbation in perturbations]
    fig = go.Figure()
    common = {"y": names, "orientation": "h", "width": 0.6}
    fig.add_bar(x=[1] * len(names), marker_color=TRACK, hoverinfo="skip", **common)
    fig.add_bar(
        x=shares, marker_color=[TEAL if stays else AMBER for stays in same], hoverinfo="skip", **common,
    )  # fmt: skip
    for name, share, stays in zip(names, shares, same, strict=True):
        words = format_number(share, ".0%") if stays else t("{share:.0%} changes", share=share)
        fig.add_annotation(x=1.03, y=name, text=words, showarrow=False, xanchor="left", font_size=12)
    fig.add_vline(shares[0], line={"color": INK, "width": 1, "dash": "dot"})
    fig.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, ticklabelstandoff=6, title=None)
    return _bare(fig, 21 * len(names) + 8, 1.36)


def _bare(fig: go.Figure, height: int, widest: float) -> go.Figure:
    fig.update_xaxes(visible=False, range=[0, widest], fixedrange=True)
    fig.update_layout(
        separators=find_separators(),
        barmode="overlay", showlegend=False, height=height, margin={"l": 0, "r": 0, "t": 0, "b": 0}, barcornerradius=4,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    return fig
