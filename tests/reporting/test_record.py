"""The JSON record of an answer: exactly the promised fields, in plain JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models import DISCLAIMER, Classification, Explanation, Prediction
from models.reporting.record import caption, headline, record, result_fields

FIELDS = [
    "sha256",
    "task",
    "card",
    "ok",
    "seconds",
    "warnings",
    "label",
    "probabilities",
    "prediction_set",
    "abstained",
    "reason",
]


def answer(**changes: object) -> Classification:
    fields = {
        "task": "implant",
        "card": "shoulder-implants",
        "sha256": "ab" * 32,
        "seconds": 0.123456,
        "labels": ("Cofield", "Zimmer"),
        "probabilities": np.array([0.25, 0.75], np.float32),
        "prediction_set": ("Zimmer",),
    }
    return Classification(**(fields | changes))  # type: ignore[arg-type]


def test_fields_of_a_classification() -> None:
    line = json.loads(json.dumps(record(answer())))
    assert list(line) == FIELDS
    assert line["probabilities"] == {"Cofield": 0.25, "Zimmer": 0.75}
    assert (line["label"], line["prediction_set"], line["abstained"], line["reason"]) == (
        "Zimmer",
        ["Zimmer"],
        False,
        None,
    )


def test_an_ordinal_answer_adds_its_expected_grade_and_how_probable_a_definite_finding_is() -> None:
    p = np.array([0.1, 0.2, 0.3, 0.25, 0.15], np.float32)
    line = record(answer(task="pathology", card="knee-kl", labels=tuple("01234"), probabilities=p, prediction_set=()))
    assert line["expected_grade"] == pytest.approx(0.2 + 0.6 + 0.75 + 0.6)
    assert line["p_definite"] == pytest.approx(0.7)  # Kellgren-Lawrence 2 and above
    assert list(line) == [*FIELDS[:8], "expected_grade", "p_definite", *FIELDS[8:]]


def test_caption_says_what_was_answered_why_and_the_disclaimer() -> None:
    why = Explanation(np.zeros((2, 2), np.float32), "grad-cam", "stage5", "Zimmer", 0.01)
    lines = caption(answer(explanation=why))
    assert lines == ["Zimmer 75%", "grad-cam at stage5 for Zimmer", "Model shoulder-implants", DISCLAIMER]


def test_an_abstention_is_no_answer() -> None:
    assert headline(answer(abstained=True, reason="this is a cat")) == "No answer: this is a cat"


def test_an_unknown_kind_of_prediction_is_refused() -> None:
    other = Prediction(task="implant", card="shoulder-implants", sha256="", seconds=0.0)
    with pytest.raises(TypeError, match="Prediction"):
        result_fields(other)
    with pytest.raises(TypeError, match="Prediction"):
        headline(other)
