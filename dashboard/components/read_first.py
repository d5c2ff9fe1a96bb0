"""Read first: the answer stays hidden until the reader has committed to a label; then both stand side by side.

An answer that was on the screen before the reader committed never counts, whether the mode was on then or not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from dashboard import session
from dashboard.components.states import plain
from dashboard.language import later, t
from dashboard.measures import text
from models import DISCLAIMER, Card, Classification
from models.trust.agreement import FEWEST, Reading, agreement

SURE = (later("Guess"), later("Fairly sure"), later("Sure"))


def toggle() -> None:
    """Let the reader turn the mode on."""
    st.toggle(
        t("Read first"), key="read-first", persist_state="session",
        help=t("Hides the model's answer until you have committed to yours, and counts how often you agree."),
    )  # fmt: skip


def hidden(prediction: Classification) -> bool:
    """Return whether the answer must stay hidden; where not, it counts as seen from here on."""
    if session.get("read-first") and not session.revealed(prediction):
        return True
    session.reveal(prediction)
    return False


def ask(prediction: Classification, card: Card) -> None:
    """Ask for the reader's label; committing reveals the answer."""
    with st.container(border=True, key="reading"):
        st.markdown(t("**What do you see?**"))
        st.caption(t("The model has answered. Its answer is shown when you have committed to yours."))
        suffix = f"{prediction.sha256[:12]}-{prediction.frame}-{card.id}"
        names = {label.key: plain(t(label.name)) for label in card.labels}
        label = st.radio(
            t("Your label"), list(names), index=None, key=f"reader-{suffix}", format_func=names.get,
            captions=[plain(t(label.definition)) for label in card.labels], label_visibility="collapsed",
        )  # fmt: skip
        sure = st.segmented_control(
            t("How sure are you? (optional)"), SURE, format_func=t, key=f"sure-{suffix}", width="stretch"
        )
        st.button(
            t("Commit"), type="primary", icon=":material/lock:", width="stretch", disabled=label is None,
            on_click=_commit, args=(prediction, label, sure),
        )  # fmt: skip


def compare(prediction: Classification, card: Card) -> None:
    """Show the commitment beside the answer, and the agreement of the session; nothing while the mode is off."""
    if not session.get("read-first"):
        return
    reading = session.reading(prediction)
    with st.container(border=True, key="agreement"):
        if reading is None:
            st.caption(t(":material/visibility: This answer was on the screen before: a reading would not count."))
        else:
            _side_by_side(reading, card)
        _session(card)


def _commit(prediction: Classification, label: str, sure: str | None) -> None:
    reading = Reading(
        sha256=prediction.sha256, frame=prediction.frame, card=prediction.card, reader=label, sure=sure,
        model=prediction.label, confidence=round(prediction.confidence, 4), abstained=prediction.abstained,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    session.commit(reading)


def _side_by_side(reading: Reading, card: Card) -> None:
    names = {label.key: plain(t(label.name)) for label in card.labels}
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
    readings = session.readings()
    found = agreement(readings, card)
    if found.share is not None:
        facts = [t("{agreed} of {n} agree ({share})", agreed=found.agreed, n=found.n, share=text(found.share, "%"))]
        if found.kappa is not None:
            facts.append(t("kappa {kappa:.2f}", kappa=found.kappa))
        if found.quadratic_kappa is not None:
            facts.append(t("quadratic kappa {quadratic_kappa:.2f}", quadratic_kappa=found.quadratic_kappa))
        if found.n < FEWEST:
            facts.append(t("kappa from {fewest} readings on", fewest=FEWEST))
        st.caption(plain(t("This session: ") + " · ".join(facts)))
    if readings:
        st.download_button(
            t("Readings"), lambda: table(readings), "ortholens-readings.csv", "text/csv", icon=":material/table:",
            on_click="ignore", help=t("Every reading of this session as CSV; files are named by their hash alone."),
        )  # fmt: skip


def table(readings: Sequence[Reading]) -> bytes:
    """Return the readings as CSV, without the names of files."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["sha256", "frame", "card", "reader_label", "reader_sure", "model_label", "model_confidence",
                   "agreed", "abstained", "time", "note"])  # fmt: skip
    for r in readings:
        agreed = "" if r.agreed is None else str(r.agreed).lower()
        rows.writerow([r.sha256, r.frame, r.card, r.reader, r.sure or "", r.model, r.confidence,
                       agreed, str(r.abstained).lower(), r.time, DISCLAIMER])  # fmt: skip
    return out.getvalue().encode()
