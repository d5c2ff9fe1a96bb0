"""The files on the table, the one looked at, and the values of widgets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

import models
from dashboard.session import work
from models import Image
from models.settings import settings

T = TypeVar("T")

QUEUE_FILES = 32
"""Files kept; the oldest go first. Their bytes together stay under `max_file_mb`."""

SEARCH = "search-"
"""What the names of jobs begin with that only matter while their file is looked at."""


@dataclass(frozen=True)
class Item:
    """One image in the queue: a file, or the slices of a series.

    Attributes
    ----------
    data
        The file's bytes; empty where there are slices.
    sha256
        Of the file, or of all slices.
    origin
        Where a case comes from ("Simulated", or an attribution); empty for a file of the user.
    task
        The page that the case belongs to; None: the user decides.
    members
        The bytes of each slice of a series, in their order; empty for a file.
    """

    name: str
    data: bytes = field(repr=False)
    sha256: str
    origin: str = ""
    task: str | None = None
    members: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return len(self.data) + sum(map(len, self.members))

    def read(self) -> Image:
        """Return it as an image.

        Raises
        ------
        InputError
            As `models.read`.
        """
        return models.read_series(self.members, self.name) if self.members else models.read(self.data, self.name)

    def file_of(self, frame: int, frames: int) -> bytes:
        """Return the file that a frame comes from; nothing where a slice that cannot be read makes that unsure."""
        if not self.members:
            return self.data
        return self.members[frame] if len(self.members) == frames else b""


def list_queue() -> tuple[Item, ...]:
    """Return the files of this session, the oldest first."""
    return tuple(_files().values())


def find_selected_file() -> Item | None:
    """Return the file that the pages look at: one of the table, else the example that the page opened with."""
    return _files().get(st.session_state.get("selected", "")) or st.session_state.get("example")


def is_example(item: Item) -> bool:
    """Whether a file is a page's own example, and not on the table."""
    return item.sha256 not in _files()


def open_example(item: Item | None) -> None:
    """Let the page that is drawn look at an example while no file of the table is chosen; None ends that."""
    st.session_state["example"] = item


def unselect_file() -> None:
    """Look at no file of the table."""
    st.session_state["selected"] = ""
    settle_arrival()


def add_to_queue(name: str, data: bytes, *, origin: str = "", task: str | None = None) -> str:
    """Put a file at the end of the queue, let the oldest go where it is full, and return the file's sha256."""
    return put_in_queue(Item(name, data, hashlib.sha256(data).hexdigest(), origin, task))


def put_in_queue(item: Item) -> str:
    """Put an image at the end of the queue, let the oldest go where it is full, and return its sha256."""
    files = _files()
    files.pop(item.sha256, None)
    files[item.sha256] = item
    while len(files) > 1 and _overfull(files):
        files.pop(next(iter(files)))
    return item.sha256


def select_file(sha256: str) -> None:
    """Look at another file of the queue; a search of the one that was looked at ends."""
    if sha256 != st.session_state.get("selected"):
        work.stop_all_work(unless=lambda name: not name.startswith(SEARCH))
    st.session_state["selected"] = sha256
    st.session_state["arrived"] = True


def remove_from_queue(sha256: str) -> None:
    """Take a file out of the queue; where it was the one looked at, its neighbour takes its place."""
    files = _files()
    before = list(files)
    files.pop(sha256)
    work.stop_all_work(unless=lambda name: sha256 not in name)
    if st.session_state.get("selected") == sha256:
        place = before.index(sha256)
        st.session_state["selected"] = next(iter([*before[place + 1 :], *reversed(before[:place])]), "")


def name_uploader(what: str = "uploader") -> str:
    """Return the key of an uploader that is empty: its files go to where they are needed as soon as they are in.

    Parameters
    ----------
    what
        Which it is; the one that is called "uploader" is the door for everything that is dropped.
    """
    return f"{what}-{st.session_state.setdefault('uploads', {}).setdefault(what, 0)}"


def list_uploads(what: str = "uploader") -> list[tuple[str, bytes]]:
    """Return the names and contents of the files that an uploader has, each once; none of one that was forgotten.

    They are to be taken in the body of a run, and forgotten last: a run that begins meanwhile lets the body begin anew,
    but breaks off a callback where it next looks into the session, and never calls it again (`SafeSessionState`).
    """
    files = [file for key in _list_keys(what) for file in _list_files(key)]
    return list(dict.fromkeys((file.name, file.getvalue()) for file in files))  # the door may hand one over twice


