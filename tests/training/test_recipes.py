"""Recipes of the program's cards: what changes on a GPU, and that both hold."""

from __future__ import annotations

import pytest
import torch

from models.cards import Card, cards
from models.errors import BadWeights
from models.nets import device
from models.settings import Settings
from models.tasks.classification.recipe import Recipe
from models.tasks.detection.recipe import BoxRecipe
from models.tasks.landmarks.recipe import LandmarkRecipe
from models.tasks.segmentation.recipe import DenseRecipe
from models.training import recipes, runs

OF_NET = {
    "mobilenet_v2": Recipe, "fcos_mobilenet_v2": BoxRecipe, "unet_mobilenet_v2": DenseRecipe, "hrnet": DenseRecipe,
    "hourglass": LandmarkRecipe,
}  # fmt: skip


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (recipes, runs):
        monkeypatch.setattr(module, "choose_device", lambda: torch.device("cuda"))


@pytest.mark.parametrize("card_id", [card.id for card in cards().values() if card.training])
def test_the_recipe_of_a_card_holds_on_a_gpu(card_id: str, gpu: None) -> None:
    card = cards()[card_id]
    kind = LandmarkRecipe if card.task == "landmarks" else OF_NET[card.net.name]
    assert kind.of(card)


def test_a_gpu_takes_what_its_table_changes_and_the_rest_as_it_is(gpu: None) -> None:
    table = {"epochs": 3, "batch": 8, "augmentation": {"scale": 0.2, "noise": 0.1}}
    more = {"cuda": {"epochs": 60, "frozen": "", "augmentation": {"noise": 0.3}}}
    card = next(iter(cards().values())).model_copy(update={"training": table | more})
    recipe = Recipe.of(card)
    assert (recipe.epochs, recipe.batch, recipe.frozen) == (60, 8, "")
    assert (recipe.augmentation.scale, recipe.augmentation.noise) == (0.2, 0.3)
    assert runs.locate_runs(card).name == f"{card.id}-cuda"


def test_a_processor_takes_the_table_without_that_of_a_gpu() -> None:
    card: Card = next(iter(cards().values())).model_copy(update={"training": {"epochs": 3, "cuda": {"epochs": 60}}})
    assert Recipe.of(card).epochs == 3
    assert runs.locate_runs(card).name == card.id


def test_a_gpu_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_device(Settings(device="auto")).type == "cpu"
    with pytest.raises(BadWeights, match="no CUDA device"):
        device.choose_device(Settings(device="cuda"))
