"""How one question is put to a card's network; each kind of task says how the output is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.cards import Card
from models.nets.frame import Frame, normalise
from models.tasks.kind import Question
from models.types import Image


@dataclass(frozen=True)
class Answer:
    """What the network said about one frame, before a task gives it meaning.

    Attributes
    ----------
    logits
        (K,) mean of the members' outputs.
    pooled
        (D,) pooled features that the out-of-distribution detector looks at.
    seconds
        Preparation and forward pass.
    """

    logits: Tensor
    pooled: Tensor
    seconds: float


class Task(ABC):
    """How one question is put to a card's network."""

    def __init__(self, question: Question) -> None:
        self.name = question.name

    @abstractmethod
    def build(self, card: Card) -> nn.Module:
        """Return the card's network with random weights."""

    def frame(self, image: Image, card: Card) -> Frame:
        """Return how the image lies in the network's input."""
        return Frame.around(image.grey(), card) if card.input.trim else Frame(image.shape, card.input.size)

    def prepare(self, image: Image, card: Card, frame: int = 0) -> Tensor:
        """Return one frame as the network's input: (1, 3, *card.input.size) in [−1, 1], as ImageNet weights expect."""
        grey = torch.from_numpy(image.grey(frame))[None, None]  # (1, 1, H, W)
        return normalise(self.frame(image, card).to_network(grey))
