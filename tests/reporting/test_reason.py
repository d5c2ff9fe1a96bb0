"""How heat is drawn and named: by the label's probability, and with what a reader must be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import models
from models.drawing.draw import HeatLook
from models.i18n import Language
from models.reporting.reason import (
    choose_heat_look,
    draw_heat_over,
    heat_runs_off,
    lift_drawn_heat,
    note_limits_of_reason,
    title_reason,
)
from models.types import Box, Classification, Detections, Explanation, Segmentation

SHAPE = (40, 30)


def why(target: str, method: str = "grad-cam") -> Explanation:
    heat = np.full(SHAPE, 1e-3, np.float32)
    heat[10:20, 10:20] = 1
    return Explanation(heat, method, "stage5", target, 0.1)


@pytest.fixture
def graded() -> Classification:
    """KL 2 of 60 %, KL 0 of 8 %."""
    p = np.array([0.08, 0.12, 0.6, 0.15, 0.05], np.float32)
    return Classification(
        task="pathology", card="knee-kl", sha256="0" * 64, seconds=0.1, labels=tuple("01234"), probabilities=p,
        explanation=why("2"),
    )  # fmt: skip


def test_heat_follows_the_probability_of_its_own_label_and_says_so(graded: Classification) -> None:
    below = np.full(SHAPE, 0.3, np.float32)
    sure, look, p = draw_heat_over(below, graded, HeatLook(1, 0, "inferno"))
    assert p == pytest.approx(0.6)
    assert look.said == "The heat reaches 77% of the brightest colour, since the label is 60% probable."
    unlikely, look, p = draw_heat_over(below, replace(graded, explanation=why("0")), HeatLook(1, 0, "inferno"))
    assert p == pytest.approx(0.08)
    assert "28% of the brightest colour" in look.said
    assert sure[15, 15].sum() > unlikely[15, 15].sum() + 100
    assert np.abs(sure[0, 0].astype(int) - unlikely[0, 0]).max() <= 1


def test_the_label_the_probability_and_the_method_are_named(graded: Classification) -> None:
    assert title_reason(graded, why("0"), 0.08).endswith("8% · Grad-CAM")
    assert title_reason(graded, why("0"), 0.08, Language("de")).endswith("8\u00a0% · Grad-CAM")
    assert "%" not in title_reason(graded, why("0"), None)


def test_a_class_is_as_probable_as_its_pixels_there() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, 15:] = 1
    certainty = np.where(mask == 1, 204, 102).astype(np.uint8)
    card = models.card("knee-mri-bone")
    answer = Segmentation(
        task="tissue", card=card.id, sha256="", seconds=0, labels=card.keys, mask=mask, certainty=certainty
    )
    bone = why(card.keys[1])
    assert answer.probability_of(bone.target) == pytest.approx(0.8)
    assert answer.probability_of(bone.target, Box(0, 0, 10, 10)) == pytest.approx(
        0.6
    )  # not there: what the other leaves


def test_a_box_is_as_probable_as_its_score() -> None:
    found = Detections(
        task="detection", card="fracture", sha256="", seconds=0, labels=("fracture",),
        boxes=np.array([[9.5, 19.5, 10, 12], [0, 0, 5, 5]], np.float32), classes=np.zeros(2, np.intp),
        scores=np.array([0.3, 0.2], np.float32), places=np.zeros(2, np.intp), operating_point="x", threshold=0.1,
    )  # fmt: skip
    assert found.probability_of("fracture", Box(20, 10, 12, 10)) == pytest.approx(0.3)
    assert found.probability_of("fracture", Box(30, 2, 12, 10)) is None
    assert choose_heat_look(HeatLook(), None).strength == 1


def test_heat_on_the_rim_is_told(graded: Classification) -> None:
    inside = why("2")
    assert not heat_runs_off(inside)
    assert note_limits_of_reason(inside) == []
    rim = inside.heat.copy()
    rim[0, 3] = 0.8
    assert "edge of the picture" in note_limits_of_reason(replace(inside, heat=rim))[0]
    bordered = np.pad(rim, 20)  # a film with black borders, of which the network saw nothing
    assert heat_runs_off(replace(inside, heat=bordered))
    assert not heat_runs_off(replace(inside, heat=np.zeros(SHAPE, np.float32)))


def test_maps_of_single_pixels_are_lifted() -> None:
    heat = np.full(SHAPE, 0.01, np.float32)
    heat[3, 3] = 1
    fine = replace(why("2", "guided-grad-cam"), heat=heat)
    assert lift_drawn_heat(fine)[20, 20] > 0.9
    assert (lift_drawn_heat(replace(fine, method="grad-cam")) == heat).all()
