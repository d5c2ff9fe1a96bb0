"""What a session keeps, without a page: the table, the worklist, long work, readings, and whose turn it is."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import streamlit as st
from PIL import Image as Pillow
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

import models
from dashboard import session
from dashboard.case import drop
from dashboard.case.progress import say_how_far
from dashboard.session import answers, first_reading, left_pages, memo, reports, stage, table, work, worklist
from dashboard.session.reports import Answered
from dashboard.session.table import Item
from dashboard.session.worklist import Surveyed
from models import Image, jobs
from models.errors import Cancelled, DamagedFile
from models.io.worker import Crashed
from models.jobs import Job
from models.reporting.outcome import Outcome
from models.trust.agreement import Reading


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A session of a user without a browser."""
    kept: dict[str, Any] = {}
    leash: dict[str, Job[Any]] = {}
    monkeypatch.setattr(st, "session_state", kept)
    monkeypatch.setattr(work, "_leash", lambda: leash)
    yield kept
    for job in leash.values():
        job.stop()


def add(*names: str) -> list[str]:
    return [table.add_to_queue(f"{name}.png", name.encode()) for name in names]


def names() -> list[str]:
    return [item.name.removesuffix(".png") for item in table.list_queue()]


def test_a_file_that_comes_again_moves_to_the_end() -> None:
    a, b = add("a", "b")
    assert a == hashlib.sha256(b"a").hexdigest()
    assert add("a") == [a]
    assert names() == ["b", "a"]
    assert [item.sha256 for item in table.list_queue()] == [b, a]


def test_the_oldest_go_where_there_are_too_many_or_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "QUEUE_FILES", 3)
    add("a", "b", "c")
    assert names() == ["a", "b", "c"]
    add("d")
    assert names() == ["b", "c", "d"]
    monkeypatch.setattr(table, "settings", lambda: SimpleNamespace(max_file_mb=1))
    half = bytes(2**19)
    table.put_in_queue(Item("e", half, "e"))
    assert names() == ["d", "e"] or names() == ["c", "d", "e"]
    table.put_in_queue(Item("f", b"", "f", members=(half[1:], b"1")))  # together with the other, to the byte
    assert names()[-2:] == ["e", "f"]
    table.put_in_queue(Item("g", bytes(2**21), "g"))
    assert names() == ["g"]  # one is always kept


def test_a_series_is_as_large_as_its_slices_and_each_frame_is_one() -> None:
    series = Item("s", b"", "s", members=(b"abc", b"de"))
    assert series.size == 5
    assert [series.file_of(frame, 2) for frame in (0, 1)] == [b"abc", b"de"]
    assert series.file_of(0, 1) == b""  # a slice could not be read: which is unsure
    film = Item("f", b"film", "f")
    assert (film.size, film.file_of(3, 9)) == (4, b"film")


def test_the_next_file_takes_the_place_of_one_that_is_removed(state: dict[str, Any]) -> None:
    a, b, c = add("a", "b", "c")
    assert table.find_selected_file() is None
    table.select_file(b)
    assert table.has_arrived()
    table.settle_arrival()
    assert not table.has_arrived()
    table.remove_from_queue(b)
    assert state["selected"] == c
    table.remove_from_queue(c)
    assert state["selected"] == a  # no next: the one before
    table.select_file("")
    add("d")
    table.remove_from_queue(a)
    assert state["selected"] == ""  # it was not looked at


def test_an_example_is_looked_at_while_nothing_else_is() -> None:
    example = Item("x", b"x", "x")
    table.open_example(example)
    assert table.find_selected_file() is example
    assert table.is_example(example)
    (a,) = add("a")
    table.select_file(a)
    assert table.find_selected_file() == table.list_queue()[0]
    assert not table.is_example(table.list_queue()[0])
    table.unselect_file()
    assert table.find_selected_file() is example
    assert not table.has_arrived()


def test_a_card_that_was_chosen_by_hand_stays() -> None:
    assert (table.find_card_of_page("t"), table.find_card_chosen_by_hand("t")) == (None, None)
    table.choose_card("t", "one", by_hand=False)
    assert (table.find_card_of_page("t"), table.find_card_chosen_by_hand("t")) == ("one", None)
    table.choose_card("t", "two", by_hand=True)
    assert (table.find_card_of_page("t"), table.find_card_chosen_by_hand("t")) == ("two", "two")
    assert table.find_card_of_page("other") is None


