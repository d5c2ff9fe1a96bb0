"""What another temperature would do to a reliability diagram, from the diagram alone.

A temperature changes no answer, so the share that was right in each bin stays; only the confidence moves (Guo et al.
2017, arXiv:1706.04599). Of each bin only the mean confidence is stored, so it is moved as if the answer stood against
everything else together: logit(p) / T. With two labels and equal confidences in a bin that is exact, otherwise close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Any


def cool_confidence(confidence: float, temperature: float) -> float:
    """Return a confidence in (0, 1) after division of its logit by a temperature."""
    p = min(max(confidence, 1e-6), 1 - 1e-6)
    return 1 / (1 + exp(-log(p / (1 - p)) / temperature))


def rebin_at_temperature(bins: Sequence[Mapping[str, Any]], temperature: float) -> list[dict[str, Any]]:
    """Return the bins of a reliability diagram with their confidences and edges moved; 1 leaves them as they are."""
    if temperature == 1:
        return [dict(part) for part in bins]
    return [
        {**part, **{key: cool_confidence(part[key], temperature) for key in ("low", "high", "confidence")}}
        for part in bins
    ]


def compute_lesson_calibration_error(bins: Sequence[Mapping[str, Any]]) -> float:
    """Return the expected calibration error: |share right − confidence| averaged over the answers, bin by bin."""
    n = sum(part["n"] for part in bins)
    return float(sum(part["n"] * abs(part["accuracy"] - part["confidence"]) for part in bins) / n)
