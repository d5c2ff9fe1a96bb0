"""Classification: one label of a closed list, its calibrated probability, and whether to believe it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.cards import Card
from models.nets.loading import build_classifier
from models.nets.staged import StagedClassifier
from models.tasks.task import Answer, Task
from models.trust.conformal import make_prediction_set
from models.trust.ood import load_ood_detector
from models.types import Classification, Image


class ClassificationTask(Task):
    """Reads logits as a `Classification`."""

    default_coverage = 0.9

    def build(self, card: Card) -> StagedClassifier:
        """Return the card's network with random weights."""
        return build_classifier(card)

    def read(self, answer: Answer, image: Image, card: Card) -> Classification:
        """Return calibrated probabilities, the conformal set, and the detector's verdict."""
        probabilities = calibrate_logits(answer.logits, card)
        verdict = (
            load_ood_detector(card).judge(answer.pooled.numpy(), answer.logits.numpy(), card.data.shows)
            if card.ood
            else None
        )
        return Classification(
            task=self.name,
            card=card.id,
            sha256=image.sha256,
            seconds=answer.seconds,
            warnings=image.warnings,
            labels=card.keys,
            probabilities=probabilities,
            prediction_set=make_prediction_set(probabilities, card, self.default_coverage),
            coverage=self.default_coverage if card.conformal else None,
            abstained=bool(verdict and verdict.outside),
            reason=verdict.reason if verdict else None,
            ood_score=verdict.ood_score if verdict else None,
        )

    def target(self, card: Card, label: str | None, answer: Answer) -> int:
        """Return the output of `label`, or of the most probable label."""
        return int(answer.logits.argmax()) if label is None else card.index(label)

    def score(
        self, probabilities: NDArray[np.float64], reference: NDArray[np.intp], groups: NDArray[np.intp], card: Card
    ) -> dict[str, Any]:
        """Return the figures of held-out answers, as a card shows them: see `metrics.describe_classification_metrics`.

        Parameters
        ----------
        probabilities, reference, groups
            (N, K) calibrated, (N,) indices of labels, and (N,) what may be one patient.
        """
        from models.tasks.classification.metrics import (
            describe_classification_metrics,  # needs scikit-learn, which answering does not
        )

        return describe_classification_metrics(probabilities, reference, groups, card)


def calibrate_logits(logits: torch.Tensor, card: Card) -> NDArray[np.float32]:
    """(…, K) logits → probabilities at the card's temperature (1 before it is calibrated)."""
    temperature = card.calibration.temperature if card.calibration else 1.0
    return (logits.float() / temperature).softmax(-1).numpy()
