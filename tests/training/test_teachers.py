"""Teachers answer pictures of groups that they have not seen, and what they look at is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.cards import Card
from models.nets import loading
from models.tasks.classification import teachers
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.teachers import ask_teachers, compute_teacher_features
from tests.training.test_fit import quiet


@pytest.fixture
def card(card_text: str) -> Card:
    import tomllib

    labels = tuple({"key": key, "name": key} for key in "AB")
    return Card.model_validate(tomllib.loads(card_text) | {"labels": labels, "input": {"size": (64, 64)}})


RECIPE = Recipe(epochs=1, teachers={"mobilenet_v2": 64, "vgg16": 64})


def test_what_teachers_say_is_a_distribution_that_knows_pictures_it_has_not_seen(
    card: Card, tiny_set: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strips = tiny_set.pixels.reshape(48, 64, 4, 16).mean((1, 3)) / 255  # brightness from left to right
    features = np.stack([np.repeat(strips, 100, 1)] * 2).astype(np.float32)
    monkeypatch.setattr(teachers, "compute_teacher_features", lambda *_: features)
    which = np.arange(6, 48)
    said = ask_teachers(card, tiny_set, which, RECIPE, tmp_path, quiet)
    assert said.shape == (42, 2)
    np.testing.assert_allclose(said.sum(1), 1, atol=1e-5)
    assert (said.argmax(1) == [card.index(tiny_set.labels[i]) for i in which]).all()


def test_a_teacher_does_not_repeat_the_label_of_a_picture(
    card: Card, tiny_set: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tells each picture from all others, and says nothing of those not seen, is worth no more than a guess."""
    own = np.stack([np.eye(48)] * 2).astype(np.float32)
    monkeypatch.setattr(teachers, "compute_teacher_features", lambda *_: own)
    said = ask_teachers(card, tiny_set, np.arange(48), RECIPE, tmp_path, quiet)
    assert said.max() < 0.7


def test_features_are_computed_once_for_the_same_pictures(
    card: Card, tiny_set: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = tiny_set.only(np.arange(4))
    made: list[str] = []

    def build(card: Card) -> loading.StagedClassifier:
        made.append(card.net.name)
        return loading.build_classifier(card)

    monkeypatch.setattr(teachers, "build_classifier", build)
    monkeypatch.setattr(teachers, "load_starting_weights", lambda kind: kind(1).state_dict())
    monkeypatch.setattr(loading.StagedMobileNetV2, "load_start", lambda net, state: None)
    first = compute_teacher_features(card, few, "mobilenet_v2", 64, tmp_path, quiet)
    assert first.shape == (2, 4, 1280)
    assert not np.array_equal(first[0], first[1])  # of mirror images
    np.testing.assert_array_equal(compute_teacher_features(card, few, "mobilenet_v2", 64, tmp_path, quiet), first)
    assert made == ["mobilenet_v2"]
    other = tiny_set.only(np.arange(4, 8))
    assert not np.array_equal(compute_teacher_features(card, other, "mobilenet_v2", 64, tmp_path, quiet), first)
    assert made == ["mobilenet_v2", "mobilenet_v2"]
