"""What the predictors of all kinds are made of: a card's networks on their device, and the lock that guards them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from threading import RLock
from typing import ClassVar, Generic, TypeVar

import torch
from torch import nn

from models.cards import Card
from models.errors import UnknownCard
from models.tasks.kind import Request
from models.types import Image

Net = TypeVar("Net", bound=nn.Module)

BARE, BARE_GRADIENT = "bare forward", "bare forward + gradient of the tail"
"""Names of `Predictor.passes`."""


class Members(Generic[Net]):
    """A card's networks.

    A network is not thread-safe while it is explained (hooks), so whoever runs one holds `lock`.

    Attributes
    ----------
    members
        In eval mode, without gradients of their own.
    """

    does: ClassVar[str]

    def __init__(self, card: Card, device: torch.device, members: Iterable[Net]) -> None:
        self.card, self.device, self.lock = card, device, RLock()
        self.members = [net.to(device) for net in members]

    @property
    def bytes(self) -> int:
        """Memory of the parameters."""
        return sum(p.numel() * p.element_size() for net in self.members for p in net.parameters())

    def precision(self) -> AbstractContextManager[object]:
        """Half precision on a GPU; on a CPU float32, since bfloat16 is slower there without special units."""
        return torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda")

    def passes(self, image: Image) -> Mapping[str, Callable[[], object]]:
        """Return nothing: how many passes an image takes hangs on its size."""
        return {}

    def finish(self) -> None:
        """Wait for the GPU, where there is one."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def draw_no_boxes(self, asked: Request) -> None:
        """Refuse what only a detector can be asked.

        Raises
        ------
        UnknownCard
            Where the request names an operating point, or wants fused boxes.
        """
        if asked.point or asked.fused:
            raise UnknownCard(f"{self.card.id} {self.does}", fix="Choose a card that draws boxes.")
