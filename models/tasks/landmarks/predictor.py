"""One loaded model that places points: its networks on their device, and the lock that guards them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from models.cards import Card
from models.nets.dense import JUDGED, DenseNet
from models.nets.frame import Frame, make_blank_image, normalise
from models.nets.loading import load_dense
from models.progress import ProgressToken
from models.tasks import question_of
from models.tasks.kind import ANSWER, Request, Why
from models.tasks.landmarks.edges import settle_on_edges
from models.tasks.landmarks.explanation import explain_point
from models.tasks.landmarks.heatmaps import count_cells, mirror_order, read_heatmaps
from models.tasks.landmarks.recipe import LandmarkRecipe
from models.tasks.landmarks.task import (
    LandmarksTask,
    LocatorOutput,
    bring_points_to_source,
    frame_closer,
    read_shares,
)
from models.tasks.members import BARE, Members
from models.trust.methods import find_method
from models.trust.second import give_second_opinion
from models.types import Explanation, Image, Landmarks


class Locator(Members[DenseNet]):
    """A card's networks, ready to answer; the mean of their heatmaps counts.

    Attributes
    ----------
    mirrored
        Which point each becomes in the mirror image, whose heatmaps count too; None where none was learned from.
    """

    does: ClassVar[str] = "places points"

    def __init__(self, card: Card, device: torch.device, members: Sequence[DenseNet] = ()) -> None:
        super().__init__(card, device, members or [load_dense(card, member) for member in card.members])
        self.task = LandmarksTask(question_of(card.task))
        self.mirrored = mirror_order(card.keys) if LandmarkRecipe.of(card).augmentation.flip else None

    @torch.no_grad()
    def shares(self, x: Tensor, mirrored: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean of the members for the images and, where asked and learned, their mirror images; on the CPU.

        Returns
        -------
        shares : Tensor
            (N, K, h, w) distribution of each point over the cells of its heatmap.
        strongest : Tensor
            (N, K) largest logit of the first member.
        pooled : Tensor
            (N, D) pooled features of the first member.
        """
        x = x.to(self.device)
        cells = count_cells((x.shape[2], x.shape[3]))
        with self.lock, self.precision():
            plain = [read_shares(net, x, JUDGED, cells) for net in self.members]
            passes = [shares for shares, _, _ in plain]
            for net in self.members if mirrored and self.mirrored else ():
                passes.append(read_shares(net, x.flip(3), JUDGED, cells)[0].flip(3)[:, self.mirrored])
        mean = torch.stack(passes).mean(0)
        return mean.cpu(), plain[0][1].cpu(), plain[0][2].cpu()

    def passes(self, image: Image) -> Mapping[str, Callable[[], object]]:
        """Return what runs the members on an image, and its mirror image where that counts."""
        x = self.task.prepare(image, self.card)

        def bare() -> None:
            self.shares(x)
            self.finish()

        return {BARE: bare}

    def locate(self, image: Image, frame: int = 0, *, mirrored: bool = True) -> LocatorOutput:
        """Answer one frame; without its mirror image it is half the work, and the detector sees the same."""
        start = time.perf_counter()
        placed, x = self.prepare(image, frame)
        shares, strongest, pooled = self.shares(x, mirrored)
        read, spread = read_heatmaps(shares)
        points = settle_on_edges(read[0].numpy(), self.card.keys, x[0, 0].numpy())
        return LocatorOutput(
            points, spread[0].numpy(), pooled[0].numpy(), strongest[0].numpy(), time.perf_counter() - start, placed
        )

    def prepare(self, image: Image, frame: int = 0) -> tuple[Frame, Tensor]:
        """Return where a frame lies in the input, and the input (1, 3, h, w); found by a first look where asked so."""
        placed, closer = self.task.frame(image, self.card), self.card.input.closer
        x = self.task.prepare(image, self.card, frame)
        if not closer:
            return placed, x
        found = read_heatmaps(self.shares(x, mirrored=False)[0])[0][0].numpy()
        placed = frame_closer(bring_points_to_source(found, placed)[0], placed, closer)
        return placed, normalise(placed.to_network(torch.from_numpy(image.grey(frame))[None, None]))

    def warm_up(self) -> None:
        """Answer a blank image, so that the first real one does not wait."""
        self.locate(make_blank_image(self.card))

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Landmarks:
        """Answer one frame.

        Raises
        ------
        Cancelled
            When the request was cancelled.
        UnknownCard
            For a method or a point that does not exist, and for what only detectors can be asked.
        """
        self.draw_no_boxes(asked)
        method = None if asked.explain is None else find_method(asked.explain)
        start, watch = time.perf_counter(), ProgressToken(1, asked.progress, asked.cancelled)
        watch.check()
        output = self.locate(image, frame)
        watch.step()
        answer = give_second_opinion(replace(self.task.read(output, image, self.card), frame=frame), image, self.card)
        answer = replace(answer, seconds=time.perf_counter() - start)
        if method is None:
            return answer
        return replace(answer, explanation=explain_point(self, image, Why(method.key, asked.label), frame))

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        """Explain where one point was placed (default: the first).

        Raises
        ------
        UnknownCard
            For a method, point or stage that does not exist, and for a part of an image.
        """
        return explain_point(self, image, why, frame)
