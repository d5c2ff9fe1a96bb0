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
    "block": block.show_block_lesson,
    "network": network.show_network_lesson,
    "resolution": resolution.show_resolution_lesson,
    "categories": categories.show_categories_lesson,
}
"""Lessons that look at one image."""
BY_ITSELF: Mapping[str, Callable[[], None]] = {
    "learning": learning.show_learning_lesson,
    "start": start.show_start_lesson,
}
"""Lessons that choose for themselves what they look at."""


def show_lessons_page() -> None:
    """Draw the page."""
    session.settle_arrival()  # a file chosen here is looked at here
    if staged.show_staged_lesson():
        return
    st.subheader(t("How it works"), anchor=False)
    tour.show_tour()
    section = _section()
    if section in BY_ITSELF:
        BY_ITSELF[section]()
        return
    subject = how_subject.choose_lesson_subject()
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
        states.show_error(problem)
