"""Train and measure cards that place points: what `models.tasks.kind.Trials` asks for.

A network learns from the training knees whose points fit well; in a second cycle also from those of the others on which
the first cycle's network agrees with the points, and no longer from those where it does not. Radii and every choice
come from the validation knees; the test knees are measured once. What is measured is what ships.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import WEIGHTS_DIR, Card, card
from models.cards.tables import Locating, Member
from models.cards.writing import publish_metrics, update_metrics, write_card
from models.nets.dense import DenseNet
from models.nets.device import choose_device
from models.nets.loading import fold_batch_norms, write_tensors
from models.progress import Progress, tell_part
from models.tasks.landmarks import grades
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
from models.tasks.landmarks.predictor import Locator
from models.tasks.landmarks.recipe import LandmarkRecipe
from models.tasks.landmarks.sets import read_landmark_set
from models.tasks.landmarks.task import LocatorOutput
from models.tasks.landmarks.training import LandmarkRun, fit_locator
from models.tasks.ood_set import read_ood_sets
from models.tasks.segmentation.task import make_frame_pixels
from models.training import ood_detector
from models.training.runs import locate_runs
from models.types import Image, Landmarks, Pixels
from models.words import later

TITLE = later("Training the model")
HOW = f"published splits, by patient; knees whose points fit at least {TRUSTED:g}; intervals over patients"
HOW_OF_IMPLANTS = (
    "points projected from CAD by known poses; intervals over designs, or over blocks of frames of a study"
)
NAMES = {VALIDATION: "validation", TEST: "test, measured once"}


def make_landmark_image(picture: NDArray[np.uint8]) -> Image:
    """Return a picture of the set as the product sees one."""
    return Image(make_frame_pixels(picture), name="", sha256="")


def plan_first_run(chosen: Card, data: LandmarkSet, member: int) -> LandmarkRun:
    """Return the first cycle of a member: on training knees whose points are trusted."""
    draw = np.zeros(len(data))
    some = data.of(TRAIN, TRUSTED)
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


def place_set(locator: Locator, data: LandmarkSet, some: Iterable[int]) -> list[Landmarks]:
    """Return the points of some pictures of a set."""
    images = (make_landmark_image(data.pictures[i]) for i in some)
    return [locator.task.read(locator.locate(image), image, locator.card) for image in images]


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
    write_card(card_id, {"locating": _fit_radii(locator, data)})
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(locator, data))
    update_metrics(card_id, "weights", [member.sha256 for member in members])


def _fit_radii(locator: Locator, data: LandmarkSet) -> Locating:
    """Fit the factors of the radii on the validation knees whose points are trusted."""
    some = data.of(VALIDATION, TRUSTED)
    outputs = [locator.locate(make_landmark_image(data.pictures[i])) for i in some]
    error, spread = _measure_errors(locator, data, some, outputs)
    return calibrate_radii(error, spread)


def _measure_errors(
    locator: Locator, data: LandmarkSet, some: NDArray[np.intp], outputs: list[LocatorOutput]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return errors and widths of the heatmaps, (N, K) each, in source pixels."""
    unit = locator.card.model_copy(update={"locating": calibrate_radii(*2 * (np.ones((1, len(data.names))),))})
    errors, spreads = [], []
    for i, output in zip(some, outputs, strict=True):
        answer = locator.task.read(output, make_landmark_image(data.pictures[i]), unit)
        errors.append(np.linalg.norm(answer.points - data.points[i], axis=-1))
        spreads.append(answer.radius_px)
    return np.array(errors, float), np.array(spreads, float)


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
    """Measure what ships on knees that it was not trained on, and write `<card>.figures.json`.

    Parameters
    ----------
    folds
        Changes nothing: the set has splits of its own.
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
    measured = sorted(set(data.splits) - {TRAIN, VALIDATION}) if test else []
    trials = {NAMES.get(split, split): _measure(locator, data, split) for split in (VALIDATION, *measured)}
    jointed = has_joint_line(data.names)
    report: dict[str, Any] = {
        "how": HOW if jointed else HOW_OF_IMPLANTS,
        "weights": [member.sha256 for member in chosen.members],
        "trials": trials,
    }
    if jointed and chosen.id == chosen.base_id:
        graded = grades.measure_grades(locator, test, tell_part(progress, 0, 0.8))
        report["space_by_grade"] = graded.training
        trials |= graded.trials
    publish_metrics(card_id, report | {"ood": _measure_ood(chosen, data, progress)})


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
    every = data.of(TRAIN)  # whatever becomes of their points, the pictures are of the kind
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
        read_ood_sets(grades.GRADED if has_joint_line(data.names) else chosen.id, colour=False),
        progress,
    )
