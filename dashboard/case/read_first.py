"""Read first: the answer stays hidden until the reader has committed to a label; then both stand side by side.

An answer that was on the screen before the reader committed never counts, whether the mode was on then or not. As in a
reader study, committing goes on to the next film, and the answers are compared at the end; a reader who would rather
learn sees each at once. Several readers can follow each other: each has readings of their own, and one table holds all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

import models
from dashboard import session
from dashboard.case.measures import format_measure
from dashboard.case.offer import audit_export
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from dashboard.session import Item
from models import DISCLAIMER, Card, Classification
from models.answers.worklist import disarm_formula
from models.trust.agreement import FEWEST, Reading, count_reader_agreement

READINGS = "ortholens-readings.csv"
AFTER_EACH = "read-first-after-each"
"""Key: whether the model's answer is shown after each film, and not at the end."""
SURE = (later("Guess"), later("Fairly sure"), later("Sure"))


def draw_read_first_toggle() -> None:
    """Let the reader turn the mode on."""
    st.toggle(
        t("Read first"), key="read-first", persist_state="session",
        help=t("Hides the model's answer until you have committed to yours, and counts how often you agree."),
    )  # fmt: skip


def hides_answer_until_read(prediction: Classification) -> bool:
    """Return whether the answer must stay hidden; where not, it counts as seen from here on."""
    if session.get("read-first") and not session.is_answer_revealed(prediction):
        return True
    session.reveal_answer(prediction)
    return False


def ask_reader_first(prediction: Classification, card: Card) -> None:
    """Ask for the reader's label; nothing on the page tells anything of the model's until it is committed."""
    session.asked_since(prediction)
    with st.container(border=True, key="reading"):
        st.markdown(t("**What do you see?**"))
        st.caption(_place(card))
        suffix = f"{prediction.sha256[:12]}-{prediction.frame}-{card.id}-{session.find_reader()}"
        names = {label.key: escape_markdown(t(label.name)) for label in card.labels}
        label = st.radio(
            t("Your label"), list(names), index=None, key=f"reader-{suffix}", format_func=names.get,
            captions=[escape_markdown(t(label.definition)) for label in card.labels], label_visibility="collapsed",
        )  # fmt: skip
        sure = st.segmented_control(
            t("How sure are you? (optional)"), SURE, format_func=t, key=f"sure-{suffix}", width="stretch"
        )
        st.button(
            t("Commit"), type="primary", icon=":material/lock:", width="stretch", disabled=label is None,
            on_click=_commit, args=(prediction, label, sure),
        )  # fmt: skip
        _who()


def _place(card: Card) -> str:
    """Say how many films are read, and when the model's answers are shown."""
    items = [item for item in session.list_queue() if item.task in (None, card.task)]
    done = sum(session.has_read(item.sha256, card.id) for item in items)
    when = t("The model's answer is shown when you have committed to yours.")
    if len(items) > 1 and not session.get(AFTER_EACH):
        when = t("Committing goes on to the next film; the model's answers are shown at the end, or when you go back.")
        return t("{done} of {n} films read. ", done=done, n=len(items)) + when
    return when


