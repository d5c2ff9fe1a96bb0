"""One loaded model that paints: its networks on their device, and the lock that guards them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import RLock

import numpy as np
import torch
from torch import Tensor

from models.cards import Card
from models.nets.dense import DenseNet
from models.nets.loading import load_dense
from models.predictors import tiles
from models.progress import Watch
from models.tasks import task
from models.tasks.segmentation.task import Painting, SegmentationTask, collected, network_input, planes, unfitted
from models.types import Box, Image


class Painter:
    """A card's networks, ready to answer.

    Attributes
    ----------
    members
        In eval mode; the mean of their logits counts.
    """

    def __init__(self, card: Card, device: torch.device, members: Sequence[DenseNet] = ()) -> None:
        asked = task(card.task)
        assert isinstance(asked, SegmentationTask)  # the engine asks first
        self.card, self.device, self.lock, self.task = card, device, RLock(), asked
        self.members = [net.to(device) for net in members or [load_dense(card, member) for member in card.members]]

    @property
    def bytes(self) -> int:
        """Memory of the parameters."""
        return sum(p.numel() * p.element_size() for net in self.members for p in net.parameters())

    @torch.no_grad()
    def judged(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, h, w) → the mean of the members, (N, K, h, w), and the first one's signature, (N, D); on the CPU."""
        x = x.to(self.device)
        with self.lock, torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda"):
            seen = [net.judged(x) for net in self.members]
        mean = torch.stack([logits.float() for logits, _ in seen]).mean(0)
        return mean.cpu(), seen[0][1].cpu()

    def logits(self, x: Tensor) -> Tensor:
        """Return the mean of the members alone."""
        return self.judged(x)[0]

    def paint(
        self,
        image: Image,
        frame: int = 0,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Painting:
        """Answer one frame.

        Raises
        ------
        Cancelled
            When `cancelled` said so; nothing is kept.
        """
        start, card = time.perf_counter(), self.card
        looks = Looks(tiles.count(image.shape, card.input.size) if card.input.tiled else 1)

        def look(x: Tensor) -> Tensor:
            logits, signature = self.judged(x)
            looks.add(signature[0], logits[0, : len(card.labels)].amax((1, 2)))
            return logits

        watch = Watch(looks.count, progress, cancelled)
        if card.input.tiled:

            def patch(top: int, left: int, height: int, width: int) -> Tensor:
                return network_input(planes(image, card, frame, Box(top, left, height, width)))

            strips = tiles.slide(image.shape, card.input.size, patch, look, watch)
            found = collected(image.shape, len(card.labels), strips)
        else:
            watch.check()
            logits = look(self.task.prepare(image, card, frame))
            found = collected(image.shape, len(card.labels), unfitted(logits, self.task.frame(image, card)))
            watch.step()
        return Painting(*found, time.perf_counter() - start, looks.signatures, looks.strongest)


class Looks:
    """What the gate looks at in each of `count` tiles, in arrays that are made once.

    Small arrays kept from tile to tile would lie between the large ones that come and go, and keep the heap from giving
    them back: 0.6 GiB more for an image of 8,192 pixels a side.
    """

    def __init__(self, count: int) -> None:
        self.count, self._seen = count, 0
        self.signatures = self.strongest = np.zeros((count, 0), np.float32)

    def add(self, signature: Tensor, strongest: Tensor) -> None:
        """Keep what was seen in one more tile: (D,) and (K,)."""
        if not self._seen:
            self.signatures = np.zeros((self.count, len(signature)), np.float32)
            self.strongest = np.zeros((self.count, len(strongest)), np.float32)
        self.signatures[self._seen], self.strongest[self._seen] = signature.numpy(), strongest.numpy()
        self._seen += 1
