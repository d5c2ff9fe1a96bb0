"""What training makes of a picture: the random views that a classifier learns from, all changes or one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np
import torch
from torch import Generator

from models.cards import Card, cards
from models.nets.stages import list_stages
from models.tasks.classification.augmentation import Augmentation, augment_radiographs
from models.tasks.classification.recipe import Recipe
from models.types import Pixels

NONE = Augmentation(
    rotation_deg=0, scale=0, shift=0, contrast=0, brightness=0, gamma=0, noise=0, flip=False, erase=0
)  # fmt: skip
CHANGES = tuple(field.name for field in fields(Augmentation))
"""Names of the changes, as in a card's `[training.augmentation]`."""
PROCESSOR = torch.device("cpu")


def list_augmentations() -> Mapping[str, Augmentation]:
    """Return the augmentation that each classifier was trained with, on a processor as they all were, by its id."""
    return {card.id: Recipe.of(card, PROCESSOR).augmentation for card in cards().values() if _classifies(card)}


def _classifies(card: Card) -> bool:
    return card.net.name == "mobilenet_v2" and bool(list_stages(card)) and "epochs" in card.training


def isolate_change(how: Augmentation, change: str, strength: float = 1.0) -> Augmentation:
    """Return an augmentation with one of its changes alone, at a multiple of its strength; a coin is tossed as ever.

    Parameters
    ----------
    change
        One of `CHANGES`.
    """
    value = getattr(how, change)
    if not isinstance(value, bool):
        value = min(1.0, value * strength) if change == "erase" else value * strength  # erase is a probability
    return replace(NONE, **{change: value})


def strengthen_augmentation(how: Augmentation, strength: float) -> Augmentation:
    """Return an augmentation with every range times a strength."""
    changed = {name: getattr(isolate_change(how, name, strength), name) for name in CHANGES}
    return Augmentation(**changed)


def draw_lesson_views(grey: Pixels, how: Augmentation, count: int, seed: int = 0) -> Pixels:
    """Draw random views of one picture (H, W) in [0, 1], as training would: (count, H, W) in [0, 1]."""
    picture = torch.from_numpy(np.array(grey, np.float32))[None, None].expand(count, -1, -1, -1)
    size = (grey.shape[0], grey.shape[1])
    drawn: Pixels = augment_radiographs(picture, size, how, Generator().manual_seed(seed))[:, 0].numpy()
    return drawn
