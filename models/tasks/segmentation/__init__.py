"""A class for every pixel: predictor, explanation, training, reference standards, corrections, measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import CardKind, Predictor, Question, Trials
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.kind import OwnSets
    from models.tasks.segmentation.account import SegmentationAccount
    from models.tasks.task import Task

TISSUE = Question("tissue", later("Which tissue is where?"), "segmentation")
"""After Wang et al. 2020, arXiv:1908.07919, section 4: dense prediction."""


class SegmentationKind(CardKind):
    """Segments every pixel."""

    name = "segmentation"
    fewest_labels = 2

    def account(self) -> SegmentationAccount:
        from models.tasks.segmentation.account import SegmentationAccount

        return SegmentationAccount()

    def task(self, question: Question) -> Task:
        from models.tasks.segmentation.task import SegmentationTask

        return SegmentationTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.segmentation.predictor import Segmenter

        return Segmenter(card, device)

    def own_sets(self) -> OwnSets:
        from models.tasks.segmentation import own

        return own

    def trials(self) -> Trials:
        from models.tasks.segmentation import trials

        return trials


KINDS = (SegmentationKind(),)
QUESTIONS = (TISSUE,)
