"""How often a reader and a model agree, beyond what chance alone would give.

Cohen 1960, "A Coefficient of Agreement for Nominal Scales", doi 10.1177/001316446002000104, and for grades its
quadratic weights (Cohen 1968, doi 10.1037/h0026256).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.cards import Card

FEWEST = 5
"""Readings under which kappa would be noise."""


@dataclass(frozen=True)
class Reading:
    """A reader's label for one image, committed to before the model's answer was shown.

    Attributes
    ----------
    sha256, frame, card
        Which frame of which file was read, and the model it is compared with.
    reader, sure
        Key of the reader's label, and how sure the reader was, in the words of the screen; None where not said.
    model, confidence
        Key of the model's label, and its calibrated probability.
    abstained
        Whether the model refused to answer; `model` is then what it would have said.
    time
        Of the commitment, UTC, ISO 8601.
    by
        Who read, by name or initials; empty where nobody said.
    seconds
        From the moment the question stood on the screen to the commitment; None where it was not measured.
    file
        Name of the file. It may identify a patient: it gets into an export only where that is asked for.
    """

    sha256: str
    frame: int
    card: str
    reader: str
    sure: str | None
    model: str
    confidence: float
    abstained: bool
    time: str
    by: str = ""
    seconds: float | None = None
    file: str = field(default="", repr=False)

    @property
    def agreed(self) -> bool | None:
        """Whether both chose one label; None where the model gave no answer."""
        return None if self.abstained else self.reader == self.model


@dataclass(frozen=True)
class Agreement:
    """Agreement over the readings that the model answered.

    Attributes
    ----------
    n, agreed
        Readings that the model answered, and those of one label.
    kappa, quadratic_kappa
        1 for full agreement, 0 for chance; None under `FEWEST` readings, or where chance alone explains everything.
        The quadratic one is for ordinal labels only.
    """

    n: int
    agreed: int
    kappa: float | None
    quadratic_kappa: float | None

    @property
    def share(self) -> float | None:
        """Part of the readings that agree; None without any."""
        return self.agreed / self.n if self.n else None


def count_reader_agreement(readings: Sequence[Reading], card: Card) -> Agreement:
    """Count the agreement of a card's readings; those where the model abstained are left out."""
    answered = [reading for reading in readings if reading.card == card.id and not reading.abstained]
    table = np.zeros((len(card.keys), len(card.keys)), np.intp)
    for reading in answered:
        table[card.index(reading.reader), card.index(reading.model)] += 1
    enough = len(answered) >= FEWEST
    distance = np.abs(np.subtract.outer(range(len(table)), range(len(table))))
    return Agreement(
        n=len(answered),
        agreed=int(np.trace(table)),
        kappa=compute_weighted_kappa(table, distance > 0) if enough else None,
        quadratic_kappa=compute_weighted_kappa(table, distance**2) if enough and card.ordinal else None,
    )


def compute_weighted_kappa(table: NDArray[np.intp], penalty: NDArray[np.bool_ | np.integer]) -> float | None:
    """Return one minus the penalty seen over the penalty expected by chance.

    Parameters
    ----------
    table
        (K, K) counts: the one reader's label in rows, the other's in columns.
    penalty
        (K, K) cost of each pair of labels, 0 on the diagonal.

    Returns
    -------
    float or None
        In (-∞, 1]; None where both always chose one and the same label, so that chance explains everything.
    """
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    by_chance = float((penalty * expected).sum())
    return None if by_chance == 0 else 1 - float((penalty * table).sum()) / by_chance
