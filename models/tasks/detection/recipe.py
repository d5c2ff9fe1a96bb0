"""How a detector is trained: its card's `[training]` table, validated."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.cards import Card
from models.tasks.detection.augmentation import BoxAugmentation
from models.training.recipes import choose_recipe


class BoxRecipe(BaseModel):
    """Everything that decides the weights, given the data and a seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(gt=0)
    """Batches of one learning-rate cycle."""
    batch: int = 12
    view_size: tuple[int, int] = (384, 384)
    """(rows, columns) of a training view, cut from the picture at the scale of the card's input."""
    seed: int = 0
    start: str | None = None
    """Id of a card whose trunk training starts from; None: ImageNet."""
    learning_rate: float = 2e-3
    """Of layers that start at random."""
    trunk_rate: float = 0.25
    """Learning rate of layers that start from ImageNet weights, as a multiple."""
    frozen: str = "stage2"
    """Stages up to this one keep their ImageNet weights; "": all are trained."""
    weight_decay: float = 0.03
    average: float = 0.99
    """Decay of the moving average of the weights, which is what ships."""
    focus: float = Field(0.6, ge=0, le=1)
    """Share of views that are laid round a box."""
    clean: float = Field(0.3, ge=0, le=1)
    """Share of views that come from pictures without a box."""
    measured_folds: int | None = Field(None, ge=1)
    """Folds of a cross-validation that are trained and measured, the first ones; each takes half an hour on a core."""
    augmentation: Annotated[BoxAugmentation, Field(default_factory=BoxAugmentation)]

    @classmethod
    def of(cls, card: Card) -> BoxRecipe:
        """Validate the card's `[training]` table, as `choose_recipe` returns it.

        Raises
        ------
        pydantic.ValidationError
            Naming the field that is wrong.
        """
        return cls.model_validate(choose_recipe(card))
