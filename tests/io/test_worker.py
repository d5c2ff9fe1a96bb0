"""The worker dies, hangs and runs out of memory for real; the caller never does."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from models.errors import DamagedFile, DecoderFailed
from models.io import read
from models.io.pool import decoders
from models.io.worker import Worker

PATIENT = 120.0
"""Seconds that a call may take which is to succeed, on a busy machine too."""


@pytest.fixture
def small() -> Iterator[Worker]:
    one = Worker(memory_mb=1024)
    yield one
    one.close()


def test_answers_and_stays(small: Worker) -> None:
    first = small.call(PATIENT, os.getpid)
    assert first != os.getpid()
    assert small.call(PATIENT, os.getpid) == first
    assert np.array_equal(small.call(PATIENT, np.arange, 5), np.arange(5))


def test_a_decoder_that_aborts_is_an_error_and_the_next_file_is_read(
    picture: Callable[..., bytes], small: Worker
) -> None:
    with pytest.raises(DecoderFailed, match="crashed"):
        small.call(PATIENT, os.abort)
    assert small.call(PATIENT, abs, -1) == 1
    shared = decoders()
    with pytest.raises(DecoderFailed, match="crashed"):
        shared.call(PATIENT, os.abort)
    assert read(picture()).frames == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_worker_killed_from_outside_is_replaced(small: Worker) -> None:
    pid = small.call(PATIENT, os.getpid)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert small.call(PATIENT, abs, -1) == 1


def test_a_decoder_that_hangs_is_stopped(small: Worker) -> None:
    small.call(PATIENT, abs, 1)
    with pytest.raises(DecoderFailed, match=r"stopped after 0\.5 s"):
        small.call(0.5, time.sleep, 600)
    assert small.call(PATIENT, abs, -1) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_memory_is_limited(small: Worker) -> None:
    with pytest.raises(DecoderFailed, match="more memory"):
        small.call(PATIENT, bytearray, 8 << 30)
    assert small.call(PATIENT, abs, -1) == 1


def test_what_a_parser_says_stays_inside(small: Worker) -> None:
    with pytest.raises(DamagedFile) as caught:
        small.call(PATIENT, int, "Smith^John")
    assert "Smith" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_prints_do_not_reach_the_answers(small: Worker, capfd: pytest.CaptureFixture[str]) -> None:
    small.call(PATIENT, print, "Smith^John")
    small.call(PATIENT, os.write, 1, b"Smith^John")
    assert small.call(PATIENT, abs, -1) == 1
    assert capfd.readouterr() == ("", "")


def test_threads_get_their_own_answers(small: Worker) -> None:
    answers: dict[int, int] = {}
    threads = [
        threading.Thread(target=lambda n=n: answers.update({n: small.call(PATIENT, abs, -n)})) for n in range(1, 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: n for n in range(1, 20)}


def test_an_interrupted_call_leaves_no_stale_answer(small: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    small.call(PATIENT, abs, 1)

    def interrupted(_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pickle, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small.call(PATIENT, abs, -5)
    assert small.call(PATIENT, abs, -7) == 7


def test_it_imports_neither_torch_nor_streamlit(small: Worker, picture: Callable[..., bytes]) -> None:
    heavy = small.call(PATIENT, eval, "sorted({'torch', 'streamlit', 'captum'} & set(__import__('sys').modules))")
    assert heavy == []
