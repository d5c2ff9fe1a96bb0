"""How wide the joint space is in knees of each Kellgren-Lawrence grade, and what it alone says of osteoarthritis.

Measured by a card of landmarks on the pictures of the grading set, which have no scale: as a share of the plateau's
width. The grade's own network is asked beside it, and a logistic regression on validation knees joins both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import card
from models.progress import Progress
from models.tasks.classification.dataset import read_knee_kl
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.predictor import Classifier
from models.tasks.landmarks.measures import measure_knee
from models.tasks.landmarks.metrics import summarise
from models.tasks.landmarks.predictor import Locator
from models.tasks.segmentation.task import make_frame_pixels
from models.types import Image
from models.words import later

GRADED = "knee-kl"
"""Card that grades, whose set the knees are from."""
MEASURE = "minimum_space"
EACH = 200
"""Training knees of a grade that are measured, evenly spread over them."""
PERCENTILES = tuple(range(0, 101, 5))
JOINING = 400
"""Validation knees that the grade's network and the joint space are joined on."""
Chosen = NDArray[np.intp]


@dataclass(frozen=True)
class Graded:
    """Percentiles of the training knees of each grade, and the trials on knees that trained nothing."""

    training: dict[str, Any]
    trials: dict[str, Any]


def measure_grades(locator: Locator, test: bool, progress: Progress) -> Graded:
    """Measure the joint space of training knees of each grade, and where asked that of all test knees."""
    data, keys = read_knee_kl(), card(GRADED).keys
    progress(later("Measuring the joint space of training knees"), 0.0)
    curves = {key: _curve(_spaces(locator, data, _of_grade(data, key))) for key in keys}
    training = {"measure": MEASURE, "unit": "%", "percentiles": list(PERCENTILES), "grades": curves}
    return Graded(training, _try_on_test(locator, data, progress) if test else {})


def _of_grade(data: LabelledSet, key: str) -> Chosen:
    some = np.flatnonzero((np.array(data.splits) == "train") & (np.array(data.labels) == key))
    return _spread(some, EACH)


def _spread(some: Chosen, count: int) -> Chosen:
    """Return so many of some indices, evenly spread over them; all where there are no more."""
    places = np.linspace(0, len(some) - 1, min(count, len(some))).round().astype(np.intp)
    found: Chosen = some[places]
    return found


def _curve(spaces: NDArray[np.float64]) -> dict[str, Any]:
    return {"n": len(spaces), "values": [round(float(one), 3) for one in np.percentile(spaces, PERCENTILES)]}


def _image(data: LabelledSet, i: int) -> Image:
    return Image(make_frame_pixels(data.pixels[i]), name="", sha256="")


def _spaces(locator: Locator, data: LabelledSet, some: Chosen) -> NDArray[np.float64]:
    """Return the minimum joint space of some knees, in per cent of the plateau's width."""
    found = []
    for i in some:
        image = _image(data, i)
        measured = measure_knee(locator.task.read(locator.locate(image), image, locator.card), None)
        found.append(next(one.value for one in measured if one.key == MEASURE))
    return np.array(found)


def _probabilities(data: LabelledSet, some: Chosen) -> NDArray[np.float64]:
    """Return how probable the grade's own network finds osteoarthritis, (N,)."""
    import torch

    grader = Classifier(card(GRADED), torch.device("cpu"))
    dichotomised = grader.card.dichotomised
    assert dichotomised is not None  # the card of the grades has it
    first = grader.card.index(dichotomised.from_key)
    answers = (
        grader.task.read(grader.answer(image)[0], image, grader.card) for image in (_image(data, i) for i in some)
    )
    return np.array([float(answer.probabilities[first:].sum()) for answer in answers])


def _try_on_test(locator: Locator, data: LabelledSet, progress: Progress) -> dict[str, Any]:
    """Return the mean joint space of each grade and the areas under the curve for KL 2 or more, on all test knees."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    learned, some = _spread(data.of("val"), JOINING), data.of("test")
    progress(later("Measuring the joint space of test knees"), 0.5)
    known = np.stack([_spaces(locator, data, learned), _logits(_probabilities(data, learned))], 1)
    asked = np.stack([_spaces(locator, data, some), _logits(_probabilities(data, some))], 1)
    grades = np.array(data.labels, int)
    joined = LogisticRegression().fit(known, grades[learned] >= 2).decision_function(asked)
    scores = {"joint space alone": -asked[:, 0], "the grade's network": asked[:, 1], "both": joined}
    present, grade = grades[some] >= 2, grades[some]

    def average(key: int, chosen: Chosen) -> float:
        return float(asked[chosen[grade[chosen] == key], 0].mean())

    def tell_apart(name: str, chosen: Chosen) -> float:
        return float(roc_auc_score(present[chosen], scores[name][chosen]))

    found = {
        **{f"mean joint space, KL {key} (% of plateau)": partial(average, key) for key in range(5)},
        **{f"AUC for KL 2 or more, {name}": partial(tell_apart, name) for name in scores},
    }
    return {"test split of the grading set": summarise(found, [data.groups[i] for i in some])}


def _logits(p: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = p.clip(1e-6, 1 - 1e-6)
    found: NDArray[np.float64] = np.log(kept / (1 - kept))
    return found
