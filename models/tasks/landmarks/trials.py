"""Train and measure cards that place points: what `models.tasks.kind.Trials` asks for.

A network learns from the training knees whose points fit well; in a second cycle also from those of the others on which
the first cycle's network agrees with the points, and no longer from those where it does not. Radii and every choice
come from the validation knees; the test knees are measured once. What is measured is what ships. A set without splits,
as a user's own, is learned from whole, and radii and figures come from a cross-validation by group.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from models.cards import WEIGHTS_DIR, Card, card
from models.cards.tables import Member
from models.cards.writing import publish_metrics, update_metrics, write_card
from models.nets.dense import DenseNet
from models.nets.device import choose_device
from models.nets.loading import fold_batch_norms, write_tensors
from models.progress import Progress, tell_part
from models.tasks.landmarks import grades
from models.tasks.landmarks.folds import measure_in_folds
from models.tasks.landmarks.joint_line import has_joint_line
from models.tasks.landmarks.landmark_set import TEST, TRAIN, TRUSTED, VALIDATION, LandmarkSet
from models.tasks.landmarks.metrics import (
    AT_PX,
    calibrate_radii,
    compare_landmarks,
    list_metrics,
    list_point_metrics,
    summarise,
)
from models.tasks.landmarks.placing import measure_errors, place_set
from models.tasks.landmarks.predictor import Locator
from models.tasks.landmarks.recipe import LandmarkRecipe
from models.tasks.landmarks.sets import read_landmark_set
from models.tasks.landmarks.training import LandmarkRun, fit_locator
from models.tasks.ood_set import read_ood_sets
from models.tasks.segmentation.task import make_frame_pixels
from models.training import ood_detector
from models.training.runs import locate_runs
from models.types import Pixels
from models.words import later

TITLE = later("Training the model")
HOW = f"published splits, by patient; knees whose points fit at least {TRUSTED:g}; intervals over patients"
HOW_OF_IMPLANTS = (
    "points projected from CAD by known poses; intervals over designs, or over blocks of frames of a study"
)
HOW_IN_FOLDS = "cross-validated by group, the radii of a fold by the other folds; intervals over groups"
NAMES = {VALIDATION: "validation", TEST: "test, measured once"}


def plan_first_run(chosen: Card, data: LandmarkSet, member: int) -> LandmarkRun:
    """Return the first cycle of a member: on training knees whose points are trusted; all of a set without splits."""
    draw = np.zeros(len(data))
    some = np.arange(len(data)) if data.whole else data.of(TRAIN, TRUSTED)
    draw[some] = 1 if data.share is None else data.share[some]
    return LandmarkRun(f"first-{member}", LandmarkRecipe.of(chosen).seed + member, locate_runs(chosen), draw)


def plan_tuning_run(chosen: Card, data: LandmarkSet, member: int, first: DenseNet) -> LandmarkRun:
    """Return the second cycle: on all training knees whose points the first cycle's network agrees with."""
    recipe, start = LandmarkRecipe.of(chosen), plan_first_run(chosen, data, member)
    tuned = replace(start, name=f"tuned-{member}", seed=start.seed + 100, start=start)
    if np.isinf(recipe.agreement_px):
        return tuned
    draw, some = np.zeros(len(data)), data.of(TRAIN)
    found = place_set(Locator(chosen, choose_device(), [first]), data, some)
    apart = [np.linalg.norm(one.points - data.points[i], axis=-1).mean() for one, i in zip(found, some, strict=True)]
    draw[some[np.array(apart) <= recipe.agreement_px]] = 1
    return replace(tuned, draw=draw)


def fit_member(chosen: Card, data: LandmarkSet, member: int, progress: Progress) -> DenseNet:
    """Train one network in all its cycles."""
    first = fit_locator(chosen, data, plan_first_run(chosen, data, member), progress)
    if not LandmarkRecipe.of(chosen).tuning_steps:
        return first
    fold_batch_norms(first)
    return fit_locator(chosen, data, plan_tuning_run(chosen, data, member, first), progress)


