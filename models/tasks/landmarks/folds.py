"""Measure a card whose set has no splits: every picture is answered by a network that never saw its group."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.cards import Card
from models.cards.tables import Locating
from models.nets.device import choose_device
from models.nets.loading import fold_batch_norms
from models.progress import Progress, tell_part
from models.tasks.landmarks.landmark_set import LandmarkSet
from models.tasks.landmarks.metrics import calibrate_radii, hold_by_other_folds, list_share_metrics, summarise
from models.tasks.landmarks.placing import measure_errors
from models.tasks.landmarks.predictor import Locator
from models.tasks.landmarks.recipe import LandmarkRecipe
from models.tasks.landmarks.training import LandmarkRun, fit_locator
from models.training.folds import assign_grouped_folds
from models.training.runs import locate_runs
from models.words import later


def measure_in_folds(
    chosen: Card, data: LandmarkSet, folds: int, progress: Progress
) -> tuple[Locating, dict[str, Any]]:
    """Train a network for each fold, and measure it on what it never saw.

    Returns
    -------
    tuple
        The radii's factors by all held-out pictures, which ship; and the figures, in which the radii of a fold are
        those of the other folds.

    Raises
    ------
    Unreachable
        Without the starting weights.
    """
    fold = assign_grouped_folds(data.patients, folds)
    error, spread = (np.full((len(data), len(data.names)), np.nan) for _ in range(2))
    for part in range(folds):
        title = later("Measuring, part {part} of {parts}", part=part + 1, parts=folds)
        seed = LandmarkRecipe.of(chosen).seed + part
        run = LandmarkRun(f"fold-{part}-of-{folds}", seed, locate_runs(chosen), (fold != part).astype(float))
        net = fit_locator(chosen, data, run, tell_part(progress, part / folds, (part + 1) / folds, title))
        fold_batch_norms(net)
        out = np.flatnonzero(fold == part)
        error[out], spread[out] = measure_errors(Locator(chosen, choose_device(), [net]), data, out)
    sides = np.array([max(picture.shape) for picture in data.pictures])
    inside = hold_by_other_folds(error, spread, fold)
    metrics = list_share_metrics(error / sides[:, None], inside, error * data.mm_per_px[:, None])
    return calibrate_radii(error, spread), summarise(metrics, data.patients)
