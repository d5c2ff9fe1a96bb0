"""Long work beside the page: it tells how far it is, ends with a result or an error of ours, and can be stopped."""

from __future__ import annotations

from threading import Event

from dashboard.session.jobs import Job
from models.errors import Cancelled, Unreachable


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
    job._thread.join()
    assert (job.running, job.result, job.error) == (False, "done", None)


def test_a_job_that_fails_keeps_the_error() -> None:
    def work(job: Job[str]) -> str:
        raise Unreachable("no network", fix="Connect.")

    job = Job(work)
    job._thread.join()
    assert str(job.error) == "no network. Connect."


def test_a_job_can_be_stopped() -> None:
    def work(job: Job[None]) -> None:
        while not job.stopped():
            pass
        raise Cancelled("stopped", fix="Start again.")

    job = Job(work)
    job.stop()
    job._thread.join()
    assert isinstance(job.error, Cancelled)
