"""The second and third step: what the pictures are, said before anything is learned, and the name of the model."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown, show_error
from dashboard.i18n import format_number, later, t, tn
from dashboard.views.train import bring
from models import OrthoLensError
from models.tasks import own
from models.tasks.own_process import trainings
from models.training.own_set import FOLDS, Look

NAME, START, HOW, GROUPING, PATTERN, PROBLEM = (
    "train-name", "train-start", "train-how", "train-grouping", "train-pattern", "train-problem",
)  # fmt: skip
"""Keys of what the user says, and of what was wrong with it."""
GROUPINGS = {
    later("Nothing is known of that"): None,
    later("The file's name up to the first _, - or blank"): r"([^/_\- ]+)[^/]*$",
    later("The folder inside the label's folder"): r"^[^/]+/([^/]+)/",
    later("A pattern of my own"): "",
}
"""What tells which pictures are of one patient, and the pattern of it."""
QUICK = later("A quick trial")
HOW_LONG = (later("As well as it can"), QUICK)
PHOTOGRAPHS = later("Photographs of everyday things (ImageNet)")


def show_found(task: str, seen: Look) -> None:
    """Draw what was found, and what is still to be said before the training begins."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(t("2. What was found"), anchor=False)
        st.button(
            t("Bring other pictures"), icon=":material/undo:", type="tertiary", key="train-other",
            on_click=bring.forget_look, args=(task,),
        )  # fmt: skip
    grouped = _group(seen)
    _numbers(grouped)
    _notes(grouped)
    missing = grouped.too_little()
    if missing:
        with st.container(border=True, key="error-state"):
            st.markdown(t(":material/error: **There is too little to learn from, and to measure on**"))
            st.markdown("\n".join(f"- {escape_markdown(t(one))}" for one in missing))
            st.caption(t("With fewer, no part of the pictures could be held back and still say anything."))
    else:
        _name(task, grouped)


def _group(seen: Look) -> Look:
    """Let the user say what belongs together, and return the pictures so grouped."""
    st.selectbox(
        t("Which pictures are of one patient?"), list(GROUPINGS), key=GROUPING, format_func=t, width=520,
        persist_state="session",
        help=t("Pictures of one patient are either learned from or measured on, never both. Where a table names the "
        "groups, it is believed first."),
    )  # fmt: skip
    pattern = GROUPINGS.get(session.get(GROUPING, next(iter(GROUPINGS))))
    if pattern == "":
        pattern = st.text_input(
            t("Pattern of a file's path, with one bracket round the patient"), key=PATTERN, width=520, max_chars=200,
            placeholder=r"(\d+)_", persist_state="session",
        )  # fmt: skip
    try:
        return seen.regrouped(pattern or None)
    except OrthoLensError as problem:
        show_error(problem)
        return seen


def _numbers(seen: Look) -> None:
    pictures, counts = seen.pictures, seen.counts()
    with st.container(horizontal=True, gap="large"):
        for name, n in (
            (t("Pictures"), len(pictures.listed)), (t("Labels"), len(counts)), (t("Groups"), len(set(pictures.groups))),
            (t("Left out"), len(pictures.broken)),
        ):  # fmt: skip
            st.metric(name, format_number(n), width="content")
    st.dataframe(
        [{t("Label"): label, t("Pictures"): n, t("Groups"): groups} for label, (n, groups) in counts.items()],
        hide_index=True, width=520,
    )  # fmt: skip


def _notes(seen: Look) -> None:
    """Say everything else, each in a sentence; what makes figures wrong first."""
    notes = list(seen.warnings())
    with st.expander(tn("{n} note", "{n} notes", len(notes)), icon=":material/info:", expanded=len(notes) < 6):
        st.markdown("\n".join(f"- {escape_markdown(t(one))}" for one in notes))


def _name(task: str, seen: Look) -> None:
    """Ask for a name and a start, and offer to begin."""
    st.subheader(t("3. Name it and start"), anchor=False)
    titles = {one.id: t(one.title) for one in own.list_starts(task)}
    starts = {id: titles.get(id) or t(PHOTOGRAPHS) for id in own.list_start_ids(task)}
    said = t(
        "A model that learned from pictures of the same kind helps. One that learned from these very pictures makes "
        "the figures too good."
    )
    if own.IMAGENET in starts:
        said += " " + t("ImageNet is downloaded first, so it needs a network.")
    st.text_input(
        t("Name of the model"), key=NAME, max_chars=own.LONGEST_TITLE, width=520, persist_state="session",
        placeholder=t("Loose or fixed stems"),
    )  # fmt: skip
    st.selectbox(
        t("It starts from a network that knows"), list(starts), key=START, width=520,
        index=list(starts).index(own.choose_start(task, seen)), format_func=lambda id: starts.get(id, ""),
        help=said,
    )  # fmt: skip
    st.segmented_control(
        t("How it learns"), HOW_LONG, default=HOW_LONG[0], key=HOW, required=True, format_func=t,
        help=t("A quick trial shows whether everything is right, in a fraction of the time. It is worse, and says so."),
    )  # fmt: skip
    if problem := session.get(PROBLEM):
        show_error(problem)
    st.button(
        t("Start the training"), icon=":material/play_arrow:", type="primary", key="train-begin",
        on_click=_begin, args=(task, seen), disabled=not str(session.get(NAME) or "").strip(),
    )  # fmt: skip
    st.caption(
        t(
            "It is trained once on all pictures, and in {folds} parts to measure it: sixty pictures take minutes on "
            "two cores, five hundred an hour or two. You can go on working, leave the page, pause it, or give it up.",
            folds=FOLDS,
        )
    )


def _begin(task: str, seen: Look) -> None:
    wish = own.Wish(
        task, str(session.get(NAME) or ""), start=session.get(START) or None, quick=session.get(HOW) == QUICK
    )
    session.put(PROBLEM, None)
    try:
        trainings().begin(own.draft_card(wish, seen).id)
    except OrthoLensError as problem:
        session.put(PROBLEM, problem)
        return
    session.put(NAME, "")
    bring.forget_look(task)