def test_what_is_asked_for_once_is_told_once() -> None:
    table.go_to("page")
    assert (table.find_bound_page(), table.find_bound_page()) == ("page", None)
    assert not table.was_looked_at("image", "card")
    table.note_looked_at("image", "card")
    assert table.was_looked_at("image", "card")
    assert not table.was_looked_at("image", "other")
    assert table.name_uploader() == "uploader-0"
    assert table.keep_in_session("k", list) is table.keep_in_session("k", list)


def test_looking_elsewhere_ends_a_search_and_nothing_else() -> None:
    go = Event()
    a, b = add("a", "b")
    table.select_file(a)
    for name in ("search-a", f"segment-{a}"):
        work.start_work(name, lambda job: go.wait(10))
    table.select_file(a)
    assert work.find_job("search-a") is not None
    table.select_file(b)
    assert work.find_job("search-a") is None
    assert work.find_job(f"segment-{a}") is not None
    table.remove_from_queue(a)
    assert work.find_job(f"segment-{a}") is None
    go.set()


def test_work_is_started_once_and_eight_results_are_kept() -> None:
    go = Event()
    work.start_work("slow", lambda job: go.wait(10))
    first = work.find_job("slow")
    work.start_work("slow", lambda job: "another")
    assert work.find_job("slow") is first  # it still runs
    assert work.is_working()
    go.set()
    first._thread.join()
    assert not work.is_working()
    work.start_work("slow", lambda job: "another")
    work.find_job("slow")._thread.join()
    assert work.find_job("slow").result == "another"
    for number in range(8):
        work.start_work(f"quick-{number}", lambda job, number=number: number)
        work.find_job(f"quick-{number}")._thread.join()
    assert work.find_job("slow") is None
    assert list(work.list_finished_work("quick-")) == [7, 6, 5, 4, 3, 2, 1, 0]
    work.stop_all_work(unless=lambda name: name == "quick-3")
    assert list(work.list_finished_work("")) == [3]


def test_work_that_a_broken_connection_ended_may_begin_anew(state: dict[str, Any]) -> None:
    go = Event()
    work.start_work("a", lambda job: go.wait(10))
    work.start_work("b", lambda job: "done")
    state["job-b"]._thread.join()
    work._leash().clear()  # as Streamlit does
    assert work.find_job("a") is None
    assert work.find_job("b").result == "done"
    go.set()


def test_how_far_work_is_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now[0])
    go = Event()
    job: Job[Any] = Job(lambda job: go.wait(10))
    job.report(0.05)
    assert (job.share, job.left_s) == (0.05, None)
    job.report(3, 12, "folds")
    now[0] = 110.0
    assert (job.share, job.doing, job.left_s) == (0.25, "folds", 30.0)  # ten seconds were a quarter
    job.report(30, 12)
    assert (job.share, job.left_s) == (1.0, 0.0)
    job.report(0.5, 0.5)
    assert job.share == 0.5
    go.set()


def test_work_in_turn_waits_and_can_be_stopped_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ASKED_S", 0.01)
    go, begun = Event(), []
    first: Job[Any] = Job(lambda job: begun.append("first") or go.wait(10), in_turn=True)
    while not begun:
        pass
    second, third = (Job(lambda job: begun.append("next") or True, in_turn=True) for _ in range(2))
    second.stop()
    second._thread.join(10)
    assert isinstance(second.error, Cancelled)
    assert begun == ["first"]
    go.set()
    third._thread.join(10)
    assert (third.result, begun) == (True, ["first", "next"])
    assert jobs.LINE.count_before(third) == 0
    assert first.error is None


def test_a_page_says_which_place_in_the_line_its_work_has() -> None:
    go, begun = Event(), []
    first: Job[Any] = Job(lambda job: begun.append("first") or go.wait(10), in_turn=True, expected_s=20)
    while not begun:
        pass
    second, third = (Job(lambda job: True, in_turn=True, expected_s=5) for _ in range(2))
    while third.before < 2:
        pass
    assert say_how_far(second, "Measuring") == "Waiting: 1 piece of work is before it, about 25 s left"
    assert say_how_far(third, "Measuring") == "Waiting: 2 pieces of work are before it, about 30 s left"
    first.report(1, 4, "Frames")
    assert say_how_far(first, "Measuring").startswith("Frames · 25%, about ")
    go.set()
    for job in (first, second, third):
        job._thread.join(10)


