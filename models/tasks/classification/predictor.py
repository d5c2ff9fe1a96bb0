"""One loaded model: the members of an ensemble on their device, and the lock that guards them."""

from __future__ import annotations

import time
from contextlib import nullcontext
from threading import RLock

import torch
from torch import Tensor

from models.cards import Card
from models.nets.loading import load_member
from models.nets.mobilenet import StagedMobileNetV2
from models.tasks import task
from models.tasks.classification.task import ClassificationTask
from models.tasks.task import Answer
from models.trust.ood import signature
from models.types import Image


class Model:
    """A card's networks, ready to answer.

    A network is not thread-safe while it is explained (hooks), so whoever runs one holds `lock`.

    Attributes
    ----------
    members
        In eval mode, without gradients of their own.
    """

    def __init__(self, card: Card, device: torch.device) -> None:
        self.card, self.device, self.lock = card, device, RLock()
        asked = task(card.task)
        assert isinstance(asked, ClassificationTask)  # the engine asks first
        self.task: ClassificationTask = asked
        self.members: list[StagedMobileNetV2] = [load_member(card, member).to(device) for member in card.members]

    @property
    def bytes(self) -> int:
        """Memory of the parameters."""
        return sum(p.numel() * p.element_size() for net in self.members for p in net.parameters())

    def precision(self) -> torch.autocast | nullcontext[None]:
        """Half precision on a GPU; on a CPU float32, since bfloat16 is slower there without special units."""
        return torch.autocast("cuda", torch.float16) if self.device.type == "cuda" else nullcontext()

    def input(self, image: Image, frame: int = 0) -> Tensor:
        """Return one frame as the networks take it: (1, 3, h, w) on the model's device."""
        return self.task.prepare(image, self.card, frame).to(self.device)

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Return the mean of the members for a batch as `input` makes it: (N, 3, h, w) → (N, K)."""
        with self.lock, self.precision():
            return torch.stack([net(x).float() for net in self.members]).mean(0).cpu()

    @torch.no_grad()
    def answer(self, image: Image, frame: int = 0, stage: str = "stage5") -> tuple[Answer, list[Tensor]]:
        """Answer one frame.

        Returns
        -------
        Answer
            The mean of the members.
        list of Tensor
            What each member computed at `stage`, (1, C, h, w): an explanation goes on from there, so that the trunk
            runs once.
        """
        start = time.perf_counter()
        x = self.input(image, frame)
        with self.lock, self.precision():
            kept, logits, signatures = [], [], []
            for net in self.members:
                features = net.pyramid(x)
                kept.append(features[stage])
                logits.append(net.head(features["stage5"])[0].float())
                signatures.append(signature(features)[0].float())
        return (
            Answer(
                logits=torch.stack(logits).mean(0).cpu(),
                signature=signatures[0].cpu(),
                seconds=time.perf_counter() - start,
            ),
            kept,
        )
