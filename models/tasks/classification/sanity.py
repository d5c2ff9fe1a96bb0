"""The sanity check: a map that stays when the network forgets what it learnt shows the picture, not the reason.

Weights are replaced by random ones from the head down, stage by stage, on a copy; a method that passes loses its map.
Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv:1810.03292 (cascading randomisation).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import torch
from torch import nn

from models.tasks.classification.explanation import explain_classification
from models.tasks.classification.faithfulness import compare_maps
from models.trust.methods import Method
from models.types import Explanation, Image

if TYPE_CHECKING:
    from models.tasks.classification.predictor import Classifier

APART = 0.5
"""A rank correlation below this, either way, with everything random: the map has fallen apart."""


@dataclass(frozen=True, eq=False)
class Randomised:
    """The map of a network that is random from the head down to one stage.

    Attributes
    ----------
    down_to
        "head", or the name of the last stage randomised.
    agreement
        Rank correlation with the map of the trained network, −1 to 1.
    """

    down_to: str
    explanation: Explanation
    agreement: float


@dataclass(frozen=True, eq=False)
class Cascade:
    """The check of one method on one picture.

    Attributes
    ----------
    original
        The map of the trained network.
    steps
        From the head alone to the whole network.
    """

    original: Explanation
    steps: tuple[Randomised, ...]

    @property
    def falls_apart(self) -> bool:
        """Whether little is left of the map when everything is random."""
        return abs(self.steps[-1].agreement) < APART


def randomise_in_cascade(
    model: Classifier,
    image: Image,
    method: Method,
    target: int,
    *,
    frame: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Cascade:
    """Explain one output with ever more of the network random; `model` itself is not touched.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    twin = copy(model)
    with model.lock:
        twin.members, twin.lock = deepcopy(model.members), RLock()  # the model goes on answering meanwhile
    parts = ["head", *reversed(list(twin.members[0].stages))]

    def heat_map(number: int) -> Explanation:
        def told(share: float) -> None:
            if progress:
                progress((number + share) / (len(parts) + 1))

        found = explain_classification(twin, image, method, target, frame=frame, progress=told, cancelled=cancelled)
        told(1.0)
        return found

    original = heat_map(0)
    steps = []
    for number, part in enumerate(parts, 1):
        for member, net in enumerate(twin.members):
            forget_weights(net.head if part == "head" else net.stages[part], seed=100 * member + number)
        found = heat_map(number)
        steps.append(Randomised(part, found, compare_maps(original.heat, found.heat)))
    return Cascade(original, tuple(steps))


@torch.no_grad()
def forget_weights(module: nn.Module, seed: int) -> None:
    """Redraw every parameter from a normal law with its own mean and spread, so that signals keep their size."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        drawn = torch.randn(parameter.shape, generator=generator).to(parameter)
        spread = parameter.std(correction=0)
        parameter.copy_(parameter.mean() + spread * drawn)
