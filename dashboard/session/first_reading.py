"""What a reader committed to before the answer was shown, and which answers have been on the screen.

Several readers may sit down at one screen: what one of them committed to reveals nothing to the next.
"""

from __future__ import annotations

import time
from typing import Protocol

import streamlit as st

from dashboard.session.table import keep_in_session
from models.trust.agreement import Reading

READER, READ_FIRST = "reader-name", "read-first"
"""Keys: of the field for the reader's name, and of the control that hides answers."""
EVERYBODY = None
"""Who saw an answer that stood on the screen while nobody read first."""

Identity = tuple[str, int, str]


class Identified(Protocol):
    """An answer, as far as it can be told from others."""

    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def frame(self) -> int: ...  # noqa: D102
    @property
    def card(self) -> str: ...  # noqa: D102


def find_reader() -> str:
    """Return who reads now, by name or initials; empty where nobody said."""
    return (st.session_state.get(READER) or "").strip()


def commit_reading(reading: Reading, file: str = "") -> None:
    """Keep what a reader committed to; its answer may be shown to that reader from now on."""
    _readings()[*_identity(reading), reading.by] = reading
    st.session_state.setdefault("files-read", set()).add((file, reading.card, reading.by))


def has_read(file: str, card: str) -> bool:
    """Whether the reader committed to a label of a file, by its sha256, or of a part of it."""
    return (file, card, find_reader()) in st.session_state.get("files-read", set())


def find_reading(prediction: Identified) -> Reading | None:
    """Return what the reader committed to before this answer was shown."""
    return _readings().get((*_identity(prediction), find_reader()))


def list_readings() -> tuple[Reading, ...]:
    """Return every reading of this session, by all of its readers, the oldest first."""
    return tuple(_readings().values())


def reveal_answer(prediction: Identified) -> None:
    """Remember that an answer is on the screen."""
    who = find_reader() if st.session_state.get(READ_FIRST) else EVERYBODY
    _seen().add((_identity(prediction), who))


def is_answer_revealed(prediction: Identified) -> bool:
    """Whether an answer was on the reader's screen, or was committed to and may be."""
    identity = _identity(prediction)
    return (
        not {(identity, EVERYBODY), (identity, find_reader())}.isdisjoint(_seen())
        or find_reading(prediction) is not None
    )


def asked_since(prediction: Identified) -> float:
    """Return since how many seconds the reader has been asked about an image; 0 the first time."""
    begun: dict[tuple[Identity, str], float] = keep_in_session("asked", dict)
    return time.monotonic() - begun.setdefault((_identity(prediction), find_reader()), time.monotonic())


def _identity(prediction: Identified) -> Identity:
    return prediction.sha256, prediction.frame, prediction.card


def _readings() -> dict[tuple[str, int, str, str], Reading]:
    return keep_in_session("readings", dict)


def _seen() -> set[tuple[Identity, str | None]]:
    return keep_in_session("seen", set)
