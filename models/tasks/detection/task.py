"""Detection: boxes round what matters, each with a calibrated score; an image's score is that of its best box.

The whole image is scaled so that its longest side is the card's, and filled up to whole cells of the coarsest features:
nothing is spent on the black of a square. Scores are calibrated by Platt 1999, "Probabilistic outputs for support
vector machines", on the logit of the raw score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.cards import Card
from models.cards.tables import OperatingPoint, Platt
from models.errors import UnknownCard
from models.nets.fcos import FCOSMobileNetV2
from models.nets.frame import Frame, find_exposed_part, normalise
from models.nets.loading import build_detector
from models.tasks.task import Task
from models.trust.ood import load_ood_detector
from models.types import Detections, Image, Pixels

CELL = 32
"""Pixels of the input under one place of the coarsest features."""
LISTED = 0.01
"""Calibrated score from which a box is listed, whatever the threshold."""
UNCALIBRATED = OperatingPoint(key="uncalibrated", name="Uncalibrated", threshold=0.5, sensitivity=0)
"""Of a card whose scores nobody has measured yet."""


@dataclass(frozen=True)
class Scaled(Frame):
    """An image in the top left corner of an input of whole cells, its longest side `longest` pixels."""

    longest: int = 0

    @classmethod
    def of(cls, shape: tuple[int, int], longest: int, content: tuple[int, int, int, int] | None = None) -> Scaled:
        """Return how an image of (rows, columns) = `shape` lies in the input, or a part of it."""
        rows, columns = cls(shape, (0, 0), content, longest).fitted
        return cls(shape, (-(-rows // CELL) * CELL, -(-columns // CELL) * CELL), content, longest)

    @property
    def fitted(self) -> tuple[int, int]:
        """(rows, columns) that the image takes inside the input."""
        _, _, *sides = self.part
        rows, columns = (max(1, round(side * self.longest / max(sides))) for side in sides)
        return rows, columns

    @property
    def corner(self) -> tuple[int, int]:
        """The image starts in the first row and column."""
        return 0, 0

    def boxes_to_source(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, 4) left, top, right, bottom edges in the input, 0 at its corner → x, y, width, height as `Detections`."""
        (rows, columns), (top, left, height, width) = self.fitted, self.part
        zoom = np.array([width / columns, height / rows], np.float64)
        first, last = boxes[:, :2] * zoom, boxes[:, 2:] * zoom
        corner = np.array([left - 0.5, top - 0.5])
        return np.concatenate([first + corner, last - first], 1).astype(np.float32)

    def boxes_to_network(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 4) x, y, width, height as in `Detections` → left, top, right, bottom edges in the input."""
        (rows, columns), (top, left, height, width) = self.fitted, self.part
        zoom = np.array([columns / width, rows / height], np.float64)
        first = boxes[:, :2].astype(np.float64) - np.array([left - 0.5, top - 0.5])
        return np.concatenate([first * zoom, (first + boxes[:, 2:]) * zoom], 1)


@dataclass(frozen=True)
class DetectorOutput:
    """What the network said about one frame, before the task gives it meaning; boxes in source pixels.

    Attributes
    ----------
    boxes
        (N, 4) x, y, width, height as in `Detections`.
    scores, classes, places
        (N,) raw score, falling; index of the class; place that said so, −1 for fused boxes.
    pooled, strongest
        (D,) and (K,) what the out-of-distribution detector looks at: pooled features, and the largest logit of each
        class.
    seconds
        Preparation and forward passes.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.intp]
    places: NDArray[np.intp]
    pooled: Tensor
    strongest: Tensor
    seconds: float = 0.0


class DetectionTask(Task):
    """Reads what was `DetectorOutput` as `Detections`."""

    def build(self, card: Card) -> FCOSMobileNetV2:
        """Return the card's network with random weights."""
        return build_detector(card)

    def frame(self, image: Image, card: Card, zoom: float = 1.0) -> Scaled:
        """Return how the image lies in the network's input, `zoom` times as large as the card says."""
        content = find_exposed_part(image.grey()) if card.input.trim else None
        return Scaled.of(image.shape, round(card.input.size[0] * zoom), content)

    def prepare(self, image: Image, card: Card, frame: int = 0) -> Tensor:
        """Return one frame as the network's input: (1, 3, h, w) in [−1, 1], h and w whole cells."""
        return fit_detector_input(image.grey(frame), self.frame(image, card))

    def read(self, seen: DetectorOutput, image: Image, card: Card, point: str | None = None) -> Detections:
        """Return calibrated boxes, the best first, at one of the card's operating points (default: its first).

        Raises
        ------
        UnknownCard
            When the card has no such operating point.
        """
        chosen, how = find_operating_point(card, point), card.detecting
        scores = calibrate_scores(seen.scores, how.boxes if how else None)
        listed = np.flatnonzero(scores >= LISTED)
        listed = listed[np.argsort(-scores[listed], kind="stable")]
        verdict = (
            load_ood_detector(card).judge(seen.pooled.numpy(), seen.strongest.numpy(), card.data.shows)
            if card.ood
            else None
        )
        return Detections(
            task=self.name,
            card=card.id,
            sha256=image.sha256,
            seconds=seen.seconds,
            warnings=image.warnings,
            labels=card.keys,
            boxes=seen.boxes[listed],
            classes=seen.classes[listed],
            scores=scores[listed],
            places=seen.places[listed],
            operating_point=chosen.name,
            threshold=chosen.threshold,
            abstained=bool(verdict and verdict.outside),
            reason=verdict.reason if verdict else None,
            ood_score=verdict.ood_score if verdict else None,
        )


def fit_detector_input(grey: Pixels, frame: Scaled, mirrored: bool = False) -> Tensor:
    """Return a picture (H, W) as the network's input: (1, 3, *frame.network) in [−1, 1], right and left changed."""
    picture = frame.to_network(torch.from_numpy(grey)[None, None])
    if mirrored:
        _, columns = frame.fitted
        picture[..., :columns] = picture[..., :columns].flip(3)
    return normalise(picture)


def calibrate_scores(raw: NDArray[np.floating], platt: Platt | None) -> NDArray[np.float32]:
    """Return raw scores in [0, 1] as probabilities; as they are before the card is calibrated."""
    if platt is None:
        return raw.astype(np.float32)
    safe = raw.astype(np.float64).clip(1e-9, 1 - 1e-9)
    logits = platt.slope * np.log(safe / (1 - safe)) + platt.intercept
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def find_operating_point(card: Card, key: str | None = None) -> OperatingPoint:
    """Return an operating point by its key; by default the card's first.

    Raises
    ------
    UnknownCard
        When the card has no such operating point.
    """
    points = card.detecting.points if card.detecting else (UNCALIBRATED,)
    found = next((point for point in points if key in (None, point.key)), None)
    if found is None:
        choice = ", ".join(point.key for point in points)
        raise UnknownCard(f"{card.id} has no operating point {key!r}", fix=f"Choose one of {choice}.")
    return found
