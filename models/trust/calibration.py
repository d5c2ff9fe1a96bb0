"""Does 80 % mean 80 %? Temperature, calibration error and the reliability diagram.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599; equal-mass bins after Nixon et al. 2019,
arXiv:1904.01685.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from scipy.stats import binomtest

BINS = 15


@dataclass(frozen=True)
class Bin:
    """Answers of about one confidence.

    Attributes
    ----------
    low, high
        Confidence from (exclusive, but for 0) and to (inclusive).
    n
        Answers in the bin.
    confidence, accuracy
        Mean confidence, and the share that was right.
    interval
        95 % interval of the accuracy (Wilson).
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the T > 0 whose softmax(logits / T) has the least negative log likelihood.

    Parameters
    ----------
    logits, labels
        (N, K) and (N,), of images that trained nothing.
    """
    z = logits.astype(np.float64)
    of_label = z[np.arange(len(z)), labels]

    def loss(log_t: float) -> float:
        t = np.exp(log_t)
        return float((logsumexp(z / t, axis=1) - of_label / t).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-6}).x))


def bin_reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS, equal_mass: bool = False
) -> tuple[Bin, ...]:
    """Return the bins of the reliability diagram that hold an answer.

    Parameters
    ----------
    probabilities, labels
        (N, K) and (N,).
    equal_mass
        Bins of equally many answers in place of equally wide ones: of less bias where confidences crowd together.
    """
    confidence, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == labels
    edges = np.quantile(confidence, np.linspace(0, 1, bins + 1)) if equal_mass else np.linspace(0, 1, bins + 1)
    where = np.searchsorted(edges[1:-1], confidence)  # bin i is (edges[i], edges[i + 1]]
    return tuple(
        _bin(edges[i], edges[i + 1], confidence[where == i], right[where == i])
        for i in range(bins)
        if (where == i).any()
    )


def _bin(low: float, high: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Bin:
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(0.95, "wilson")
    return Bin(
        low=float(low),
        high=float(high),
        n=len(right),
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        interval=(float(interval.low), float(interval.high)),
    )


def compute_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS, equal_mass: bool = False
) -> float:
    """Return the expected calibration error: |accuracy − confidence| averaged over the answers, bin by bin."""
    found = bin_reliability(probabilities, labels, bins, equal_mass)
    return sum(part.n * abs(part.accuracy - part.confidence) for part in found) / len(labels)
