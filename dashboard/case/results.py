"""The worklist as a table: every file with its answer, the reference standard beside it, and how often both agree.

Whoever wants all files answered starts that here: it goes on beside the page, and can be stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

import models
from dashboard import session
from dashboard.case import answering, measures, progress, read_first, report, worklist
from dashboard.case.offer import audit_export
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, show_error, write_as_sentence
from dashboard.i18n import t, tn
from dashboard.session import Answered, Item, Surveyed
from dashboard.style import figures
from models import Card, OrthoLensError
from models.answers.worklist import (
    Row,
    count_worklist_agreement,
    export_worklist,
    find_meant_label,
    list_worklist_labels,
    match_references,
    read_references,
)
from models.reporting.case import Case
from models.reporting.outcome import Outcome
from models.tasks import kind_of_card

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

ROW_PX = 44
TABLE = "ortholens-worklist.csv"
EDITOR, FILE = "reference-table", "reference-file"
"""Keys of the table and of the field for a CSV."""


def show_results() -> None:
    """Draw the page."""
    items = session.list_queue()
    st.header(t("Worklist"), anchor=False)
    if not items:
        st.markdown(t("No files are on the table. Drop some onto the field on the left."))
        return
    known = session.survey_files(items)
    session.collect_worklist_answers()
    job = session.find_job(session.ANSWERS)
    if job and job.running:
        poll_every(worklist.POLL_S)(_followed)()
    else:
        _begin(items, known)
        rows = _rows(items)
        _editor(rows, known)
        left, right = st.columns(2, gap="large")
        with left:
            _agreement(rows)
        with right:
            _reference_file(items, rows)
        _downloads(rows)


def _begin(items: Sequence[Item], known: Mapping[str, Surveyed]) -> None:
    """Offer to answer the files that have no answer yet, or all of them anew."""
    left = [item for item in items if not any(_settled(one) for one in session.list_answers_of_file(item.sha256))]
    asked = left or items
    with st.container(horizontal=True, vertical_alignment="center"):
        reading = bool(session.get(session.READ_FIRST))
        st.button(
            tn("Answer {n} file", "Answer {n} files", len(asked)) if left else t("Answer all again"),
            icon=":material/play_arrow:", type="primary" if left else "secondary", key="answer-all", disabled=reading,
            on_click=session.answer_worklist,
            args=(partial(answering.answer_files, items=asked, known=dict(known), preferred=_preferred()),),
        )  # fmt: skip
        if reading:
            st.caption(t("“Read first” is on: answers stand here when you have committed to yours."))
        elif left:
            st.caption(t("Each by the model that knows it best, about a second each; you can stop it at any time."))
    job = session.find_job(session.ANSWERS)
    if job and job.error:
        st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}"))


def _settled(said: Outcome) -> bool:
    """Whether it is an answer, or the refusal of all models and not of the one page that was open."""
    return not said.abstained or not said.card


def _preferred() -> dict[str, str]:
    """Return the card that each task's page has chosen, the page that was open last first."""
    chosen = {card.task: session.find_card_of_page(card.task) for card in models.cards().values()}
    visited = session.get("visited")
    first = {visited: chosen.pop(visited)} if visited in chosen else {}
    known = models.cards()
    return {task: id if id and id in known else models.cards_of(task)[0].id for task, id in {**first, **chosen}.items()}


def _followed() -> None:
    """Draw the table as it fills, and how far the work is."""
    progress.draw_progress(session.ANSWERS, "answers-cancel", t("Answering"))
    session.collect_worklist_answers()
    items = session.list_queue()
    st.dataframe(_cells(_rows(items), session.survey_files(items)), hide_index=True, row_height=ROW_PX,
                 column_config=_columns([]))  # fmt: skip


def _rows(items: Sequence[Item]) -> list[Row]:
    """Return a line for each file, or for each part of a film that is answered alone, in the order of the list."""
    rows: list[Row] = []
    for item in items:
        shown: Sequence[Outcome | None] = worklist.list_shown_answers(item) or [None]
        for number, said in enumerate(shown, 1):
            row = Row(item.sha256, item.name, number if said and said.sha256 != item.sha256 else 0, said)
            label = session.find_reference_label(_place(row)) or session.find_reference_label(
                f"{item.sha256}-0"
            )  # given before the answer
            rows.append(replace(row, reference=find_meant_label(label, _card(row))))
    return rows


