"""One linear unit that turns the mean grey of a frame into percent, with an out-of-distribution detector."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.cards import Card
from models.errors import UnknownCard
from models.nets.frame import make_blank_image
from models.nets.loading import fill_with_weights
from models.tasks import task_of
from models.tasks.kind import ANSWER, Request, Why
from models.tasks.members import Members
from models.tasks.task import Task
from models.trust.ood import load_ood_detector
from models.trust.second import give_second_opinion
from models.types import Explanation, Image, Judged


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading(Judged):
    value: float
    unit: str


class GaugeTask(Task):
    def build(self, card: Card) -> nn.Linear:
        return nn.Linear(1, 1)

    def prepare(self, image: Image, card: Card, frame: int = 0) -> Tensor:
        return torch.tensor([[float(image.grey(frame).mean())]])


class Gauge(Members[nn.Linear]):
    does = "measures a whole image"

    def __init__(self, card: Card, device: torch.device) -> None:
        self.task = task_of(card.task)
        super().__init__(
            card, device, (fill_with_weights(self.task.build(card), card, member) for member in card.members)
        )

    def warm_up(self) -> None:
        self.predict(make_blank_image(self.card))

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Reading:
        self.draw_no_boxes(asked)
        if asked.explain:
            raise UnknownCard(f"{self.card.id} says no why", fix="Ask for the number alone.")
        begun, x = time.perf_counter(), self.task.prepare(image, self.card, frame).to(self.device)
        with self.lock:
            value = float(torch.stack([net(x) for net in self.members]).mean())
        verdict = load_ood_detector(self.card).judge(x[0].cpu().numpy(), x[0].cpu().numpy(), self.card.data.shows)
        reading = Reading(
            task=self.card.task, card=self.card.id, sha256=image.sha256, frame=frame, warnings=image.warnings,
            seconds=time.perf_counter() - begun, value=value, unit="%",
            abstained=verdict.outside, reason=verdict.reason, ood_score=verdict.ood_score,
        )  # fmt: skip
        return give_second_opinion(reading, image, self.card)

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        raise UnknownCard(f"{self.card.id} says no why", fix="Ask for the number alone.")
