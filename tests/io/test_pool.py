"""One user's bad file never holds up another's; a process that died once is not the file's fault."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.errors import DecoderFailed
from models.io.pool import Pool, user

PATIENT = 120.0


@pytest.fixture
def pool() -> Iterator[Pool]:
    one = Pool(1024, 3)
    yield one
    one.close()


def as_user(name: str, work: Callable[[], object]) -> threading.Thread:
    """Start work for a user in a thread of its own."""

    def run() -> None:
        user.set(name)
        work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread or process."""
    for _ in range(12_000):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("it never happened")


def held(folder: Path) -> str:
    """Return an expression that says that it began, and goes on until it is let go."""
    begun, let_go = folder / "begun", folder / "let go"
    waits = (
        f"[__import__('time').sleep(0.01) for _ in iter(lambda: __import__('os').path.exists({str(let_go)!r}), True)]"
    )
    return f"(open({str(begun)!r}, 'w').close(), {waits})"


@pytest.mark.parametrize("stand_by", [True, False])
def test_anothers_file_does_not_wait(stand_by: bool, pool: Pool, tmp_path: Path) -> None:
    ended: list[str] = []
    if stand_by:
        pool.stand_by()
    slow = as_user("one", lambda: ended.append(str(pool.call(PATIENT, eval, held(tmp_path)) and "slow")))
    until((tmp_path / "begun").exists)
    again = as_user("one", lambda: ended.append(str(pool.call(PATIENT, abs, -2))))  # the same user waits
    as_user("other", lambda: ended.append(str(pool.call(PATIENT, abs, -3)))).join(PATIENT)
    assert ended == ["3"]  # while the first is still being read
    (tmp_path / "let go").touch()
    slow.join(PATIENT)
    again.join(PATIENT)
    assert ended == ["3", "slow", "2"]


def test_a_process_stands_by_beside_those_that_work(pool: Pool, tmp_path: Path) -> None:
    pool.stand_by()
    slow = as_user("one", lambda: pool.call(PATIENT, eval, held(tmp_path)))
    until((tmp_path / "begun").exists)
    ready = [worker._process for worker in pool._idle]
    assert len(ready) == 1
    assert ready[0] is not None
    assert pool.call(PATIENT, os.getpid) == ready[0].pid
    (tmp_path / "let go").touch()
    slow.join(PATIENT)


def test_one_user_has_one_process_at_a_time_and_nobody_is_forgotten(pool: Pool) -> None:
    most, ended, lock = [0], [], threading.Lock()

    def work() -> None:
        pool.call(PATIENT, time.sleep, 0.05)
        with lock:
            most[0] = max(most[0], pool._running.get("one", 0))
            ended.append(user.get())

    threads = [as_user(name, work) for name in ["one"] * 8 + ["two", "three", "four", "five"]]
    for thread in threads:
        thread.join(PATIENT)
    assert len(ended) == 12
    assert most[0] <= 1


def test_the_next_is_who_waits_longest_and_has_no_process(pool: Pool) -> None:
    mine, others = ("one", object()), ("two", object())
    pool._queue = [mine, others]
    assert pool._next() is mine
    pool._running = {"one": 1}
    assert pool._next() is others
    pool._running = {"three": 1, "four": 1, "five": 1}
    assert pool._next() is None
    pool._queue, pool._running = [], {}


def test_a_process_that_was_ended_once_is_tried_again(pool: Pool, tmp_path: Path) -> None:
    mark = str(tmp_path / "died")
    dies_once = (
        f"(os := __import__('os')) and ('read' if os.path.exists({mark!r}) else "
        f"(open({mark!r}, 'w').close(), os.kill(os.getpid(), {int(signal.SIGKILL)})))"
    )
    assert pool.call(PATIENT, eval, dies_once) == "read"
    with pytest.raises(DecoderFailed, match="crashed"):
        pool.call(PATIENT, os.abort)
    assert pool.call(PATIENT, abs, -1) == 1
