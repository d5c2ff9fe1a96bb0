"""What a model said of a file, as a line of the worklist: small, so that thousands can be kept, and without pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.cards import card
from models.i18n import Language
from models.types import Box, Judged


@dataclass(frozen=True)
class Outcome:
    """What a model said of one frame of a file, or of one part of it; a kind of task may add what it says in words.

    Attributes
    ----------
    sha256, frame, card
        Of the image or the part that was answered; the card is empty where none knows the image.
    label
        Key of the label, as `Account.labels` lists them; None where the answer is no single label.
    confidence
        Calibrated probability of the answer; None where there is none.
    abstained, reason
        Whether the model refused, and why.
    box
        The part of the file that was answered; None for the whole, or where the page knows it.
    """

    sha256: str
    frame: int
    card: str
    task: str
    label: str | None = None
    confidence: float | None = None
    abstained: bool = False
    reason: str | None = None
    box: Box | None = None

    @property
    def cell(self) -> str:
        """The answer in a CSV, which a program reads."""
        return self.label or ""

    def words(self, say: Language) -> str:
        """Return the answer in a few words, in a reader's language."""
        known = card(self.card)
        return say(known.labels[known.index(self.label)].name) if self.label is not None else ""


def fill_common_outcome(answer: Judged) -> dict[str, Any]:
    """Return the fields of an `Outcome` that are the same for every kind of answer."""
    return {
        "sha256": answer.sha256, "frame": answer.frame, "card": answer.card, "task": answer.task,
        "abstained": answer.abstained, "reason": answer.reason,
    }  # fmt: skip
