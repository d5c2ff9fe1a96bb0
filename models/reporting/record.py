"""One answer as a JSON object: the line that `ortholens predict` writes and the file that the page downloads.

Every task shares the frame (which image, which model, how long, what to beware of) and adds its own fields by
registering its kind of prediction with `result_fields` and `headline`.
"""

from __future__ import annotations

from functools import singledispatch

from models import DISCLAIMER
from models.cards import card
from models.types import Classification, Prediction

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
        "prediction_set": list(prediction.prediction_set),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
    }


@singledispatch
def headline(prediction: Prediction) -> str:
    """Return the answer in one short line, for captions."""
    raise TypeError(f"no headline of a {type(prediction).__name__}")


@headline.register
def _(prediction: Classification) -> str:
    if prediction.abstained:
        return f"No answer: {prediction.reason}"
    return f"{prediction.label} {prediction.confidence:.0%}"


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