def _place(row: Row) -> str:
    return f"{row.file}-{row.part}"


def _card(row: Row) -> Card | None:
    return models.card(row.outcome.card) if row.outcome and row.outcome.card else None


def _name(label: str, card: Card | None) -> str:
    """Return what a label is called on the screen."""
    names = list_worklist_labels(card) if card else {}
    return t(names[label]) if label in names else label


def _cells(rows: Sequence[Row], known: Mapping[str, Surveyed]) -> list[dict[str, object]]:
    marks = {True: "✓", False: "✗", None: ""}
    return [
        {
            "picture": _picture(known.get(row.file)),
            "file": f"{row.name} · {t('Part {number}', number=row.part)}" if row.part else row.name,
            "answer": worklist.say_in_worklist(row.outcome) if row.outcome else _missing(row, known),
            "sure": worklist.say_confidence_in_worklist(row.outcome) if row.outcome else "",
            "reference": _name(row.reference, _card(row)) or None,  # an empty cell
            "agrees": marks[row.agrees],
            "model": t(card.title) if (card := _card(row)) else "",
            "reason": write_as_sentence(t(row.outcome.reason)) if row.outcome and row.outcome.reason else "",
        }
        for row in rows
    ]


def _missing(row: Row, known: Mapping[str, Surveyed]) -> str:
    found = known.get(row.file)
    return t("cannot be read") if found and found.problem else ""


def _picture(found: Surveyed | None) -> str:
    if found is None or found.thumbnail is None:
        return ""
    return figures.inline_png(found.thumbnail)


def _columns(rows: Sequence[Row]) -> dict[str, ColumnConfig]:
    """Say how each column is called and edited; where all answers are of one model, its labels are offered."""
    cards = {card.id: card for row in rows if (card := _card(row)) and list_worklist_labels(card)}
    one = next(iter(cards.values())) if len(cards) == 1 else None
    says = t("The true label. Type it, choose it, or load all from a CSV.")
    reference = st.column_config.TextColumn(t("Reference standard"), help=says, max_chars=80)
    if one is not None and all(_card(row) in (one, None) for row in rows):
        kept = {row.reference for row in rows if row.reference}
        names = [_name(key, one) for key in dict.fromkeys([*list_worklist_labels(one), *sorted(kept)])]
        reference = st.column_config.SelectboxColumn(t("Reference standard"), help=says, options=names)
    return {
        "picture": st.column_config.ImageColumn("", width=60),
        "file": st.column_config.TextColumn(t("File"), width=320),
        "answer": st.column_config.TextColumn(t("Answer"), width="medium"),
        "sure": st.column_config.TextColumn(t("Confidence"), width="small"),
        "reference": reference,
        "agrees": st.column_config.TextColumn(t("Agrees"), width="small"),
        "model": st.column_config.TextColumn(t("Model"), width="medium"),
        "reason": st.column_config.TextColumn(t("Why there is no answer")),
    }


def _editor(rows: Sequence[Row], known: Mapping[str, Surveyed]) -> None:
    """Draw the table; what is typed into the column of the reference standard is kept at once."""
    cells = _cells(rows, known)
    key = f"{EDITOR}-{hash(tuple((row.file, row.part) for row in rows))}-{session.get(EDITOR, 0)}"
    st.data_editor(
        cells, key=key, hide_index=True, row_height=ROW_PX, column_config=_columns(rows), width="stretch",
        height=min(len(rows) + 1, 14) * ROW_PX, disabled=[name for name in cells[0] if name != "reference"],
        placeholder="", on_change=_typed, args=(key, rows),
    )  # fmt: skip


def _typed(key: str, rows: Sequence[Row]) -> None:
    edited = (session.get(key) or {}).get("edited_rows", {})
    for at, cells in edited.items():
        if "reference" in cells:
            session.keep_reference_label(_place(rows[int(at)]), cells["reference"] or "")


