"""What is known of each file on the worklist: its thumbnail, the cards that know it, the answers, the reference labels.

Files that nobody looks at yet are looked through in a thread of the user's own, so that no page waits for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import streamlit as st

import models
from dashboard.session import answers, memo, ruler, work
from dashboard.session.first_reading import READ_FIRST, is_answer_revealed, reveal_answer
from dashboard.session.table import Item, keep_in_session, remove_from_queue
from dashboard.style import figures
from models import OrthoLensError, Triage
from models.io.worker import Crashed
from models.jobs import Job
from models.reporting.outcome import Outcome

SURVEY, ANSWERS = "survey", "answer-all"
"""Names of the jobs that look through the files, and that answer all of them."""
Found = deque[tuple[str, Outcome]]
"""sha256 of a file, and what a model said of it."""


@dataclass(frozen=True)
class Surveyed:
    """What a first look at a file found.

    Attributes
    ----------
    thumbnail
        As PNG; None where the file cannot be read, for the reason in `problem`.
    triage
        Which cards know it; None while nobody asked.
    """

    thumbnail: bytes | None = None
    triage: Triage | None = None
    problem: OrthoLensError | None = None


@dataclass
class _Survey:
    """Files that wait for a first look, and what was found: a thread takes from the one and puts into the other."""

    unseen: deque[Item] = field(default_factory=deque)
    unknown: deque[Item] = field(default_factory=deque)
    found: dict[str, Surveyed] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def run(self, job: Job[bool]) -> bool:
        """Look through the files that wait: all thumbnails first, then which cards know each."""
        while (self.unseen or self.unknown) and not job.stopped():
            step, waiting = (self._see, self.unseen) if self.unseen else (self._ask, self.unknown)
            item = waiting.popleft()
            if item.sha256 not in self.gone:
                with suppress(OrthoLensError):  # a model is missing: the page that asks it says so
                    step(item)
            if item.sha256 in self.gone:
                self.found.pop(item.sha256, None)
        return True

    def forget(self, *files: str) -> None:
        """Let go of files and of what was found of them; one that is being looked at is let go when that is done."""
        self.gone.update(files)
        for sha256 in files:
            self.found.pop(sha256, None)

    def _see(self, item: Item) -> None:
        try:
            self.found[item.sha256] = Surveyed(figures.encode_thumbnail(item.read()))
        except Crashed:  # the file may be good: its page reads it again
            self.found[item.sha256] = Surveyed()
        except OrthoLensError as problem:
            self.found[item.sha256] = Surveyed(problem=problem)
        else:
            if item.task is None:
                self.unknown.append(item)

    def _ask(self, item: Item) -> None:
        image = item.read()
        known = models.triage(image, image.first_frame).without_answers()
        self.found[item.sha256] = replace(self.found.get(item.sha256, Surveyed()), triage=known)


def survey_files(items: Sequence[Item]) -> Mapping[str, Surveyed]:
    """Return what is known of files so far, and see to it that the others are looked through beside the page."""
    state = _surveyed()
    state.gone.difference_update(item.sha256 for item in items)
    waiting = {item.sha256 for item in (*state.unseen, *state.unknown)}
    new = [item for item in items if item.sha256 not in state.found and item.sha256 not in waiting]
    for item in new:
        if known := answers.known(item):  # by the page that shows it
            state.found[item.sha256] = Surveyed(answers.draw_thumbnail_of_file(item), known)
    new = [item for item in new if item.sha256 not in state.found]
    if not is_surveying():
        state.unseen.extend(new)
        if state.unseen or state.unknown:
            work.start_work(SURVEY, state.run)
    return state.found


def is_surveying() -> bool:
    """Whether files are being looked through."""
    job = work.find_job(SURVEY)
    return job is not None and job.running


def note_answer_of_file(file: str, outcome: Outcome) -> None:
    """Take note of what a model said of a file or of a part of it; the last that was said comes last."""
    told = _outcomes().setdefault(file, {})
    told.pop(_place(outcome), None)
    told[_place(outcome)] = outcome


def list_answers_of_file(file: str) -> tuple[Outcome, ...]:
    """Return what models said of a file; while the reader reads first, only what may be on the screen."""
    said = tuple(_outcomes().get(file, {}).values())
    if st.session_state.get(READ_FIRST):
        return tuple(one for one in said if is_answer_revealed(one))
    for one in said:
        reveal_answer(one)
    return said


def answer_worklist(run: Callable[[Job[Found], Found], Found]) -> None:
    """Begin to answer files beside the page; `run` adds to it, `collect_worklist_answers` takes from it."""
    found: Found = deque()
    st.session_state["answers-found"] = found
    work.start_work(ANSWERS, lambda job: run(job, found))


def collect_worklist_answers() -> None:
    """Take what the job that answers all has found since."""
    found: Found = st.session_state.get("answers-found", deque())
    while found:
        note_answer_of_file(*found.popleft())


def find_reference_label(place: str) -> str:
    """Return the true label of a file or of a part of it, as its reader typed it; empty where it is not known."""
    return _references().get(place, "")


def keep_reference_label(place: str, label: str) -> None:
    """Keep the true label of a file or of a part of it; an empty one forgets it."""
    _references()[place] = label


def take_files_away(*files: str) -> None:
    """Take files off the table, and with them at once all that was said of them, their pixels and their pictures."""
    for sha256 in files:
        remove_from_queue(sha256)
        _outcomes().pop(sha256, None)
        for place in [place for place in _references() if place.startswith(sha256)]:
            _references().pop(place)
    _surveyed().forget(*files)
    ruler.forget_rulers(*files)
    memo.free_answers(*files)


def _place(outcome: Outcome) -> tuple[str, int, str]:
    return outcome.sha256, outcome.frame, outcome.card


def _surveyed() -> _Survey:
    return keep_in_session("surveyed", _Survey)


def _outcomes() -> dict[str, dict[tuple[str, int, str], Outcome]]:
    return keep_in_session("outcomes", dict)


def _references() -> dict[str, str]:
    return keep_in_session("references", dict)