def _who() -> None:
    """Ask who reads, and whether the answer is shown after each film."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            t("Reader"), key=session.READER, persist_state="session", max_chars=40, width=150,
            placeholder=t("Name or initials"),
            help=t("Each reader's answers are kept apart, and hidden from the next."),
        )  # fmt: skip
        st.toggle(t("Show the answer after each film"), key=AFTER_EACH, persist_state="session")


def compare_with_reading(prediction: Classification, card: Card) -> None:
    """Show the commitment beside the answer, and the agreement of the session; nothing while the mode is off."""
    if not session.get("read-first"):
        return
    reading = session.find_reading(prediction)
    with st.container(border=True, key="agreement"):
        if reading is None:
            st.caption(t(":material/visibility: This answer was on the screen before: a reading would not count."))
        else:
            _side_by_side(reading, card)
        _session(card)


def _commit(prediction: Classification, label: str, sure: str | None) -> None:
    """Keep the reading, and go on to the next film unless its answer is wanted first."""
    item = session.find_selected_file()
    reading = Reading(
        sha256=prediction.sha256, frame=prediction.frame, card=prediction.card, reader=label, sure=sure,
        model=prediction.label, confidence=round(prediction.confidence, 4), abstained=prediction.abstained,
        time=datetime.now(UTC).isoformat(timespec="seconds"), by=session.find_reader(),
        seconds=round(session.asked_since(prediction), 1), file=item.name if item else "",
    )  # fmt: skip
    session.commit_reading(reading, item.sha256 if item else "")
    if item is not None and not session.is_example(item) and not session.get(AFTER_EACH):
        following = _following(item, prediction)
        if following is not None:
            session.select_file(following.sha256)


def _following(item: Item, prediction: Classification) -> Item | None:
    """Return the next file that the reader has not read and that may belong to the page, from the end to the front."""
    items = session.list_queue()
    at = items.index(item) + 1
    known = session.survey_files(items)
    return next(
        (
            other
            for other in (*items[at:], *items[:at])
            if other.task in (None, prediction.task)
            and not session.has_read(other.sha256, prediction.card)
            and not ((found := known.get(other.sha256)) and found.problem)
        ),
        None,
    )


def _side_by_side(reading: Reading, card: Card) -> None:
    names = {label.key: escape_markdown(t(label.name)) for label in card.labels}
    left, right = st.columns(2)
    left.markdown(t("You  \n**{label}**", label=names[reading.reader]))
    right.markdown(t("Model  \n**{label}**", label=t("No answer") if reading.abstained else names[reading.model]))
    if reading.agreed is None:
        st.badge(t("not counted: the model gave no answer"), icon=":material/block:", color="gray")
    elif reading.agreed:
        st.badge(t("You agree"), icon=":material/check:", color="green")
    else:
        st.badge(t("You differ"), icon=":material/compare_arrows:", color="orange")


def _session(card: Card) -> None:
    mine = [reading for reading in session.list_readings() if reading.by == session.find_reader()]
    if said := say_reader_agreement(mine, card):
        st.caption(escape_markdown(t("This session: ") + said))
    _who()
    offer_readings("readings-csv")


def say_reader_agreement(readings: Sequence[Reading], card: Card) -> str:
    """Say how often readers and the model agree; empty where nothing can be compared."""
    found = count_reader_agreement(readings, card)
    if found.share is None:
        return ""
    facts = [
        t("{agreed} of {n} agree ({share})", agreed=found.agreed, n=found.n, share=format_measure(found.share, "%"))
    ]
    if found.kappa is not None:
        facts.append(t("kappa {kappa:.2f}", kappa=found.kappa))
    if found.quadratic_kappa is not None:
        facts.append(t("quadratic kappa {quadratic_kappa:.2f}", quadratic_kappa=found.quadratic_kappa))
    if found.n < FEWEST:
        facts.append(t("kappa from {fewest} readings on", fewest=FEWEST))
    return " · ".join(facts)


def say_agreement_of_every_reader() -> None:
    """Say of every reader of this session how often the model agrees."""
    readings = session.list_readings()
    for by, card_id in dict.fromkeys((one.by, one.card) for one in readings):
        card = models.card(card_id)
        if said := say_reader_agreement([one for one in readings if (one.by, one.card) == (by, card_id)], card):
            st.caption(escape_markdown(t("{reader} · {title}: ", reader=by or t("Reader"), title=t(card.title)) + said))


def offer_readings(key: str, *, named: bool = False) -> None:
    """Offer the readings of all readers as one table."""
    readings = session.list_readings()
    if readings:
        st.download_button(
            t("Readings"), audit_export(lambda: tabulate_readings(readings, named=named), READINGS), READINGS,
            "text/csv",
            icon=":material/table:", on_click="ignore", key=key,
            help=t("Every reading of this session, by all of its readers, as CSV. Without file names, hashes stand."),
        )  # fmt: skip


def tabulate_readings(readings: Sequence[Reading], *, named: bool = False) -> bytes:
    """Return the readings as CSV; files are named by their hash, and by their names only where `named`."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow([*(["file"] if named else []), "sha256", "frame", "card", "reader", "reader_label", "reader_sure",
                   "seconds", "model_label", "model_confidence", "agreed", "abstained", "time", "note"])  # fmt: skip
    for r in readings:
        agreed = "" if r.agreed is None else str(r.agreed).lower()
        seconds = "" if r.seconds is None else r.seconds
        rows.writerow([*([disarm_formula(r.file)] if named else []), r.sha256, r.frame, r.card, disarm_formula(r.by),
        r.reader,
                       r.sure or "", seconds, r.model, r.confidence, agreed, str(r.abstained).lower(), r.time,
                       DISCLAIMER])  # fmt: skip
    return out.getvalue().encode()
