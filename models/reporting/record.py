"""One answer as a JSON object: the line that `ortholens predict` writes and the file that the page downloads.

Every task shares the frame (which image, which model, how long, what to beware of) and adds its own fields by
registering its kind of prediction with `result_fields` and `headline`.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import card
from models.i18n import IN_ENGLISH, Language
from models.tasks.detection.verdict import verdict
from models.trust.grades import definite_probability, expected_grade
from models.trust.methods import BOX_METHODS
from models.trust.methods import METHODS as LABEL_METHODS
from models.types import Classification, Detections, Image, Judged, Prediction, Segmentation
from models.words import DISCLAIMER, later

Record = dict[str, Any]
METHODS = {**LABEL_METHODS, **BOX_METHODS}


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
        "suspected": prediction.suspected,
        "verdict": verdict(prediction, card(prediction.card)),
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
def headline(prediction: Prediction, say: Language = IN_ENGLISH) -> str:
    """Return the answer in one short line, for captions, in a reader's language."""
    raise TypeError(f"no headline of a {type(prediction).__name__}")


@headline.register
def _(prediction: Classification, say: Language = IN_ENGLISH) -> str:
    if prediction.abstained:
        return _withheld(prediction, say)
    known = card(prediction.card)
    name = say(known.labels[known.index(prediction.label)].name)
    return f"{name} {say.number(prediction.confidence, '.0%')}"


@headline.register
def _(prediction: Segmentation, say: Language = IN_ENGLISH) -> str:
    if prediction.abstained:
        return _withheld(prediction, say)
    names = {label.key: say(label.name) for label in card(prediction.card).labels}
    if prediction.instances is not None:
        named = ", ".join(names[key] for key in prediction.labels[1:])
        return say(later("{names}: {n:,} counted"), names=named, n=_count(prediction.instances))
    shares = np.bincount(prediction.mask.ravel(), minlength=len(prediction.labels))[1:] / prediction.mask.size
    found = sorted(zip(shares, prediction.labels[1:], strict=True), reverse=True)
    told = ", ".join(f"{names[key]} {say.number(share, '.1%')}" for share, key in found if share)
    return told or say(later("Nothing but background"))


@headline.register
def _(prediction: Detections, say: Language = IN_ENGLISH) -> str:
    return _withheld(prediction, say) if prediction.abstained else verdict(prediction, card(prediction.card), say)


def _withheld(prediction: Judged, say: Language) -> str:
    return f"{say(later('No answer'))}: {say(prediction.reason or '')}"


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


def caption(prediction: Prediction, say: Language = IN_ENGLISH) -> list[str]:
    """Return what stands under an exported picture, the disclaimer last."""
    known, lines = card(prediction.card), [headline(prediction, say)]
    if why := prediction.explanation:
        method = METHODS[why.method].name if why.method in METHODS else why.method
        name = say(known.labels[known.index(why.target)].name)
        at = later("{method} at {layer}: what speaks for {name}")
        said = at if why.layer else later("{method}: what speaks for {name}")
        lines.append(say(said, method=say(method), layer=why.layer, name=name))
    made = later("Model {card}, trained on simulated images") if known.data.simulated else later("Model {card}")
    return [*lines, say(made, card=prediction.card), say(DISCLAIMER)]
