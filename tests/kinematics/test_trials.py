"""A study of several trials: every one has its line, one bad one stops none, and a study that was killed goes on."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer

from models.cli import main
from models.commands import trial as one_trial
from models.commands import trials
from models.commands.trials import Shared, Trial
from models.errors import InputError
from models.tasks.kinematics.journal import Journal
from models.tasks.kinematics.locate import Frame


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one trial with its CAD beside it, and the masks elsewhere."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.raises(SystemExit):
        main(["simulate", "fluoroscopy", "3", str(folder / "case"), "--seed", "1", "--size", "256"])
    shutil.move(folder / "case" / "frames", folder / "walk 10")
    for name in ("femoral.stl", "tibial.stl", "calibration.txt"):
        shutil.move(folder / "case" / name, folder / name)
    shutil.move(folder / "case", folder / ".masks")
    return folder


def find_masks(study: Path) -> Callable[..., Frame]:
    def outline(shot: one_trial.Shot, journal: Journal) -> Frame:
        both = tuple(one_trial._mask(study / ".masks" / "masks" / name, shot) for name in ("fem", "tib"))
        return Frame(both, shot.shown)

    return outline


def test_a_trial_is_measured_with_what_lies_beside_it(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_trial, "_outline", find_masks(study))
    (trial,) = trials.list_trials(study, Shared(frame_rate=10), tmp_path)
    assert (trial.name, trial.out) == ("walk 10", tmp_path / "walk 10")
    told: list[float] = []
    row = trials.measure_trial(trial, told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert (row["trial"], row["frames"], row["error"]) == ("walk 10", 3, "")
    angles = list(csv.DictReader((trial.out / "angles.csv").read_text().splitlines()))
    flexion = [float(each["flexion_deg"]) for each in angles]
    assert float(str(row["flexion_max_deg"])) == pytest.approx(max(flexion), abs=0.06)
    assert float(str(row["flexion_min_deg"])) == pytest.approx(min(flexion), abs=0.06)
    assert 0 < float(str(row["median_sigma_in_plane_mm"])) < float(str(row["median_sigma_depth_mm"]))
    assert "Time in seconds at 10 frames" in (trial.out / "joint.mot").read_text()
    before = (trial.out / "femoral.jts").read_bytes()

    monkeypatch.setattr("models.tasks.kinematics.sequence.locate_component", None)  # nothing is found anew
    found: list[str] = []
    monkeypatch.setattr("models.tasks.kinematics.motion._other_side", lambda *given: found.append("asked"))
    assert trials.measure_trial(trial, told.append)["frames"] == 3
    assert (trial.out / "femoral.jts").read_bytes() == before
    assert len(found) == 2


def test_own_cad_goes_first_then_what_is_given_then_what_lies_beside(tmp_path: Path) -> None:
    for name in (
        "a/1.png",
        "b/1.png",
        "a/tib.stl",
        "a/fem.stl",
        "x.stl",
        "y.stl",
        "cal.txt",
        "b/camera.txt",
        "c/x.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    given = Shared(femoral=tmp_path / "F.stl", tibial=tmp_path / "T.stl")
    out = tmp_path / "out"
    a, b, c = trials.list_trials(tmp_path, Shared(), out)
    frames, cad, calibration = trials.sort_files(a)
    assert [path.name for path in (*frames, *cad)] == ["1.png", "fem.stl", "tib.stl"]
    assert calibration == tmp_path / "cal.txt"
    _, cad, calibration = trials.sort_files(b)
    assert [path.name for path in cad] == ["x.stl", "y.stl"]
    assert calibration == tmp_path / "b" / "camera.txt"
    assert [path.name for path in trials.sort_files(Trial("b", b.folder, given, out))[1]] == ["F.stl", "T.stl"]
    with pytest.raises(InputError, match="there is no frame"):
        trials.sort_files(c)
    (tmp_path / "x.stl").unlink()
    with pytest.raises(InputError, match="1 STL files and not two"):
        trials.sort_files(b)


def test_trials_come_in_the_order_of_their_numbers_without_the_results(tmp_path: Path) -> None:
    for name in ("t10", "t9", ".git", "results"):
        (tmp_path / name).mkdir()
    found = trials.list_trials(tmp_path, Shared(named=False), tmp_path / "results")
    assert [(one.name, one.folder.name) for one in found] == [("trial 1", "t9"), ("trial 2", "t10")]
    with pytest.raises(typer.BadParameter, match="no folder of frames"):
        trials.list_trials(tmp_path / "t9", Shared(), tmp_path / "results")


def die(trial: Trial, told: object, nice: int) -> None:
    """Stand for a process whose decoder aborts in the second of three trials."""
    told.send(0.5)  # type: ignore[attr-defined]
    if trial.name == "b":
        os._exit(3)
    told.send(trials._whole({"trial": trial.name, "frames": len(trial.name)}))  # type: ignore[attr-defined]


def test_a_process_that_dies_is_a_line_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trials, "_work", die)
    for name in ("a", "b", "ccc"):
        (tmp_path / "study" / name).mkdir(parents=True)
    assert trials.measure_trials(tmp_path / "study", Shared(), tmp_path / "out", 2) == 1
    rows = list(csv.DictReader((tmp_path / "out" / "summary.csv").read_text().splitlines()))
    assert [(row["trial"], row["frames"]) for row in rows] == [("a", "1"), ("b", ""), ("ccc", "3")]
    assert "ended unexpectedly (exit status 3)" in rows[1]["error"]
    assert not rows[0]["error"]
    assert all("not a medical device" in row["note"] for row in rows)
    assert "3 trials, 1 not measured" in capsys.readouterr().err


def test_a_process_steps_back_before_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    told = SimpleNamespace(send=said.append)
    monkeypatch.setattr(os, "nice", lambda by: said.append(f"nice {by}"), raising=False)
    monkeypatch.setattr(trials, "measure_trial", lambda trial, tell: {"trial": trial.name})
    copy_context().run(trials._work, Trial("a", tmp_path, Shared(), tmp_path), told, 7)
    assert said == ["nice 7", {"trial": "a"}]


def test_the_command_says_what_is_wrong_with_a_trial_and_goes_on(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bad", "empty"):
        (tmp_path / "study" / name).mkdir(parents=True)
    for name in ("femoral.stl", "tibial.stl", "calibration.txt"):
        shutil.copy(study / name, tmp_path / "study")
    (tmp_path / "study" / "bad" / "1.png").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as left:
        main(["kinematics", str(tmp_path / "study"), "--out", str(tmp_path / "out"), "--processes", "2"])
    assert left.value.code == 1
    rows = list(csv.DictReader((tmp_path / "out" / "summary.csv").read_text().splitlines()))
    assert rows[0]["error"].startswith("1.png")
    assert "there is no frame" in rows[1]["error"]
    assert "2 trials, 2 not measured" in capsys.readouterr().err


def test_outlines_are_asked_for_once(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shots = one_trial.read_shots(sorted((study / "walk 10").iterdir()))
    masks = (np.eye(256, dtype=bool), np.eye(256, k=3, dtype=bool))
    asked: list[str] = []
    monkeypatch.setattr("models.predict", lambda image, card: asked.append(image.name))
    monkeypatch.setattr(
        "models.tasks.kinematics.study.outline", lambda image, answer: Frame(masks, image.grey(), "it is dark")
    )
    book = Journal(tmp_path / "journal")
    first = one_trial.outline_shots(shots, None, book)
    again = one_trial.outline_shots(shots, None, Journal(tmp_path / "journal"))
    assert asked == ["0000.png", "0001.png", "0002.png"]
    for a, b in zip(first, again, strict=True):
        assert all((x == y).all() for x, y in zip(a.masks, b.masks, strict=True))
        assert (a.grey == b.grey).all()
        assert b.abstention == "it is dark"
