"""Train and measure detectors: boxes of every image from a network that never saw its group, and what ships.

A set without splits is cross-validated by group, over as many of its folds as asked; one with splits learns from
"train" and is measured on every other split. What ships has learned from all of the set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import WEIGHTS_DIR, Card, card
from models.cards.tables import Member
from models.cards.writing import publish_metrics, update_metrics, write_card
from models.nets.device import choose_device
from models.nets.loading import fold_batch_norms, write_tensors
from models.progress import Progress, tell_part
from models.tasks.detection.dataset import BoxSet, read_box_set
from models.tasks.detection.metrics import Answered, calibrate_detections, describe_detection_metrics, thin_froc_curve
from models.tasks.detection.predictor import Detector
from models.tasks.detection.recipe import BoxRecipe
from models.tasks.detection.training import BoxRun, fit_detector, prepare_detection_samples
from models.tasks.ood_set import read_ood_sets
from models.tasks.segmentation.dataset import TRAIN
from models.tasks.segmentation.task import make_frame_pixels
from models.training import ood_detector
from models.training.runs import locate_runs
from models.types import Image, Pixels
from models.words import later

TITLE = later("Training the model")


@dataclass(frozen=True)
class BoxTrial:
    """One detector, the images it is measured on, and what the figures are of."""

    run: BoxRun
    measured: NDArray[np.intp]
    name: str


def list_detection_trials(chosen: Card, data: BoxSet, folds: int) -> list[BoxTrial]:
    """Return what has to be trained and measured, in order."""
    folder = locate_runs(chosen)
    if TRAIN in data.splits:
        splits = np.array(data.splits)
        run = BoxRun("base", 0, folder, np.flatnonzero(splits == TRAIN))
        others = [split for split in dict.fromkeys(data.splits) if split != TRAIN]
        return [BoxTrial(run, np.flatnonzero(splits == split), split) for split in others]
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    measured = BoxRecipe.of(chosen).measured_folds or folds
    name = f"{folds} folds by group" if measured >= folds else f"{measured} of {folds} folds by group"
    parts = islice(splitter.split(data.positive, data.positive, data.groups), measured)
    return [
        BoxTrial(BoxRun(f"fold-{i}-of-{folds}", i, folder, learned), held_out, name)
        for i, (learned, held_out) in enumerate(parts)
    ]


def train(card_id: str, progress: Progress) -> None:
    """Train what ships, on all of the set, and inscribe it and its out-of-distribution detector in the card.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    chosen, data = card(card_id), read_box_set(card_id)
    run = BoxRun("shipped", 100, locate_runs(chosen), np.arange(len(data)))
    file = f"{card_id}-0.safetensors"
    net = fit_detector(chosen, prepare_detection_samples(data, chosen), run, tell_part(progress, 0, 1, TITLE))
    sha256 = write_tensors(net.state_dict(), (chosen.folder or WEIGHTS_DIR) / file)
    write_card(card_id, {"members": [Member(file=file, sha256=sha256)]})
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(Detector(card(card_id), choose_device()), data))
    update_metrics(card_id, "weights", [sha256])  # its figures are of the recipe's trials


