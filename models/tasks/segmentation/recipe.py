"""How a card that segments is trained: its `[training]` table, validated."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.cards import Card
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.training.recipes import choose_recipe


class DenseRecipe(BaseModel):
    """Everything that decides the weights, given the data and a seed; the defaults suit a minute or two on one core."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(gt=0)
    """Batches of one learning-rate cycle."""
    tuning_steps: int = Field(0, ge=0)
    """Batches of a run that goes on from another run's weights."""
    tuned_share: float = Field(1.0, gt=0, le=1)
    """How far the weights lie on the way from the first cycle's to those after tuning: in between, a network keeps more
    of what it knew of other pictures (Wortsman et al. 2022, arXiv:2109.01903)."""
    batch: int = 8
    view_size: tuple[int, int] = (192, 192)
    """(rows, columns) of a training view."""
    fitted_size: tuple[int, int] | None = None
    """(rows, columns) that a picture is fitted into before views are cut from it, where that is not the input's size:
    a network answers best at a larger one than it was trained at (Touvron et al. 2019, arXiv:1906.06423)."""
    seed: int = 0
    start: str | None = None
    """Id of a card whose trunk training starts from; None: ImageNet."""
    learning_rate: float = 3e-3
    """Of layers that start at random."""
    trunk_rate: float = 0.25
    """Learning rate of layers that start from ImageNet weights, as a multiple."""
    frozen: str = ""
    """Stages up to this one keep their ImageNet weights; "": all are trained."""
    weight_decay: float = 0.02
    average: float = 0.98
    """Decay of the moving average of the weights, which is what ships."""
    focus: float = Field(0.5, ge=0, le=1)
    """Share of tiles that are centred on an object instead of anywhere; of tiled cards."""
    dice: float = 1.0
    """Weight of the Dice loss (Milletari et al. 2016, arXiv:1606.04797) beside cross-entropy."""
    heights: float = 5.0
    """Weight of the squared error of the height inside objects, where they are told apart."""
    augmentation: Annotated[DenseAugmentation, Field(default_factory=DenseAugmentation)]

    @classmethod
    def of(cls, card: Card) -> DenseRecipe:
        """Validate the card's `[training]` table, as `choose_recipe` returns it.

        Raises
        ------
        pydantic.ValidationError
            Naming the field that is wrong.
        """
        return cls.model_validate(choose_recipe(card))
