"""The page Archive: a query, the series that match, and the answer of a file that came from there, sent back.

Nobody is named: a series is told by its day, its kind and its part of the body. What is sent waits on disk until the
archive has it (`models.pacs.spool`).
"""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit

import streamlit as st

import models
from dashboard import session
from dashboard.case import drop, states
from dashboard.i18n import t, tn
from dashboard.session import Item
from models import OrthoLensError
from models.audit_log import record
from models.pacs.answering import answer_file
from models.pacs.archive import Archive, Query, Series
from models.pacs.spool import Spool
from models.settings import settings

FOUND, OURS, SENT = "archive-found", "archive-files", "archive-sent"
"""Keys: what the last query found, the hashes of files that came from the archive, and what was said of the sending."""
MODALITY, PART = "DX", "KNEE"
"""Codes of DICOM, as examples."""
MOST = 25
"""Series that are listed."""


def show_archive_page() -> None:
    """Draw the page."""
    session.settle_arrival()
    st.header(t("Archive"), anchor=False)
    host = urlsplit(settings().archive_url).hostname or ""
    st.markdown(t("Images of the archive at {host}, and the way back for their answers.", host=host))
    _ask()
    problem = session.get("archive-problem")
    if problem is not None:
        states.show_error(problem)
    found: list[Series] | None = session.get(FOUND)
    if found is not None:
        _list(found)
    item = session.find_selected_file()
    if item is not None and item.sha256 in session.get(OURS, frozenset()):
        _offer(item)
    _say_waiting()


def _ask() -> None:
    """Draw the query."""
    with st.form("archive-query", border=True), st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.date_input(t("Days"), value=[], key="archive-days", max_value=date.today())
        modality = st.text_input(t("Modality"), placeholder=MODALITY, key="archive-modality", max_chars=16)
        part = st.text_input(t("Body part"), placeholder=PART, key="archive-part", max_chars=16)
        accession = st.text_input(t("Accession number"), key="archive-accession", max_chars=16)
        asked = st.form_submit_button(t("Find"), icon=":material/search:", type="primary")
    if not asked:
        return
    ends = days if isinstance(days, tuple) else (days,)
    query = Query(ends[0] if ends else None, ends[-1] if ends else None, modality.upper(), part.upper(), accession)
    session.put("archive-problem", None)
    try:
        with st.spinner(t("Asking the archive…")):
            session.put(FOUND, Archive().find(query))
    except OrthoLensError as problem:
        session.put("archive-problem", problem)
        session.put(FOUND, None)


def _list(found: list[Series]) -> None:
    """Draw the series, newest first."""
    st.subheader(tn("{n} series", "{n} series", len(found)), anchor=False)
    if not found:
        st.caption(t("Nothing matches. Leave a field empty to widen the query."))
    for number, one in enumerate(found[:MOST]):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            images = tn("{n} image", "{n} images", one.images) if one.images else ""
            said = " · ".join(filter(None, (_day(one.day), one.modality, one.body_part, images)))
            st.markdown(states.escape_markdown(said))
            st.button(t("Open"), key=f"archive-open-{number}", on_click=_open, args=(one,), icon=":material/download:")
    if len(found) > MOST:
        st.caption(t("The first {most} are shown. Narrow the query to see others.", most=MOST))


def _open(series: Series) -> None:
    """Fetch a series, and put it on the table; its page answers it."""
    try:
        files = Archive().fetch(series.study, series.series)
    except OrthoLensError as problem:
        session.put("archive-problem", problem)
        return
    name = "-".join(filter(None, ("archive", series.day, series.modality, series.body_part)))
    taken = models.intake([(f"{name}-{number}.dcm", data) for number, data in enumerate(files, 1)])
    put = drop.put_on_table(taken.entries)
    session.put(OURS, session.get(OURS, frozenset()) | set(put))
    session.put(SENT, None)
    if not put:
        session.put(SENT, t("This series holds no image."))


def _offer(item: Item) -> None:
    """Offer to send the answer of a model about the file that is open."""
    st.subheader(t("Send the answer back"), anchor=False)
    names = {card.id: t(card.title) for card in models.cards().values() if card.members}
    visited = session.get("visited")
    first = session.find_card_of_page(visited) if visited else None
    index = list(names).index(first) if first in names else None
    with st.container(border=True):
        st.markdown(states.escape_markdown(item.name))
        chosen = st.selectbox(
            t("Model"), list(names), index, format_func=lambda key: names.get(key, key), key="archive-card",
            placeholder=t("Choose a model"),
        )  # fmt: skip
        st.caption(t("Stored in the same study: a report (SR, PDF), a picture and, of tissue, a segmentation."))
        if item.members:
            st.caption(t("Of slices, the middle one is answered."))
        st.button(
            t("Send"), key="archive-send", type="primary", icon=":material/upload:", disabled=chosen is None,
            on_click=_send, args=(item, chosen),
        )  # fmt: skip
    if said := session.get(SENT):
        st.markdown(f":material/info: {states.escape_markdown(said)}")


def _send(item: Item, card: str) -> None:
    """Answer a file by a model, keep what is stored of it, and try to store it."""
    files = item.members or (item.data,)
    session.name_user_of_thread()
    try:
        objects = answer_file(files[len(files) // 2], [card])  # of slices the middle one
        target = settings().archive_url
        spool = Spool(settings().spool_dir)
        record("export", file="archive", sha256=item.sha256, card=card)
        spool.put_out(objects, target)
        stored = spool.deliver(Archive().store, target)
    except OrthoLensError as problem:
        session.put(SENT, f"{t(problem.problem)}. {t(problem.fix)}")
        return
    done = t("{n} of {all} objects are stored in the study.", n=min(stored, len(objects)), all=len(objects))
    session.put(SENT, done if stored else t("The archive has them already, or they wait."))


def _say_waiting() -> None:
    """Say what waits for the archive, and offer to try again."""
    try:
        spool = Spool(settings().spool_dir)
    except OrthoLensError as problem:
        states.show_error(problem)
        return
    waiting = spool.count()
    if not waiting.results + waiting.given_up:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="archive-waiting"):
        st.markdown(
            t("{n} objects wait for the archive, {given} were refused.", n=waiting.results, given=waiting.given_up)
        )
        st.button(t("Try again"), key="archive-retry", on_click=_retry, icon=":material/refresh:")


def _retry() -> None:
    spool = Spool(settings().spool_dir)
    spool.retry()
    spool.deliver(Archive().store, settings().archive_url)


def _day(text: str) -> str:
    """Return a DICOM date as the reader's eye takes it; nothing for none."""
    try:
        return f"{datetime.strptime(text, '%Y%m%d'):%Y-%m-%d}"
    except ValueError:
        return ""