def _reference_file(items: Sequence[Item], rows: Sequence[Row]) -> None:
    """Take reference labels from a file, and say which files of the list it names."""
    given = st.file_uploader(
        t("Reference standard from a CSV"), key=FILE, type=["csv", "tsv", "txt"], max_upload_size=1,
        help=t("Two columns: file, label. Files are found by name, with or without folder and ending."),
    )  # fmt: skip
    if given is None:
        return
    try:
        found = match_references(
            read_references(given.getvalue(), given.name), {item.sha256: item.name for item in items}
        )
    except OrthoLensError as problem:
        show_error(problem)
        return
    taken = session.get(f"{FILE}-taken")
    if taken != given.file_id:
        session.put(f"{FILE}-taken", given.file_id)
        session.put(EDITOR, session.get(EDITOR, 0) + 1)  # a new table, which shows them
        for row in rows:
            if row.file in found:
                session.keep_reference_label(_place(row), found[row.file])
        st.rerun()
    st.caption(tn("{n} of {all} file has its label.", "{n} of {all} files have their label.", len(found),
                  all=len(items)))  # fmt: skip


def _agreement(rows: Sequence[Row]) -> None:
    """Say how often answer and reference standard agree, for each model that has both."""
    st.markdown(t("**Answers against the reference standard**"))
    by_card = {card.id: card for row in rows if (card := _card(row))}
    shown = False
    for card in by_card.values():
        own = [row for row in rows if (found := _card(row)) and found.id == card.id]
        share = count_worklist_agreement(own)
        if not share.n:
            continue
        shown = True
        st.metric(t("{title}: accuracy", title=t(card.title)), measures.format_measure(share.right / share.n, "%"))
        said = [
            t(
                "{right} of {n} right, 95 % interval {interval} (Wilson)",
                right=share.right, n=share.n,
                interval=measures.format_interval({"low": share.low, "high": share.high}, "%"),
            )
        ]  # fmt: skip
        if refused := sum(row.outcome is not None and row.outcome.abstained and bool(row.reference) for row in own):
            said.append(tn("{n} without an answer left out", "{n} without an answer left out", refused))
        if unknown := sum(bool(row.reference) and row.reference not in list_worklist_labels(card) for row in own):
            said.append(tn("{n} label is none of the model's", "{n} labels are none of the model's", unknown))
        st.caption(" · ".join(said))
    if not shown:
        st.caption(t("Type the true labels into the table, or load them, to see how often the answers are right."))


def _downloads(rows: Sequence[Row]) -> None:
    """Offer the table and one report of all answers."""
    with st.container(horizontal=True, vertical_alignment="center"):
        named = st.toggle(
            t("With file names"), key="results-named", persist_state="session",
            help=t("A name can identify a patient. Without them, files are named by their hash."),
        )  # fmt: skip
        st.download_button(
            t("Table as CSV"), audit_export(lambda: export_worklist(rows, named=named), TABLE), TABLE, "text/csv",
            icon=":material/table:", on_click="ignore",
        )  # fmt: skip
        read_first.offer_readings("readings-all", named=named)
    read_first.say_agreement_of_every_reader()
    answered = [_answered(row.file, row.outcome) for row in rows if row.outcome and row.outcome.card]
    if answered:
        with st.expander(t("Report"), icon=":material/description:", key="report-worklist"):
            report.offer_report_of_all("worklist", answered)


def _answered(file: str, said: Outcome) -> Answered:
    """Return how to answer a line of the table again, for the report."""
    item = next(item for item in session.list_queue() if item.sha256 == file)
    key, origin, simulated = f"{said.sha256}-{said.frame}-{said.card}", item.origin, report.is_simulated(item)
    for noted in session.list_answers_for_report(said.task):
        if (noted.file, noted.key) == (file, key):
            return noted

    def again() -> Case:
        image = item.read()
        seen = image.crop(said.box) if said.box else image
        method = kind_of_card(models.card(said.card)).explained_by
        return Case(
            seen, models.predict(seen, said.card, frame=said.frame, explain=method),
            None, None, simulated, origin,
        )  # fmt: skip

    return Answered(file, key, again)
