"""Measure a classifier on pictures it was not trained on, and write what was found beside its card.

A set with published splits is calibrated on `val` and measured on `test`, once, when the model is final; before that it
is measured on `val`, each fold of it calibrated on the others. A set without splits is cross-validated by group. What a
set holds of another place is measured with the test split, and its figures stand apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.cards import Card, card
from models.cards.tables import Calibration, Conformal
from models.cards.writing import publish_metrics, write_card
from models.nets.loading import load_classifier
from models.nets.staged import StagedClassifier
from models.progress import Progress
from models.tasks import question_of
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.classification.final import compute_pooled_features, measure_held_out_distances
from models.tasks.classification.folds import answer_out_of_fold
from models.tasks.classification.labelled import ELSEWHERE, LabelledSet, assign_folds
from models.tasks.classification.metrics import RESAMPLES, bootstrap_metric, list_classification_metrics
from models.tasks.classification.task import ClassificationTask
from models.tasks.classification.training import compute_ensemble_logits
from models.tasks.ood_set import read_ood_sets
from models.training.runs import locate_runs
from models.trust import conformal
from models.trust.calibration import fit_temperature
from models.trust.ood import load_ood_detector
from models.words import later

SHOWN = (0.80, 0.90, 0.95, 0.99)
"""Coverages whose measured value a card shows."""

Logits = NDArray[np.float32]


def evaluate(card_id: str, folds: int, test: bool, progress: Progress) -> None:
    """Calibrate a card, measure it, and write `<card>.figures.json`.

    Parameters
    ----------
    folds
        Parts of a cross-validation.
    test
        Whether to touch the test split of a set that has one.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    BadWeights
        For a card with splits that has not been trained.
    """
    chosen, data = card(card_id), read_labelled_set(card_id)
    reference = np.array([chosen.index(label) for label in data.labels])
    if "test" in data.splits:
        nets = [load_classifier(chosen, member) for member in chosen.members]
        held_out = data.of("val")
        logits = compute_ensemble_logits(nets, chosen, data, held_out).numpy()
    else:
        held_out = np.arange(len(data))
        logits = answer_out_of_fold(chosen, data, folds, locate_runs(chosen), progress)
    fit = _calibrate(chosen, logits, reference[held_out])
    if test and "test" in data.splits:
        split, how = "test", "test split, measured once; calibrated on the validation split"
        options = "--test"
        answers = _answers(chosen, compute_ensemble_logits(nets, chosen, data, data.of(split)).numpy(), *fit)
        measured = data.only(data.of(split))
    else:
        split, measured, options = "val", data.only(held_out), f"--folds {folds}"
        how = (
            f"validation split in {folds} folds by group" if "val" in data.splits else f"{folds}-fold cross-validation"
        )
        how += ", each calibrated on the others"
        answers = _crossed(chosen, logits, reference[held_out], assign_folds(measured, folds))
    y = np.array([chosen.index(label) for label in measured.labels])
    asked = ClassificationTask(question_of(chosen.task))
    write_card(card_id, {"calibration": fit[0], "conformal": fit[1]})
    probabilities, inside = answers
    groups = np.unique(measured.groups, return_inverse=True)[1]
    report: dict[str, Any] = {
        "how": how,
        "command": f"ortholens evaluate {card_id} {options}",
        "weights": [member.sha256 for member in chosen.members],
        "resamples": RESAMPLES,
        **asked.score(probabilities, y, groups, chosen),
        "conformal": [_coverage(inside[level], y, groups, level) for level in SHOWN],
        "ood": _measure_ood(chosen, data, split, progress),
        "subgroups": _subgroups(measured, probabilities, y, groups),
    }
    if split == "test" and ELSEWHERE in data.splits:
        report[ELSEWHERE] = _elsewhere(chosen, nets, data, fit)
    publish_metrics(card_id, report)


def _elsewhere(
    chosen: Card, nets: list[StagedClassifier], data: LabelledSet, fit: tuple[Calibration, Conformal]
) -> dict[str, Any]:
    """Return the figures of pictures from another place: calibrated here, as someone there would find the model."""
    part = data.only(data.of(ELSEWHERE))
    y = np.array([chosen.index(label) for label in part.labels])
    groups = np.unique(part.groups, return_inverse=True)[1]
    p, inside = _answers(chosen, compute_ensemble_logits(nets, chosen, part, np.arange(len(part))).numpy(), *fit)
    ood_detector = load_ood_detector(chosen)
    away = ood_detector.distance(compute_pooled_features(nets[0], chosen, part.pixels)[0])
    return {
        "n": len(y),
        "metrics": {
            name: bootstrap_metric(measure, p, y, groups)
            for name, measure in list_classification_metrics(chosen).items()
        },
        "conformal": [_coverage(inside[level], y, groups, level) for level in SHOWN],
        "kept": float((away <= ood_detector.threshold).mean()),
        "subgroups": _subgroups(part, p, y, groups),
    }


def _calibrate(chosen: Card, logits: Logits, reference: NDArray[np.intp]) -> tuple[Calibration, Conformal]:
    fitted = Calibration(temperature=fit_temperature(logits, reference), n=len(reference))
    return fitted, conformal.calibrate_conformal(_probabilities(logits, fitted), reference, ordinal=chosen.ordinal)


def _probabilities(logits: Logits, fitted: Calibration) -> NDArray[np.float64]:
    p: NDArray[np.float64] = (torch.from_numpy(logits).double() / fitted.temperature).softmax(1).numpy()
    return p


def _answers(
    chosen: Card, logits: Logits, fitted: Calibration, sets: Conformal
) -> tuple[NDArray[np.float64], dict[float, NDArray[np.bool_]]]:
    """Return probabilities (N, K) and, by coverage, which labels are in each set (N, K)."""
    p = _probabilities(logits, fitted)
    return p, {level: conformal.list_set_members(p, sets, level, chosen.ordinal) for level in SHOWN}


def _crossed(
    chosen: Card, logits: Logits, reference: NDArray[np.intp], fold: NDArray[np.intp]
) -> tuple[NDArray[np.float64], dict[float, NDArray[np.bool_]]]:
    """As `_answers`, each fold with what the other folds calibrate."""
    p = np.empty(logits.shape)
    inside = {level: np.empty(logits.shape, bool) for level in SHOWN}
    for i in np.unique(fold):
        out = fold == i
        p[out], sets = _answers(chosen, logits[out], *_calibrate(chosen, logits[~out], reference[~out]))
        for level in SHOWN:
            inside[level][out] = sets[level]
    return p, inside


def _coverage(
    inside: NDArray[np.bool_], y: NDArray[np.intp], groups: NDArray[np.intp], level: float
) -> dict[str, float]:
    measured = bootstrap_metric(lambda p, y: float(p[np.arange(len(y)), y].mean()), inside.astype(float), y, groups)
    return {"coverage": level, **measured, "mean_size": float(inside.sum(1).mean())}


def _subgroups(
    measured: LabelledSet, p: NDArray[np.float64], y: NDArray[np.intp], groups: NDArray[np.intp]
) -> dict[str, dict[str, dict[str, float]]]:
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name, values in measured.subgroups.items():
        table[name] = {}
        for value in sorted(set(values)):
            of = np.array(values) == value
            right = bootstrap_metric(lambda p, y: float((p.argmax(1) == y).mean()), p[of], y[of], groups[of])
            table[name][value] = {"n": int(of.sum()), **right}
    return table


def _measure_ood(chosen: Card, data: LabelledSet, split: str, progress: Progress) -> dict[str, Any]:
    """Return how well the OOD detector tells other kinds of images from pictures of the set that it has not seen."""
    ood_detector, net = load_ood_detector(chosen), load_classifier(chosen, chosen.members[0])
    known = measure_held_out_distances(chosen, data, net, ood_detector, split)
    rows = []
    for name, pictures in read_ood_sets(chosen.id):
        progress(later("Out-of-distribution set: {name}", name=name), 1.0)
        found = ood_detector.distance(compute_pooled_features(net, chosen, pictures)[0])
        both = np.concatenate([known, found])
        rows.append(
            {
                "set": name,
                "n": len(found),
                "auroc": float(roc_auc_score(np.arange(len(both)) >= len(known), both)),
                "refused": float((found > ood_detector.threshold).mean()),
            }
        )
    return {"n": len(known), "kept": float((known <= ood_detector.threshold).mean()), "sets": rows}