def said(sha256: str = "a", frame: int = 0, card: str = "c", label: str = "1") -> Outcome:
    return Outcome(sha256, frame, card, "t", label)


def test_the_last_that_was_said_of_a_place_stands_last() -> None:
    for outcome in (said(label="1"), said(frame=1), said(label="2")):
        worklist.note_answer_of_file("a", outcome)
    assert worklist.list_answers_of_file("a") == (said(frame=1), said(label="2"))
    assert worklist.list_answers_of_file("b") == ()


def test_answers_are_told_to_a_reader_who_reads_first_once_they_may_be_seen(state: dict[str, Any]) -> None:
    worklist.note_answer_of_file("a", said())
    state[first_reading.READ_FIRST] = True
    assert worklist.list_answers_of_file("a") == ()
    first_reading.reveal_answer(said())
    assert worklist.list_answers_of_file("a") == (said(),)
    worklist.note_answer_of_file("b", said("b"))
    state[first_reading.READ_FIRST] = False
    assert worklist.list_answers_of_file("b") == (said("b"),)
    state[first_reading.READ_FIRST] = True
    assert worklist.list_answers_of_file("b") == (said("b"),)  # it stood on the screen


def reading(by: str = "", **more: Any) -> Reading:
    return Reading("a", 0, "c", "2", None, "3", 0.7, False, "2026-01-01T00:00:00+00:00", by=by, **more)


def test_what_one_reader_committed_to_reveals_nothing_to_the_next(state: dict[str, Any]) -> None:
    state[first_reading.READ_FIRST], state[first_reading.READER] = True, " AB "
    assert first_reading.find_reader() == "AB"
    first_reading.commit_reading(reading("AB"), "file")
    assert first_reading.has_read("file", "c")
    assert first_reading.find_reading(said()) == reading("AB")
    assert first_reading.is_answer_revealed(said())
    state[first_reading.READER] = "CD"
    assert not first_reading.has_read("file", "c")
    assert first_reading.find_reading(said()) is None
    assert not first_reading.is_answer_revealed(said())
    first_reading.reveal_answer(said())
    assert first_reading.is_answer_revealed(said())
    state[first_reading.READER] = None
    assert first_reading.find_reader() == ""
    assert not first_reading.is_answer_revealed(said())
    first_reading.commit_reading(reading(""), "file")
    assert [one.by for one in first_reading.list_readings()] == ["AB", ""]


def test_a_reader_is_asked_from_the_first_time_on(state: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5.0]
    monkeypatch.setattr(first_reading.time, "monotonic", lambda: now[0])
    assert first_reading.asked_since(said()) == 0
    now[0] = 8.0
    assert first_reading.asked_since(said()) == 3
    assert first_reading.asked_since(said(frame=1)) == 0
    state[first_reading.READER] = "CD"
    assert first_reading.asked_since(said()) == 0


def test_a_file_is_taken_away_with_all_that_was_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[str] = []
    monkeypatch.setattr(memo, "free_answers", lambda *gone: freed.extend(gone))
    a, b = add("a", "b")
    for file in (a, b):
        worklist.note_answer_of_file(file, said(file))
        worklist.keep_reference_label(file, "2")
        worklist.keep_reference_label(f"{file}-1", "3")
        worklist._surveyed().found[file] = Surveyed()
    worklist.take_files_away(a)
    assert names() == ["b"]
    assert (
        worklist.list_answers_of_file(a),
        worklist.find_reference_label(a),
        worklist.find_reference_label(f"{a}-1"),
    ) == ((), "", "")
    assert (
        worklist.list_answers_of_file(b),
        worklist.find_reference_label(b),
        worklist.find_reference_label(f"{b}-1"),
    ) == ((said(b),), "2", "3")
    assert list(worklist._surveyed().found) == [b]
    assert freed == [a]


def test_what_a_job_found_is_told_in_its_order() -> None:
    def run(job: Job[Any], found: worklist.Found) -> worklist.Found:
        found.extend([("a", said()), ("a", said(frame=1))])
        return found

    worklist.collect_worklist_answers()
    worklist.answer_worklist(run)
    work.find_job(worklist.ANSWERS)._thread.join()
    worklist.collect_worklist_answers()
    worklist.collect_worklist_answers()
    assert worklist.list_answers_of_file("a") == (said(), said(frame=1))


PICTURE = Image(np.zeros((1, 8, 8), np.float32), "", "")


