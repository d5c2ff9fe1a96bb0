"""Cross-validation by group: every picture is answered by a network that never saw its group."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.progress import Progress, tell_part
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.training import Run, compute_ensemble_logits, draw_frozen_views, fit_classifier
from models.words import later


def assign_folds(data: LabelledSet, k: int) -> NDArray[np.intp]:
    """Return the fold of each picture, (N,): groups whole, labels spread evenly, the same on every machine."""
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.empty(len(data), np.intp)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=0)
    for i, (_, held_out) in enumerate(splitter.split(np.zeros(len(data)), data.labels, data.groups)):
        fold[held_out] = i
    return fold


def answer_out_of_fold(card: Card, data: LabelledSet, k: int, folder: Path, progress: Progress) -> NDArray[np.float32]:
    """Return the logits (N, K) of each picture from an ensemble that never saw its group.

    Finished networks are read from `folder`, so that an interrupted measurement goes on.
    """
    fold, members = assign_folds(data, k), Recipe.of(card).members
    logits = np.zeros((members, len(data), len(card.labels)), np.float32)
    seen = None
    for turn, (member, i) in enumerate(product(range(members), range(k))):
        name, held_out = f"member-{member}-fold-{i}-of-{k}", np.flatnonzero(fold == i)
        tell = tell_part(progress, turn / (members * k), (turn + 1) / (members * k))
        path = folder / f"{name}.npy"
        if not path.exists():
            seen = draw_frozen_views(card, data, tell_part(tell, 0, 0)) if seen is None else seen
            title = later("Measuring, part {part} of {parts}", part=turn + 1, parts=members * k)
            run = Run(name, np.flatnonzero(fold != i), seed=100 * member + i, folder=folder, title=title)
            net = fit_classifier(card, data, seen, run, tell)
            np.save(path, compute_ensemble_logits([net], card, data, held_out).numpy())
            run.checkpoint.unlink()
        logits[member, held_out] = np.load(path)
    mean: NDArray[np.float32] = logits.mean(0)
    return mean
