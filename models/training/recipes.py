"""The recipe of a card as it is on the device of this process."""

from __future__ import annotations

from typing import Any

import torch

from models.cards import Card
from models.nets.device import choose_device

CUDA = "cuda"
"""Table of a recipe that says what changes on a GPU, which trains whole networks in the time that two processor cores
take for their last stages."""


def choose_recipe(card: Card, device: torch.device | None = None) -> dict[str, Any]:
    """Return a card's `[training]` table, on a GPU with what its `[training.cuda]` changes.

    Parameters
    ----------
    device
        By default that of this process.
    """
    recipe = {name: value for name, value in card.training.items() if name != CUDA}
    changes: dict[str, Any] = card.training.get(CUDA, {}) if (device or choose_device()).type == CUDA else {}
    augmentation = {**recipe.get("augmentation", {}), **changes.get("augmentation", {})}
    return recipe | changes | ({"augmentation": augmentation} if augmentation else {})
