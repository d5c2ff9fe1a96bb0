"""What was dropped, put on the table: images each for themselves, a study of an implant's motion on its own page.

What is left out is said once, above the page, in a sentence; the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import streamlit as st

import models
from dashboard import session
from dashboard.case import pages
from dashboard.case.states import escape_markdown
from dashboard.i18n import t, tn
from dashboard.session import Item

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

    from models.io.intake import Entry, Intake

SAID, PAGE = "left-out-said", "open-page"
"""Keys: what is said of the last drop, and the address of the page that is open."""
MOST_SAID = 3
"""Files that are named one by one."""


def follow_open_page(shown: StreamlitPage, listed: Iterable[StreamlitPage]) -> None:
    """Take note of the page that is open, and open the one that was asked for, if any."""
    session.put(PAGE, shown.url_path)
    page = session.find_bound_page()
    found = next((one for one in listed if one.url_path == page), None)
    if found and page != shown.url_path:
        st.switch_page(found)


def say_what_was_left_out() -> None:
    """Say once, above the page, what of the last drop was left out, and why."""
    said: list[str] = session.get(SAID) or []
    if said:
        with st.container(key="left-out", border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall"):
                for one in said:
                    st.caption(f":material/info: {escape_markdown(one)}")
            st.button("", icon=":material/close:", key="left-out-close", type="tertiary", help=t("Close"),
                      on_click=session.put, args=(SAID, []))  # fmt: skip


def take_drop() -> None:
    """Put what the uploader brought on the table; a study of an implant's motion opens its page."""
    files = session.list_uploads()
    if not files:
        return
    session.touch_stage()  # who drops something is there
    taken = models.intake(files)
    say_left_out(taken)
    motion = taken.study or _frames(taken.entries)
    if motion:
        task, page = pages.find_page_of_studies()
        page.take(motion, taken.second)
        session.go_to(task)
    else:
        put_on_table(taken.entries)
    session.forget_uploads()


def say_left_out(taken: Intake) -> None:
    """Have it said above the page, once, what of a drop could not be used."""
    session.put(SAID, [*_left_out(taken)])


def put_on_table(entries: Sequence[Entry]) -> list[str]:
    """Put images on the table, look at the first of them, and return the hashes of those that are there."""
    put = [session.put_in_queue(_item(one)) for one in entries[: session.QUEUE_FILES]]
    there = {item.sha256 for item in session.list_queue()}
    kept = [sha256 for sha256 in put if sha256 in there]
    if kept:
        session.select_file(kept[0])
    return kept


def _item(entry: Entry) -> Item:
    if len(entry.members) == 1:
        return Item(entry.name, entry.members[0], entry.sha256)
    return Item(entry.name, b"", entry.sha256, members=entry.members)


def _frames(entries: Sequence[Entry]) -> tuple[tuple[str, bytes], ...]:
    """Return images as frames of the sequence whose other files are on the page that is open, waiting for them."""
    task, page = pages.find_page_of_studies()
    if session.get(PAGE) != task or not page.awaits():
        return ()
    return tuple((one.name, data) for one in entries for data in one.members)


def _left_out(taken: Intake) -> Iterator[str]:
    """Say in a sentence each what could not be opened, and in one what is no image."""
    for problem in taken.problems[:MOST_SAID]:
        yield f"{t(problem.file or '')}: {t(problem.problem)}. {t(problem.fix)}"
    if more := len(taken.problems[MOST_SAID:]):
        yield tn("{n} more file cannot be opened.", "{n} more files cannot be opened.", more)
    if taken.others:
        names = ", ".join(taken.others[:MOST_SAID])
        if len(taken.others) > MOST_SAID:
            names += ", …"
        yield tn(
            "{n} file is no image and was left out: {names}.", "{n} files are no images and were left out: {names}.",
            len(taken.others), names=names,
        )  # fmt: skip
    if len(taken.entries) > session.QUEUE_FILES:
        yield t(
            "{n} images were dropped; the first {most} are on the table.",
            n=len(taken.entries), most=session.QUEUE_FILES,
        )  # fmt: skip
