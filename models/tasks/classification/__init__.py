"""One label for a whole image: predictor, explanation, training, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import Kind, Predictor, Question, Trials
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.task import Task

IMPLANT = Question("implant", later("Which implant is it?"), "classification")
"""After Karnuta et al. 2021, doi 10.1016/j.arth.2020.11.015."""
PATHOLOGY = Question("pathology", later("How far has it gone?"), "classification")
"""After Tiulpin et al. 2018, doi 10.1038/s41598-018-20132-7."""


class ClassificationKind(Kind):
    """Names a whole image."""

    name = "classification"
    one_label = True

    def task(self, question: Question) -> Task:
        from models.tasks.classification.task import ClassificationTask

        return ClassificationTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.classification.predictor import Classifier

        return Classifier(card, device)

    def trials(self) -> Trials:
        from models.tasks.classification import trials

        return trials


KINDS = (ClassificationKind(),)
QUESTIONS = (IMPLANT, PATHOLOGY)
