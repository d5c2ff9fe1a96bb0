"""Train and measure cards that segment: which pictures each trial learns from, and which it is measured on.

A set without splits is cross-validated by group. In a set with splits, one network learns from what is for training,
in one cycle or, where the recipe has tuning steps, in two, and is measured on every other split by its name; the set's
`folded` split is also measured in folds, whose second cycle has the rest of the split added. What ships has learned
from all of the set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import WEIGHTS_DIR, Card, card
from models.cards.tables import Member
from models.cards.writing import publish_metrics, update_metrics, write_card
from models.nets.device import choose_device
from models.nets.loading import fold_batch_norms, write_tensors
from models.progress import Progress, tell_part
from models.tasks.ood_set import read_ood_sets
from models.tasks.segmentation.dataset import TRAIN, TUNING, DenseSet
from models.tasks.segmentation.datasets import read_dense_set
from models.tasks.segmentation.metrics import (
    Table,
    compute_class_overlaps,
    score_objects,
    summarise_segmentation_metrics,
)
from models.tasks.segmentation.predictor import Segmenter
from models.tasks.segmentation.recipe import DenseRecipe
from models.tasks.segmentation.task import make_frame_pixels
from models.tasks.segmentation.training import DenseRun, fit_segmenter, prepare_segmentation_samples
from models.training import ood_detector
from models.training.folds import assign_grouped_folds
from models.training.runs import locate_runs
from models.trust.perturbations import grey_picture
from models.types import Image, Pixels, Segmentation
from models.words import later

TITLE = later("Training the model")


@dataclass(frozen=True)
class Trial:
    """One network and the pictures it is measured on: (N,) weight in the draw, indices, and what the figures are of."""

    run: DenseRun
    measured: NDArray[np.intp]
    name: str


def list_segmentation_trials(card: Card, data: DenseSet, folds: int) -> list[Trial]:
    """Return what has to be trained and measured, in order."""
    folder = locate_runs(card)
    if TRAIN not in data.splits:
        fold = assign_grouped_folds(data.groups, folds)
        name = f"{folds} folds by group"
        return [
            Trial(
                _fold(card, data, fold != i, f"fold-{i}-of-{folds}", i),
                np.flatnonzero(fold == i),
                name,
            )
            for i in range(folds)
        ]
    run = _learned(card, data)
    found = [Trial(run, data.of(split), split) for split in _measured(data)]
    if DenseRecipe.of(card).tuning_steps and data.folded:
        for i in data.of(data.folded):
            rest = np.setdiff1d(data.of(data.folded), [i])
            added = DenseRun(f"without-{i}", 1, folder, boost_added_pictures(run.draw, rest), start=run.start)
            found.append(Trial(added, np.array([i]), f"{data.folded}, in folds"))
    return found


def _measured(data: DenseSet) -> list[str]:
    return [split for split in dict.fromkeys(data.splits) if split not in (TRAIN, TUNING)]


def _learned(card: Card, data: DenseSet) -> DenseRun:
    """Return the run on what a set with splits has for training."""
    folder = locate_runs(card)
    base = DenseRun("base", 0, folder, weigh_pictures(card, data, np.array(data.splits) == TRAIN))
    if not DenseRecipe.of(card).tuning_steps:
        return base
    return DenseRun("tuned", 1, folder, boost_added_pictures(base.draw, data.of(TUNING)), start=base)


def _fold(card: Card, data: DenseSet, learned: NDArray[np.bool_], name: str, seed: int) -> DenseRun:
    """Return a run on some pictures, in two cycles where the recipe has tuning steps."""
    draw, folder = weigh_pictures(card, data, learned), locate_runs(card)
    if not DenseRecipe.of(card).tuning_steps:
        return DenseRun(name, seed, folder, draw)
    return DenseRun(name, seed + 100, folder, draw, start=DenseRun(f"{name}-first", seed, folder, draw))


def plan_final_run(card: Card, data: DenseSet, folds: int) -> DenseRun:
    """Return the run on everything: its second cycle has all that is measured added; of simulated sets the first."""
    if TRAIN in data.splits:
        run = _learned(card, data)
        if run.start is None:
            return run
        draw = run.draw
        for split in _measured(data):
            draw = boost_added_pictures(draw, data.of(split))
        return DenseRun("shipped", 2, run.folder, draw, start=run.start)
    return _fold(card, data, np.ones(len(data), bool), "shipped", 0)


def weigh_pictures(card: Card, data: DenseSet, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how often each picture is drawn, 0 for those not chosen; of a tiled card by the root of its area."""
    found: NDArray[np.float64] = chosen * np.array(data.shares or np.ones(len(data)), float)
    if not card.input.tiled:
        return found
    area = np.array([picture.shape[0] * picture.shape[1] for picture in data.pictures], float)
    found *= np.sqrt(area / area.max())
    return found


def boost_added_pictures(draw: NDArray[np.float64], added: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return a draw in which the added pictures, if any, make up a third."""
    if not len(added):
        return draw
    found: NDArray[np.float64] = draw / draw.sum()
    found[added] = 0.5 / len(added)
    return found


def train(card_id: str, progress: Progress) -> None:
    """Train what ships, on all of the set, and inscribe it and its out-of-distribution detector in the card.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    chosen, data = card(card_id), read_dense_set(card_id)
    drawn, run = prepare_segmentation_samples(chosen, data), plan_final_run(card(card_id), data, 5)
    file = f"{card_id}-0.safetensors"
    net = fit_segmenter(chosen, drawn, run, tell_part(progress, 0, 1, TITLE))
    sha256 = write_tensors(net.state_dict(), (chosen.folder or WEIGHTS_DIR) / file)
    write_card(card_id, {"members": [Member(file=file, sha256=sha256)]})
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(Segmenter(card(card_id), choose_device()), data))
    update_metrics(card_id, "weights", [sha256])  # its figures are of the recipe's trials


