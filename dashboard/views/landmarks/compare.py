"""Then and now: a second film beside the first, points on both, and what of their difference is more than repetition.

The answers to both films are repeated as soon as they stand side by side, in a thread beside the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

import models
from dashboard import session
from dashboard.case import handles, states
from dashboard.case.offer import offer_file
from dashboard.case.polling import poll_every
from dashboard.case.progress import draw_progress
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, spoken, t
from dashboard.session import Item
from dashboard.style.figures import View
from dashboard.views.landmarks import figures, points
from dashboard.views.landmarks.case import LandmarkCase, place_landmarks_on_page
from dashboard.views.landmarks.measures import ask_side
from models import Image, OrthoLensError
from models.jobs import Job
from models.tasks.landmarks.change import Change, Film, compare_films, export_changes_csv, repeat_answers
from models.tasks.landmarks.marks import write_value
from models.types import Landmarks

POLL_S = 0.7
HIGH_PX = 400
"""Of each film: two stand in the place of one."""
WHEN = {"now": later("This film is the later one"), "then": later("This film is the earlier one")}
MEASURING = later("Repeating the answers to both films")

Repeated = tuple[tuple[Landmarks, ...], tuple[Landmarks, ...]]
"""Answers to this film and to the other, each time placed a little differently."""


def show_comparison(case: LandmarkCase) -> LandmarkCase | None:
    """Let the reader choose the other film, draw how the measures differ, and return that film for the place beside."""
    others = {item.sha256: item for item in session.list_queue() if item.sha256 != case.image.sha256}
    if not others:
        st.caption(t("Add a second film of this knee, or one of the other knee, and it can be chosen here."))
        return None
    other = _choose_other(case, others)
    if other is None:
        return None
    when = st.segmented_control(
        t("When"), list(WHEN), default="now", required=True, key=f"when-{case.identity}", persist_state="session",
        format_func=lambda one: t(WHEN[one]), label_visibility="collapsed", width="stretch",
    )  # fmt: skip
    ask_side(case, t("Side of this film"))
    ask_side(other, t("Side of the other film"))
    _tell_changes(case, other, this_is_later=when != "then")
    return other


def show_films(case: LandmarkCase, other: LandmarkCase) -> None:
    """Draw both films, zoomed and moved together, each with its points."""
    layers, link = session.get(points.LAYERS, figures.LAYERS), f"{case.identity} {other.identity}"
    shown = (case, other) if session.get(f"when-{case.identity}") == "then" else (other, case)
    for column, when, one in zip(st.columns(2, gap="small"), (t("Then"), t("Now")), shown, strict=True):
        with column:
            st.markdown(f"**{when}** · {escape_markdown(one.image.name)}")
            board = replace(figures.draw_board(one, layers), link=link)
            handles.show_handles(board, f"viewer-{when}-{one.identity}", one.take, HIGH_PX)
            with st.container(horizontal=True, gap="small"):
                points.draw_undo(one, key=f"{when}-points")
    points.choose_layers(case)
    st.caption(t("Drag a point on either film; both are zoomed and moved together."))


def _choose_other(case: LandmarkCase, others: Mapping[str, Item]) -> LandmarkCase | None:
    """Return the film that the reader compares with; None where the model does not answer it, which is said."""
    chosen = st.selectbox(
        t("Compare with"), list(others), key=f"compare-{case.identity}", persist_state="session",
        format_func=lambda sha256: others[sha256].name if sha256 in others else "",
    )  # fmt: skip
    try:
        image = session.read(others[chosen])
        answer = place_landmarks_on_page(image, case.card, image.first_frame)
    except OrthoLensError as problem:
        states.show_error(problem)
        return None
    if answer.abstained:
        st.caption(escape_markdown(t("No answer to {name}: {reason}.", name=image.name, reason=t(answer.reason or ""))))
        return None
    return LandmarkCase(image, case.card, answer, View(frame=image.first_frame))


def _tell_changes(case: LandmarkCase, other: LandmarkCase, *, this_is_later: bool) -> None:
    """Draw each measure on both films and its change, against the error where that is known already."""
    name = f"repeat-{case.identity}-{other.identity}"
    job: Job[Repeated] | None = session.find_job(name)
    if job is None:
        session.start_work(name, lambda job: _repeat(job, (case, other)))
        job = session.find_job(name)
    repeated: Repeated = (job.result if job else None) or ((), ())
    films = [
        Film(one.shown, one.image.spacing_mm, one.side, answers)
        for one, answers in zip((case, other), repeated, strict=True)
    ]
    changes = compare_films(*(films[::-1] if this_is_later else films))
    with st.container(key="changes", gap="small"):
        for change in changes:
            _row(change)
    if job and job.running:
        poll_every(POLL_S)(draw_progress)(name, "repeat-cancel", MEASURING)
    elif job and job.error:
        states.show_error(job.error)
    if changes and changes[0].before.unit == "%":
        st.caption(t("%: of the plateau's width, since not both films are calibrated."))
    if any(change.detectable is not None for change in changes):
        st.caption(
            t(
                "Repetition: each film answered again, turned, shifted, scaled and exposed a little otherwise. How the "
                "knee stood and how the beam fell is not in it, and changes joint space more."
            )
        )
    offer_file(
        t("Table"), lambda: export_changes_csv(changes), f"ortholens-change-{case.image.sha256[:12]}.csv", icon="table",
        help=t("CSV: every measure on both films, the change, and the smallest that is more than repetition makes."),
    )  # fmt: skip


def _row(change: Change) -> None:
    """Draw one measure: its values then and now, and the verdict beside them."""
    say = spoken()
    with st.container(gap=None):
        help = f"{t(change.before.definition)} {change.before.source}"
        st.markdown(escape_markdown(t(change.before.name)), help=escape_markdown(help))
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            then, now = (escape_markdown(write_value(one, say)) for one in (change.before, change.after))
            st.markdown(f"{then} → **{now}**", width="content")
            st.caption(escape_markdown(_say_verdict(change)), width="content")


def _say_verdict(change: Change) -> str:
    difference = write_value(replace(change.before, value=change.difference), spoken(), sign="+")
    if change.detectable is None:
        return difference
    least = write_value(replace(change.before, value=change.detectable), spoken())
    if change.beyond_error:
        return t("{difference}: more than repetition makes ({least})", difference=difference, least=least)
    return t("{difference}: no more than repetition makes ({least})", difference=difference, least=least)


def _repeat(job: Job[Repeated], both: tuple[LandmarkCase, LandmarkCase]) -> Repeated:
    """Answer both films again and again, outside of the page's run."""
    first, second = (_repeat_one(job, done, one) for done, one in enumerate(both))
    return first, second


def _repeat_one(job: Job[Repeated], done: int, case: LandmarkCase) -> tuple[Landmarks, ...]:
    def place(image: Image) -> Landmarks:
        answer = models.predict(image, case.card.id, frame=case.view.frame)
        assert isinstance(answer, Landmarks)  # by the card's task
        return answer

    return repeat_answers(place, case.image, lambda share: job.report(done + share, 2), job.stopped)
