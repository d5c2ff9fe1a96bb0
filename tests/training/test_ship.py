"""What `train` and `evaluate` write, on a tiny set and networks that are drawn instead of trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from models.cards import Card, card
from models.nets.mobilenet import StagedMobileNetV2
from models.tasks.classification import evaluation, final, metrics
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.metrics import RESAMPLES

KEYS = ("Cofield", "Depuy", "Zimmer")
RECIPE = "\n[training]\nmembers = 2\nepochs = 1\n"


def quiet(step: str, share: float) -> None:
    assert step


@pytest.fixture
def data(tiny_set: LabelledSet) -> LabelledSet:
    """48 pictures of three makers in 16 groups of three, each group with all of them."""
    return replace(
        tiny_set, labels=tuple(KEYS[i % 3] for i in range(48)), groups=tuple(f"patient {i // 3}" for i in range(48))
    )


@pytest.fixture
def split(data: LabelledSet) -> LabelledSet:
    """The same with 24 pictures to train on, 12 to validate and 12 to test."""
    return replace(data, splits=("train",) * 24 + ("val",) * 12 + ("test",) * 12)


@pytest.fixture
def trained(product: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A card with a recipe and no weights, in folders of its own; returns the runs that are "trained"."""
    product("tiny", members=0)
    path = tmp_path / "cards" / "tiny.toml"
    path.write_text(path.read_text() + RECIPE)
    monkeypatch.setattr(import_module("models.cards.writing"), "CARDS_DIR", tmp_path / "cards")
    monkeypatch.setattr(final, "WEIGHTS_DIR", tmp_path / "weights")
    monkeypatch.setattr(import_module("models.training.runs"), "RUNS", tmp_path / "runs")
    monkeypatch.setattr(metrics, "RESAMPLES", 20)
    runs: list[str] = []

    def drawn(_: Card, learned: LabelledSet, seen: object, run: final.Run, progress: object) -> StagedMobileNetV2:
        runs.append(f"{run.name} on {len(run.indices)} of {len(learned)}")
        run.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(run.seed)
        net = StagedMobileNetV2(3)
        torch.nn.init.normal_(net.head[3].weight)
        return net.eval().requires_grad_(False)

    monkeypatch.setattr(final, "prepare_views", lambda *_: None)
    monkeypatch.setattr(final, "fit_classifier", drawn)
    return runs


def of(monkeypatch: pytest.MonkeyPatch, data: LabelledSet) -> None:
    """Make this set the card's, and noise the only other kind."""
    for module in (final, evaluation):
        monkeypatch.setattr(module, "read_labelled_set", lambda _: data)
    noise = np.random.default_rng(1).random((5, 64, 64), dtype=np.float32)
    monkeypatch.setattr(evaluation, "read_ood_sets", lambda _: iter([("noise", list(noise))]))