class Film:
    """A file that reads as an image, or ends in an error."""

    def __init__(self, name: str, error: Exception | None = None, task: str | None = None) -> None:
        self.sha256, self.error, self.task, self.read_times = name, error, task, 0

    def read(self) -> Image:
        self.read_times += 1
        if self.error:
            raise self.error
        return replace(PICTURE, sha256=self.sha256)


def test_files_are_looked_through_thumbnails_first(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(
        worklist.figures, "encode_thumbnail", lambda image: order.append(f"see {image.sha256}") or b"png"
    )
    known = SimpleNamespace(without_answers=lambda: "known")
    monkeypatch.setattr(models, "triage", lambda image, frame: order.append(f"ask {image.sha256}") or known)
    monkeypatch.setattr(answers, "known", lambda item: None)
    damaged, dead = DamagedFile("is damaged", fix="Copy it."), Crashed("the decoder died", fix="Again.")
    films = [Film("a"), Film("bad", damaged), Film("dead", dead), Film("case", task="t"), Film("b")]
    assert worklist.survey_files(films) is worklist._surveyed().found  # type: ignore[arg-type]
    work.find_job(worklist.SURVEY)._thread.join()
    found = worklist.survey_files(films)  # type: ignore[arg-type]
    assert order == ["see a", "see case", "see b", "ask a", "ask b"]
    assert (found["a"].thumbnail, found["a"].triage) == (b"png", "known")
    assert (found["case"].thumbnail, found["case"].triage) == (b"png", None)
    assert (found["bad"].thumbnail, found["bad"].problem) == (None, damaged)
    assert found["dead"] == Surveyed()
    assert not worklist.is_surveying()
    times = [film.read_times for film in films]
    worklist.survey_files(films)  # type: ignore[arg-type]
    assert [film.read_times for film in films] == times  # each once


def test_what_a_page_found_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "known", lambda item: "known")
    monkeypatch.setattr(answers, "draw_thumbnail_of_file", lambda item: b"small")
    found = worklist.survey_files([Film("a")])  # type: ignore[list-item]
    assert found["a"] == Surveyed(b"small", "known")  # type: ignore[arg-type]
    assert work.find_job(worklist.SURVEY) is None


def test_a_file_that_went_while_it_was_looked_at_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    survey = worklist._Survey()
    survey.unseen.extend([Film("a"), Film("b")])  # type: ignore[list-item]
    survey.forget("b")
    monkeypatch.setattr(worklist.figures, "encode_thumbnail", lambda image: survey.forget("a") or b"png")
    assert survey.run(SimpleNamespace(stopped=lambda: False))  # type: ignore[arg-type]
    assert survey.found == {}
    stopped = worklist._Survey()
    stopped.unseen.append(Film("a"))  # type: ignore[arg-type]
    stopped.run(SimpleNamespace(stopped=lambda: True))  # type: ignore[arg-type]
    assert len(stopped.unseen) == 1


def test_a_report_has_what_is_still_in_the_queue_in_its_order() -> None:
    a, b = add("a", "b")
    for file, key in ((b, "1"), (a, "1"), (b, "2"), ("gone", "1"), (b, "1")):
        reports.note_answer_for_report("t", Answered(file, key, lambda: None))  # type: ignore[arg-type,return-value]
    assert [(one.file, one.key) for one in reports.list_answers_for_report("t")] == [(a, "1"), (b, "1"), (b, "2")]
    assert reports.list_answers_for_report("other") == ()
    reports.find_typed_text("x")["label"] = "L"
    assert (reports.find_typed_text("x"), reports.find_typed_text("y")) == ({"label": "L"}, {})


def test_the_list_of_keys_opens_and_closes_by_its_key() -> None:
    assert not stage.is_shortcut_list_open()
    stage.wish_on_stage("shortcuts")
    assert stage.is_shortcut_list_open()
    stage.wish_on_stage("shortcuts")
    assert not stage.is_shortcut_list_open()
    stage.wish_on_stage("next")  # without a stage nothing
    assert stage.find_stage() is None


