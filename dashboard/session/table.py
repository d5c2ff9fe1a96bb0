"""The files on the table, the one looked at, and the values of widgets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.session import work
from models.settings import settings

QUEUE_FILES = 32
"""Files kept; the oldest go first. Their bytes together stay under `max_file_mb`."""

SEARCH = "search-"
"""What the names of jobs begin with that only matter while their file is looked at."""


@dataclass(frozen=True)
class Item:
    """One file in the queue.

    Attributes
    ----------
    origin
        Where a case comes from ("Simulated", or an attribution); empty for a file of the visitor.
    task
        The page that the case belongs to; None: the visitor decides.
    """

    name: str
    data: bytes = field(repr=False)
    sha256: str
    origin: str = ""
    task: str | None = None


def queue() -> tuple[Item, ...]:
    """Return the files of this session, the oldest first."""
    return tuple(_files().values())


def selected() -> Item | None:
    """Return the file that the pages look at."""
    return _files().get(st.session_state.get("selected", ""))


def add(name: str, data: bytes, *, origin: str = "", task: str | None = None) -> str:
    """Put a file at the end of the queue, let the oldest go where it is full, and return the file's sha256."""
    item = Item(name, data, hashlib.sha256(data).hexdigest(), origin, task)
    files = _files()
    files.pop(item.sha256, None)
    files[item.sha256] = item
    while len(files) > 1 and _overfull(files):
        files.pop(next(iter(files)))
    return item.sha256


def select(sha256: str) -> None:
    """Look at another file of the queue; a search of the one that was looked at ends."""
    if sha256 != st.session_state.get("selected"):
        work.drop(unless=lambda name: not name.startswith(SEARCH))
    st.session_state["selected"] = sha256
    st.session_state["arrived"] = True


def remove(sha256: str) -> None:
    """Take a file out of the queue; where it was the one looked at, its neighbour takes its place."""
    files = _files()
    before = list(files)
    files.pop(sha256)
    work.drop(unless=lambda name: sha256 not in name)
    if st.session_state.get("selected") == sha256:
        place = before.index(sha256)
        st.session_state["selected"] = next(iter([*before[place + 1 :], *reversed(before[:place])]), "")


def uploader_key() -> str:
    """Return the key of an uploader that is empty: its files move to the queue as soon as they are in."""
    return f"uploader-{st.session_state.setdefault('uploads', 0)}"


def take_uploads(key: str) -> None:
    """Move an uploader's files into the queue and select the first; none come from one that was just forgotten.

    Parameters
    ----------
    key
        Of the uploader that has them: the page may have drawn the next one since.
    """
    files = [file for file in st.session_state.get(key) or () if isinstance(file, UploadedFile)]
    arrived = [add(file.name, file.getvalue()) for file in files]
    if arrived:
        st.session_state["uploads"] = max(st.session_state.get("uploads", 0), int(key.rpartition("-")[2]) + 1)
        select(next(sha256 for sha256 in arrived if sha256 in _files()))


def visit(task: str) -> None:
    """Remember the task's page as the one where the next file is answered."""
    st.session_state["visited"] = task


def arrived() -> bool:
    """Whether the file looked at was just dropped or chosen, and its page is still to be found."""
    return bool(st.session_state.get("arrived"))


def settle() -> None:
    """Let the file looked at stay on the page that is open."""
    st.session_state.pop("arrived", None)


def choose_card(task: str, card: str, *, by_hand: bool) -> None:
    """Let a task's page ask a card from its next run on; one chosen by hand stays where another fits better."""
    st.session_state.setdefault("cards", {})[task] = (card, by_hand)


def card_of(task: str) -> str | None:
    """Return the card that a task's page asks; None where it has not been chosen."""
    return st.session_state.get("cards", {}).get(task, (None, False))[0]


def card_by_hand(task: str) -> str | None:
    """Return the card that the reader chose for a task's page; None where they did not."""
    card, by_hand = st.session_state.get("cards", {}).get(task, (None, False))
    return card if by_hand else None


def looked_at(image: str, card: str) -> bool:
    """Whether a page has shown an image with a card's answer before."""
    return (image, card) in st.session_state.get("looked-at", ())


def look_at(image: str, card: str) -> None:
    """Take note that a card has answered an image."""
    st.session_state.setdefault("looked-at", set()).add((image, card))


def open_case(path: Path, task: str, origin: str) -> None:
    """Put a case of the gallery into the queue and go to its page."""
    select(add(path.name, path.read_bytes(), origin=origin, task=task))


def put(key: str, value: Any) -> None:
    """Set a widget's value before it is drawn, or from a callback."""
    st.session_state[key] = value


def get(key: str, default: Any = None) -> Any:
    """Return the value of a widget."""
    return st.session_state.get(key, default)


def selection(key: str, take: Callable[[Mapping[str, Any]], None]) -> None:
    """Give what was selected in a chart to `take`; nothing where everything was forgotten in between."""
    chart = st.session_state.get(key)
    if chart is not None:
        take(chart["selection"])


def _files() -> dict[str, Item]:
    return st.session_state.setdefault("files", {})


def _overfull(files: dict[str, Item]) -> bool:
    return len(files) > QUEUE_FILES or sum(len(item.data) for item in files.values()) > settings().max_file_mb * 2**20