def train(card_id: str, progress: Progress) -> None:
    """Train what ships, fit radii and out-of-distribution detector, and write all into the card.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    chosen = card(card_id)
    data, count = read_landmark_set(chosen), LandmarkRecipe.of(chosen).members
    members = []
    for member in range(count):
        net = fit_member(chosen, data, member, tell_part(progress, member / count, (member + 1) / count, TITLE))
        file = f"{card_id}-{member}.safetensors"
        sha256 = write_tensors(net.state_dict(), (chosen.folder or WEIGHTS_DIR) / file)
        members.append(Member(file=file, sha256=sha256))
    write_card(card_id, {"members": members})
    locator = Locator(card(card_id), choose_device())
    if not data.whole:  # else the networks of the folds say how far off it may be
        write_card(card_id, {"locating": calibrate_radii(*measure_errors(locator, data, data.of(VALIDATION, TRUSTED)))})
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(locator, data))
    update_metrics(card_id, "weights", [member.sha256 for member in members])


def ood(card_id: str, progress: Progress) -> None:
    """Fit the out-of-distribution detector anew on the weights that ship, and measure it; other figures stay.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    data = read_landmark_set(card(card_id))
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(Locator(card(card_id), choose_device()), data))
    update_metrics(card_id, "ood", _measure_ood(card(card_id), data, progress))


def evaluate(card_id: str, folds: int, test: bool, progress: Progress) -> None:
    """Measure a card on pictures that it was not trained on, and write `<card>.figures.json`.

    Parameters
    ----------
    folds
        Parts of the cross-validation of a set without splits.
    test
        Whether to touch the test knees.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    BadWeights
        For a card that has not been trained.
    """
    chosen = card(card_id)
    data, locator = read_landmark_set(chosen), Locator(chosen, choose_device())
    report: dict[str, Any] = {"weights": [member.sha256 for member in chosen.members]}
    if data.whole:
        locating, measured = measure_in_folds(chosen, data, folds, progress)
        write_card(card_id, {"locating": locating})
        report |= {"how": HOW_IN_FOLDS, "trials": {f"{folds} folds by group": measured}}
    else:
        report |= _measure_splits(locator, data, test, progress)
    publish_metrics(card_id, report | {"ood": _measure_ood(card(card_id), data, progress)})


def _measure_splits(locator: Locator, data: LandmarkSet, test: bool, progress: Progress) -> dict[str, Any]:
    """Return the figures of a set with splits of its own, and of a knee those of its grades."""
    measured = sorted(set(data.splits) - {TRAIN, VALIDATION}) if test else []
    trials = {NAMES.get(split, split): _measure(locator, data, split) for split in (VALIDATION, *measured)}
    if not has_joint_line(data.names):
        return {"how": HOW_OF_IMPLANTS, "trials": trials}
    if locator.card.id != locator.card.base_id:
        return {"how": HOW, "trials": trials}
    graded = grades.measure_grades(locator, test, tell_part(progress, 0, 0.8))
    return {"how": HOW, "trials": trials | graded.trials, "space_by_grade": graded.training}


def _measure(locator: Locator, data: LandmarkSet, split: str) -> dict[str, Any]:
    some = data.of(split, TRUSTED)
    if not has_joint_line(data.names):
        found, sides = place_set(locator, data, some), np.array([max(data.pictures[i].shape) for i in some])
        error = np.linalg.norm(np.stack([one.points for one in found]) - data.points[some], axis=-1).astype(float)
        inside = (error <= np.stack([one.radius_px for one in found])).astype(float)
        metrics = list_point_metrics(error * (AT_PX / sides)[:, None], data.names, inside)
        return summarise(metrics, [data.patients[i] for i in some])
    compared = compare_landmarks(place_set(locator, data, some), data.points[some], data.mm_per_px[some])
    return summarise(list_metrics(compared), [data.patients[i] for i in some])


def _known(locator: Locator, data: LandmarkSet) -> ood_detector.Known:
    """Return what the out-of-distribution detector looks at in the training knees."""

    def look(picture: Pixels) -> tuple[ood_detector.Features, ood_detector.Features]:
        output = locator.locate(ood_detector.make_ood_image(picture), mirrored=False)
        return output.pooled[None], output.strongest[None]

    draw = np.zeros(len(data))
    # whatever becomes of their points, the pictures are of the kind
    every = np.arange(len(data)) if data.whole else data.of(TRAIN)
    draw[every] = 1 if data.share is None else data.share[every]
    some = ood_detector.choose_ood_pictures(draw)
    pictures = [make_frame_pixels(data.pictures[i])[0] for i in some]
    return ood_detector.look_at_known_pictures(locator.card, pictures, [data.patients[i] for i in some], look)


def _measure_ood(chosen: Card, data: LandmarkSet, progress: Progress) -> dict[str, Any]:
    """Return how well what ships tells images of other kinds from its own kind."""
    locator = Locator(chosen, choose_device())
    ood_score = ood_detector.make_ood_scorer(
        chosen, lambda image: locator.task.read(locator.locate(image, mirrored=False), image, chosen)
    )
    return ood_detector.measure_ood_detector(
        chosen,
        _known(locator, data),
        ood_score,
        read_ood_sets(grades.GRADED if has_joint_line(data.names) and not chosen.folder else chosen.id, colour=False),
        progress,
    )