def test_controls_that_are_no_longer_drawn_hold_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.state.common import WidgetMetadata

    def control(name: str, **calls: Callable[..., None]) -> WidgetMetadata[Any]:
        return WidgetMetadata(name, lambda value: value, lambda value: value, "int_value", **calls)  # type: ignore[arg-type]

    call = lambda: None  # noqa: E731
    known = {name: control(name, callback=call) for name in ("shown", "left", "shown-event")}
    known["plain"] = control("plain")
    plain = known["plain"]
    context = SimpleNamespace(
        session_state=SimpleNamespace(_state=SimpleNamespace(_new_widget_state=SimpleNamespace(widget_metadata=known))),
        shared=SimpleNamespace(widget_ids_this_run=SimpleNamespace(snapshot=lambda: {"shown"})),
    )
    monkeypatch.setattr(left_pages, "get_script_run_ctx", lambda **_: context)
    left_pages.forget_left_controls()
    assert known["shown"].callback is call
    assert known["shown-event"].callback is call  # a component's own
    assert known["left"].callback is None
    assert known["plain"] is plain
    monkeypatch.setattr(left_pages, "get_script_run_ctx", lambda **_: None)
    left_pages.forget_left_controls()


class Played:
    """A stage that tells what was done with it."""

    def __init__(self, turn: int = 0, resets: int = 0, *told: str) -> None:
        self.turn, self.resets, self.told = turn, resets, told

    def then(self, what: str, turn: int = 0) -> Played:
        return Played(self.turn + turn, self.resets, *self.told, what)

    def wish(self, wish: str, now: float) -> Played:
        return self.then(f"{wish} at {now:g}", turn=wish == "next")

    def touch(self, now: float) -> Played:
        return self.then(f"touch at {now:g}")

    def drawn(self, now: float) -> Played:
        return self.then("drawn")

    def tick(self, now: float) -> Played:
        return self.then("tick")


class Shared:
    """What a stage shares with the speaker's page, which wishes."""

    def __init__(self, *wishes: str | None) -> None:
        self.wishes, self.told, self.closed = list(wishes), list[Any](), 0

    def taken(self) -> list[str | None]:
        taken, self.wishes = self.wishes, []
        return taken

    def tell(self, stage: Any) -> None:
        self.told.append(stage)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.time, "monotonic", lambda: 21.0)
    monkeypatch.setattr(stage, "settings", lambda: SimpleNamespace(stage_clock=2))


def begin(state: dict[str, Any], played: Played, *wishes: str | None) -> Shared:
    shared = Shared(*wishes)
    state.update({stage.STAGE: played, stage.LINK: shared})
    return shared


@pytest.mark.usefixtures("clock")
def test_a_step_is_opened_once_a_turn_and_told_to_the_speaker(state: dict[str, Any]) -> None:
    assert stage.find_stage() is None
    assert stage.find_due_step() is None
    assert not stage.tick_stage()
    first = Played()
    shared = begin(state, first)
    state[stage.SHORTCUTS] = True
    assert stage.tick_stage()  # its step is not open yet: draw anew
    assert stage.find_stage() is first
    assert stage.find_due_step() is first
    assert shared.told == [first]
    assert not stage.is_shortcut_list_open()
    assert stage.find_due_step() is None
    assert not stage.tick_stage()  # nothing happened, the step stays
    assert stage.find_stage().told == ("drawn", "tick")
    assert shared.told[1:] == [stage.find_stage()]


