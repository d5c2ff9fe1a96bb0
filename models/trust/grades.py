"""What an ordinal answer says beyond its most probable label: expected grade, probability of a dichotomised finding.

Grades are the positions of the labels, 0 to K - 1. After Frank and Hall 2001, "A Simple Approach to Ordinal
Classification", doi 10.1007/3-540-44795-4_13.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.cards import Card


def compute_expected_grade(probabilities: NDArray[np.floating]) -> float:
    """Return the mean grade of calibrated probabilities (K,), in [0, K - 1]."""
    return float(probabilities @ np.arange(len(probabilities)))


def compute_dichotomised_probability(probabilities: NDArray[np.floating], card: Card) -> float | None:
    """Return how probable the grades from `card.dichotomised` up are together; None for a card without it."""
    return None if card.dichotomised is None else float(probabilities[card.index(card.dichotomised.from_key) :].sum())
