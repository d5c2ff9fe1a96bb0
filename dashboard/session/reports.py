"""Which answers were on a page, so that one report can be written of them all.

What is kept of an answer is how to make it again, never its pixels: a queue of films would not fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboard.session.table import keep_in_session, list_queue

if TYPE_CHECKING:
    from models.reporting.case import Case


@dataclass(frozen=True)
class Answered:
    """An answer that was on a page.

    Attributes
    ----------
    file
        sha256 of the file in the queue; an answer goes with its file.
    key
        Names the part, the frame, the card and the corrections.
    again
        Makes the answer again from the file's bytes, outside the session.
    """

    file: str
    key: str
    again: Callable[[], Case]


def note_answer_for_report(task: str, answered: Answered) -> None:
    """Remember that an answer is on the page of a task; the one that was looked at last counts for a file's frame."""
    _notes(task)[answered.file, answered.key] = answered


def list_answers_for_report(task: str) -> tuple[Answered, ...]:
    """Return the answers of a page whose files are still in the queue, in the order of the queue."""
    files = [item.sha256 for item in list_queue()]
    there = [answered for answered in _notes(task).values() if answered.file in files]
    return tuple(sorted(there, key=lambda answered: files.index(answered.file)))


def find_typed_text(key: str) -> dict[str, str]:
    """Return where the text of a field is kept, for work that runs outside the session and must have the latest."""
    return keep_in_session(f"typed-{key}", dict)


def _notes(task: str) -> dict[tuple[str, str], Answered]:
    return keep_in_session(f"answered-{task}", dict)
