"""The gate of cards that look at pictures one by one, on features that are drawn instead of computed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import models
from models.cards import Card, card, cards
from models.cli import main
from models.commands.training import gate
from models.errors import BadCard
from models.nets import loading
from models.tasks.segmentation import trials
from models.tasks.segmentation.dataset import DenseSet
from models.training import gates
from models.trust.ood import gate_of
from models.types import Image, Judged, Pixels

pytest.importorskip("sklearn")


def look(picture: Pixels) -> tuple[gates.Features, gates.Features]:
    """Look at the left and the right half: mean, spread and steepness of each; the mean twice as logits."""
    halves = np.array_split(picture, 2, axis=1)
    seen = np.array([(half.mean(), half.std(), np.abs(np.diff(half, axis=1)).mean()) for half in halves], np.float32)
    return seen, seen[:, [0, 0]]


def pictures(n: int, seed: int, mean: float = 0.5) -> list[Pixels]:
    rng = np.random.default_rng(seed)
    return [np.clip(rng.normal(mean, rng.uniform(0.05, 0.1), (24, 24)), 0, 1).astype(np.float32) for _ in range(n)]


@pytest.fixture
def seen(segmenter: Card) -> gates.Known:
    return gates.known(segmenter, pictures(40, 0), [f"patient {i // 4}" for i in range(40)], look)


@pytest.fixture
def gated(segmenter: Card, seen: gates.Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """A card with a gate fitted on grey noise, in a folder of its own."""
    for module in (gates, loading):
        monkeypatch.setattr(module, "WEIGHTS_DIR", tmp_path)
    return segmenter.model_copy(update={"gate": gates.ship(segmenter.id, seen)})


def test_a_picture_is_as_strange_as_its_most_familiar_part(seen: gates.Known) -> None:
    fitted = seen.fitted(range(40))
    strange = np.concatenate([pictures(1, 1)[0][:, :12], np.zeros((24, 12), np.float32)], 1)
    (found,) = gates.distances(fitted, [look(strange)[0]])
    assert found == fitted.distance(look(strange)[0][:1])[0]
    assert found < fitted.distance(look(strange)[0][1:])[0]


def test_what_is_held_out_is_judged_by_other_groups(seen: gates.Known) -> None:
    odd = gates.Known(
        [*seen.plain[:36], *(part + 0.3 for part in seen.plain[36:])],
        [*seen.perturbed[:36], *(part + 0.3 for part in seen.perturbed[36:])],
        seen.logits,
        seen.groups,
    )
    own = gates.distances(odd.fitted(range(40)), odd.plain)
    assert (odd.held_out()[36:] > 2 * own[36:]).all()  # a group that is unlike the others cannot vouch for itself


def test_the_threshold_keeps_its_share_across_groups(gated: Card, seen: gates.Known) -> None:
    assert gated.gate is not None
    assert gated.gate.n == 40
    assert gated.gate.threshold == pytest.approx(np.quantile(seen.held_out(), 0.95))


def test_strangers_are_measured_against_what_is_held_out(gated: Card, seen: gates.Known) -> None:
    ood_sets = [("black pictures", pictures(5, 2, mean=0.0)), ("its own kind", pictures(60, 3))]
    fitted = gate_of(gated)

    def ood_score(picture: Pixels) -> float:
        return float(gates.distances(fitted, [look(picture)[0]])[0] / fitted.threshold)

    report = gates.measured(gated, seen, ood_score, ood_sets, lambda step, share: None)
    assert (report["n"], report["kept"]) == (40, pytest.approx(0.95))
    black, own = report["strangers"]
    assert (black["n"], black["auroc"], black["refused"]) == (5, 1.0, 1.0)
    assert own["refused"] < 0.2
    assert own["auroc"] == pytest.approx(0.5, abs=0.15)


def test_a_large_set_is_known_by_what_is_drawn_from_it() -> None:
    assert gates.spread(np.array([0.0, 2.0, 0.0, 1.0])).tolist() == [1, 3]  # all of a small one, once
    some = gates.spread(np.ones(10 * gates.KNOWN))
    assert len(np.unique(some)) == gates.KNOWN
    assert (some[0], some[-1]) == (5, 10 * gates.KNOWN - 5)
    often = gates.spread(np.array([*np.ones(999), 999.0]))
    assert (often == 999).sum() == gates.KNOWN / 2  # half of what a network sees


@pytest.fixture
def shipped(painting_card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A card that paints, with weights and figures and without a gate; its set, and white pictures as strangers."""
    for module in (gates, loading, trials):
        monkeypatch.setattr(module, "WEIGHTS_DIR", tmp_path / "weights")
    monkeypatch.setattr(import_module("models.cards.writing"), "CARDS_DIR", tmp_path / "cards")
    grey = tuple((picture * 255).astype(np.uint8) for picture in pictures(20, 4))
    empty = tuple(np.zeros((24, 24), np.uint8) for _ in grey)
    own = DenseSet(grey, empty, tuple(f"knee {i // 2}" for i in range(20)), ("",) * 20)
    monkeypatch.setattr(trials, "dense_set", lambda _: own)
    white = [np.ones((24, 24), np.float32)] * 3
    monkeypatch.setattr(trials, "ood_sets", lambda _, colour: iter([("white", white)]))
    text = (tmp_path / "cards" / f"{painting_card}.toml").read_text()
    (tmp_path / "cards" / f"{painting_card}.toml").write_text(text + "\n[training]\nsteps = 1\n")
    (tmp_path / "cards" / f"{painting_card}.figures.json").write_text('{"measured": "2026-11-20", "trials": {}}')
    cards.cache_clear()
    return painting_card


def test_the_command_fits_and_measures_a_gate_and_nothing_else(shipped: str, tmp_path: Path) -> None:
    before = card(shipped)
    with pytest.raises(SystemExit) as ended:
        main(["gate", shipped])
    assert ended.value.code == 0
    made = card(shipped)
    assert made.gate is not None
    assert made.model_copy(update={"gate": None}) == before
    figures = made.figures
    assert (figures["measured"], figures["trials"]) == ("2026-11-20", {})
    assert (figures["gate"]["n"], figures["gate"]["kept"]) == (20, pytest.approx(0.95))
    (row,) = figures["gate"]["strangers"]
    assert (row["set"], row["n"], row["refused"]) == ("white", 3, 1.0)
    answer = models.predict(Image(np.ones((1, 24, 24), np.float32), "", "0" * 64), shipped)
    assert isinstance(answer, Judged)
    assert answer.abstained


def test_the_gate_of_a_classifier_comes_with_it(random_card: str) -> None:
    with pytest.raises(BadCard, match="fitted with it"):
        gate(random_card)