def test_training_inscribes_its_members_and_an_ood_detector_that_keeps_what_it_promises(
    trained: list[str], split: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of(monkeypatch, split)
    final.train("tiny", quiet)
    assert trained == ["shipped-0 on 24 of 24", "shipped-1 on 24 of 24"]  # neither validation nor test pictures
    made = card("tiny")
    assert [member.file for member in made.members] == ["tiny-0.safetensors", "tiny-1.safetensors"]
    net = final.load_classifier(made, made.members[0])  # checks the hash
    distances = final.measure_held_out_distances(made, split, net, evaluation.load_ood_detector(made))
    assert made.ood is not None
    assert (len(distances), made.ood.n) == (12, 12)
    assert made.ood.threshold == pytest.approx(np.quantile(distances, 0.95), rel=1e-5)
    assert made.calibration is None

    final.train("tiny", quiet)
    assert len(trained) == 2  # goes on where it was: nothing is trained twice
    assert card("tiny").members == made.members


def test_a_set_without_splits_is_learned_whole_and_judged_by_other_groups(
    trained: list[str], data: LabelledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    of(monkeypatch, data)
    final.train("tiny", quiet)
    assert trained[0] == "shipped-0 on 48 of 48"
    made = card("tiny")
    assert made.ood is not None
    assert made.ood.n == 48
    net, ood_detector = final.load_classifier(made, made.members[0]), evaluation.load_ood_detector(made)
    own = ood_detector.distance(final.compute_pooled_features(net, made, data.pixels)[0])
    assert np.median(final.measure_held_out_distances(made, data, net, ood_detector)) > np.median(
        own
    )  # not those it was fitted on


def test_cross_validation_reports_what_the_held_out_logits_say(
    trained: list[str], data: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of(monkeypatch, data)
    final.train("tiny", quiet)
    reference = np.arange(48) % 3
    said = np.where(np.arange(48) % 4 == 0, (reference + 1) % 3, reference)  # 12 of 48 are wrong
    logits = 3 * np.eye(3, dtype=np.float32)[said]
    monkeypatch.setattr(evaluation, "answer_out_of_fold", lambda *_: logits)
    evaluation.evaluate("tiny", 4, False, quiet)
    report = json.loads((tmp_path / "cards" / "tiny.figures.json").read_text())
    assert report["metrics"]["accuracy"]["value"] == 0.75
    assert report["metrics"]["accuracy"]["low"] < 0.75 < report["metrics"]["accuracy"]["high"]
    assert (report["n"], report["groups"], report["resamples"]) == (48, 16, RESAMPLES)
    assert report["how"] == "4-fold cross-validation, each calibrated on the others"
    assert np.trace(report["confusion"]) == 36
    assert report["weights"] == [member.sha256 for member in card("tiny").members]
    assert [row["coverage"] for row in report["conformal"]] == list(evaluation.SHOWN)
    assert [row["mean_size"] for row in report["conformal"]] == sorted(row["mean_size"] for row in report["conformal"])
    assert {key: row["n"] for key, row in report["subgroups"]["side"].items()} == {"L": 24, "R": 24}
    assert [(row["set"], row["n"]) for row in report["ood"]["sets"]] == [("noise", 5)]
    fitted = card("tiny").calibration
    assert fitted is not None
    assert fitted.n == 48
    # 75 % right at one and the same margin: the temperature makes e^(3/T) / (e^(3/T) + 2) = 0.75, T = 3 / ln 6
    assert fitted.temperature == pytest.approx(3 / np.log(6), rel=0.02)


def test_the_test_split_is_measured_only_when_asked(
    trained: list[str], split: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of(monkeypatch, split)
    final.train("tiny", quiet)
    seen: list[list[int]] = []
    measured = evaluation.compute_ensemble_logits
    monkeypatch.setattr(
        evaluation,
        "compute_ensemble_logits",
        lambda nets, c, d, indices: seen.append(list(indices)) or measured(nets, c, d, indices),
    )
    path = tmp_path / "cards" / "tiny.figures.json"
    evaluation.evaluate("tiny", 3, False, quiet)
    assert seen == [list(range(24, 36))]
    assert json.loads(path.read_text())["how"].startswith("validation split in 3 folds by group")
    evaluation.evaluate("tiny", 3, True, quiet)
    assert seen[1:] == [list(range(24, 36)), list(range(36, 48))]
    report = json.loads(path.read_text())
    assert report["how"].startswith("test split, measured once")
    assert report["n"] == 12
    assert card("tiny").conformal.n == 12  # of the validation split
    assert "elsewhere" not in report


def test_pictures_from_another_place_are_measured_apart(
    trained: list[str], data: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of(monkeypatch, replace(data, splits=("train",) * 12 + ("val",) * 12 + ("test",) * 12 + ("elsewhere",) * 12))
    final.train("tiny", quiet)
    assert trained[0] == "shipped-0 on 12 of 12"
    path = tmp_path / "cards" / "tiny.figures.json"
    evaluation.evaluate("tiny", 3, False, quiet)
    assert "elsewhere" not in json.loads(path.read_text())  # before the test split is touched
    evaluation.evaluate("tiny", 3, True, quiet)
    report = json.loads(path.read_text())
    there = report["elsewhere"]
    assert (report["n"], there["n"]) == (12, 12)
    assert set(there["metrics"]) == set(report["metrics"])
    assert [row["coverage"] for row in there["conformal"]] == list(evaluation.SHOWN)
    assert 0 <= there["kept"] <= 1
    assert {key: row["n"] for key, row in there["subgroups"]["side"].items()} == {"R": 12}  # the last twelve


def test_no_fold_is_calibrated_on_itself(trained: list[str]) -> None:
    """One fold whose answers are all right, one whose are right by chance: each has the other's temperature."""
    made, fold = card("tiny"), np.repeat([0, 1], 60)
    reference = np.arange(120) % 3
    said = np.where(fold == 0, reference, np.arange(120) // 3 % 3)
    logits = (2 * np.eye(3)[said]).astype(np.float32)
    p, _ = evaluation._crossed(made, logits, reference, fold)
    top = p.max(1)
    assert top[fold == 0].max() < 0.4  # of the fold that guesses: one in three is right
    assert top[fold == 1].min() > 0.95
