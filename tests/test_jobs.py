"""Long work beside the page: it tells how far it is, ends with a result or an error of ours, and can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import SimpleNamespace

import pytest

from models.errors import Cancelled, Unreachable
from models.io.pool import user
from models.jobs import Job


def test_a_job_reports_and_returns() -> None:
    begun, go_on = Event(), Event()

    def work(job: Job[str]) -> str:
        job.report(1, 4)
        begun.set()
        go_on.wait()
        return "done"

    job = Job(work)
    begun.wait()
    assert job.running
    assert job.share == 0.25
    go_on.set()
    assert job.wait(10)
    assert (job.running, job.result, job.error) == (False, "done", None)


def test_a_job_that_fails_keeps_the_error() -> None:
    def work(job: Job[str]) -> str:
        raise Unreachable("no network", fix="Connect.")

    job = Job(work)
    assert job.wait(10)
    assert str(job.error) == "no network. Connect."


def test_a_job_can_be_stopped() -> None:
    def work(job: Job[None]) -> None:
        while not job.stopped():
            pass
        raise Cancelled("stopped", fix="Start again.")

    job = Job(work)
    job.stop()
    assert job.wait(10)
    assert isinstance(job.error, Cancelled)


@contextmanager
def named(who: str) -> Iterator[None]:
    token = user.set(who)
    yield
    user.reset(token)


def test_users_take_turns_in_the_line_and_each_is_told_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.jobs.ASKED_S", 0.01)
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr("models.jobs.time", clock)
    go, done = Event(), []

    def begin(who: str, number: int) -> Job[bool]:
        with named(who):
            return Job(lambda job: done.append(f"{who}{number}") or go.wait(10), in_turn=True, expected_s=20)

    jobs = [begin("a", 0)]
    while not done:
        pass
    for who, number in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("c", 1)]:
        jobs.append(begin(who, number))
        while jobs[-1].before == 0:  # its thread has not come to the line yet
            pass
    places = {f"{job.owner}": [] for job in jobs}
    for job in jobs:
        places[job.owner].append(job.before)
    assert places == {"a": [0, 3, 5, 6], "b": [1, 4], "c": [2]}
    assert [job.waiting for job in jobs] == [False, *[True] * 6]
    assert jobs[4].left_s == 20
    clock.monotonic = lambda: 105.0
    assert jobs[4].done_in_s == 15 + 20  # one runs, since 5 s, and its own
    jobs[0].report(1, 2)
    assert jobs[4].done_in_s == 5 + 20  # half of it was done in 5 s
    jobs[6].stop()
    assert jobs[6].wait(10)
    assert isinstance(jobs[6].error, Cancelled)
    go.set()
    assert all(job.wait(10) for job in jobs)
    assert done == ["a0", "b1", "a1", "b2", "a2", "a3"]
