"""Models that are being made: how far each is, and how long it takes; pause, resume, give up."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, show_error
from dashboard.i18n import format_number, t, tn
from models import Card, OrthoLensError
from models.tasks import own
from models.tasks.own_process import Training, trainings

POLL_S = 1.5
MINUTE_S = 90
"""From how many seconds on minutes are told."""


def show_trainings() -> None:
    """Draw those that are under way or wait; nothing where there are none."""
    shown = _states()
    if shown:
        live = any(state in ("waiting", "running") for state in shown.values())
        st.subheader(t("Under way"), anchor=False)
        poll_every(POLL_S if live else None)(_rows)(shown)


def _states() -> dict[str, str]:
    """Return where each draft is, by its id; one that nobody has resumed since the program began is paused."""
    known = {draft.id: trainings().find(draft.id) for draft in own.list_drafts()}
    return {id: one.state if one else "paused" for id, one in known.items()}


def _rows(shown: dict[str, str]) -> None:
    """Draw each; the whole page anew where one has ended or begun."""
    if _states() != shown:
        st.rerun()
    for draft in own.list_drafts():
        with st.container(border=True, key=f"training-{draft.id}"):
            _row(draft, trainings().find(draft.id))


def _row(draft: Card, one: Training | None) -> None:
    state = one.state if one else "paused"
    st.markdown(f"**{escape_markdown(draft.title)}** · {t(draft.task.capitalize())}")
    if one and one.error:
        show_error(one.error)
    if one and state in ("waiting", "running"):
        st.progress(one.share, f"{escape_markdown(t(one.doing))} · {format_number(one.share, '.0%')}{_left(one)}")
    elif state == "paused":
        st.caption(t("Paused. It goes on from where it was; its pictures are kept until it is done or given up."))
    with st.container(horizontal=True):
        if state in ("waiting", "running"):
            st.button(t("Pause"), icon=":material/pause:", key=f"pause-{draft.id}", on_click=trainings().pause,
                      args=(draft.id,))  # fmt: skip
        else:
            st.button(t("Resume"), icon=":material/play_arrow:", key=f"resume-{draft.id}", type="primary",
                      on_click=trainings().begin, args=(draft.id,))  # fmt: skip
        with st.popover(t("Give up"), icon=":material/delete:", type="tertiary"):
            st.markdown(t("The draft is deleted, with its pictures and all that it has learned."))
            st.button(t("Give up"), key=f"give-up-{draft.id}", type="primary", width="stretch", on_click=_give_up,
                      args=(draft.id,))  # fmt: skip


def _give_up(card_id: str) -> None:
    with suppress(OrthoLensError):  # it is done, or gone, and the page shows which
        trainings().give_up(card_id)


def _left(one: Training) -> str:
    if one.left_s is None:
        return ""
    if one.left_s < MINUTE_S:
        return t(", about {seconds} s left", seconds=max(1, round(one.left_s)))
    return ", " + tn("about {n} minute left", "about {n} minutes left", round(one.left_s / 60))