def ood(card_id: str, progress: Progress) -> None:
    """Fit the out-of-distribution detector anew on the weights that ship, and measure it; other figures stay.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    data = read_dense_set(card_id)
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(Segmenter(card(card_id), choose_device()), data))
    update_metrics(card_id, "ood", measure_ood(card(card_id), data, progress))


def evaluate(card_id: str, folds: int, test: bool, progress: Progress) -> None:
    """Run the trials of a card and write `<card>.figures.json`.

    Parameters
    ----------
    folds
        Parts of a cross-validation.
    test
        Changes nothing: every split but those that are learned from is measured.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    BadWeights
        For a card that has not been trained: its out-of-distribution detector is measured too.
    """
    chosen, data = card(card_id), read_dense_set(card_id)
    drawn = prepare_segmentation_samples(chosen, data)
    tables: dict[str, list[tuple[int, dict[str, float]]]] = {}
    planned = list_segmentation_trials(chosen, data, folds)
    for part, trial in enumerate(planned):
        title = later("Measuring, part {part} of {parts}", part=part + 1, parts=len(planned))
        tell = tell_part(progress, part / len(planned), (part + 1) / len(planned), title)
        net = fit_segmenter(chosen, drawn, trial.run, tell)
        fold_batch_norms(net)
        segmenter = Segmenter(chosen, choose_device(), [net])
        for i in trial.measured:
            tables.setdefault(trial.name, []).append((int(i), measure_picture(segmenter, data, int(i))))
            if chosen.input.grey:
                row = int(i), measure_picture(segmenter, data, int(i), grey=True)
                tables.setdefault(f"{trial.name}, grey copies", []).append(row)
    report: dict[str, Any] = {
        "how": "; ".join(tables),
        "weights": [member.sha256 for member in chosen.members],
        "trials": {name: summarise_trial(rows, data) for name, rows in tables.items()},
        "ood": measure_ood(chosen, data, progress),
    }
    publish_metrics(card_id, report)


def _known(segmenter: Segmenter, data: DenseSet) -> ood_detector.Known:
    """Return what the out-of-distribution detector looks at in the pictures that shipped weights learn from."""

    def look(picture: Pixels) -> tuple[ood_detector.Features, ood_detector.Features]:
        output = segmenter.segment(ood_detector.make_ood_image(picture))
        return output.pooled, output.strongest

    some = ood_detector.choose_ood_pictures(plan_final_run(segmenter.card, data, 5).draw)
    pictures = [make_frame_pixels(data.pictures[i])[0] for i in some]
    groups = [(data.sources or data.groups)[i] for i in some]
    if segmenter.card.input.grey:
        pictures, groups = [*pictures, *(grey_picture(picture) for picture in pictures)], groups * 2
    return ood_detector.look_at_known_pictures(segmenter.card, pictures, groups, look)


def measure_ood(chosen: Card, data: DenseSet, progress: Progress) -> dict[str, Any]:
    """Return how well what ships tells images of other kinds from its own kind."""
    segmenter = Segmenter(chosen, choose_device())
    ood_score = ood_detector.make_ood_scorer(
        chosen, lambda image: segmenter.task.read(segmenter.segment(image), image, chosen)
    )
    return ood_detector.measure_ood_detector(
        chosen, _known(segmenter, data), ood_score, read_ood_sets(chosen.id, colour=True), progress
    )


def measure_picture(segmenter: Segmenter, data: DenseSet, i: int, *, grey: bool = False) -> dict[str, float]:
    """Return the figures of one picture, or of its grey copy, answered in the manner of the product."""
    pixels = make_frame_pixels(data.pictures[i])
    image = Image(grey_picture(pixels) if grey else pixels, name="", sha256="")
    answer = segmenter.task.read(segmenter.segment(image), image, segmenter.card)
    found = compute_class_overlaps(answer.mask, data.masks[i], segmenter.card)
    if answer.instances is not None and data.instances:
        reference = data.instances[i]
        found["aggregated jaccard"] = score_objects(answer.instances, reference)
        true_count = len(np.unique(reference)) - 1
        found["count error"] = abs(float(answer.instances.max()) - true_count) / max(true_count, 1)
    if data.known:
        found |= _cartilage(answer, data.spacing_mm[i], data.known[i])
    return found


def _cartilage(answer: Segmentation, spacing_mm: float, known: Mapping[str, float]) -> dict[str, float]:
    """Return how far the articular cartilage's area and thickness are from what is known, relative."""
    from models.tasks.segmentation.thickness import BAND, measure_thickness

    cartilage = answer.mask == answer.labels.index(BAND)
    area = float(cartilage.sum()) * spacing_mm**2
    mean = (
        measure_thickness(cartilage, (spacing_mm, spacing_mm), answer.mask == 0).mean
        if cartilage.any()
        else float("nan")
    )
    off = abs(mean / known["thickness"] - 1)
    return {
        "cartilage area error": abs(area / known["area"] - 1),
        "cartilage thickness error": off,
        "cartilage thickness within 5 %": float(off <= 0.05) if np.isfinite(known["thickness"]) else np.nan,
    }


def summarise_trial(rows: list[tuple[int, dict[str, float]]], data: DenseSet) -> dict[str, Any]:
    """Return n, groups and figures of pictures of a set, each with its index."""
    names = list(dict.fromkeys(name for _, found in rows for name in found))
    table: Table = {name: np.array([found.get(name, np.nan) for _, found in rows]) for name in names}
    groups = np.unique([data.groups[i] for i, _ in rows], return_inverse=True)[1]
    return summarise_segmentation_metrics(table, groups)
