"""How it works: six lessons, live on the user's own image; the address names the lesson (`?section=network`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard import session
from dashboard.case import states
from dashboard.i18n import t
from dashboard.views.lessons import block, categories, learning, network, resolution, staged, start, tour
from dashboard.views.lessons import subject as how_subject
from dashboard.views.lessons.sections import SECTIONS
from dashboard.views.lessons.subject import Subject
from models import OrthoLensError

ON_AN_IMAGE: Mapping[str, Callable[[Subject], None]] = {
    "block": block.show,
    "network": network.show,
    "resolution": resolution.show,
    "categories": categories.show,
}
"""Lessons that look at one image."""
BY_ITSELF: Mapping[str, Callable[[], None]] = {"learning": learning.show, "start": start.show}
"""Lessons that choose for themselves what they look at."""


def show() -> None:
    """Draw the page."""
    session.settle()  # a file chosen here is looked at here
    if staged.show():
        return
    st.subheader(t("How it works"), anchor=False)
    tour.show()
    section = _section()
    if section in BY_ITSELF:
        BY_ITSELF[section]()
        return
    subject = how_subject.chosen()
    if subject is not None:
        _lesson(section, subject)


def _section() -> str:
    """Let the user choose a lesson, and keep its key in the address."""
    if session.get("section") not in SECTIONS:
        asked = st.query_params.get("section")
        session.put("section", asked if asked in SECTIONS else next(iter(SECTIONS)))
    chosen = st.segmented_control(
        t("Section"), list(SECTIONS), format_func=lambda key: t(SECTIONS[key]), required=True, key="section",
        label_visibility="collapsed",
    ) or next(iter(SECTIONS))  # fmt: skip
    if st.query_params.get("section") != chosen:
        st.query_params["section"] = chosen
    return chosen


@st.fragment
def _lesson(section: str, subject: Subject) -> None:
    """Draw a lesson; every control of it reruns only this."""
    try:
        ON_AN_IMAGE[section](subject)
    except OrthoLensError as problem:
        states.error(problem)
