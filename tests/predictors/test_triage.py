"""Triage: only cards of likely kinds are asked, the best fit comes first, and what is nothing resembles nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import models
from models.predictors import triage as predictors
from models.predictors.triage import cut_middle_for_triage, triage
from models.simulation.joint_section import simulate_joint_section
from models.trust.image_kinds import KINDS, Kinds
from models.types import Classification, Image


def image(shape: tuple[int, ...] = (64, 64)) -> Image:
    return Image(np.full((1, *shape), 0.5, np.float32), "", "")


def seen(shares: dict[str, float], score: float = 0.8) -> Kinds:
    return Kinds(dict.fromkeys(KINDS, 0.0) | shares, dict.fromkeys(KINDS, score), 0.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the cards that were asked, each of which knows the image but for the shoulder's.

    A card of a kind that the look does not know, which is always asked, knows none and is not told of.
    """
    ids: list[str] = []

    def predict(image: Image, card: models.Card, frame: int) -> Classification:
        if card.input.kind:
            ids.append(card.id)
        known = card.id != "shoulder-implants" and bool(card.input.kind)
        return Classification(
            task=card.task, card=card.id, sha256="", seconds=0, labels=card.keys, probabilities=np.zeros(0),
            prediction_set=(), coverage=None, abstained=not known, ood_score=0.5 if known else 1.5,
        )  # fmt: skip

    monkeypatch.setattr(predictors, "engine", lambda: SimpleNamespace(predict=predict))
    return ids


def test_only_cards_of_likely_kinds_are_asked_and_the_likeliest_comes_first(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        predictors, "look_at_image_kind", lambda image, frame: seen({"limb": 0.3, "shoulder": 0.1, "mri": 0.6})
    )
    found = triage(image())
    assert set(asked) == {"fracture", "shoulder-implants", "knee-mri-bone"}  # and no alternative model
    assert [fit.card for fit in found.ranked] == ["knee-mri-bone", "fracture"]
    assert found.resembles == models.card("knee-mri-bone").data.shows


@pytest.mark.parametrize(
    ("page", "first"),
    [("", ["knee-mri-bone"]), ("detection", ["fracture"]), ("implant", ["shoulder-implants", "knee-mri-bone"])],
)
def test_cards_are_asked_until_the_place_is_found_and_the_others_later(
    page: str, first: list[str], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        predictors, "look_at_image_kind", lambda image, frame: seen({"limb": 0.3, "shoulder": 0.1, "mri": 0.6})
    )
    begun = triage(image(), page=page)
    assert asked == first  # the page's own before the likeliest
    assert [fit.card for fit in begun.ranked] == first[-1:]
    found = triage(image(), begun=begun)
    assert sorted(asked) == ["fracture", "knee-mri-bone", "shoulder-implants"]  # each once
    assert found == triage(image())
    assert not found.left


def test_the_halves_of_a_film_of_two_knees_are_asked_too(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictors, "look_at_image_kind", lambda image, frame: seen({"knee": 1.0}))
    triage(image((64, 128)))
    assert asked.count("knee-kl") == 3


def test_what_no_card_knows_resembles_its_kind_only_near_it(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for score, resembles in ((1.2, models.card("shoulder-implants").data.shows), (1.6, None)):
        what = seen({"shoulder": 1.0}, score)
        monkeypatch.setattr(predictors, "look_at_image_kind", lambda image, frame, what=what: what)
        found = triage(image())
        assert (found.ranked, found.best, found.resembles) == ((), None, resembles)


def test_the_middle_of_a_small_image_is_itself() -> None:
    small = image((40, 50))
    assert cut_middle_for_triage(small, (64, 64)) is small
    assert cut_middle_for_triage(image((100, 30)), (64, 64)).shape == (64, 30)


@pytest.mark.slow
def test_a_simulated_section_is_known_and_noise_is_not() -> None:
    found = triage(Image(simulate_joint_section(11).pixels[None], "", "section"))
    assert found.best is not None
    assert found.best.card == "joint-section"
    noise = np.random.default_rng(0).random((1, 300, 300), np.float32)
    assert triage(Image(noise, "", "noise")).best is None
