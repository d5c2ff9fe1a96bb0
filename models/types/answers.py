"""What is said of an image: the answer of each kind, why, and which cards know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.types.image import Box, Pixels

HALF = 0.5
"""From the outer corner of the first pixel to its centre."""
EVERYWHERE = (slice(None), slice(None))


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why: a signed heat map for one answer of one model.

    Attributes
    ----------
    heat
        (H, W) float32 in [−1, 1] in source pixels; positive speaks for the target, negative against it; scaled by its
        largest magnitude.
    method, layer, target
        Key of the method, name of the stage (empty for methods on the input), label explained.
    seconds
        Time of the explanation alone.
    faithfulness
        Figures by name (areas under deletion and insertion curves…), empty until measured.
    """

    heat: Pixels
    method: str
    layer: str
    target: str
    seconds: float
    faithfulness: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """What every answer carries."""

    task: str
    card: str
    sha256: str
    """Of the image's bytes."""
    frame: int = 0
    seconds: float
    """From the decoded image to the answer."""
    warnings: tuple[str, ...] = ()
    explanation: Explanation | None = None

    def probability_of(self, target: str, place: Box | None = None) -> float | None:
        """Return how probable a label that is explained is; None where the answer does not tell.

        Parameters
        ----------
        place
            That the explanation is about; None: all of the image.
        """
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged(Prediction):
    """An answer that an out-of-distribution detector can withhold.

    Attributes
    ----------
    abstained, reason
        Whether the image is outside what the model was made for, and the sentence that says why.
    ood_score
        Out-of-distribution score divided by the card's threshold: over 1 abstains; None without an out-of-distribution
        detector.
    """

    abstained: bool = False
    reason: str | None = None
    ood_score: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Classification(Judged):
    """One label of a closed list.

    Attributes
    ----------
    labels
        The K labels in the card's order.
    probabilities
        (K,) float32, calibrated, sum 1.
    prediction_set
        Labels of the conformal set at `coverage`; empty where the card stores no quantiles.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    prediction_set: tuple[str, ...] = ()
    coverage: float | None = None

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Calibrated probability of `label`."""
        return float(self.probabilities.max())

    def probability_of(self, target: str, place: Box | None = None) -> float | None:
        """Return the probability of a label of the whole image."""
        return float(self.probabilities[self.labels.index(target)])


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation(Judged):
    """A class for every pixel.

    Attributes
    ----------
    labels
        The K classes in the card's order; the first is background.
    mask
        (H, W) index into `labels`, in source pixels.
    certainty
        (H, W) probability of the class chosen, in 255ths: a byte a pixel, so that a slide of 8,192 pixels a side fits.
    instances
        (H, W) number of the object a pixel belongs to, 0 for none; None where the card does not tell objects apart.
    """

    labels: tuple[str, ...]
    mask: NDArray[np.uint8]
    certainty: NDArray[np.uint8]
    instances: NDArray[np.int32] | None = None

    def probability_of(self, target: str, place: Box | None = None) -> float | None:
        """Return how certain a class is where it was found; of one that was not found there, what the others leave."""
        part = place.part if place else EVERYWHERE
        certainty = self.certainty[part].astype(np.float32) / 255
        own = self.mask[part] == self.labels.index(target)
        if not certainty.size:
            return None
        return float(certainty[own].mean() if own.any() else 1 - certainty.mean())


@dataclass(frozen=True, eq=False, kw_only=True)
class Detections(Judged):
    """Boxes round what matters, the most certain first; every box above 0.01 is here, whatever the threshold.

    Attributes
    ----------
    labels
        The K labels in the card's order.
    boxes
        (N, 4) float32 x, y, width, height: left and top edge in source pixels, so that a box round the first pixel
        alone is −0.5, −0.5, 1, 1.
    classes
        (N,) index into `labels`.
    scores
        (N,) calibrated probability that a box meets what it is round.
    places
        (N,) which place of the network's pyramid said so, for an explanation; −1 for a box of fused passes.
    operating_point, threshold
        Name of the card's operating point and the score from which it shows a box.
    """

    labels: tuple[str, ...]
    boxes: NDArray[np.float32]
    classes: NDArray[np.intp]
    scores: NDArray[np.float32]
    places: NDArray[np.intp]
    operating_point: str
    threshold: float

    @property
    def shown(self) -> NDArray[np.intp]:
        """Indices of the boxes at or above the threshold."""
        return np.flatnonzero(self.scores >= self.threshold)

    @property
    def score(self) -> float:
        """Score of the image, that of its best box: it reaches the threshold where a box is shown; 0 without any."""
        return float(self.scores.max(initial=0))

    @property
    def suspected(self) -> bool:
        """Whether a box is shown."""
        return bool(len(self.shown))

    def probability_of(self, target: str, place: Box | None = None) -> float | None:
        """Return the score of the box at a place; None where there is no such box."""
        index = self.index_at(place) if place else None
        return None if index is None else float(self.scores[index])

    def index_at(self, place: Box) -> int | None:
        """Return the box whose edges are within a pixel of a place's; None where there is none."""
        if not len(self.boxes):
            return None
        asked = np.array([place.column - HALF, place.row - HALF, place.width, place.height], np.float32)
        apart = np.abs(self.boxes - asked).max(1)
        nearest = int(apart.argmin())
        return nearest if apart[nearest] < 1 else None


@dataclass(frozen=True)
class Fit:
    """A card that takes a frame for one of its own kind.

    Attributes
    ----------
    card, task
        Its id, and the kind of task it belongs to.
    ood_score
        Out-of-distribution score divided by the card's threshold, at most 1: the lower, the more familiar.
    answer
        What the card said of the whole frame, so that nobody need ask again; None where it was asked about a part.
    """

    card: str
    task: str
    ood_score: float
    answer: Judged | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Triage:
    """Which cards know an image.

    Attributes
    ----------
    ranked
        Those that know it, the best first; empty where none does.
    resembles
        What the image looks most like, in words ("a radiograph of one knee"), whether or not a card knows it.
    left
        Ids of the cards that were not asked, since one that fits was enough.
    """

    ranked: tuple[Fit, ...] = ()
    resembles: str | None = None
    left: tuple[str, ...] = ()

    @property
    def best(self) -> Fit | None:
        """The card to ask first; None where no card knows the image."""
        return self.ranked[0] if self.ranked else None

    def without_answers(self) -> Triage:
        """Return the ranking alone, which takes no memory to speak of."""
        return replace(self, ranked=tuple(replace(fit, answer=None) for fit in self.ranked))

    def answer(self, card: str) -> Judged | None:
        """Return what a card said of the whole frame while it was ranked; None where that is not known."""
        return next((fit.answer for fit in self.ranked if fit.card == card), None)
