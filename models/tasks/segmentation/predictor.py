"""One loaded model that segments: its networks on their device, and the lock that guards them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from models.cards import Card
from models.nets import tiles
from models.nets.dense import DenseNet
from models.nets.frame import make_blank_image
from models.nets.loading import load_dense
from models.progress import ProgressToken
from models.tasks import question_of
from models.tasks.kind import ANSWER, Request, Why
from models.tasks.members import Members
from models.tasks.segmentation.explanation import explain_region
from models.tasks.segmentation.task import (
    SegmentationTask,
    SegmenterOutput,
    bring_back_to_source,
    collect_strips,
    make_network_input,
    prepare_planes,
)
from models.trust.methods import find_method
from models.trust.second import give_second_opinion
from models.types import Box, Explanation, Image, Segmentation


class Segmenter(Members[DenseNet]):
    """A card's networks, ready to answer; of several the mean of their logits counts."""

    does: ClassVar[str] = "segments every pixel"

    def __init__(self, card: Card, device: torch.device, members: Sequence[DenseNet] = ()) -> None:
        super().__init__(card, device, members or [load_dense(card, member) for member in card.members])
        self.task = SegmentationTask(question_of(card.task))

    @torch.no_grad()
    def judged(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, h, w) → the mean of the members, (N, K, h, w), and the first's pooled features, (N, D); on the CPU."""
        x = x.to(self.device)
        with self.lock, self.precision():
            seen = [net.judged(x) for net in self.members]
        mean = torch.stack([logits.float() for logits, _ in seen]).mean(0)
        return mean.cpu(), seen[0][1].cpu()

    def logits(self, x: Tensor) -> Tensor:
        """Return the mean of the members alone."""
        return self.judged(x)[0]

    def segment(
        self,
        image: Image,
        frame: int = 0,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> SegmenterOutput:
        """Answer one frame.

        Raises
        ------
        Cancelled
            When `cancelled` said so; nothing is kept.
        """
        start, card = time.perf_counter(), self.card
        looks = Looks(tiles.count_tiles(image.shape, card.input.size) if card.input.tiled else 1)

        def look(x: Tensor) -> Tensor:
            logits, pooled = self.judged(x)
            looks.add(pooled[0], logits[0, : len(card.labels)].amax((1, 2)))
            return logits

        watch = ProgressToken(looks.count, progress, cancelled)
        if card.input.tiled:

            def patch(top: int, left: int, height: int, width: int) -> Tensor:
                return make_network_input(prepare_planes(image, card, frame, Box(top, left, height, width)))

            strips = tiles.slide_over_tiles(image.shape, card.input.size, patch, look, watch)
            found = collect_strips(image.shape, len(card.labels), strips)
        else:
            watch.check()
            logits = look(self.task.prepare(image, card, frame))
            found = collect_strips(
                image.shape, len(card.labels), bring_back_to_source(logits, self.task.frame(image, card))
            )
            watch.step()
        return SegmenterOutput(*found, time.perf_counter() - start, looks.pooled, looks.strongest)

    def warm_up(self) -> None:
        """Answer a blank image, so that the first real one does not wait."""
        self.segment(make_blank_image(self.card))

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Segmentation:
        """Answer one frame; where it is cancelled, nothing is kept.

        Raises
        ------
        Cancelled
            When the request was cancelled.
        UnknownCard
            For a method or a label that does not exist, and for what only detectors can be asked.
        """
        self.draw_no_boxes(asked)
        method = None if asked.explain is None else find_method(asked.explain)
        start = time.perf_counter()
        output = self.segment(image, frame, asked.progress, asked.cancelled)
        answer = give_second_opinion(replace(self.task.read(output, image, self.card), frame=frame), image, self.card)
        answer = replace(answer, seconds=time.perf_counter() - start)
        if method is None:
            return answer
        return replace(answer, explanation=explain_region(self, image, method, asked.label, frame=frame))

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        """Explain one class, in a box or wherever it was segmented.

        Raises
        ------
        UnknownCard
            For a method, class or stage that does not exist.
        """
        method = find_method(why.method)
        return explain_region(self, image, method, why.label, frame=frame, stage=why.stage, box=why.box)


class Looks:
    """What the out-of-distribution detector looks at in each of `count` tiles, in arrays that are made once.

    Small arrays kept from tile to tile would lie between the large ones that come and go, and keep the heap from giving
    them back: 0.6 GiB more for an image of 8,192 pixels a side.
    """

    def __init__(self, count: int) -> None:
        self.count, self._seen = count, 0
        self.pooled = self.strongest = np.zeros((count, 0), np.float32)

    def add(self, pooled: Tensor, strongest: Tensor) -> None:
        """Keep what was seen in one more tile: (D,) and (K,)."""
        if not self._seen:
            self.pooled = np.zeros((self.count, len(pooled)), np.float32)
            self.strongest = np.zeros((self.count, len(strongest)), np.float32)
        self.pooled[self._seen], self.strongest[self._seen] = pooled.numpy(), strongest.numpy()
        self._seen += 1
