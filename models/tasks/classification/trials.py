"""Train and measure classifiers: what `models.tasks.kind.Trials` asks for."""

from __future__ import annotations

from models.errors import BadCard
from models.progress import Progress
from models.tasks.classification.evaluation import evaluate
from models.tasks.classification.final import train

__all__ = ["evaluate", "ood", "train"]


def ood(card_id: str, progress: Progress) -> None:
    """Refuse: the detector is fitted on what the network was trained on, with it.

    Raises
    ------
    BadCard
        Always.
    """
    fix = f"Run `ortholens train {card_id}`, which trains nothing twice."
    raise BadCard("the out-of-distribution detector of a classifier is fitted with it", fix=fix, file=card_id)
