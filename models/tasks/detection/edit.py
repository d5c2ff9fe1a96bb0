"""Boxes that a reader drew or took away, beside those of the network; the network's own answer is kept.

A box of a reader's has no score: it counts as certain where boxes are shown and counted, and files say that it was
drawn by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, UnknownCard
from models.types import Box, Detections
from models.words import later

CERTAIN = 1.0
"""Stands where the score of a box drawn by hand would be."""
LEAST_PX = 1.0
"""Least side of a box that is drawn."""


@dataclass(frozen=True)
class DrawnBox:
    """One box that a reader drew: left and top edge, width and height in source pixels, and the key of its label."""

    x: float
    y: float
    width: float
    height: float
    label: str

    @property
    def sides(self) -> tuple[float, float, float, float]:
        """As a row of `Detections.boxes`."""
        return self.x, self.y, self.width, self.height


@dataclass(frozen=True)
class Edits:
    """What a reader did: boxes drawn, the oldest first, and rows of the network's boxes taken away."""

    drawn: tuple[DrawnBox, ...] = ()
    deleted: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.drawn or self.deleted)


@dataclass(frozen=True, eq=False, kw_only=True)
class EditedDetections(Detections):
    """An answer that a reader changed; the boxes drawn by hand come first.

    Attributes
    ----------
    original
        What the network said.
    edits
        What was drawn and taken away.
    by_hand
        (N,) whether a reader drew the box.
    """

    original: Detections
    edits: Edits
    by_hand: NDArray[np.bool_]

    @property
    def score(self) -> float:
        """Score of the network's best box that is left: a reader's own has none."""
        return float(self.scores[~self.by_hand].max(initial=0))

    def probability_of(self, target: str, place: Box | None = None) -> float | None:
        """Return the score of the network's own box at a place; None for one that a reader drew."""
        index = self.index_at(place) if place else None
        return None if index is None or self.by_hand[index] else super().probability_of(target, place)


def apply_box_edits(answer: Detections, edits: Edits) -> Detections:
    """Apply a reader's edits to the network's answer; without any, the answer itself.

    Raises
    ------
    UnknownCard
        For a label that the answer does not have.
    InputError
        For a box smaller than a pixel.
    """
    if not edits:
        return answer
    for box in edits.drawn:
        _checked(box, answer.labels)
    kept = np.setdiff1d(np.arange(len(answer.boxes)), edits.deleted)
    drawn = np.array([box.sides for box in edits.drawn], np.float32).reshape(-1, 4)
    labels = np.array([answer.labels.index(box.label) for box in edits.drawn], np.intp)
    count = len(drawn)
    same = {
        field.name: getattr(answer, field.name)
        for field in fields(Detections)
        if field.name not in ("boxes", "classes", "scores", "places", "warnings")
    }
    return EditedDetections(
        **same,
        boxes=np.concatenate([drawn, answer.boxes[kept]]),
        classes=np.concatenate([labels, answer.classes[kept]]),
        scores=np.concatenate([np.full(count, CERTAIN, np.float32), answer.scores[kept]]),
        places=np.concatenate([np.full(count, -1, np.intp), answer.places[kept]]),
        warnings=(*answer.warnings, describe_box_edits(edits)),
        original=answer,
        edits=edits,
        by_hand=np.arange(count + len(kept)) < count,
    )


def describe_box_edits(edits: Edits) -> str:
    """Say what a reader did."""
    done = [
        f"{count} box{'es' * (count > 1)} {what}"
        for count, what in ((len(edits.drawn), "drawn"), (len(edits.deleted), "deleted"))
        if count
    ]
    return f"changed by hand: {' and '.join(done)}"


def mark_by_hand(coco: str, answer: Detections) -> str:
    """Mark in a COCO JSON, whose annotations are the boxes that the answer shows, those that a reader drew.

    They lose their score, which no model gave; every annotation says its source. The answer of the network alone is
    left as it is.
    """
    if not isinstance(answer, EditedDetections):
        return coco
    content = json.loads(coco)
    for annotation, row in zip(content["annotations"], answer.shown, strict=True):
        annotation["source"] = "drawn by hand" if answer.by_hand[row] else "model"
        if answer.by_hand[row]:
            del annotation["score"]
    return json.dumps(content, indent=1)


def _checked(box: DrawnBox, labels: tuple[str, ...]) -> None:
    if min(box.width, box.height) < LEAST_PX:
        raise InputError(later("a box smaller than a pixel is none"), fix=later("Draw it round what you see."))
    if box.label not in labels:
        raise UnknownCard(f"there is no label {box.label!r}", fix=f"Choose one of {', '.join(labels)}.")
