"""Cross-validation by group: every picture is answered by a network that never saw its group."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.progress import Progress, tell_part
from models.tasks.classification.labelled import LabelledSet, assign_folds
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.training import Run, compute_ensemble_logits, fit_classifier, prepare_views
from models.words import later


def answer_out_of_fold(card: Card, data: LabelledSet, k: int, folder: Path, progress: Progress) -> NDArray[np.float32]:
    """Return the logits (N, K) of each picture from an ensemble that never saw its group.

    Finished networks are read from `folder`, so that an interrupted measurement goes on.
    """
    fold, members = assign_folds(data, k), Recipe.of(card).members
    logits = np.zeros((members, len(data), len(card.labels)), np.float32)
    views = None
    for turn, (member, i) in enumerate(product(range(members), range(k))):
        name, held_out = f"member-{member}-fold-{i}-of-{k}", np.flatnonzero(fold == i)
        tell = tell_part(progress, turn / (members * k), (turn + 1) / (members * k))
        path = folder / f"{name}.npy"
        if not path.exists():
            views = prepare_views(card, data, tell_part(tell, 0, 0)) if views is None else views
            title = later("Measuring, part {part} of {parts}", part=turn + 1, parts=members * k)
            run = Run(name, 100 * member + i, folder, np.flatnonzero(fold != i), title=title)
            net = fit_classifier(card, data, views, run, tell)
            np.save(path, compute_ensemble_logits([net], card, data, held_out).numpy())
            run.finished.unlink()
        logits[member, held_out] = np.load(path)
    mean: NDArray[np.float32] = logits.mean(0)
    return mean
