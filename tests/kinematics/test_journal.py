"""A run that is killed goes on where it was, bit for bit; what is torn, changed or of other inputs is not believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import CannotWrite
from models.simulation.motion import Scene
from models.tasks.kinematics import journal, sequence
from models.tasks.kinematics.evidence import Evidence
from models.tasks.kinematics.journal import Journal, Trail, hash_values
from models.tasks.kinematics.locate import Answer, Component, Frame
from models.tasks.kinematics.register import Fit
from models.tasks.kinematics.sequence import Options, follow_sequence

Both = tuple[Answer, Answer]


def some_answer(seed: int = 0) -> Both:
    rng = np.random.default_rng(seed)
    fits = tuple(
        Fit(
            rng.normal(size=(4, 4)), float(px), 0.1 + 0.2, Evidence(rng.normal(size=(7, 7)), np.full(7, 1e-300), np.nan)
        )
        for px in rng.uniform(size=2)
    )
    return Answer(fits, anew=True), Answer(())


def same(a: object, b: object) -> bool:
    """Whether two values are alike to the last bit."""
    return hash_values(a) == hash_values(b)


def test_what_is_kept_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    kept = some_answer()
    book = Journal(tmp_path / "a" / "journal")
    book.keep("one", kept)
    mask = np.arange(21).reshape(3, 7) % 3 == 0
    book.keep("two", {"masks": (mask, mask.T), 3: [None, "é\n", True]})
    again = Journal(tmp_path / "a" / "journal")
    found = again.recall("one")
    assert isinstance(found[0].fits[0], Fit)
    assert found[0].fits[1].pose.tobytes() == kept[0].fits[1].pose.tobytes()
    assert (found[0].fits[0].residual_px, found[0].fits[0].overlap) == (kept[0].fits[0].residual_px, 0.1 + 0.2)
    evidence = found[0].fits[0].evidence
    assert evidence.hessian.tobytes() == kept[0].fits[0].evidence.hessian.tobytes()
    assert evidence.gradient[0] == 1e-300
    assert np.isnan(evidence.scatter_px)
    assert found[0].anew
    assert found[1] == Answer(()) or found[1].fits == ()
    masks = again.recall("two")["masks"]
    assert (masks[0] == mask).all()
    assert (masks[1] == mask.T).all()
    assert masks[0].dtype == bool
    assert again.recall("two")[3] == (None, "é\n", True)
    assert again.recall("three") is None


@pytest.mark.parametrize("left", [1, 30, 200])
def test_a_line_that_was_torn_is_not_believed_and_the_next_one_is(tmp_path: Path, left: int) -> None:
    path = tmp_path / "journal"
    for number in range(2):
        book = Journal(path)
        book.keep(str(number), some_answer(number))
    first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(first + b"\n" + second[:left])
    book = Journal(path)
    assert same(book.recall("0"), some_answer(0))
    assert book.recall("1") is None
    book.keep("1", some_answer(5))
    assert same(Journal(path).recall("1"), some_answer(5))


def test_a_record_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path).keep("one", some_answer())
    path.write_bytes(path.read_bytes().replace(b"0.30000000000000004", b"0.40000000000000004"))
    assert Journal(path).recall("one") is None


def test_nothing_but_the_programs_own_dataclasses_is_made(tmp_path: Path) -> None:
    path, kept = tmp_path / "journal", '{"kind":"subprocess:Popen","fields":{"args":"true"}}'
    path.write_text(f"{journal._checksum('one', kept)} one {kept}\n")
    with pytest.raises(TypeError, match="cannot hold"):
        Journal(path).recall("one")
    with pytest.raises(TypeError, match="cannot hold"):
        Journal(path).keep("two", object())


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotWrite, match="cannot be written"):
        Journal(tmp_path / "file" / "journal")


@dataclass(frozen=True)
class Given:
    size: int = 3


def test_a_frame_is_known_only_after_the_same_frames_of_the_same_study(
    tmp_path: Path, shots: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Journal(tmp_path / "journal")
    first = Trail(book, Given(), 4)
    for number, frame in enumerate(shots[:2]):
        assert first.recall(frame) is None
        first.keep(some_answer(number))
    again = Trail(book, Given(), 4)
    assert same(again.recall(shots[0]), some_answer(0))
    assert same(again.recall(shots[1]), some_answer(1))
    assert again.recall(shots[2]) is None
    assert Trail(book, Given(4), 4).recall(shots[0]) is None  # another CAD, say
    assert Trail(book, Given(), 5).recall(shots[0]) is None
    assert Trail(book, Given(), 4).recall(shots[1]) is None  # not the first one
    assert Trail(book, Given(), 4).recall(replace(shots[0], grey=shots[0].grey + np.float32(1e-6))) is None
    monkeypatch.setattr(journal, "hash_code", lambda: "another version")
    assert Trail(book, Given(), 4).recall(shots[0]) is None


def test_a_sequence_that_is_known_in_part_goes_on_from_there(
    tmp_path: Path, lunge: Scene, shots: list[Frame], components: tuple[Component, Component],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    straight = follow_sequence(shots, components, lunge.camera)
    book = Journal(tmp_path / "journal")
    located: list[int] = []
    real = sequence.locate_component

    def counted(*given: object) -> Answer:
        located.append(1)
        if len(located) == 8 + 3:  # four frames looked at first; then in the third frame, after one that is known
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(sequence, "locate_component", counted)
    with pytest.raises(KeyboardInterrupt):
        follow_sequence(shots, components, lunge.camera, Options(trail=Trail(book, lunge.femoral)))
    located[:] = [0] * 20
    told: list[Both] = []
    again = Options(trail=Trail(Journal(tmp_path / "journal"), lunge.femoral), found=lambda *both: told.append(both))
    resumed = follow_sequence(shots, components, lunge.camera, again)
    assert len(located) == 20 + 4  # both components of two frames
    assert same(resumed, straight)
    assert len(told) == 4  # those that were known too


KILLED = """
import sys
from pathlib import Path
from models.tasks.kinematics.evidence import Evidence
from models.tasks.kinematics.journal import Journal
book = Journal(Path(sys.argv[1]))
for number in range(10_000):
    book.keep(str(number), list(range(200)))
    print(number, flush=True)
"""


def test_what_was_told_before_a_kill_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}
    ) as run:
        assert run.stdout is not None
        told = [int(run.stdout.readline()) for _ in range(40)]
        run.send_signal(signal.SIGKILL)
    book = Journal(path)
    assert all(book.recall(str(number)) == tuple(range(200)) for number in told)
