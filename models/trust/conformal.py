"""Prediction sets that hold the right label as often as promised: split-conformal, adaptive (Romano et al. 2020).

The score of a label is the probability of everything more plausible than it, so a set is "take labels until the mass
before the next one is over the quantile" (arXiv:2006.02544 with u = 0). The top label scores 0 and is in every set: no
set is empty, the same image always gets the same set, and coverage is exact wherever the promise is above the accuracy
of the top label alone (below that, that accuracy is the coverage). The randomised score would be exact everywhere, and
would toss a coin over a patient. For ordinal labels the set grows from the top label to its more probable neighbour
(Lu et al. 2022, arXiv:2207.02238), so that it is a range of grades.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.cards.tables import Conformal

COVERAGES: tuple[float, ...] = tuple(round(0.80 + 0.01 * i, 2) for i in range(20))
"""What a user can pick: 80 % to 99 %."""


def sum_mass_before(probabilities: NDArray[np.floating], ordinal: bool = False) -> NDArray[np.float64]:
    """Return the probability of all labels that enter the set before each label: (N, K) → (N, K) in [0, 1]."""
    p = probabilities.astype(np.float64)
    order = _from_the_top(p) if ordinal else np.argsort(-p, axis=1, kind="stable")  # (N, K) labels as they enter
    rows = np.arange(len(p))[:, None]
    sorted_p = p[rows, order]
    before = np.empty_like(p)
    before[rows, order] = np.cumsum(sorted_p, axis=1) - sorted_p
    return before


def _from_the_top(p: NDArray[np.float64]) -> NDArray[np.intp]:
    """Order of labels that begins at the most probable and takes the more probable of the two neighbours each time."""
    n, k = p.shape
    walled = np.full((n, k + 2), -1.0)  # label j at j + 1, walls are never taken
    walled[:, 1:-1] = p
    rows, low = np.arange(n), p.argmax(1)
    high = low
    order = np.empty((n, k), np.intp)
    order[:, 0] = low
    for place in range(1, k):
        up = walled[rows, high + 2] > walled[rows, low]
        low, high = low - ~up, high + up
        order[:, place] = np.where(up, high, low)
    return order


def score_conformity(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], ordinal: bool = False
) -> NDArray[np.float64]:
    """Return how far down each right label lies: probabilities (N, K) and label indices (N,) → (N,) in [0, 1]."""
    scores: NDArray[np.float64] = sum_mass_before(probabilities, ordinal)[np.arange(len(labels)), labels]
    return scores


def calibrate_conformal(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    coverages: Sequence[float] = COVERAGES,
    ordinal: bool = False,
) -> Conformal:
    """Return the quantile of held-out scores for each coverage, with the finite-sample correction ⌈(n + 1)c⌉ / n.

    Parameters
    ----------
    probabilities, labels
        (N, K) calibrated probabilities of images that trained nothing, and their labels' indices (N,).
    """
    scores = np.sort(score_conformity(probabilities, labels, ordinal))
    n = len(scores)
    ranks = [ceil((n + 1) * coverage) for coverage in coverages]
    quantiles = tuple(float(scores[rank - 1]) if rank <= n else 1.0 for rank in ranks)
    return Conformal(coverages=tuple(coverages), quantiles=quantiles, n=n)


def list_set_members(
    probabilities: NDArray[np.floating], conformal: Conformal, coverage: float, ordinal: bool = False
) -> NDArray[np.bool_]:
    """Return which labels are in the set of each row: (N, K) → (N, K).

    Coverages between two stored ones take the quantile in between.
    """
    quantile = np.interp(coverage, conformal.coverages, conformal.quantiles)
    return sum_mass_before(probabilities, ordinal) <= quantile


def make_prediction_set(probabilities: NDArray[np.floating], card: Card, coverage: float) -> tuple[str, ...]:
    """Return the labels that hold the right one with probability `coverage`, in the card's order.

    Parameters
    ----------
    probabilities
        (K,) calibrated.

    Returns
    -------
    tuple of str
        Empty only for a card without stored quantiles.
    """
    if card.conformal is None:
        return ()
    inside = list_set_members(probabilities[None], card.conformal, coverage, card.ordinal)[0]
    return tuple(key for key, kept in zip(card.keys, inside, strict=True) if kept)