def ood(card_id: str, progress: Progress) -> None:
    """Fit the out-of-distribution detector anew on the weights that ship, and measure it; other figures stay.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    data = read_box_set(card_id)
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    ood_detector.renew_ood_detector(card_id, _known(Detector(card(card_id), choose_device()), data))
    update_metrics(card_id, "ood", _measure_ood(card(card_id), data, progress))


def evaluate(card_id: str, folds: int, test: bool, progress: Progress) -> None:
    """Run the trials of a card, calibrate it on their answers, and write `<card>.figures.json`.

    Parameters
    ----------
    folds
        Parts of a cross-validation.
    test
        Changes nothing: no set here keeps a test split back.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    BadWeights
        For a card that has not been trained: its out-of-distribution detector is measured too.
    """
    chosen, data = card(card_id), read_box_set(card_id)
    drawn, answers = prepare_detection_samples(data, chosen), Answers(data)
    planned = list_detection_trials(chosen, data, folds)
    for part, trial in enumerate(planned):
        title = later("Measuring, part {part} of {parts}", part=part + 1, parts=len(planned))
        tell = tell_part(progress, part / len(planned), (part + 1) / len(planned), title)
        net = fit_detector(chosen, drawn, trial.run, tell)
        fold_batch_norms(net)
        answers.add(trial, Detector(chosen, choose_device(), [net]))
    tables, everything = answers.tables(), answers.together()
    detecting = calibrate_detections(everything)
    write_card(card_id, {"detecting": detecting})
    publish_metrics(
        card_id,
        {
            "how": "; ".join(tables),
            "weights": [member.sha256 for member in chosen.members],
            "trials": {name: describe_detection_metrics(of) for name, of in tables.items()},
            "froc": {
                **thin_froc_curve(everything, detecting),
                "n": len(everything.reference),
                "groups": len(set(data.groups)),
            },
            "ood": _measure_ood(chosen, data, progress),
        },
    )


class Answers:
    """What the networks of all trials said, in the manner of the product; raw scores, boxes in source pixels."""

    def __init__(self, data: BoxSet) -> None:
        self.data = data
        self._rows: list[tuple[str, int, int, NDArray[np.float32], NDArray[np.float32]]] = []
        self._trials = 0

    def add(self, trial: BoxTrial, detector: Detector) -> None:
        """Answer the held-out images of one trial."""
        for i in trial.measured:
            seen = detector.detect(Image(make_frame_pixels(self.data.pictures[i]), name="", sha256=""))
            for k in range(len(detector.card.labels)):
                of = seen.classes == k
                self._rows.append((trial.name, int(i), self._trials, seen.boxes[of], seen.scores[of]))
        self._trials += 1

    def _answered(self, rows: Iterable[tuple[str, int, int, NDArray[np.float32], NDArray[np.float32]]]) -> Answered:
        rows = list(rows)
        labels = len(rows) // len({row[1:3] for row in rows})
        reference = [
            self.data.boxes[row[1]][self.data.classes[row[1]] == position % labels] for position, row in enumerate(rows)
        ]
        groups = np.unique([self.data.groups[row[1]] for row in rows], return_inverse=True)[1]
        return Answered([row[3] for row in rows], [row[4] for row in rows], reference, groups)

    def tables(self) -> dict[str, Answered]:
        """Return the answers of each trial's name; each class of an image counts as an image of its own."""
        names = dict.fromkeys(row[0] for row in self._rows)
        return {name: self._answered(row for row in self._rows if row[0] == name) for name in names}

    def together(self) -> Answered:
        """Return all answers."""
        return self._answered(self._rows)


def _known(detector: Detector, data: BoxSet) -> ood_detector.Known:
    """Return what the out-of-distribution detector looks at in the images of the set."""

    def look(picture: Pixels) -> tuple[ood_detector.Features, ood_detector.Features]:
        seen = detector.detect(ood_detector.make_ood_image(picture))
        return seen.pooled[None].numpy(), seen.strongest[None].numpy()

    some = ood_detector.choose_ood_pictures(np.ones(len(data)))
    pictures = [make_frame_pixels(data.pictures[i])[0] for i in some]
    return ood_detector.look_at_known_pictures(detector.card, pictures, [data.groups[i] for i in some], look)


def _measure_ood(chosen: Card, data: BoxSet, progress: Progress) -> dict[str, Any]:
    """Return how well what ships tells images of other kinds from its own kind."""
    detector = Detector(chosen, choose_device())
    ood_score = ood_detector.make_ood_scorer(
        chosen, lambda image: detector.task.read(detector.detect(image), image, chosen)
    )
    return ood_detector.measure_ood_detector(
        chosen, _known(detector, data), ood_score, read_ood_sets(chosen.id), progress
    )
