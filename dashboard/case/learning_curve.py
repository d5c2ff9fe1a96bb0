"""Would more pictures help? The learning curve of a user's own card, and the sentence on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from dashboard.i18n import find_separators, t
from dashboard.style.palette import TEAL
from models import Card
from models.tasks import own

HEIGHT_PX = 240


def show_learning_curve(card: Card) -> None:
    """Draw the curve of a card; nothing where none was measured."""
    found = card.figures.get("learning")
    if not found:
        return
    title = t("Would more pictures help?")
    st.markdown(f"**{title}**")
    st.plotly_chart(
        draw_learning_curve(found["points"]), key=f"learning-{card.id}", config={"displayModeBar": False}, alt=title
    )
    if (said := own.say_growth(card)) is not None:
        st.caption(t(said))
    st.caption(
        t(
            "A simple probe on the frozen network that the training began with, and as a rule worse than the model: "
            "the slope tells, not the height. Bars hold 95 % of resamples of the groups."
        )
    )


def draw_learning_curve(points: Sequence[Mapping[str, float]]) -> go.Figure:
    """Return accuracy against the number of pictures, with its 95 % intervals."""
    value = [point["value"] for point in points]
    fig = go.Figure(
        go.Scatter(
            x=[point["n"] for point in points], y=value, mode="lines+markers",
            line={"color": TEAL, "width": 2}, marker={"size": 8},
            error_y={
                "array": [point["high"] - point["value"] for point in points],
                "arrayminus": [point["value"] - point["low"] for point in points],
                "color": TEAL, "thickness": 1.2, "width": 3,
            },
            hovertemplate=t("%{x} pictures: %{y:.1%}<extra></extra>"),
        )
    )  # fmt: skip
    fig.update_xaxes(title=t("Pictures to learn from"), rangemode="tozero", fixedrange=True, automargin=True)
    fig.update_yaxes(title=t("Accuracy"), range=[0, 1.03], tickformat=".0%", fixedrange=True, automargin=True)
    return fig.update_layout(
        separators=find_separators(), height=HEIGHT_PX, margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
