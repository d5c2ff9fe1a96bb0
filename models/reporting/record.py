"""One answer as a JSON object: the line that `ortholens predict` writes and the file that the page downloads.

Every task shares the frame (which image, which model, how long, what to beware of) and adds its own fields by
registering its kind of prediction with `result_fields` and `headline`.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from models import DISCLAIMER
from models.cards import card
from models.trust.grades import definite_probability, expected_grade
from models.types import Classification, Detections, Image, Prediction, Segmentation

Record = dict[str, object]


@singledispatch
def result_fields(prediction: Prediction) -> Record:
    """Return the fields of one kind of prediction, ready for JSON."""
    raise TypeError(f"no record of a {type(prediction).__name__}")


@result_fields.register
def _(prediction: Classification) -> Record:
    return {
        "label": prediction.label,
        "probabilities": {
            label: round(float(p), 6) for label, p in zip(prediction.labels, prediction.probabilities, strict=True)
        },
        **_grade(prediction),
        "prediction_set": list(prediction.prediction_set),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
    }


@result_fields.register
def _(prediction: Segmentation) -> Record:
    pixels = np.bincount(prediction.mask.ravel(), minlength=len(prediction.labels))
    return {
        "classes": {key: value for value, key in enumerate(prediction.labels)},
        "area_px": {key: int(count) for key, count in zip(prediction.labels, pixels, strict=True)},
        "count": None if prediction.instances is None else _count(prediction.instances),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
    }


@result_fields.register
def _(prediction: Detections) -> Record:
    sides = prediction.boxes + np.array([0.5, 0.5, 0, 0])  # from the outer corner of the first pixel, as in COCO
    return {
        "boxes": [
            {
                **{side: round(float(value), 1) for side, value in zip("xywh", box, strict=True)},
                "score": round(float(score), 4),
                "label": prediction.labels[kind],
            }
            for box, score, kind in zip(sides, prediction.scores, prediction.classes, strict=True)
        ],
        "score": round(prediction.score, 4),
        "operating_point": prediction.operating_point,
        "threshold": round(prediction.threshold, 4),
        "shown": len(prediction.shown),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
    }


def _count(instances: NDArray[np.int32]) -> int:
    """Return how many objects there are; what a hand has erased leaves gaps between their numbers."""
    return int(np.count_nonzero(np.bincount(instances.ravel())[1:]))


def areas(prediction: Segmentation, image: Image) -> Record:
    """Return the area of every class in mm², or null where the image is not calibrated."""
    if image.spacing_mm is None:
        return {"area_mm2": None}
    pixel_mm2 = image.spacing_mm[0] * image.spacing_mm[1]
    pixels = np.bincount(prediction.mask.ravel(), minlength=len(prediction.labels))
    return {"area_mm2": {key: round(float(n * pixel_mm2), 6) for key, n in zip(prediction.labels, pixels, strict=True)}}


def _grade(prediction: Classification) -> Record:
    """Return what an ordinal answer says beyond its label: nothing for a card without a definite finding."""
    definite = definite_probability(prediction.probabilities, card(prediction.card))
    if definite is None:
        return {}
    return {"expected_grade": round(expected_grade(prediction.probabilities), 4), "p_definite": round(definite, 6)}


@singledispatch
def headline(prediction: Prediction) -> str:
    """Return the answer in one short line, for captions."""
    raise TypeError(f"no headline of a {type(prediction).__name__}")


@headline.register
def _(prediction: Classification) -> str:
    if prediction.abstained:
        return f"No answer: {prediction.reason}"
    return f"{prediction.label} {prediction.confidence:.0%}"


@headline.register
def _(prediction: Segmentation) -> str:
    if prediction.abstained:
        return f"No answer: {prediction.reason}"
    names = {label.key: label.name for label in card(prediction.card).labels}
    if prediction.instances is not None:
        named = ", ".join(names[key] for key in prediction.labels[1:])
        return f"{named}: {_count(prediction.instances):,} counted"
    shares = np.bincount(prediction.mask.ravel(), minlength=len(prediction.labels))[1:] / prediction.mask.size
    found = sorted(zip(shares, prediction.labels[1:], strict=True), reverse=True)
    return ", ".join(f"{names[key]} {share:.1%}" for share, key in found if share) or "Nothing but background"


@headline.register
def _(prediction: Detections) -> str:
    if prediction.abstained:
        return f"No answer: {prediction.reason}"
    names = [label.name.lower() for label in card(prediction.card).labels]
    kinds = prediction.classes[prediction.shown]
    found = f"{len(kinds) or 'no'} finding{'s' * (len(kinds) != 1)}".capitalize()
    if len(names) > 1 and len(kinds):
        counts = [(name, int((kinds == kind).sum())) for kind, name in enumerate(names)]
        found += f" ({', '.join(f'{count} {name}' for name, count in counts if count)})"
    sought = names[0] if len(names) == 1 else "of these"
    return f"{found} at {prediction.operating_point}; any {sought} {prediction.score:.0%}"


def record(prediction: Prediction) -> Record:
    """Return an answer without the name of its file, which may identify a patient."""
    return {
        "sha256": prediction.sha256,
        "task": prediction.task,
        "card": prediction.card,
        "ok": True,
        "seconds": round(prediction.seconds, 4),
        "warnings": list(prediction.warnings),
        **result_fields(prediction),
    }


def caption(prediction: Prediction) -> list[str]:
    """Return what stands under an exported picture, the disclaimer last."""
    lines = [headline(prediction)]
    if why := prediction.explanation:
        lines.append(f"{why.method}{' at ' + why.layer if why.layer else ''} for {why.target}")
    simulated = ", trained on simulated images" if card(prediction.card).data.simulated else ""
    return [*lines, f"Model {prediction.card}{simulated}", DISCLAIMER]
