"""From which score on a box is shown: the card's operating points, a slider, and, apart, what held-out images say."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, t
from dashboard.views.detection import figures
from dashboard.views.detection.case import DetectionCase
from models import Card, Detections
from models.cards.tables import OperatingPoint
from models.tasks.detection.froc import Froc
from models.tasks.detection.verdict import OWN

LEAST, MOST, STEP = 0.01, 0.99, 0.01


def find_chosen_threshold(card: Card, answer: Detections) -> tuple[float, str]:
    """Return the threshold that the controls say, drawn or not, and the name of its operating point, or `OWN`."""
    points = _points(card)
    key = session.get(_point(card), next(iter(points), None))
    if key in points:
        return points[key].threshold, points[key].name
    slid = session.get(_slider(card))
    return (answer.threshold, answer.operating_point) if slid is None else (float(slid), OWN)


def show_threshold(case: DetectionCase) -> None:
    """Draw the operating points and the slider."""
    card, points = case.card, _points(case.card)
    with st.container(key="threshold", gap="xsmall"):
        if points:
            st.segmented_control(
                t("Operating point"),
                list(points),
                default=next(iter(points)),
                key=_point(card),
                persist_state="session",
                format_func=lambda key: t(points[key].name),
                on_change=_take_point,
                args=(card, points),
                width="stretch",
                help=t("Thresholds chosen on held-out images."),
            )
        if session.get(_slider(card)) is None:
            session.put(_slider(card), _rounded(case.threshold))
        st.slider(
            t("Show boxes from a score of"), LEAST, MOST, step=STEP, key=_slider(card), format="percent",
            persist_state="session", on_change=session.put, args=(_point(card), None),
        )  # fmt: skip


def show_threshold_elsewhere(case: DetectionCase) -> None:
    """Draw, apart from this image's answer, how often the threshold was right on images that were measured."""
    card, points = case.card, _points(case.card)
    with st.container(border=True, key="elsewhere"):
        st.markdown(t(":material/bar_chart: **Measured on other images**"))
        st.caption(t("How often this threshold was right on held-out images. It says nothing of this one."))
        _measured(case)
        point = points.get(session.get(_point(card)))
        if point:
            st.caption(_meaning(point))
        elif points:
            st.caption(t("Your own threshold is on."))


def _meaning(point: OperatingPoint) -> str:
    """Say what an operating point found on held-out images."""
    name = escape_markdown(t(point.name))
    if point.specificity is None:
        return t(
            "**{name}** is on: {sensitivity:.0%} of the held-out images, which all had a finding, show a box.",
            name=name,
            sensitivity=point.sensitivity,
        )
    return t(
        "**{name}** is on: on held-out images, {sensitivity:.0%} of those with a finding show a box, and "
        "{specificity:.0%} of those without show none.",
        name=name,
        sensitivity=point.sensitivity,
        specificity=point.specificity,
    )


def load_froc_curve(card: Card) -> Froc | None:
    """Return the free-response curve that the card was measured with; None before that."""
    kept = card.figures.get("froc")
    if not kept:
        return None
    columns = (np.array(kept[name], np.float64) for name in ("threshold", "sensitivity", "false_positives"))
    return Froc(*columns)


def _measured(case: DetectionCase) -> None:
    """Say what the threshold means, from the card's own curve."""
    measured = load_froc_curve(case.card)
    if measured is None or not len(measured.threshold):
        st.caption(t("This card has no measured curve yet, so what a threshold finds and misses is not known."))
        return
    sensitivity, false = measured.at(case.threshold)
    beyond = "≥ " if case.threshold < measured.threshold[-1] else ""  # where the card's curve has ended
    with st.container(horizontal=True, key="froc"):
        name = t("Lesion sensitivity") if len(case.card.labels) == 1 else t("Sensitivity")
        st.metric(name, f"{beyond}{format_number(sensitivity, '.0%')}")
        st.metric(t("False positives per image"), f"{beyond}{format_number(false, '.2f')}")
    with st.expander(t("Sensitivity against false positives (FROC)"), icon=":material/show_chart:"):
        st.plotly_chart(
            figures.draw_froc(measured, case.threshold), key="froc-curve", config={"displayModeBar": False},
            alt=t("Sensitivity against false positives per image, with the threshold's place"),
        )  # fmt: skip
        st.caption(describe_froc_basis(case.card))


def describe_froc_basis(card: Card) -> str:
    """Return on how many images the curve was measured, in words."""
    kept = card.figures["froc"]
    n, groups = (kept.get(name, card.figures.get(name)) for name in ("n", "groups"))
    said = t("Share of the true boxes that a shown box hits (overlap at least 0.5), measured on held-out images")
    counted = [t("{n:,} images", n=n) if n else "", t("{groups:,} groups", groups=groups) if groups else ""]
    return f"{said}: {', '.join(word for word in counted if word)}." if any(counted) else f"{said}."


def _points(card: Card) -> dict[str, OperatingPoint]:
    return {point.key: point for point in card.detecting.points} if card.detecting else {}


def _take_point(card: Card, points: dict[str, OperatingPoint]) -> None:
    """Move the slider to the operating point that was chosen; without one the slider stays."""
    if point := points.get(session.get(_point(card))):
        session.put(_slider(card), _rounded(point.threshold))


def _rounded(threshold: float) -> float:
    return float(np.clip(round(threshold, 2), LEAST, MOST))


def _point(card: Card) -> str:
    return f"point-{card.id}"


def _slider(card: Card) -> str:
    return f"least-{card.id}"
