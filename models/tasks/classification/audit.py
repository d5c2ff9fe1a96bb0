"""The explanation audit: several methods on one picture, each put to the tests that are in the literature.

Is the map faithful (deletion and insertion curves beside those of a random map)? Do the methods agree? Does the map
fall apart when the network forgets what it learnt (Adebayo et al. 2018, arXiv:1810.03292)? Does the heat lie on metal?
Everything is measured on the picture as the network gets it, a few hundred pixels a side, so that a film of any size
costs the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray

from models.tasks.classification.explanation import BATCH, count_explanation_steps
from models.tasks.classification.faithfulness import (
    STEPS,
    Curves,
    compare_maps,
    draw_random_heat,
    find_metal,
    measure_faithfulness,
    measure_heat_on_metal,
)
from models.tasks.classification.sanity import Cascade, randomise_in_cascade
from models.trust.methods import Method, find_method
from models.types import Box, Explanation, Image

if TYPE_CHECKING:
    from models.tasks.classification.predictor import Classifier

Progress = Callable[[float, str], None]
"""Told the share done, in [0, 1], and what is being done, in words."""

CURVES = 2 * (STEPS + 1)
"""Cost of the curves of one map, in pictures that go through the network."""
COST = {"guided-grad-cam": 6.0, "integrated-gradients": 100.0, "gradient-shap": 180.0}
QUICK, PATCHED = 1.2, 1.2
"""Cost of one map in the same measure, as timed on a CPU: for the others, and for each patch of occlusion."""
TIMED = 3
"""Batches that the pace is taken from; the fastest counts, since nothing is faster than the machine."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What one method showed, and how it stood the tests.

    Attributes
    ----------
    cascade
        Its map, and the maps of ever more randomised networks.
    curves
        Deletion and insertion of its map.
    on_metal
        Share of its positive heat that lies on metal; 0 where there is none.
    """

    cascade: Cascade
    curves: Curves
    on_metal: float

    @property
    def explanation(self) -> Explanation:
        """The map of the trained network."""
        return self.cascade.original


@dataclass(frozen=True, eq=False)
class Audit:
    """The methods side by side.

    Attributes
    ----------
    target
        Key of the label explained.
    picture, part
        What the maps lie on: the picture as the network gets it, without black margins, and which part of the image
        that is.
    findings
        One for each method, in the order asked for.
    random
        Curves of a map that knows nothing, for comparison.
    agreement
        (M, M) rank correlation of the methods' maps.
    metal
        Share of the picture that is metal, by its brightness.
    """

    target: str
    picture: Image
    part: Box
    findings: tuple[Finding, ...]
    random: Curves
    agreement: NDArray[np.float64]
    metal: float


def audit(
    model: Classifier,
    image: Image,
    methods: Sequence[str],
    label: str | None = None,
    *,
    frame: int = 0,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Audit:
    """Explain one label by several methods and put each to the tests.

    Parameters
    ----------
    methods
        Keys of `models.trust.methods.METHODS`.
    label
        The label to explain; the answer's own by default.
    progress, cancelled
        Told how far it is, and asked whether to stop.

    Raises
    ------
    UnknownCard
        For a method or a label that does not exist.
    Cancelled
        When `cancelled` said so.
    """
    chosen = [find_method(key) for key in methods]
    picture = prepare_audited_image(model, image, frame)
    target = model.task.target(model.card, label, model.answer(picture)[0])
    course = _Course(model, chosen, progress, cancelled)
    found = [_finding(model, picture, method, target, course) for method in chosen]
    random = measure_faithfulness(
        model,
        picture,
        draw_random_heat(picture.shape),
        target,
        **course.leg("Random map: deletion and insertion", CURVES),
    )
    heats = [finding.explanation.heat for finding in found]
    return Audit(
        target=model.card.keys[target],
        picture=picture,
        part=Box(*model.task.frame(image, model.card).part),
        findings=tuple(found),
        random=random,
        agreement=np.array([[compare_maps(one, other) for other in heats] for one in heats]),
        metal=float(find_metal(picture).mean()),
    )


def estimate_cost_of_map(method: Method, size: tuple[int, int]) -> float:
    """Return what one map costs, in pictures of an input of (rows, columns) = `size` that go through the network."""
    if method.key == "occlusion":
        return PATCHED * count_explanation_steps(method, size) * BATCH
    return COST.get(method.key, QUICK)


@torch.no_grad()
def time_audit_pass(model: Classifier) -> float:
    """Return the seconds that a picture takes through the network on this machine, as it is now."""
    x = torch.zeros(BATCH, 3, *model.card.input.size, device=model.device)
    times = []
    for _ in range(TIMED):
        begun = time.perf_counter()
        model.logits(x)
        times.append(time.perf_counter() - begun)
    return min(times) / BATCH


def estimate_audit_seconds(model: Classifier, methods: Sequence[str]) -> float:
    """Return about how long an audit by these methods will take on this machine."""
    return time_audit_pass(model) * _Course(model, [find_method(key) for key in methods], None, None).total


def prepare_audited_image(model: Classifier, image: Image, frame: int = 0) -> Image:
    """Return one frame scaled to the network's input, without the margins: the network's answer to it is the same."""
    place = model.task.frame(image, model.card)
    (rows, columns), (top, left) = place.fitted, place.corner
    grey = place.to_network(torch.from_numpy(image.grey(frame))[None, None])[0]  # (1, h, w)
    return Image(grey[:, top : top + rows, left : left + columns].numpy(), name=image.name, sha256=image.sha256)


def _finding(model: Classifier, picture: Image, method: Method, target: int, course: _Course) -> Finding:
    cost = course.maps * estimate_cost_of_map(method, model.card.input.size)
    checked = randomise_in_cascade(
        model, picture, method, target, **course.leg(f"{method.name}: the map, and random weights", cost)
    )
    heat = checked.original.heat
    measured = measure_faithfulness(
        model, picture, heat, target, **course.leg(f"{method.name}: deletion and insertion", CURVES)
    )
    return Finding(checked, measured, measure_heat_on_metal(picture, checked.original)[0])


class _Leg(TypedDict):
    progress: Callable[[float], None]
    cancelled: Callable[[], bool] | None


class _Course:
    """The way through an audit: turns the share done of one leg into the share done of all."""

    def __init__(
        self,
        model: Classifier,
        methods: Sequence[Method],
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.maps = len(model.members[0].stages) + 2  # of the trained network, without its head, and without each stage
        size = model.card.input.size
        self.total = sum(self.maps * estimate_cost_of_map(method, size) + CURVES for method in methods) + CURVES
        self.progress, self.cancelled = progress, cancelled
        self.done = 0.0

    def leg(self, words: str, cost: float) -> _Leg:
        """Return what the next part of the work is told and asks."""
        before = self.done
        self.done += cost

        def told(share: float) -> None:
            if self.progress:
                self.progress((before + share * cost) / self.total, words)

        told(0.0)
        return {"progress": told, "cancelled": self.cancelled}
