from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.errors import UnknownCard
from models.settings import Settings, settings
from models.simulation.stifle_joint import FINDINGS, VIEWS
from models.tasks.classification import stifle_set
from models.tasks.classification.dataset import PUBLIC, SETS, read_labelled_set
from models.tasks.classification.labelled import ELSEWHERE, assign_folds
from models.training import drawn_set

needs_data = pytest.mark.skipif(not settings().data_dir.exists(), reason="the data sets are not in ../shared/data")


@needs_data
def test_the_shoulder_set_is_whole_and_neighbours_share_a_group():
    data = read_labelled_set("shoulder-implants")
    assert Counter(data.labels) == {"Depuy": 245, "Zimmer": 131, "Cofield": 70, "Tornier": 57}
    assert data.pixels.shape == (503, 250, 250)
    fold = assign_folds(data, 10)
    assert all(len(set(fold[np.array(data.groups) == group])) == 1 for group in set(data.groups))
    assert sum(group == data.groups[0] for group in data.groups) > 1


@needs_data
def test_the_knee_set_is_split_by_patient():
    data = read_labelled_set("knee-kl")
    assert [len(data.of(split)) for split in ("train", "val", "test")] == [5778, 826, 1656]
    patients = {split: {data.groups[i] for i in data.of(split)} for split in ("train", "val", "test")}
    assert not patients["train"] & patients["test"]
    assert not patients["train"] & patients["val"]
    assert set(data.subgroups["side"]) == {"L", "R"}
    part = data.only(data.of("val"))
    assert len(part) == 826
    assert set(part.splits) == {"val"}


def test_a_card_without_a_set_is_said_so():
    with pytest.raises(UnknownCard, match="knee-kl"):
        read_labelled_set("no-such-card")
    assert set(SETS) == {"knee-kl", "shoulder-implants", "equine-stifle"}
    assert set(PUBLIC) == {"knee-kl", "shoulder-implants"}


def test_the_stifles_are_simulated_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_set, "settings", lambda: Settings(cache_dir=tmp_path))
    small = {split: (first, 8, clinic) for split, (first, _, clinic) in stifle_set.SPLITS.items()}
    monkeypatch.setattr(stifle_set, "SPLITS", small)
    monkeypatch.setattr(stifle_set, "PIXEL_MM", 6.0)
    data = read_labelled_set("equine-stifle")
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 4
    assert data.pixels.shape == (32, 224, 224)
    for split in ("train", "val", "test", ELSEWHERE):
        part = data.only(data.of(split))
        assert Counter(part.labels) == dict.fromkeys(FINDINGS, 2)
        assert Counter(part.subgroups["view"]) == dict.fromkeys(VIEWS, 4)
        degrees = dict(zip(part.labels, part.subgroups["severity"], strict=True))
        assert [finding for finding, degree in degrees.items() if degree == "none"] == ["normal"]
    assert len(set(data.groups)) == 32  # no horse is in two splits
    assert (read_labelled_set("equine-stifle").pixels == data.pixels).all()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
