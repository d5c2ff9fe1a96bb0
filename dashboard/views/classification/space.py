"""The measured joint space beside a grade, and where it lies among training knees of each grade.

A grade by the eye and a width by points are two readings of one film: where they part, look again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

import models
from dashboard import session
from dashboard.case import pages
from dashboard.case.states import escape_markdown
from dashboard.i18n import find_separators, format_number, spoken, t
from dashboard.style.palette import AMBER, GREY, TEAL
from models import Card, Classification, Image, OrthoLensError
from models.tasks.landmarks.marks import NO_BREAK, write_value
from models.tasks.landmarks.measures import Measurement, measure_knee
from models.types import Landmarks

ROW_PX = 24
WHISKERS, BOX = (5, 95), (25, 75)
"""Percentiles of the thin line and of the thick one."""


@dataclass(frozen=True)
class Curve:
    """The measured widths of the training knees of one grade: percentiles, rising, and the values there, in %."""

    grade: str
    n: int
    percentiles: Sequence[float]
    values: Sequence[float]

    def at(self, percentile: float) -> float:
        """Return the width at a percentile."""
        return float(np.interp(percentile, self.percentiles, self.values))

    def rank(self, value: float) -> float:
        """Return how many of a hundred are narrower than a width."""
        return float(np.interp(np.nextafter(value, -np.inf), self.values, self.percentiles))


def show_joint_space(prediction: Classification, image: Image, card: Card) -> None:
    """Draw the width and its place among the grades; nothing on stage, or where no model of landmarks knows it."""
    other = find_landmarks_card(card)
    if other is None or session.find_stage() is not None:
        return
    try:
        found = session.predict_as(Landmarks, image, other, prediction.frame)
    except OrthoLensError:  # the page of the landmarks says what is wrong
        return
    if found.abstained:
        return
    curves = list_curves(other)
    measured = {one.key: one for one in measure_knee(found, image.spacing_mm)}
    space, share = measured["minimum_space"], measured["minimum_space"].value
    if space.unit != "%":
        share *= 100 / measured["plateau_width"].value
    names = {label.key: t(label.name) for label in card.labels}
    with st.container(border=True, key="joint-space", gap="small"):
        _headline(space, share, other)
        st.plotly_chart(
            draw_curves(curves, share, prediction.label, names), key="joint-space-curves",
            config={"displayModeBar": False, "staticPlot": True},
            alt=t("The joint space of this knee among training knees of each grade"),
        )  # fmt: skip
        own = next(curve for curve in curves if curve.grade == prediction.label)
        st.caption(
            t(
                "Wider than in {rank:.0%} of the {n:,} training knees of **{grade}**; the right column says so of each "
                "grade. Thin: 5th to 95th percentile; thick: the middle half; stroke: the median; in % of the "
                "plateau's width.",
                rank=own.rank(share) / 100,
                n=own.n,
                grade=escape_markdown(names[own.grade]),
            )
        )


def find_landmarks_card(card: Card) -> Card | None:
    """Return the card that measures the knees whose grade a card gives; None where there is none."""
    keys = [label.key for label in card.labels]
    measured = (one for one in models.cards().values() if "space_by_grade" in one.figures)
    return next((one for one in measured if list(one.figures["space_by_grade"]["grades"]) == keys), None)


def list_curves(card: Card) -> list[Curve]:
    """Return how wide the joint space of the training knees of each grade is."""
    kept = card.figures["space_by_grade"]
    return [Curve(grade, one["n"], kept["percentiles"], one["values"]) for grade, one in kept["grades"].items()]


def _headline(space: Measurement, share: float, card: Card) -> None:
    """Draw the width, and the way to its points."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape_markdown(t(space.name))}**", help=escape_markdown(t(space.definition)), width="content")
        if st.button(t("See the points"), icon=":material/arrow_forward:", key="joint-space-open", type="tertiary"):
            session.choose_card(card.task, card.id, by_hand=True)
            session.settle_arrival()
            pages.go_to_task_page(card.task)
        said = write_value(space, spoken())
        if space.unit != "%":
            said += f" · {format_number(share, '.1f')}{NO_BREAK}%"
        st.markdown(f"**{escape_markdown(said)}**", width="stretch", text_alignment="right")


def draw_curves(curves: Sequence[Curve], share: float, chosen: str, names: dict[str, str]) -> go.Figure:
    """Return a row for each grade, the chosen one in colour, and this knee as a line through all."""
    fig = go.Figure()
    for curve in curves:
        name, colour = names[curve.grade], TEAL if curve.grade == chosen else GREY
        for ends, width in ((WHISKERS, 2), (BOX, 9)):
            fig.add_scatter(
                x=[curve.at(end) for end in ends], y=[name, name], mode="lines", line={"color": colour, "width": width}
            )  # fmt: skip
        fig.add_scatter(
            x=[curve.at(50)], y=[name], mode="markers",
            marker={"symbol": "line-ns", "size": 15, "line": {"color": colour, "width": 3}},
        )  # fmt: skip
        fig.add_annotation(
            x=1, xref="paper", y=name, text=format_number(curve.rank(share) / 100, ".0%"), showarrow=False,
            xanchor="left", xshift=6, font_size=12,
        )  # fmt: skip
    fig.add_vline(share, line={"color": AMBER, "width": 2})
    fig.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, ticklabelstandoff=6, title=None)
    fig.update_xaxes(fixedrange=True, ticksuffix=f"{NO_BREAK}%", zeroline=False, nticks=6, rangemode="tozero")
    return fig.update_layout(
        showlegend=False, height=ROW_PX * len(curves) + 30, margin={"l": 0, "r": 40, "t": 4, "b": 24},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", separators=find_separators(), font_size=12,
    )  # fmt: skip
