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
from dashboard.case.polling import poll_every
from dashboard.i18n import later, t, tn
from dashboard.session import Item
from models import OrthoLensError
from models.audit_log import record
from models.errors import Cancelled
from models.jobs import Job
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
ASKING, OPENING, SENDING = "archive-asking", "archive-opening", "archive-sending"
"""Names of work that waits for the archive beside the page."""
DOING = {
    ASKING: later("Asking the archive…"), OPENING: later("Fetching the series…"),
    SENDING: later("Answering, and storing what is said…"),
}  # fmt: skip
POLL_S = 0.5


def show_archive_page() -> None:
    """Draw the page."""
    _take()
    session.settle_arrival()
    st.header(t("Archive"), anchor=False)
    host = urlsplit(settings().archive_url).hostname or ""
    st.markdown(t("Images of the archive at {host}, and the way back for their answers.", host=host))
    _ask()
    for name in DOING:
        if (job := session.find_job(name)) and job.running:
            poll_every(POLL_S)(_follow)(name)
    problem = session.get("archive-problem")
    if problem is not None:
        states.show_error(problem)
    found: list[Series] | None = session.get(FOUND)
    if found is not None:
        _list(found)
    item = session.find_selected_file()
    if item is not None and item.sha256 in session.get(OURS, frozenset()):
        _offer(item)
    if said := session.get(SENT):
        st.markdown(f":material/info: {states.escape_markdown(t(said))}")
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
    session.put(FOUND, None)
    session.start_work(ASKING, lambda job: Archive().find(query))


def _follow(name: str) -> None:
    """Draw what is under way until it is done; who cancels does not wait for an archive that is silent."""
    job = session.find_job(name)
    if job is None or not job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/hourglass_top: {t(DOING[name])}", width="stretch")
        st.button(
            t("Cancel"), icon=":material/close:", key=f"{name}-cancel", on_click=session.forget_work, args=(name,)
        )


def _take() -> None:
    """Take what was waited for: the series that match, the files of one, or what is said of a sending."""
    for name in DOING:
        if (job := session.find_job(name)) is None or job.running:
            continue
        session.forget_work(name)
        if job.error and name == SENDING:
            session.put(SENT, f"{t(job.error.problem)}. {t(job.error.fix)}")
        elif job.error:
            session.put("archive-problem", job.error)
        elif name == ASKING:
            session.put(FOUND, job.result)
        elif name == SENDING:
            session.put(SENT, job.result)
        elif job.result is not None:
            _put_on_table(job.result)
            st.rerun()  # the queue beside the page was drawn without it


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
    """Fetch a series; it is then put on the table, and its page answers it."""
    session.put("archive-problem", None)
    session.put(SENT, None)
    session.start_work(OPENING, lambda job: (series, Archive().fetch(series.study, series.series)))


def _put_on_table(fetched: tuple[Series, list[bytes]]) -> None:
    series, files = fetched
    name = "-".join(filter(None, ("archive", series.day, series.modality, series.body_part)))
    taken = models.intake([(f"{name}-{number}.dcm", data) for number, data in enumerate(files, 1)])
    put = drop.put_on_table(taken.entries)
    session.put(OURS, session.get(OURS, frozenset()) | set(put))
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


def _send(item: Item, card: str) -> None:
    """Answer a file by a model, keep what is stored of it, and try to store it, beside the page."""
    session.put(SENT, None)
    session.start_work(SENDING, lambda job: _store(job, item, card))


def _store(job: Job[str], item: Item, card: str) -> str:
    files = item.members or (item.data,)
    objects = answer_file(files[len(files) // 2], [card])  # of slices the middle one
    if job.stopped():  # nothing leaves once it was cancelled
        raise Cancelled(later("it was stopped"), fix=later("Start it again to see its result."))
    target = settings().archive_url
    spool = Spool(settings().spool_dir)
    record("export", file="archive", sha256=item.sha256, card=card)
    spool.put_out(objects, target)
    if not (stored := spool.deliver(Archive().store, target)):
        return later("The archive has them already, or they wait.")
    return later("{n} of {all} objects are stored in the study.", n=min(stored, len(objects)), all=len(objects))


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
    """Try to store what waits, beside the page."""
    session.put(SENT, None)
    session.start_work(SENDING, lambda job: _deliver())


def _deliver() -> str:
    spool = Spool(settings().spool_dir)
    spool.retry()
    return later("{n} objects that waited are stored.", n=spool.deliver(Archive().store, settings().archive_url))


def _day(text: str) -> str:
    """Return a DICOM date as the reader's eye takes it; nothing for none."""
    try:
        return f"{datetime.strptime(text, '%Y%m%d'):%Y-%m-%d}"
    except ValueError:
        return ""
