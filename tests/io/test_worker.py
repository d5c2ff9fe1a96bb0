"""The worker dies, hangs and runs out of memory for real; the caller never does."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

import numpy as np
import pytest

from models.errors import DamagedFile, DecoderFailed
from models.io import plain, read, worker
from models.io.decoded import Decoded, Header
from models.io.pool import find_decoder_pool
from models.io.worker import Worker
from models.types import Curve, Window
from models.words import later

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
    shared = find_decoder_pool()
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

    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(plain, "receive_plain", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small.call(PATIENT, abs, -5)
    assert small.call(PATIENT, abs, -7) == 7


def test_it_imports_neither_torch_nor_streamlit(small: Worker, picture: Callable[..., bytes]) -> None:
    heavy = small.call(PATIENT, eval, "sorted({'torch', 'streamlit', 'captum'} & set(__import__('sys').modules))")
    assert heavy == []


def said(tree: object, arrays: Iterable[object] = ()) -> BytesIO:
    """Return what a decoder process that was taken over says."""
    header = json.dumps([tree, list(arrays)]).encode()
    return BytesIO(len(header).to_bytes(8, "little") + header)


def test_answers_are_plain_data_and_come_back_as_they_were() -> None:
    answer = Decoded(
        np.arange(24, dtype=">i2").reshape(1, 4, 6),
        12,
        Header(
            windows=(Window("Curve", 1.5, float("inf"), Curve((0.0, 1.0), -1, 2)),),
            tags={"Modality": "CR"},
            warnings=(later("{one} of {two}", one=1, two=later("three")),),
        ),
        np.array([[1.0, 0.5]], np.float32),
        padding=(0.0, 3.0),
    )
    for sent in (answer, None, [True, 2, float("-inf"), "a", b"\0\xff", (), {}], np.float32(0.25), np.zeros((0, 3))):
        pipe = BytesIO()
        plain.send_plain(sent, pipe)
        pipe.seek(0)
        again = plain.receive_plain(pipe, 1 << 20)
        assert again == sent if not isinstance(sent, (Decoded, np.ndarray)) else type(again) is type(sent)
        if isinstance(again, Decoded):
            assert np.array_equal(again.stored, answer.stored)
            assert (again.bits, again.header, again.padding) == (12, answer.header, (0.0, 3.0))
            assert again.header.warnings[0].values["two"].message == "three"
    with pytest.raises(TypeError):
        plain.send_plain(object(), BytesIO())


@pytest.mark.parametrize(
    ("tree", "arrays"),
    [
        ({"data": ["os", "system", {}]}, ()),
        ({"data": ["models.io.worker", "Worker", {"memory_mb": 1}]}, ()),
        ({"data": ["models.io.decoded", "Header", {"nothing": 1}]}, ()),
        ({"data": ["models.io.worker", "os.system", {}]}, ()),
        ({"error": ["builtins", "SystemExit", "a", "b", None]}, ()),
        ({"array": 0}, [["|O", [2]]]),
        ({"array": 0}, [["<f8", [1 << 40]]]),
        ({"array": 0}, [["<f8", [-1, -1]]]),
        ({"array": 3}, ()),
        ({"else": 1}, ()),
        ({"array": 1, "tuple": 2}, ()),
    ],
)
def test_what_is_no_plain_answer_is_not_taken(tree: object, arrays: list[object]) -> None:
    with pytest.raises(ValueError, match="answer"):
        plain.receive_plain(said(tree, arrays), 1 << 20)


def test_an_answer_that_ends_early_or_never_does_is_not_taken() -> None:
    with pytest.raises(EOFError):
        plain.receive_plain(BytesIO(b"\1"), 1 << 20)
    with pytest.raises(EOFError):
        plain.receive_plain(said({"array": 0}, [["<f8", [3]]]), 1 << 20)
    with pytest.raises(ValueError, match="longer"):
        plain.receive_plain(BytesIO(b"\xff" * 99), 1 << 20)


def test_an_answer_may_be_as_long_as_the_memory_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    def sized(*shapes: list[int]) -> BytesIO:
        pipe = said([{"array": place} for place in range(len(shapes))], [["<u2", shape] for shape in shapes])
        return BytesIO(pipe.getvalue() + b"\1\0" * sum(int(np.prod(shape)) for shape in shapes))

    (one,) = plain.receive_plain(sized([100, 50]), 10_000)
    assert one.tolist() == [[1] * 50] * 100
    assert [len(each) for each in plain.receive_plain(sized([2500], [2500]), 10_000)] == [2500, 2500]
    for shapes in ([[100, 51]], [[2500], [2501]], [[5001, 0]]):
        with pytest.raises(ValueError, match="longer"):
            plain.receive_plain(sized(*shapes), 10_000)
    assert plain.receive_plain(sized([3, 0]), 10_000)[0].shape == (3, 0)
    header = len(said("text").getvalue()) - 8
    monkeypatch.setattr(plain, "LONGEST_HEADER", header)
    assert plain.receive_plain(said("text"), 10_000) == "text"
    assert plain.receive_plain(said("text"), header) == "text"
    for most in (header - 1, 10_000):
        monkeypatch.setattr(plain, "LONGEST_HEADER", header - (most == 10_000))
        with pytest.raises(ValueError, match="longer"):
            plain.receive_plain(said("text"), most)


def test_errors_and_texts_come_back_with_their_file_and_values() -> None:
    pipe = BytesIO()
    plain.send_plain(DamagedFile(later("has {n} of {m}", n=1, m=2), fix=later("Copy it."), file="x.dcm"), pipe)
    pipe.seek(0)
    again = plain.receive_plain(pipe, 1 << 20)
    assert type(again) is DamagedFile
    assert (again.problem, again.fix, again.file) == ("has 1 of 2", "Copy it.", "x.dcm")
    assert (again.problem.message, again.problem.values) == ("has {n} of {m}", {"n": 1, "m": 2})
    for array in (np.zeros(2, "U3"), np.zeros(2, object), np.zeros(2, "M8[s]"), np.zeros(2, complex)):
        with pytest.raises(TypeError):
            plain.send_plain(array, BytesIO())
    for array in (np.ones((2, 3))[:, ::2], np.arange(6).reshape(2, 3).T, np.array(5, ">i4"), np.array([True, False])):
        pipe = BytesIO()
        plain.send_plain(array, pipe)
        pipe.seek(0)
        found = plain.receive_plain(pipe, 1 << 20)
        assert (found.dtype, found.shape, found.tolist()) == (array.dtype, array.shape, array.tolist())


def test_a_job_that_raises_is_a_sentence() -> None:
    def fail(error: Exception) -> None:
        raise error

    own = DamagedFile("own", fix="none")
    assert worker._answer(fail, (own,), {}) is own
    assert "more memory" in str(worker._answer(fail, (MemoryError(),), {}))
    told = worker._answer(fail, (ValueError("Smith^John"),), {})
    assert isinstance(told, DamagedFile)
    assert "content does not fit its header" in str(told)
    assert worker._answer(int, ("12",), {"base": 8}) == 10


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_a_process_that_stands_by_has_its_decoders_loaded_and_its_limits_set(small: Worker) -> None:
    def asked(expression: str) -> object:
        return small.call(PATIENT, eval, expression)

    loaded = "'models.io.tiff' in __import__('sys').modules"
    small.start()
    assert asked(loaded)
    small.close()
    assert not asked(loaded)
    limit = "__import__('resource').getrlimit(__import__('resource').RLIMIT_{})"
    assert asked(limit.format("CORE")) == (0, 0)
    assert asked(limit.format("AS")) == (1024 << 20, 1024 << 20)
    assert asked("__import__('logging').root.manager.disable") == 50
    assert asked("__import__('signal').getsignal(2).name") == "SIG_IGN"
    assert asked("__import__('os').environ['OMP_NUM_THREADS']") == "1"
