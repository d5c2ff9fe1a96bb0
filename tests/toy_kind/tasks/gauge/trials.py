"""There is nothing to learn; what is measured is the error on even pictures."""

from __future__ import annotations

import numpy as np

import models
from models.cards.writing import publish_metrics
from models.errors import BadCard
from models.progress import Progress
from models.types import Image

LEVELS = (0.25, 0.5, 0.75)


def train(card_id: str, progress: Progress) -> None:
    raise BadCard("it has nothing to learn", fix="Use it as it is.", file=card_id)


ood = train


def evaluate(card_id: str, folds: int, test: bool, progress: Progress) -> None:
    errors = []
    for level in LEVELS:
        even = Image(np.full((1, 64, 64), level, np.float32), "", f"{level}")
        errors.append(abs(models.predict(even, card_id).value - 100 * level))
    row = {"value": float(np.mean(errors)), "low": min(errors), "high": max(errors)}
    publish_metrics(
        card_id, {"trials": {"even pictures": {"n": len(LEVELS), "groups": len(LEVELS), "metrics": {"mae": row}}}}
    )
