"""Boxes round what matters: predictor, explanation, training, reference standards, corrections, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import CardKind, Predictor, Question, Trials
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.detection.account import DetectionAccount
    from models.tasks.kind import OwnSets
    from models.tasks.task import Task

DETECTION = Question("detection", later("Where is it?"), "detection")


class DetectionKind(CardKind):
    """Draws boxes."""

    name = "detection"
    seeks = True

    def account(self) -> DetectionAccount:
        from models.tasks.detection.account import DetectionAccount

        return DetectionAccount()

    def task(self, question: Question) -> Task:
        from models.tasks.detection.task import DetectionTask

        return DetectionTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.detection.predictor import Detector

        return Detector(card, device)

    def own_sets(self) -> OwnSets:
        from models.tasks.detection import own

        return own

    def trials(self) -> Trials:
        from models.tasks.detection import trials

        return trials


KINDS = (DetectionKind(),)
QUESTIONS = (DETECTION,)
