"""Boxes round what matters: predictor, explanation, training, reference standards, corrections, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.progress import Progress
from models.tasks.kind import Kind, Predictor, Question
from models.types import Detections
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.task import Task

DETECTION = Question("detection", "Detection", later("Where is it?"), "detection")


class DetectionKind(Kind):
    """Draws boxes."""

    name = "detection"
    answer = Detections

    def task(self, question: Question) -> Task:
        from models.tasks.detection.task import DetectionTask

        return DetectionTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.detection.predictor import Detector

        return Detector(card, device)

    def train(self, card_id: str, progress: Progress) -> None:
        from models.tasks.detection import trials

        trials.train(card_id, progress)

    def evaluate(self, card_id: str, folds: int, test: bool, progress: Progress) -> None:
        from models.tasks.detection import trials

        trials.evaluate(card_id, folds, progress)

    def fit_ood(self, card_id: str, progress: Progress) -> None:
        from models.tasks.detection import trials

        trials.gate(card_id, progress)


KINDS = (DetectionKind(),)
QUESTIONS = (DETECTION,)
