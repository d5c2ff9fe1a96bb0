"""The JSON record of an answer: exactly the promised fields, in plain JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models import DISCLAIMER, Classification, Detections, Explanation, Image, Prediction, Segmentation
from models.answers.record import write_caption, write_headline, write_record
from models.cards import card
from models.tasks.detection.verdict import OWN, word_detection_caveat
from models.tasks.segmentation.account import list_areas

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


def test_an_area_is_of_both_sides_of_a_pixel() -> None:
    mask = np.array([[1, 1, 1, 0], [1, 1, 0, 2]], np.uint8)
    painted = Segmentation(
        task="tissue", card="test", sha256="", seconds=0, labels=("a", "b", "c"), mask=mask, certainty=mask
    )
    image = Image(np.zeros((1, 2, 4), np.float32), "", "", spacing_mm=(0.5, 0.2))
    assert list_areas(painted, image) == {"area_mm2": {"a": 0.2, "b": 0.5, "c": 0.1}}


def test_fields_of_a_classification() -> None:
    line = json.loads(json.dumps(write_record(answer())))
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
    line = write_record(
        answer(task="pathology", card="knee-kl", labels=tuple("01234"), probabilities=p, prediction_set=())
    )
    assert line["expected_grade"] == pytest.approx(0.2 + 0.6 + 0.75 + 0.6)
    assert line["p_definite"] == pytest.approx(0.7)  # Kellgren-Lawrence 2 and above
    assert list(line) == [*FIELDS[:8], "expected_grade", "p_definite", *FIELDS[8:]]


def test_caption_says_what_was_answered_why_and_the_disclaimer() -> None:
    why = Explanation(np.zeros((2, 2), np.float32), "grad-cam", "stage5", "Zimmer", 0.01)
    lines = write_caption(answer(explanation=why))
    assert lines == ["Zimmer 75%", "Grad-CAM at stage5: what speaks for Zimmer", "Model shoulder-implants", DISCLAIMER]


def test_an_abstention_is_no_answer() -> None:
    assert write_headline(answer(abstained=True, reason="this is a cat")) == "No answer: this is a cat"


def test_an_unknown_kind_of_prediction_is_refused() -> None:
    other = Prediction(task="implant", card="shoulder-implants", sha256="", seconds=0.0)
    with pytest.raises(TypeError, match="Prediction"):
        write_record(other)
    with pytest.raises(TypeError, match="Prediction"):
        write_headline(other)


def boxes(**changes: object) -> Detections:
    fields = {
        "task": "detection",
        "card": "fracture",
        "sha256": "cd" * 32,
        "seconds": 0.2,
        "labels": ("fracture",),
        "boxes": np.array([[9.54, 19.5, 30.26, 20], [-0.5, -0.5, 8, 9], [3, 4, 5, 6]], np.float32),
        "classes": np.zeros(3, np.intp),
        "scores": np.array([0.91, 0.5, 0.012345], np.float32),
        "places": np.arange(3),
        "operating_point": "Sensitivity 0.90",
        "threshold": 0.5,
    }
    return Detections(**(fields | changes))  # type: ignore[arg-type]


def test_fields_of_detections() -> None:
    line = json.loads(json.dumps(write_record(boxes())))
    own = ["boxes", "suspected", "verdict", "score", "operating_point", "threshold", "shown", "abstained", "reason"]
    assert list(line) == [*FIELDS[:6], *own]
    assert line["boxes"] == [  # left and top from the outer corner of the first pixel, as in COCO
        {"x": 10.0, "y": 20.0, "w": 30.3, "h": 20.0, "score": 0.91, "label": "fracture"},
        {"x": 0.0, "y": 0.0, "w": 8.0, "h": 9.0, "score": 0.5, "label": "fracture"},
        {"x": 3.5, "y": 4.5, "w": 5.0, "h": 6.0, "score": 0.0123, "label": "fracture"},
    ]
    assert (line["score"], line["operating_point"], line["threshold"], line["shown"]) == (
        0.91,
        "Sensitivity 0.90",
        0.5,
        2,
    )
    assert (line["suspected"], line["verdict"]) == (True, "Fracture suspected: 2 places")


def test_the_headline_says_in_words_whether_anything_is_suspected() -> None:
    assert write_headline(boxes()) == "Fracture suspected: 2 places"
    assert write_headline(boxes(threshold=0.9)) == "Fracture suspected: 1 place"
    assert write_headline(boxes(threshold=1.0)) == "No fracture suspected at the sensitivity 0.90 operating point"
    assert write_headline(boxes(threshold=1.0, operating_point=OWN)) == "No fracture suspected at your own threshold"
    assert write_headline(boxes(abstained=True, reason="this is a cat")) == "No answer: this is a cat"
    two = {
        "card": "tka-components",
        "labels": ("femoral-component", "tibial-component"),
        "classes": np.array([1, 0, 0]),
        "operating_point": "Balanced",
    }
    assert write_headline(boxes(**two)) == "Found: 1 femoral component, 1 tibial component"
    assert write_headline(boxes(**two, threshold=1.0)) == (
        "No femoral component or tibial component found at the balanced operating point"
    )


def test_nothing_suspected_rules_nothing_out() -> None:
    fracture = card("fracture")
    point = fracture.detecting.points[0]  # type: ignore[union-attr]
    none = boxes(scores=np.zeros(3, np.float32), threshold=point.threshold, operating_point=point.name)
    assert word_detection_caveat(none, fracture) == (
        f"That rules nothing out: of held-out images with a finding, {1 - point.sensitivity:.0%} show no box at this "
        "operating point."
    )
    assert "means nothing" in word_detection_caveat(boxes(threshold=0.99, operating_point=OWN), fracture)
    assert word_detection_caveat(boxes(), fracture) == ""
