"""The worklist in the sidebar: every file with its picture, its whole name and what a model says of it.

Those that the page can answer come first; the others say where they open. The list is a fragment that draws itself anew
while files are looked through, so that no page waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import session
from dashboard.case import leaving
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, spoken, t, tn
from dashboard.session import Item, Surveyed
from dashboard.style import figures
from models import Judged
from models.answers.worklist import describe_outcome
from models.reporting.outcome import Outcome

POLL_S = 1.0


def tell_worklist(prediction: Judged) -> None:
    """Write the answer that is on the page beside its file."""
    item = session.find_selected_file()
    if item is not None and not session.is_example(item):
        session.note_answer_of_file(item.sha256, describe_outcome(prediction))


def show_worklist() -> None:
    """Draw the list, and whatever else concerns all of its files."""
    with st.container():  # one place, however many files: what is open below it must not move
        if session.list_queue():
            _files(session.list_queue())
    if leaving.holds_anything():  # files of a motion count too, which are not in the list
        _forget()


def _files(items: Sequence[Item]) -> None:
    known = session.survey_files(items) if len(items) > 1 else {}  # of one file the page says all
    job = session.find_job(session.ANSWERS)
    shown = (items, session.find_selected_file())
    if session.is_surveying() or (job and job.running):
        poll_every(POLL_S)(_followed)(shown)
    else:
        _list(items, known)


def order_worklist(items: Sequence[Item], known: Mapping[str, Surveyed]) -> tuple[list[Item], list[Item]]:
    """Return the files that the page can answer, or may, and those that open on another page."""
    here = [item for item in items if find_page_that_opens(item, known) is None]
    return here, [item for item in items if item not in here]


def find_page_that_opens(item: Item, known: Mapping[str, Surveyed]) -> str | None:
    """Return the task on whose page a file opens, where that is another page than the one that is open."""
    task = session.get("visited")
    found = known.get(item.sha256)
    if task is None or session.get(session.READ_FIRST):
        return None
    if item.task:
        return item.task if item.task != task else None
    ranked = found.triage.ranked if found and found.triage else ()
    return ranked[0].task if ranked and task not in {fit.task for fit in ranked} else None


def list_shown_answers(item: Item) -> list[Outcome]:
    """Return what of all that was said of a file stands in the list: the answers to its parts, else the last answer.

    A refusal counts where nothing answered.
    """
    told = session.list_answers_of_file(item.sha256)
    whole = [one for one in told if one.sha256 == item.sha256]
    answered = [one for one in whole if not one.abstained]
    parts = {one.sha256: one for one in told if one.sha256 != item.sha256 and not one.abstained}
    return answered[-1:] or [*parts.values()] or whole[-1:]


def say_in_worklist(one: Outcome) -> str:
    """Return an answer in a few words."""
    if one.abstained:
        return t("No answer")
    return one.words(spoken())


def say_confidence_in_worklist(one: Outcome) -> str:
    """Return how sure an answer is; empty where it is not said."""
    return "" if one.abstained or one.confidence is None else format_number(one.confidence, ".0%")


def _followed(shown: tuple[Sequence[Item], Item | None]) -> None:
    """Draw the list while files are looked through; once that is done, or another file is chosen, the whole page."""
    job = session.find_job(session.ANSWERS)
    _list(shown[0], session.survey_files(shown[0]))
    if shown != (session.list_queue(), session.find_selected_file()) or not (
        session.is_surveying() or (job and job.running)
    ):
        st.rerun()


def _list(items: Sequence[Item], known: Mapping[str, Surveyed]) -> None:
    session.collect_worklist_answers()
    here, elsewhere = order_worklist(items, known)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="worklist-head"):
        st.caption(tn("{n} image", "{n} images", len(items)), width="stretch")
        if len(items) > 1:
            _steps([*here, *elsewhere])
    if len(items) > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="worklist-all"):
            st.page_link("views/worklist.py", label=t("Results of all"), icon=":material/table:", width="content")
    for item in here:
        _row(item, known.get(item.sha256), None)
    for item in elsewhere:
        _row(item, known.get(item.sha256), find_page_that_opens(item, known))


def _steps(items: Sequence[Item]) -> None:
    """Draw what goes to the previous and to the next file."""
    chosen = session.find_selected_file()
    at = next((place for place, item in enumerate(items) if item is chosen), 0)
    on_stage = session.find_stage() is not None  # its own keys go from step to step
    for name, step, icon, key in (
        (t("Previous file"), -1, ":material/chevron_left:", "K"), (t("Next file"), 1, ":material/chevron_right:", "J"),
    ):  # fmt: skip
        there = items[(at + step) % len(items)]
        st.button(
            "", icon=icon, key=f"step-{key}", type="tertiary", help=f"{name} ({key})",
            shortcut=None if on_stage else key, on_click=session.select_file, args=(there.sha256,),
        )  # fmt: skip


def _row(item: Item, known: Surveyed | None, opens: str | None) -> None:
    here = item is session.find_selected_file()
    name = "chosen" if here else "dimmed" if opens else "file"
    with st.container(key=f"{name}-{item.sha256[:12]}", horizontal=True, gap="small", vertical_alignment="center",
                      wrap=False):  # fmt: skip
        _picture(item, known)
        with st.container(gap=None):
            st.button(
                escape_markdown(item.name), key=f"select-{item.sha256}", type="tertiary", width="stretch",
                on_click=session.select_file, args=(item.sha256,), help=t(item.origin) if item.origin else None,
            )  # fmt: skip
            if words := _words(item, known, opens):
                st.caption(words)
        st.button(
            "", key=f"remove-{item.sha256}", type="tertiary", icon=":material/close:",
            on_click=session.take_files_away, args=(item.sha256,),
            help=t("Remove {name}", name=escape_markdown(item.name)),
        )  # fmt: skip


def _picture(item: Item, known: Surveyed | None) -> None:
    small = known.thumbnail if known else None
    if small is None and item is session.find_selected_file():
        small = session.draw_thumbnail_of_file(item)  # its page has it decoded
    if small:
        st.image(figures.inline_png(small), width=40, alt=t("Thumbnail"))
    else:
        waits = known is None and item is not session.find_selected_file()
        st.markdown(":material/image:" if waits else ":material/broken_image:", width=40)


def _words(item: Item, known: Surveyed | None, opens: str | None) -> str:
    """Return what is known of a file: the answers so far, else why there is none."""
    words = [
        escape_markdown(f"{say_in_worklist(one)} {say_confidence_in_worklist(one)}".strip())
        for one in list_shown_answers(item)
    ]
    if known and known.problem:
        words = [t("cannot be read")]
    if opens:
        words.append(t("opens on {page}", page=t(opens.capitalize())))
    return " · ".join(words)


def _forget() -> None:
    """Draw what lets go of everything of the user's, once the reader has confirmed it."""
    with st.popover(t("Forget everything"), icon=":material/delete_sweep:", type="tertiary"):
        st.markdown(
            t(
                "Every file leaves the table, with its answers, labels and corrections. Nothing of it stays in this "
                "program; the files stay where they came from."
            )
        )
        st.button(
            t("Forget everything"),
            key="forget-everything",
            type="primary",
            width="stretch",
            on_click=session.forget_session,
        )
