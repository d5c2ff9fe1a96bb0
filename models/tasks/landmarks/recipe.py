"""How a card of landmarks is trained: its `[training]` table, validated."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.cards import Card
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.training.recipes import choose_recipe


class LandmarkRecipe(BaseModel):
    """Everything that decides the weights, given the data and a seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(gt=0)
    """Batches of the first cycle, on knees whose points are trusted."""
    tuning_steps: int = Field(0, ge=0)
    """Batches of the second cycle, with those of the other knees whose points the first cycle's network agrees with."""
    agreement_px: float = 4.0
    """Mean distance from the network's points, in pixels of the set's pictures, up to which points agree; infinite
    where the points are exact, and every picture stays as it was."""
    members: int = Field(1, ge=1)
    """Networks that differ in their seed; the mean of their heatmaps counts."""
    batch: int = 8
    view_size: tuple[int, int] = (256, 256)
    """(rows, columns) of a training view."""
    seed: int = 0
    start: str | None = None
    """Id of a card whose trunk training starts from; None: ImageNet where there are such weights, or at random."""
    learning_rate: float = 2e-3
    """Of layers that start at random."""
    trunk_rate: float = 0.5
    """Learning rate of the layers that start from other weights, as a multiple."""
    weight_decay: float = 0.02
    average: float = 0.99
    """Decay of the moving average of the weights, which is what ships."""
    sigma: float = 1.0
    """Standard deviation of a point's heatmap in cells."""
    places: float = 0.05
    """Weight of the distance between mean place and point, in pixels of the input, beside cross-entropy."""
    spaces: float = 0.05
    """Weight of the error of the space between a femoral point and the tibial ones below it, likewise."""
    augmentation: Annotated[DenseAugmentation, Field(default_factory=DenseAugmentation)]

    @classmethod
    def of(cls, card: Card) -> LandmarkRecipe:
        """Validate the card's `[training]` table, as `choose_recipe` returns it.

        Raises
        ------
        pydantic.ValidationError
            Naming the field that is wrong.
        """
        return cls.model_validate(choose_recipe(card))
