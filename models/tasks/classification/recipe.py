"""How a card is trained: its `[training]` table, validated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field

from models.cards import Card
from models.tasks.classification.augmentation import Augmentation
from models.training.recipes import choose_recipe


class Recipe(BaseModel):
    """Everything that decides the weights, given the data and a seed.

    The defaults suit fine-tuning of an ImageNet trunk on two CPU cores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(gt=0)
    members: int = Field(1, ge=1, le=3)
    """Networks of the ensemble that ships, seeded seed, seed + 1, …"""
    seed: int = 0
    teachers: Mapping[str, Annotated[int, Field(ge=32)]] = Field(default_factory=dict)
    """Networks with ImageNet's weights that teach the pictures to this one, and the side of their input in pixels."""
    taught: float = Field(0.5, ge=0, le=1)
    """Share of the target's probability that they decide, where there are any; labels decide the rest."""
    start: str | None = None
    """Id of a card whose trunk training starts from; None: ImageNet."""
    batch: int = 32
    learning_rate: float = 1e-3
    head_rate: float = 5.0
    """Learning rate of the head, as a multiple."""
    weight_decay: float = 0.05
    probe: bool = False
    """Whether the head starts as a linear probe of what the trunk makes of the pictures, and not at random."""
    frozen: str = "stage3"
    """Stages up to this one keep their ImageNet weights, and "" is none of them: edges and textures serve radiographs
    as they are, and most of the training time of MobileNetV2 lies there."""
    views: int = Field(8, gt=0)
    """Augmented views of each picture that are drawn beforehand and run through the frozen stages once; where none is
    frozen, every batch draws new ones."""
    view_size: tuple[int, int] = (224, 224)
    """(rows, columns) of a view. Views enlarge what they show, so a network answers best at a larger input than it was
    trained at (Touvron et al. 2019, arXiv:1906.06423)."""
    softness: float = 0.05
    """Share of the target's probability given to other labels: evenly, or, for an ordinal card, to neighbours by
    exp(−distance)."""
    mixup: float = 0.0
    """Alpha of the Beta distribution (Zhang et al. 2018, arXiv:1710.09412); 0: off."""
    balance: float = Field(0.5, ge=0, le=1)
    """Exponent of the inverse class frequency in the loss."""
    average: float = 0.98
    """Decay of the moving average of the weights, which is what ships."""
    augmentation: Annotated[Augmentation, Field(default_factory=Augmentation)]

    @classmethod
    def of(cls, card: Card, device: torch.device | None = None) -> Recipe:
        """Validate the card's `[training]` table, as `choose_recipe` returns it.

        Raises
        ------
        pydantic.ValidationError
            Naming the field that is wrong.
        """
        return cls.model_validate(choose_recipe(card, device))
