"""Plotly figures of a model card, drawn from what `ortholens evaluate` wrote; they take their ink from the theme.

Colours are those of Okabe and Ito, which colour-blind readers tell apart (jfly.uni-koeln.de/color), and lines differ by
dash too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.case.measures import format_measure
from dashboard.i18n import find_separators, format_number, t
from dashboard.style.palette import AMBER, GREY, TEAL
from models import Card

LINES = ((TEAL, "solid"), (AMBER, "dash"), ("#56B4E9", "dot"), ("#CC79A7", "dashdot"), ("#D55E00", "longdash"))
SHADES = [[0.0, "rgba(47,167,155,0.04)"], [1.0, "rgba(47,167,155,0.54)"]]
"""Pale enough at the strong end for the ink of either theme to be read on it."""
HEIGHT_PX = 340


def draw_confusion(card: Card, counts: Sequence[Sequence[int]]) -> go.Figure:
    """Return the confusion matrix: rows are the reference standard, shaded by the share of their row, with counts."""
    names = [t(label.name) for label in card.labels]
    shares = [[n / max(1, sum(row)) for n in row] for row in counts]
    words = [
        [f"{format_number(n)}<br>{format_number(share, '.0%')}" for n, share in zip(row, parts, strict=True)]
        for row, parts in zip(counts, shares, strict=True)
    ]
    fig = go.Figure(
        go.Heatmap(
            z=shares, x=names, y=names, text=words, colorscale=SHADES, zmin=0, zmax=1, showscale=False, xgap=2, ygap=2,
            hovertemplate=t("true label %{y}<br>answer %{x}<br>%{text} of the row<extra></extra>"),
        )
    )  # fmt: skip
    # Written by a trace of its own, which takes the theme's ink: a heatmap takes its shades for opaque.
    fig.add_scatter(
        x=names * len(names), y=[name for name in names for _ in names], text=[word for row in words for word in row],
        mode="text", hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    fig.update_xaxes(title=t("Answer"), side="top", showgrid=False)
    fig.update_yaxes(title=t("Reference standard"), autorange="reversed", showgrid=False)
    return _plain(fig)


def draw_roc(card: Card, curves: Mapping[str, Mapping[str, Sequence[float]]]) -> go.Figure:
    """Return one ROC curve a label, against all the others."""
    fig = go.Figure(_diagonal(t("Chance")))
    for number, label in enumerate(card.labels):
        colour, dash = LINES[number % len(LINES)]
        curve = curves[label.key]
        fig.add_scatter(
            x=curve["false_positive"], y=curve["true_positive"], name=t(label.name), mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate=t(
                "{name}<br>found %{{y:.0%}}, false positives %{{x:.0%}}<extra></extra>", name=t(label.name)
            ),
        )  # fmt: skip
    _percent(fig, t("False positives"), t("Found"))
    return _plain(fig)


def draw_reliability(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Return confidence against the share that was right, with 95 % intervals and the number of answers."""
    at = [part["confidence"] for part in bins]
    right = [part["accuracy"] for part in bins]
    fig = go.Figure(_diagonal(t("Perfect")))
    most = max(part["n"] for part in bins)
    fig.add_bar(
        x=[(part["low"] + part["high"]) / 2 for part in bins], y=[0.22 * part["n"] / most for part in bins],
        width=[(part["high"] - part["low"]) * 0.9 for part in bins], marker_color="rgba(128,140,150,0.22)",
        customdata=[part["n"] for part in bins], hovertemplate=t("%{customdata:,} answers<extra></extra>"),
        showlegend=False,
    )  # fmt: skip
    fig.add_scatter(
        x=at, y=right, mode="lines+markers", line={"color": TEAL, "width": 2}, marker={"size": 8}, name=t("Measured"),
        customdata=[part["n"] for part in bins],
        error_y={
            "array": [part["interval"][1] - part["accuracy"] for part in bins],
            "arrayminus": [part["accuracy"] - part["interval"][0] for part in bins],
            "color": TEAL, "thickness": 1.2, "width": 3,
        },
        hovertemplate=t("said %{x:.0%}, right %{y:.0%}<br>n = %{customdata:,}<extra></extra>"),
    )  # fmt: skip
    _percent(fig, t("Confidence of the answer"), t("Share that was right"))
    return _plain(fig)


def draw_recall(card: Card, rows: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Return the share of each label that was found, with its 95 % interval and n."""
    shown = [rows[label.key] for label in card.labels]
    fig = go.Figure(
        go.Scatter(
            x=[row["value"] for row in shown],
            y=[f"{t(label.name)}  (n = {format_number(row['n'])})" for label,
            row in zip(card.labels, shown, strict=True)],
            mode="markers+text", text=[format_measure(row["value"], "%") for row in shown], textposition="top center",
            marker={"size": 10, "color": TEAL}, cliponaxis=False,
            error_x={
                "array": [row["high"] - row["value"] for row in shown],
                "arrayminus": [row["value"] - row["low"] for row in shown],
                "color": TEAL, "thickness": 1.5, "width": 4,
            },
            hovertemplate="%{y}<br>%{x:.1%}<extra></extra>",
        )
    )  # fmt: skip
    fig.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title=t("Found of all that are this label"))
    fig.update_yaxes(autorange="reversed", showgrid=False)
    return _plain(fig)


def _diagonal(name: str) -> go.Scatter:
    line = {"color": GREY, "dash": "dot"}
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip", name=name)


def _percent(fig: go.Figure, across: str, up: str) -> None:
    fig.update_xaxes(range=[-0.01, 1.01], tickformat=".0%", title=across, zeroline=False)
    fig.update_yaxes(range=[-0.01, 1.03], tickformat=".0%", title=up, zeroline=False)


def _plain(fig: go.Figure) -> go.Figure:
    fig.update_xaxes(fixedrange=True, automargin=True)
    fig.update_yaxes(fixedrange=True, automargin=True)
    fig.update_layout(
        separators=find_separators(),
        height=HEIGHT_PX, margin={"l": 8, "r": 12, "t": 8, "b": 8}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)", legend={"x": 0.99, "y": 0.03, "xanchor": "right", "yanchor": "bottom"},
    )  # fmt: skip
    return fig
