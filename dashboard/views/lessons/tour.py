"""The guided tour: one step after another, each of which brings its section into a prepared state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard import session
from dashboard.i18n import t
from dashboard.views.lessons import learning
from dashboard.views.lessons.tour_steps import Step, list_tour_steps

AT, NOTES = "tour-step", "tour-notes"
PREPARED: Mapping[str, Callable[[], None]] = {"learning": learning.begin_learning}
"""What begins on arrival, by the name that a step gives it."""


def show_tour() -> None:
    """Draw the step that the user is at, else the button that begins the tour; `?tour=1` begins it too.

    It stands above the choice of the section, since it makes that choice.
    """
    if st.query_params.get("tour") == "1":
        del st.query_params["tour"]
        go_to_tour_step(0)
    at: int | None = session.get(AT)
    if at is None:
        st.button(t("Take the tour"), icon=":material/tour:", key="tour-begin", on_click=go_to_tour_step, args=(0,))
    else:
        _step(list_tour_steps()[at], at)


def go_to_tour_step(number: int) -> None:
    """Go to a step, and set the page as it wants it."""
    step = list_tour_steps()[number]
    session.put(AT, number)
    session.put("section", step.section)
    for key, value in step.state.items():
        session.put(key, value)
    learning.stop_learning()  # what runs unseen would slow down what is seen
    if step.start:
        PREPARED[step.start]()


def leave_tour() -> None:
    """End the tour; the page stays as it is."""
    session.put(AT, None)


def _step(step: Step, at: int) -> None:
    count = len(list_tour_steps())
    with st.container(border=True, key="tour", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(t(":material/tour: **Step {at} of {count}**", at=at + 1, count=count), width="content")
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                st.toggle(t("Speaker notes"), key=NOTES, persist_state="session")
                st.button(
                    t("Previous"), icon=":material/arrow_back:", key="tour-previous", disabled=at == 0,
                    on_click=go_to_tour_step,
                    args=(at - 1,),
                )  # fmt: skip
                if at + 1 < count:
                    st.button(
                        t("Next"), icon=":material/arrow_forward:", key="tour-next", type="primary",
                        on_click=go_to_tour_step,
                        args=(at + 1,),
                    )  # fmt: skip
                    st.button(t("End"), icon=":material/close:", key="tour-leave", on_click=leave_tour)
                else:
                    st.button(t("End"), icon=":material/check:", key="tour-leave", type="primary", on_click=leave_tour)
        st.progress((at + 1) / count)
        st.markdown(f"#### {t(step.title)}")
        st.markdown(t(step.text))
        if session.get(NOTES):
            with st.expander(t("Speaker notes"), icon=":material/speaker_notes:", expanded=True):
                st.markdown(t(step.notes))