@pytest.mark.usefixtures("clock")
def test_what_the_speaker_wishes_is_done_at_the_next_tick(state: dict[str, Any]) -> None:
    shared = begin(state, Played(), None, "next")
    stage.find_due_step()
    assert stage.tick_stage()
    assert stage.find_stage().told == ("drawn", "tick", "touch at 42", "next at 42")  # twice as fast as the clock
    assert (stage.find_stage().turn, shared.told[-1]) == (1, stage.find_stage())
    shared.wishes = [None]
    stage.find_due_step()
    assert not stage.tick_stage()  # somebody is there, and nothing changed
    assert stage.find_stage().told[-1] == "touch at 42"
    state[stage.STAGE] = Played(1)
    state[stage.STAGE].tick = lambda now: Played(2)
    state[stage.STAGE].drawn = lambda now: state[stage.STAGE]
    assert stage.tick_stage()  # its time was over


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("again", [False, True])
def test_a_stage_that_was_reset_forgets_its_user(
    again: bool, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[bool] = []
    monkeypatch.setattr(stage, "forget_session", lambda: forgotten.append(True))
    begin(state, Played(0, 1))
    stage.find_due_step()
    assert not forgotten  # nobody was there before
    state[stage.STAGE] = Played(1, 2 if again else 1)
    assert stage.find_due_step() is state[stage.STAGE]
    assert bool(forgotten) == again


@pytest.mark.usefixtures("clock")
def test_conference_mode_is_entered_at_its_first_step_and_left_with_its_vote(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "Stage", lambda playlist, now: (playlist, now))
    monkeypatch.setattr(stage.links, "open_link", lambda begun: Shared(begun))
    state[stage.SHOWN] = Played()
    playlist: Any = "steps"
    stage.enter_stage(playlist)
    assert stage.find_stage() == ("steps", 42)
    assert stage.find_stage_link().wishes == [("steps", 42)]  # type: ignore[attr-defined]
    assert stage.SHOWN not in state  # so its step is opened
    assert not stage.has_left_stage()
    shared: Any = stage.find_stage_link()
    stage.leave_stage()
    assert (stage.find_stage(), stage.has_left_stage(), shared.closed) == (None, True, 1)
    stage.leave_stage()
    assert shared.closed == 1


@pytest.mark.usefixtures("clock")
def test_keys_of_the_stage_do_nothing_outside_it(state: dict[str, Any]) -> None:
    stage.touch_stage()
    stage.wish_on_stage("next")
    assert stage.STAGE not in state
    begin(state, Played())
    stage.wish_on_stage("next")
    stage.wish_on_stage("shortcuts")
    assert stage.find_stage().told == ("next at 42", "touch at 42")  # the list of keys is a sign of life, and no step
    assert stage.is_shortcut_list_open()


@pytest.mark.parametrize("staged", [False, True])
def test_everything_of_a_user_is_forgotten_but_a_stage_and_where_uploads_and_keys_stand(
    staged: bool, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    cache = SimpleNamespace(clear=lambda: done.append("cache"))
    monkeypatch.setattr(stage, "list_session_caches", lambda: [cache, cache])
    monkeypatch.setattr(stage.memo, "free_media", lambda: done.append("media"))
    manager = SimpleNamespace(remove_session_files=lambda session: done.append(f"uploads of {session}"))
    context = SimpleNamespace(uploaded_file_mgr=manager, session_id="me")
    monkeypatch.setattr(stage, "get_script_run_ctx", lambda: context)
    add("a")
    go = Event()
    work.start_work("long", lambda job: go.wait(10))
    state.update(
        {"uploads": {"uploader": 4}, stage.PRESSED: 7.5, "answers": "secret", "selected": "a", stage.READ_IN: "de"}
    )
    if staged:
        shared = begin(state, Played())
    stage.forget_session()
    go.set()
    kept = {"uploads": {"uploader": 5}, stage.PRESSED: 7.5}
    if staged:
        kept |= {stage.STAGE: state[stage.STAGE], stage.LINK: shared, stage.READ_IN: "de"}
        assert state[stage.STAGE] is not None
    assert state == kept
    assert done == ["cache", "cache", "uploads of me", "media"]
    assert work.find_job("long") is None


def test_keys_are_new_after_the_last_that_was_done(state: dict[str, Any]) -> None:
    assert stage.list_new_keys([]) == []
    assert stage.PRESSED not in state
    assert stage.list_new_keys([("next", 1.0), ("previous", 2.0)]) == ["next", "previous"]
    assert stage.list_new_keys([("next", 1.0), ("previous", 2.0)]) == []
    assert stage.list_new_keys([("previous", 2.0), ("next", 3.0)]) == ["next"]
    assert stage.list_new_keys([("next", 9.0)]) == ["next"]
    assert stage.list_new_keys([("next", 9.0), ("explode", 10.0), ("shortcuts", 11.0)]) == ["shortcuts"]
    assert state[stage.PRESSED] == 11.0


def test_uploads_are_taken_once_and_their_key_is_not_used_again(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Uploaded:
        def __init__(self, name: str, data: bytes, file_id: str) -> None:
            self.name, self._data, self.file_id = name, data, file_id

        def getvalue(self) -> bytes:
            return self._data

    class Manager:
        def __init__(self) -> None:
            self.removed: list[tuple[str, str]] = []

        def remove_file(self, session: str, file: str) -> None:
            self.removed.append((session, file))

    manager = Manager()
    monkeypatch.setattr(table, "UploadedFile", Uploaded)
    monkeypatch.setattr(table, "MemoryUploadedFileManager", Manager)
    monkeypatch.setattr(
        table, "get_script_run_ctx", lambda: SimpleNamespace(uploaded_file_mgr=manager, session_id="me")
    )
    assert table.name_uploader("door") == "door-0"
    assert table.list_uploads("door") == []
    assert table.name_uploader("door") == "door-0"  # nothing came
    state["door-0"] = [Uploaded("a", b"1", "x"), Uploaded("a", b"1", "y"), Uploaded("b", b"2", "z"), "deleted"]
    assert table.list_uploads("door") == [("a", b"1"), ("b", b"2")]
    assert table.list_uploads("door") == [("a", b"1"), ("b", b"2")]  # a run that is broken off here loses nothing
    assert table.name_uploader("door") == "door-0"
    table.forget_uploads("door")
    assert manager.removed == [("me", "x"), ("me", "y"), ("me", "z")]
    assert table.name_uploader("door") == "door-1"
    assert table.list_uploads("door") == []
    assert table.name_uploader() == "uploader-0"  # each counts for itself
    state["uploads"]["door"] = 7
    state["door-3"] = [Uploaded("c", b"3", "w")]  # came late
    assert table.list_uploads("door") == [("c", b"3")]
    table.forget_uploads("door")
    assert table.name_uploader("door") == "door-7"  # never one that was used before


def test_a_drop_is_still_there_for_the_run_that_breaks_off_the_one_that_takes_it(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit breaks off what runs, wherever it looks into the session next."""
    picture = BytesIO()
    Pillow.new("L", (64, 64)).save(picture, "PNG")
    monkeypatch.setattr(table, "UploadedFile", SimpleNamespace)
    state["uploader-0"] = [SimpleNamespace(name="film.png", getvalue=picture.getvalue, file_id="x")]
    put = session.put_in_queue
    monkeypatch.setattr(session, "put_in_queue", Mock(side_effect=RerunException(RerunData())))
    with pytest.raises(RerunException):
        drop.take_drop()
    monkeypatch.setattr(session, "put_in_queue", put)
    drop.take_drop()
    assert [item.name for item in session.list_queue()] == ["film.png"]
    assert table.list_uploads() == []
    assert table.name_uploader() == "uploader-1"


def test_a_case_of_the_gallery_is_put_on_the_table_and_looked_at(tmp_path: Path) -> None:
    (tmp_path / "knee.png").write_bytes(b"knee")
    table.open_case(tmp_path / "knee.png", "pathology", "Simulated")
    (item,) = table.list_queue()
    assert (item.name, item.data, item.task, item.origin) == ("knee.png", b"knee", "pathology", "Simulated")
    assert table.find_selected_file() is item
    assert table.has_arrived()
    table.note_visited_page("pathology")
    assert table.get("visited") == "pathology"
    table.put("w", 3)
    assert (table.get("w"), table.get("none"), table.get("none", 5)) == (3, None, 5)
    taken: list[Any] = []
    table.take_selection("chart", taken.append)
    table.put("chart", {"selection": {"box": 1}})
    table.take_selection("chart", taken.append)
    assert taken == [{"box": 1}]


class Kept:
    """A cache of a session: what it made under which key, and what was let go."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make, self.made, self.cleared = make, list[tuple[Any, ...]](), list[tuple[Any, ...]]()

    def __call__(self, subject: Any, *key: Any) -> Any:
        self.made.append(key)
        return self.make(subject, *key)

    def clear(self, subject: None, *key: Any) -> None:
        self.cleared.append(key)


def test_what_is_kept_of_a_file_and_of_its_parts_goes_with_it(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[bool] = []
    monkeypatch.setattr(memo, "free_media", lambda: freed.append(True))
    cache, other = Kept(lambda subject, *key: subject), Kept(lambda subject, *key: subject)
    assert memo.keep_ready(cache, "pixels", "aaa", 1) == "pixels"
    memo.keep_ready(cache, "more", "bbb", 1)
    memo.keep_ready(other, "part", ("k", "ppp"))
    state[memo.PARTS] = {"ppp": "aaa", "qqq": "bbb"}
    memo.free_answers("aaa")
    assert (cache.cleared, other.cleared) == ([("aaa", 1)], [(("k", "ppp"),)])
    assert state[memo.READY] == {(cache, ("bbb", 1))}
    assert freed == [True]
    memo.free_answers("zzz")
    assert len(cache.cleared) == 1


def test_an_error_is_kept_but_not_that_of_a_decoder_that_was_ended() -> None:
    def fail(error: Exception) -> Any:
        raise error

    bad, ended = DamagedFile("bad", fix="none"), Crashed("ended", fix="none")
    assert memo.catch_error(lambda: 5) == 5
    assert memo.catch_error(lambda: fail(bad)) is bad
    with pytest.raises(Crashed):
        memo.catch_error(lambda: fail(ended))
    assert memo.raise_error(5) == 5
    with pytest.raises(DamagedFile):
        memo.raise_error(bad)


def test_a_card_is_asked_once_of_what_was_found_on_the_way(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    image: Any = SimpleNamespace(sha256="i", first_frame=2)

    def told(name: str) -> Any:
        return SimpleNamespace(left=(), without_answers=lambda: f"{name} bare", answer=lambda card: f"{name} {card}")

    first, whole = Kept(lambda *_: told("first")), Kept(lambda *_: told("whole"))
    monkeypatch.setattr(answers, "_first_fit", first)
    monkeypatch.setattr(answers, "_triage", whole)
    card: Any = SimpleNamespace(id="card")
    assert answers._told(image, card, 2) is None  # nobody asked
    assert first.made == whole.made == []
    answers.find_first_fit(image, 2, "page")
    assert first.made == [("i", 2, "page")]
    assert answers._told(image, card, 2) == "first card"
    assert answers._told(image, card, 1) is None  # another frame
    assert answers._triaged(image, 2, whole=True) is None
    assert whole.made == []
    answers.triage(image, 2)
    assert answers._told(image, card, 2) == "whole card"
    answers.find_first_fit(image, 2, "other page")  # all were asked: no card is again
    assert {*first.made} == {("i", 2, "page")}
    item = Item("x", b"x", "f")
    monkeypatch.setattr(answers, "_read", Kept(lambda *_: image))
    assert answers.known(item) is None  # no page has read it
    answers.read(item)
    assert answers.known(item) == "whole bare"
    assert answers.known(replace(item, task="pathology")) is None
    monkeypatch.setattr(answers, "_read", Kept(lambda *_: DamagedFile("bad", fix="none")))
    with pytest.raises(DamagedFile):
        answers.read(item)
    assert answers.known(item) is None


@pytest.mark.parametrize(("left", "asked"), [((), False), (("one",), True), (None, True)])
def test_cards_that_were_asked_on_the_way_are_not_asked_again(
    left: tuple[str, ...] | None, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(models, "triage", lambda image, frame, **more: calls.append((frame, more)) or "asked")
    begun: Any = None if left is None else SimpleNamespace(left=left)
    found = answers._triage.__wrapped__(("image", begun), "sha", 3)
    assert found == ("asked" if asked else begun)
    assert calls == ([(3, {"begun": begun})] if asked else [])


def test_a_region_of_a_slide_is_read_with_its_place_and_noted_as_a_part(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    part: Any = SimpleNamespace(sha256="part")
    monkeypatch.setattr(answers.slides, "read_slide_region", lambda *said: asked.append(said) or part)
    monkeypatch.setattr(answers, "_region", answers._region.__wrapped__)
    item = Item("slide.svs", b"bytes", "whole")
    box = models.Box(1, 2, 3, 4)
    assert answers.read_region(item, 5, box) is part
    assert asked == [(b"bytes", 5, box, "slide.svs")]
    assert state[memo.PARTS] == {"part": "whole"}


def test_a_series_of_slices_is_no_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers.slides, "open_slide", lambda data, name: (data, name))
    monkeypatch.setattr(answers, "compute_once", lambda work, *key: (work(), key))
    assert answers.read_slide(Item("s", b"x", "sha")) == ((b"x", "s"), ("slide", "sha"))
    assert answers.read_slide(Item("s", b"", "sha", members=(b"x",))) == (None, ("slide", "sha"))


TWO_THREADS = """
import importlib, sys
from dashboard.session import common

class Slow:  # the thread is inside pydicom when the page's own thread begins to load a part of it
    def find_spec(self, name, path=None, target=None):
        if name == "pydicom.dataset":
            begun.set()
            other.wait(1)

import threading
begun, other, failed = threading.Event(), threading.Event(), []

def load(leaving):
    try:
        importlib.import_module("pydicom")
    except ImportError as problem:
        failed.append(problem)

common._load_models = load
sys.meta_path.insert(0, Slow())
thread = common.warm_up()
begun.wait(1)
from pydicom.dataset import Dataset
thread.join()
sys.exit(len(failed))
"""


def test_a_page_and_the_warm_up_do_not_load_halves_of_pydicom() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_THREADS], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-500:]
