"""A class for every pixel: predictor, explanation, training, reference standards, corrections, measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.progress import Progress
from models.tasks.kind import Kind, Predictor, Question
from models.types import Segmentation
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.task import Task

TISSUE = Question("tissue", "Tissue segmentation", later("Which tissue is where?"), "segmentation")
"""After Wang et al. 2020, arXiv:1908.07919, section 4: dense prediction."""


class SegmentationKind(Kind):
    """Paints every pixel."""

    name = "segmentation"
    answer = Segmentation

    def task(self, question: Question) -> Task:
        from models.tasks.segmentation.task import SegmentationTask

        return SegmentationTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.segmentation.predictor import Segmenter

        return Segmenter(card, device)

    def train(self, card_id: str, progress: Progress) -> None:
        from models.tasks.segmentation import trials

        trials.train(card_id, progress)

    def evaluate(self, card_id: str, folds: int, test: bool, progress: Progress) -> None:
        from models.tasks.segmentation import trials

        trials.evaluate(card_id, folds, progress)

    def fit_ood(self, card_id: str, progress: Progress) -> None:
        from models.tasks.segmentation import trials

        trials.gate(card_id, progress)


KINDS = (SegmentationKind(),)
QUESTIONS = (TISSUE,)
