"""One label for a whole image: predictor, explanation, training, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import CardKind, Predictor, Question, Trials
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.classification.account import ClassificationAccount
    from models.tasks.kind import OwnSets
    from models.tasks.task import Task

IMPLANT = Question("implant", later("Which implant is it?"), "classification")
"""After Karnuta et al. 2021, doi 10.1016/j.arth.2020.11.015."""
PATHOLOGY = Question("pathology", later("How far has it gone?"), "classification")
"""After Tiulpin et al. 2018, doi 10.1038/s41598-018-20132-7."""


class ClassificationKind(CardKind):
    """Names a whole image."""

    name = "classification"
    fewest_labels = 2
    one_label = True
    batched = True
    explained_by = "grad-cam"

    def account(self) -> ClassificationAccount:
        from models.tasks.classification.account import ClassificationAccount

        return ClassificationAccount()

    def task(self, question: Question) -> Task:
        from models.tasks.classification.task import ClassificationTask

        return ClassificationTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.classification.predictor import Classifier

        return Classifier(card, device)

    def own_sets(self) -> OwnSets:
        from models.tasks.classification import own

        return own

    def trials(self) -> Trials:
        from models.tasks.classification import trials

        return trials


KINDS = (ClassificationKind(),)
QUESTIONS = (IMPLANT, PATHOLOGY)
