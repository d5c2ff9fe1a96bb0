"""One label for a whole image: predictor, explanation, training, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import BadCard
from models.progress import Progress
from models.tasks.kind import Kind, Predictor, Question
from models.types import Classification
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.task import Task

IMPLANT = Question("implant", "Implant identification", later("Which implant is it?"), "classification")
"""After Karnuta et al. 2021, doi 10.1016/j.arth.2020.11.015."""
PATHOLOGY = Question("pathology", "Pathology classification", later("How far has it gone?"), "classification")
"""After Tiulpin et al. 2018, doi 10.1038/s41598-018-20132-7."""


class ClassificationKind(Kind):
    """Names a whole image."""

    name = "classification"
    answer = Classification
    one_label = True

    def task(self, question: Question) -> Task:
        from models.tasks.classification.task import ClassificationTask

        return ClassificationTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.classification.predictor import Classifier

        return Classifier(card, device)

    def train(self, card_id: str, progress: Progress) -> None:
        from models.tasks.classification import final

        final.train(card_id, progress)

    def evaluate(self, card_id: str, folds: int, test: bool, progress: Progress) -> None:
        from models.tasks.classification import evaluation

        evaluation.evaluate(card_id, folds, test, progress)

    def fit_ood(self, card_id: str, progress: Progress) -> None:
        fix = f"Run `ortholens train {card_id}`, which trains nothing twice."
        raise BadCard("the gate of a classifier is fitted with it", fix=fix, file=card_id)


KINDS = (ClassificationKind(),)
QUESTIONS = (IMPLANT, PATHOLOGY)
