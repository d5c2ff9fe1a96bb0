"""Named points: predictor, training, corrections, and the measures of a knee that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import CardKind, Predictor, Question, Trials
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.kind import OwnSets
    from models.tasks.landmarks.account import LandmarksAccount
    from models.tasks.task import Task

LANDMARKS = Question("landmarks", later("Where are its landmarks?"), "landmarks")
"""After Wang et al. 2020, arXiv:1908.07919, section 3: points by high-resolution heatmaps."""


class LandmarksKind(CardKind):
    """Places named points."""

    name = "landmarks"
    adds = True

    def account(self) -> LandmarksAccount:
        from models.tasks.landmarks.account import LandmarksAccount

        return LandmarksAccount()

    def task(self, question: Question) -> Task:
        from models.tasks.landmarks.task import LandmarksTask

        return LandmarksTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.landmarks.predictor import Locator

        return Locator(card, device)

    def own_sets(self) -> OwnSets:
        from models.tasks.landmarks import own

        return own

    def trials(self) -> Trials:
        from models.tasks.landmarks import trials

        return trials


KINDS = (LandmarksKind(),)
QUESTIONS = (LANDMARKS,)
