"""The OOD detector of cards that look at pictures one by one, on features that are drawn instead of computed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import models
from models.cards import Card, card, reload_cards
from models.cli import main
from models.commands.training import ood
from models.errors import BadCard
from models.nets import loading
from models.tasks.segmentation import trials
from models.tasks.segmentation.dataset import DenseSet
from models.training import ood_detector
from models.trust.ood import load_ood_detector
from models.types import Image, Judged, Pixels

pytest.importorskip("sklearn")


def look(picture: Pixels) -> tuple[ood_detector.Features, ood_detector.Features]:
    """Look at the left and the right half: mean, spread and steepness of each; the mean twice as logits."""
    halves = np.array_split(picture, 2, axis=1)
    seen = np.array([(half.mean(), half.std(), np.abs(np.diff(half, axis=1)).mean()) for half in halves], np.float32)
    return seen, seen[:, [0, 0]]


def pictures(n: int, seed: int, mean: float = 0.5) -> list[Pixels]:
    rng = np.random.default_rng(seed)
    return [np.clip(rng.normal(mean, rng.uniform(0.05, 0.1), (24, 24)), 0, 1).astype(np.float32) for _ in range(n)]


@pytest.fixture
def seen(segmentation_card: Card) -> ood_detector.Known:
    return ood_detector.look_at_known_pictures(
        segmentation_card, pictures(40, 0), [f"patient {i // 4}" for i in range(40)], look
    )


@pytest.fixture
def with_ood(
    segmentation_card: Card, seen: ood_detector.Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Card:
    """A card with an out-of-distribution detector fitted on grey noise, in a folder of its own."""
    for module in (ood_detector, loading):
        monkeypatch.setattr(module, "WEIGHTS_DIR", tmp_path)
    return segmentation_card.model_copy(
        update={"ood": ood_detector.train_final_ood_detector(segmentation_card.id, seen)}
    )


def test_a_picture_is_as_far_outside_as_its_most_familiar_part(seen: ood_detector.Known) -> None:
    fitted = seen.fitted(range(40))
    outside = np.concatenate([pictures(1, 1)[0][:, :12], np.zeros((24, 12), np.float32)], 1)
    (found,) = ood_detector.measure_ood_distances(fitted, [look(outside)[0]])
    assert found == fitted.distance(look(outside)[0][:1])[0]
    assert found < fitted.distance(look(outside)[0][1:])[0]


def test_what_is_held_out_is_judged_by_other_groups(seen: ood_detector.Known) -> None:
    odd = ood_detector.Known(
        [*seen.plain[:36], *(part + 0.3 for part in seen.plain[36:])],
        [*seen.perturbed[:36], *(part + 0.3 for part in seen.perturbed[36:])],
        seen.logits,
        seen.groups,
    )
    own = ood_detector.measure_ood_distances(odd.fitted(range(40)), odd.plain)
    assert (odd.held_out()[36:] > 2 * own[36:]).all()  # a group that is unlike the others cannot vouch for itself


def test_the_threshold_keeps_its_share_across_groups(with_ood: Card, seen: ood_detector.Known) -> None:
    assert with_ood.ood is not None
    assert with_ood.ood.n == 40
    assert with_ood.ood.threshold == pytest.approx(np.quantile(seen.held_out(), 0.95))


def test_other_kinds_are_measured_against_what_is_held_out(with_ood: Card, seen: ood_detector.Known) -> None:
    ood_sets = [("black pictures", pictures(5, 2, mean=0.0)), ("its own kind", pictures(60, 3))]
    fitted = load_ood_detector(with_ood)

    def ood_score(picture: Pixels) -> float:
        return float(ood_detector.measure_ood_distances(fitted, [look(picture)[0]])[0] / fitted.threshold)

    report = ood_detector.measure_ood_detector(with_ood, seen, ood_score, ood_sets, lambda step, share: None)
    assert (report["n"], report["kept"]) == (40, pytest.approx(0.95))
    black, own = report["sets"]
    assert (black["n"], black["auroc"], black["refused"]) == (5, 1.0, 1.0)
    assert own["refused"] < 0.2
    assert own["auroc"] == pytest.approx(0.5, abs=0.15)


def test_a_large_set_is_known_by_what_is_drawn_from_it() -> None:
    assert ood_detector.choose_ood_pictures(np.array([0.0, 2.0, 0.0, 1.0])).tolist() == [
        1,
        3,
    ]  # all of a small one, once
    some = ood_detector.choose_ood_pictures(np.ones(10 * ood_detector.KNOWN))
    assert len(np.unique(some)) == ood_detector.KNOWN
    assert (some[0], some[-1]) == (5, 10 * ood_detector.KNOWN - 5)
    often = ood_detector.choose_ood_pictures(np.array([*np.ones(999), 999.0]))
    assert (often == 999).sum() == ood_detector.KNOWN / 2  # half of what a network sees


@pytest.fixture
def shipped(segmenting_card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A card that segments, with weights and figures and no OOD detector; its set, and white pictures."""
    for module in (ood_detector, loading, trials):
        monkeypatch.setattr(module, "WEIGHTS_DIR", tmp_path / "weights")
    monkeypatch.setattr(import_module("models.cards.writing"), "CARDS_DIR", tmp_path / "cards")
    grey = tuple((picture * 255).astype(np.uint8) for picture in pictures(20, 4))
    empty = tuple(np.zeros((24, 24), np.uint8) for _ in grey)
    own = DenseSet(grey, empty, tuple(f"knee {i // 2}" for i in range(20)), ("",) * 20)
    monkeypatch.setattr(trials, "read_dense_set", lambda _: own)
    white = [np.ones((24, 24), np.float32)] * 3
    monkeypatch.setattr(trials, "read_ood_sets", lambda _, colour: iter([("white", white)]))
    text = (tmp_path / "cards" / f"{segmenting_card}.toml").read_text()
    (tmp_path / "cards" / f"{segmenting_card}.toml").write_text(text + "\n[training]\nsteps = 1\n")
    (tmp_path / "cards" / f"{segmenting_card}.figures.json").write_text('{"measured": "2026-11-20", "trials": {}}')
    reload_cards()
    return segmenting_card


def test_the_command_fits_and_measures_an_ood_detector_and_nothing_else(shipped: str, tmp_path: Path) -> None:
    before = card(shipped)
    with pytest.raises(SystemExit) as ended:
        main(["ood", shipped])
    assert ended.value.code == 0
    made = card(shipped)
    assert made.ood is not None
    assert made.model_copy(update={"ood": None}) == before
    figures = made.figures
    assert (figures["measured"], figures["trials"]) == ("2026-11-20", {})
    assert (figures["ood"]["n"], figures["ood"]["kept"]) == (20, pytest.approx(0.95))
    (row,) = figures["ood"]["sets"]
    assert (row["set"], row["n"], row["refused"]) == ("white", 3, 1.0)
    answer = models.predict(Image(np.ones((1, 24, 24), np.float32), "", "0" * 64), shipped)
    assert isinstance(answer, Judged)
    assert answer.abstained


def test_the_ood_detector_of_a_classifier_comes_with_it(random_card: str) -> None:
    with pytest.raises(BadCard, match="fitted with it"):
        ood(random_card)
