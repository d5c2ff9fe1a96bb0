"""The training of a user's own card in a process of its own: what it says, in which order, and how it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from models.cards import reload_cards
from models.errors import BadCard
from models.settings import settings
from models.tasks import own_process
from models.tasks.own_process import Training, Trainings


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without cards."""
    monkeypatch.setenv("ORTHOLENS_CARDS_DIR", str(tmp_path / "cards-of-mine"))
    settings.cache_clear()
    reload_cards()


def until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")


def test_a_card_that_is_not_there_fails_with_its_sentence(nobody: None) -> None:
    known = Trainings()
    known.begin("never-made")
    until(lambda: known.find("never-made").state == "failed")
    found = known.find("never-made")
    assert "there is no model 'never-made'" in str(found.error)
    assert found.left_s is None
    with pytest.raises(BadCard, match="no draft"):
        known.give_up("never-made")


def test_a_process_that_dies_is_said_to_have_ended_by_itself(nobody: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process.sys, "executable", "/bin/false")
    one = Training("any")
    one.state = "running"
    one.run()
    assert one.state == "failed"
    assert "ended by itself" in str(one.error)


def test_one_runs_and_the_next_waits_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    go, order = {name: Event() for name in "abc"}, []

    def run(self: Training) -> None:
        order.append(self.card_id)
        go[self.card_id].wait(20)
        if self.state == "running":
            self.state = "done"

    monkeypatch.setattr(Training, "run", run)
    known = Trainings()
    for name in "abc":
        known.begin(name)
    until(lambda: order == ["a"])
    assert [known.find(name).state for name in "abc"] == ["running", "waiting", "waiting"]
    known.pause("b")
    go["a"].set()
    until(lambda: order == ["a", "c"])
    assert [known.find(name).state for name in "abc"] == ["done", "paused", "running"]
    known.begin("b")
    known.pause("c")
    go["c"].set()
    until(lambda: order == ["a", "c", "b"])
    go["b"].set()
    until(lambda: known.find("b").state == "done")


def test_the_time_left_is_that_of_the_last_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(own_process.time, "monotonic", lambda: now[0])
    one = Training("any")
    one.state = "running"
    for at, share in ((0.0, 0.1), (10.0, 0.2), (20.0, 0.3)):
        now[0] = at
        one._hear(("step", share))
    assert one.left_s == pytest.approx(70.0)
    now[0] = 300.0
    one._hear(("step", 0.4))
    assert one.left_s is None  # what is older than the window tells nothing of the pace
    one._hear((own_process.DONE, 1.0))
    assert one.state == "done"
