"""One loaded model: the members of an ensemble on their device, and the lock that guards them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from models.cards import Card
from models.errors import UnknownCard
from models.nets.frame import make_blank_image
from models.nets.loading import load_classifier
from models.nets.staged import StagedClassifier
from models.tasks import question_of
from models.tasks.classification.explanation import choose_explained_stage, explain_classification
from models.tasks.classification.task import ClassificationTask
from models.tasks.kind import ANSWER, Request, Why
from models.tasks.members import BARE, BARE_GRADIENT, Members
from models.tasks.task import Answer
from models.trust.methods import find_method
from models.trust.ood import pool_features
from models.trust.second import give_second_opinion
from models.types import Classification, Explanation, Image

CPU_PIXELS = 4 * 224 * 224
"""Of the images that a processor takes in one pass: of more, what is computed does not stay in its cache (an image in
16 took 1.2 to 1.7 times as long as one alone, on two networks)."""


class Classifier(Members[StagedClassifier]):
    """A card's networks, ready to answer; of several the mean counts."""

    does: ClassVar[str] = "names a whole image"

    def __init__(self, card: Card, device: torch.device) -> None:
        super().__init__(card, device, (load_classifier(card, member) for member in card.members))
        self.task = ClassificationTask(question_of(card.task))

    def input(self, image: Image, frame: int = 0) -> Tensor:
        """Return one frame as the networks take it: (1, 3, h, w) on the model's device."""
        return self.task.prepare(image, self.card, frame).to(self.device)

    def passes(self, image: Image) -> Mapping[str, Callable[[], object]]:
        """Return what runs the members one after another, alone and with the gradient back to the card's stage."""
        x, stage = self.input(image), self.card.net.stage

        @torch.no_grad()
        def bare() -> None:
            for net in self.members:
                net(x)
            self.finish()

        def gradient() -> None:
            for net in self.members:
                with torch.no_grad():
                    features = net.trunk(x, stage)
                features.requires_grad_()
                torch.autograd.grad(net.tail(features, stage).max(), features)
            self.finish()

        return {BARE: bare, BARE_GRADIENT: gradient}

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """Return the mean of the members for a batch as `input` makes it: (N, 3, h, w) → (N, K)."""
        with self.lock, self.precision():
            return torch.stack([net(x).float() for net in self.members]).mean(0).cpu()

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
        (answer,), kept = self._answer([(image, frame)], stage)
        return answer, kept

    @torch.no_grad()
    def _answer(self, frames: Sequence[tuple[Image, int]], stage: str) -> tuple[list[Answer], list[Tensor]]:
        """Answer images in one pass; what each member computed at `stage` is (N, C, h, w)."""
        start = time.perf_counter()
        x = torch.cat([self.input(image, frame) for image, frame in frames])  # (N, 3, h, w)
        with self.lock, self.precision():
            passes = [self._pass(part, stage) for part in x.split(self._count_a_pass(x))]
        kept, logits, pooled = (
            [torch.cat(parts) for parts in zip(*each, strict=True)] for each in zip(*passes, strict=True)
        )
        mean, first = torch.stack(logits).mean(0).cpu(), pooled[0].cpu()  # (N, K), (N, D)
        seconds = (time.perf_counter() - start) / len(frames)
        return [Answer(*said, seconds=seconds) for said in zip(mean, first, strict=True)], kept

    def _pass(self, x: Tensor, stage: str) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return what each member computed at `stage`, its logits, and its pooled features, of (n, 3, h, w)."""
        kept, logits, pooled = [], [], []
        for net in self.members:
            features = net.pyramid(x)
            kept.append(features[stage])
            logits.append(net.head(features["stage5"]).float())
            pooled.append(pool_features(features).float())
        return kept, logits, pooled

    def _count_a_pass(self, x: Tensor) -> int:
        """Return how many of the images go through a network at a time: all on a GPU."""
        return len(x) if self.device.type == "cuda" else max(1, CPU_PIXELS // (x.shape[2] * x.shape[3]))

    def warm_up(self) -> None:
        """Answer a blank image, so that the first real one does not wait."""
        self.answer(make_blank_image(self.card))

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Classification:
        """Answer one frame; Grad-CAM and HiResCAM of the answer go on from the features of this very pass.

        Raises
        ------
        UnknownCard
            For a method or a label that does not exist, and for what only detectors can be asked.
        """
        self.draw_no_boxes(asked)
        method = None if asked.explain is None else find_method(asked.explain)
        answer, features = self.answer(image, frame, self.card.net.stage)
        prediction = self._read(answer, image, frame)
        if method is None:
            return prediction
        target = self.task.target(self.card, asked.label, answer)
        return replace(
            prediction, explanation=explain_classification(self, image, method, target, frame=frame, features=features)
        )

    def predict_many(self, frames: Sequence[tuple[Image, int]]) -> list[Classification]:
        """Answer images in one pass, each with the number of its frame, as `predict` answers each."""
        answers, _ = self._answer(frames, self.card.net.stage)
        return [self._read(answer, *frame) for answer, frame in zip(answers, frames, strict=True)]

    def _read(self, answer: Answer, image: Image, frame: int) -> Classification:
        return give_second_opinion(replace(self.task.read(answer, image, self.card), frame=frame), image, self.card)

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        """Explain one label (default: the answer's own) at one stage (default: the card's own).

        Raises
        ------
        UnknownCard
            For a method, label or stage that does not exist, and for a part of an image.
        """
        method = find_method(why.method)
        if why.box is not None:
            problem = f"{self.card.id} names a whole image, not a part of it"
            raise UnknownCard(problem, fix="Crop the image to the box.")
        stage = choose_explained_stage(self, why.stage)
        answer, features = self.answer(image, frame, stage)
        target = self.task.target(self.card, why.label, answer)
        return explain_classification(self, image, method, target, frame=frame, stage=stage, features=features)