def forget_uploads(what: str = "uploader") -> None:
    """Let go of an uploader's files, which are somewhere else by now, and have an empty one drawn in its place."""
    taken = [key for key in _list_keys(what) if _list_files(key)]
    if context := get_script_run_ctx():
        assert isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager)  # Streamlit has no other
        for file in (file for key in taken for file in _list_files(key)):
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    for key in taken:
        del st.session_state[key]
    counts = st.session_state.setdefault("uploads", {})
    counts[what] = max([counts.get(what, 0), *(1 + _number(key) for key in taken)])


def _list_keys(what: str) -> list[str]:
    """Return the keys of an uploader's numbers that the session knows: the page may have drawn the next one since."""
    keys = [key for key in st.session_state if isinstance(key, str) and re.fullmatch(rf"{what}-\d+", key)]
    return sorted(keys, key=_number)


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])


def _list_files(key: str) -> list[UploadedFile]:
    return [file for file in st.session_state.get(key) or () if isinstance(file, UploadedFile)]


def go_to(page: str) -> None:
    """Open another page with the next run."""
    st.session_state["bound"] = page


def find_bound_page() -> str | None:
    """Return, once, the page that is to be opened."""
    page: str | None = st.session_state.pop("bound", None)
    return page


def note_visited_page(task: str) -> None:
    """Remember the task's page as the one where the next file is answered."""
    st.session_state["visited"] = task


def has_arrived() -> bool:
    """Whether the file looked at was just dropped or chosen, and its page is still to be found."""
    return bool(st.session_state.get("arrived"))


def settle_arrival() -> None:
    """Let the file looked at stay on the page that is open."""
    st.session_state.pop("arrived", None)


def choose_card(task: str, card: str, *, by_hand: bool) -> None:
    """Let a task's page ask a card from its next run on; one chosen by hand stays where another fits better."""
    _cards()[task] = (card, by_hand)


def find_card_of_page(task: str) -> str | None:
    """Return the card that a task's page asks; None where it has not been chosen."""
    return _cards().get(task, (None, False))[0]


def find_card_chosen_by_hand(task: str) -> str | None:
    """Return the card that the reader chose for a task's page; None where they did not."""
    card, by_hand = _cards().get(task, (None, False))
    return card if by_hand else None


def was_looked_at(image: str, card: str) -> bool:
    """Whether a page has shown an image with a card's answer before."""
    return (image, card) in st.session_state.get("looked-at", ())


def note_looked_at(image: str, card: str) -> None:
    """Take note that a card has answered an image."""
    st.session_state.setdefault("looked-at", set()).add((image, card))


def open_case(path: Path, task: str, origin: str) -> None:
    """Put a case of the gallery into the queue and go to its page."""
    select_file(add_to_queue(path.name, path.read_bytes(), origin=origin, task=task))


def put(key: str, value: Any) -> None:
    """Set a widget's value before it is drawn, or from a callback."""
    st.session_state[key] = value


@overload
def get(key: str) -> Any: ...
@overload
def get(key: str, default: T) -> T: ...
def get(key: str, default: Any = None) -> Any:
    """Return the value of a widget."""
    return st.session_state.get(key, default)


def keep_in_session(key: str, new: Callable[[], T]) -> T:
    """Return what this session keeps under a key, begun where it is first asked for."""
    there: T = st.session_state.setdefault(key, new())
    return there


def take_selection(key: str, take: Callable[[Mapping[str, Any]], None]) -> None:
    """Give what was selected in a chart to `take`; nothing where everything was forgotten in between."""
    chart = st.session_state.get(key)
    if chart is not None:
        take(chart["selection"])


def _files() -> dict[str, Item]:
    return keep_in_session("files", dict)


def _cards() -> dict[str, tuple[str, bool]]:
    return keep_in_session("cards", dict)


def _overfull(files: dict[str, Item]) -> bool:
    return len(files) > QUEUE_FILES or sum(item.size for item in files.values()) > settings().max_file_mb * 2**20
