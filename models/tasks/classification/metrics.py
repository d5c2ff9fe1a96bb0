"""The figures of a classifier with their intervals, by a bootstrap over groups (Efron and Tibshirani 1993, ch. 13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.trust.calibration import bin_reliability, compute_calibration_error

RESAMPLES = 1000
Measure = Callable[[NDArray[np.float64], NDArray[np.intp]], float]
"""From probabilities (N, K) and reference standards (N,) to a figure; nan where it is not defined."""


def list_classification_metrics(card: Card) -> Mapping[str, Measure]:
    """Return the measures of a card by name; ordinal labels have those of distance too."""
    from sklearn.metrics import cohen_kappa_score, roc_auc_score

    def macro_auc(p: NDArray[np.float64], y: NDArray[np.intp]) -> float:
        return float(np.mean([roc_auc_score(y == k, p[:, k]) for k in range(p.shape[1])]))

    found: dict[str, Measure] = {
        "accuracy": lambda p, y: float((p.argmax(1) == y).mean()),
        "macro_recall": lambda p, y: float(np.mean([(p.argmax(1)[y == k] == k).mean() for k in np.unique(y)])),
        "macro_auc": macro_auc,
        "ece": compute_calibration_error,
        "log_loss": lambda p, y: float(-np.log(p[np.arange(len(y)), y].clip(1e-9)).mean()),
    }
    if card.ordinal:
        found["quadratic_kappa"] = lambda p, y: float(cohen_kappa_score(y, p.argmax(1), weights="quadratic"))
        found["mae"] = lambda p, y: float(np.abs(p.argmax(1) - y).mean())
    if card.dichotomised:
        grade = card.index(card.dichotomised.from_key)
        found["auc_dichotomised"] = lambda p, y: float(roc_auc_score(y >= grade, p[:, grade:].sum(1)))
    return found


def bootstrap_metric(
    measure: Measure, p: NDArray[np.float64], y: NDArray[np.intp], groups: NDArray[np.intp]
) -> dict[str, float]:
    """Return the figure with the 2.5 and 97.5 % points of its bootstrap over groups."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn, classes = [], np.unique(y)  # a subgroup may lack some
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        if len(np.unique(y[chosen])) == len(classes):  # a resample without a class defines no AUC
            drawn.append(measure(p[chosen], y[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": measure(p, y), "low": float(low), "high": float(high)}


def describe_classification_metrics(
    p: NDArray[np.float64], y: NDArray[np.intp], groups: NDArray[np.intp], card: Card
) -> dict[str, Any]:
    """Return what a card shows of held-out answers: figures, recall, confusion, ROC, reliability, worst errors."""
    from sklearn.metrics import confusion_matrix, roc_curve

    keys, chosen = card.keys, p.argmax(1)
    recall: dict[str, Any] = {}
    roc = {}
    for k, key in enumerate(keys):
        of_class: Measure = lambda p, y, k=k: float((p.argmax(1)[y == k] == k).mean())  # type: ignore[misc]  # noqa: E731
        recall[key] = {"n": int((y == k).sum()), **bootstrap_metric(of_class, p, y, groups)}
        false, true, _ = roc_curve(y == k, p[:, k], drop_intermediate=True)
        thin = np.unique(np.linspace(0, len(false) - 1, 60).round().astype(int))
        roc[key] = {"false_positive": false[thin].round(4).tolist(), "true_positive": true[thin].round(4).tolist()}
    wrong = np.flatnonzero(chosen != y)
    worst = wrong[np.argsort(-p[wrong].max(1))][:12]
    return {
        "n": len(y),
        "groups": len(np.unique(groups)),
        "metrics": {
            name: bootstrap_metric(measure, p, y, groups) for name, measure in list_classification_metrics(card).items()
        },
        "recall": recall,
        "confusion": confusion_matrix(y, chosen, labels=range(len(keys))).tolist(),
        "roc": roc,
        "reliability": [asdict(part) for part in bin_reliability(p, y)],
        "worst": [
            {"truth": keys[y[i]], "answer": keys[chosen[i]], "confidence": round(float(p[i].max()), 3)} for i in worst
        ],
    }
