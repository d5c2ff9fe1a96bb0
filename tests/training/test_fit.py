import tomllib
from contextlib import suppress

import numpy as np
import pytest
import torch

from models.cards import Card
from models.settings import settings
from models.tasks.classification.folds import answer_out_of_fold
from models.tasks.classification.labelled import assign_folds
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.training import (
    Run,
    compute_ensemble_logits,
    fit_classifier,
    prepare_views,
    soften_targets,
    weigh_classes,
)
from models.training import denormals

needs_imagenet = pytest.mark.skipif(
    not (settings().data_dir.parent / "weights").exists(), reason="the ImageNet starting weights are not in ../shared"
)


def quiet(step: str, share: float) -> None:
    assert step
    assert 0 <= share <= 1


@pytest.fixture
def card(card_text: str) -> Card:
    labels = tuple({"key": key, "name": key} for key in "AB")
    plain = {"flip": False, "erase": 0.0, "rotation_deg": 0.0, "scale": 0.0, "shift": 0.0}
    training = {"epochs": 3, "views": 2, "batch": 8, "view_size": (64, 64), "average": 0.5, "augmentation": plain}
    changed = tomllib.loads(card_text) | {"labels": labels, "training": training, "input": {"size": (64, 64)}}
    return Card.model_validate(changed)


def test_soft_targets_are_distributions_and_know_the_order(card):
    ordinal = card.model_copy(update={"ordinal": True, "labels": card.labels * 2})
    targets = soften_targets(ordinal, Recipe(epochs=1, softness=0.2))
    torch.testing.assert_close(targets.sum(1), torch.ones(4))
    torch.testing.assert_close(targets.diagonal(), torch.full((4,), 0.8))
    assert targets[0, 1] > targets[0, 2] > targets[0, 3]


def test_denormals_count_again_after_training():
    least = torch.full((64,), 1e-40)
    with suppress(KeyboardInterrupt), denormals.flush_denormals():
        assert (least * 1.0 == 0).all()
        raise KeyboardInterrupt
    assert (least * 1.0 > 0).all()


def test_class_weights_favour_the_rare_and_average_to_one(card, tiny_set):
    indices = np.array([0, 2, 4, 6, 8, 10, 1])  # six A, one B
    weights = weigh_classes(card, tiny_set, indices, Recipe(epochs=1, balance=1.0))
    assert weights[1] / weights[0] == pytest.approx(6)
    assert (6 * weights[0] + weights[1]) / 7 == pytest.approx(1)


@needs_imagenet
def test_training_learns_and_resumes_as_if_never_stopped(card, tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr("models.training.loop.KEEP", {"cpu": 5})  # 18 steps of three epochs
    every = np.arange(len(tiny_set))
    views = prepare_views(card, tiny_set, quiet)
    assert views.drawn.shape == (2, 48, 32, 8, 8)
    whole = fit_classifier(card, tiny_set, views, Run("whole", 0, tmp_path, every), quiet)

    def stop_in_the_first_epoch(step: str, share: float) -> None:
        raise KeyboardInterrupt

    stopped = Run("stopped", 0, tmp_path, every)
    with pytest.raises(KeyboardInterrupt):
        fit_classifier(card, tiny_set, views, stopped, stop_in_the_first_epoch)
    assert torch.load(stopped.checkpoint, weights_only=True)["done"] == 5
    resumed = fit_classifier(card, tiny_set, views, stopped, quiet)
    logits = compute_ensemble_logits([whole], card, tiny_set, every)
    torch.testing.assert_close(compute_ensemble_logits([resumed], card, tiny_set, every), logits, atol=1e-3, rtol=1e-3)
    reference = torch.tensor([card.index(label) for label in tiny_set.labels])
    assert (logits.argmax(1) == reference).float().mean() > 0.9


@needs_imagenet
def test_a_network_of_which_nothing_is_frozen_learns_from_views_that_are_drawn_anew(card, tiny_set, tmp_path):
    card = card.model_copy(update={"training": card.training | {"frozen": "", "epochs": 4, "mixup": 0.2}})
    views = prepare_views(card, tiny_set, quiet)
    assert views.drawn is None
    run, which = Run("all", 0, tmp_path, np.arange(48)), torch.arange(4)
    first, again, other = (views.batch(which, Recipe.of(card), run.generator(step)) for step in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    net = fit_classifier(card, tiny_set, views, run, quiet)
    logits = compute_ensemble_logits([net], card, tiny_set, np.arange(48))
    reference = torch.tensor([card.index(label) for label in tiny_set.labels])
    assert (logits.argmax(1) == reference).float().mean() > 0.9


@needs_imagenet
def test_every_picture_is_answered_by_a_network_that_never_saw_its_group(card, tiny_set, tmp_path):
    quick = card.model_copy(update={"training": card.training | {"epochs": 1}})
    logits = answer_out_of_fold(quick, tiny_set, 2, tmp_path, quiet)
    assert logits.shape == (48, 2)
    assert (logits != 0).all()
    kept = sorted(path.name for path in tmp_path.glob("*.npy"))
    assert kept == ["member-0-fold-0-of-2.npy", "member-0-fold-1-of-2.npy"]
    np.testing.assert_array_equal(answer_out_of_fold(quick, tiny_set, 2, tmp_path, quiet), logits)


def test_folds_keep_groups_whole(tiny_set):
    fold = assign_folds(tiny_set, 4)
    assert set(fold) == {0, 1, 2, 3}
    for group in set(tiny_set.groups):
        assert len({fold[i] for i, other in enumerate(tiny_set.groups) if other == group}) == 1
