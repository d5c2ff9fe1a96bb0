"""A kind of task that `tests/dashboard/test_kinds.py` adds: one number for a whole image, with its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import CardKind, Predictor, Question, Trials

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.reporting.account import CardAccount
    from models.tasks.task import Task


class GaugeKind(CardKind):
    name = "gauge"

    def account(self) -> CardAccount:
        from models.tasks.gauge.account import GaugeAccount

        return GaugeAccount()

    def task(self, question: Question) -> Task:
        from models.tasks.gauge.predictor import GaugeTask

        return GaugeTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.gauge.predictor import Gauge

        return Gauge(card, device)

    def trials(self) -> Trials:
        from models.tasks.gauge import trials

        return trials


KINDS = (GaugeKind(),)
QUESTIONS = (Question("brightness", "How bright is it?", "gauge"),)
