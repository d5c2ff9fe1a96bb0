"""Which design is it? An implant is named by its shape, from a library of CAD, without a labelled film.

A network outlines the components; contours of every design of the library, seen from every side, give poses; poses are
refined as those of `models.tasks.kinematics` are; what is left between contour and outline decides which design it is,
and whether it is any of the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import CardKind, Predictor, Question, Trials
from models.words import later

if TYPE_CHECKING:
    import torch

    from models.cards import Card
    from models.tasks.identification.account import IdentificationAccount
    from models.tasks.task import Task

KNEE_IMPLANT = Question("knee_implant", later("Which knee implant is this?"), "identification")


class IdentificationKind(CardKind):
    """Names an implant by its shape."""

    name = "identification"
    fewest_labels = 3

    def account(self) -> IdentificationAccount:
        from models.tasks.identification.account import IdentificationAccount

        return IdentificationAccount()

    def task(self, question: Question) -> Task:
        from models.tasks.segmentation.task import SegmentationTask

        return SegmentationTask(question)

    def predictor(self, card: Card, device: torch.device) -> Predictor:
        from models.tasks.identification.predictor import Identifier

        return Identifier(card, device)

    def trials(self) -> Trials:
        from models.tasks.identification import trials

        return trials


KINDS = (IdentificationKind(),)
QUESTIONS = (KNEE_IMPLANT,)
