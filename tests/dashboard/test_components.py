"""Pieces of screen on their own, with answers made by hand."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

from dashboard.case import downloads, states
from dashboard.style.figures import View
from models import DISCLAIMER, Classification, Explanation, Image
from models.drawing.plate import LEAST_PX
from models.i18n import Language


@pytest.fixture
def image() -> Image:
    grey = np.linspace(0, 1, 60 * 80, dtype=np.float32).reshape(1, 60, 80)
    return Image(grey, "mrs_smith.png", hashlib.sha256(b"").hexdigest())


@pytest.fixture
def answer(image: Image, random_card: str) -> Classification:
    heat = np.zeros(image.shape, np.float32)
    heat[20:30, 20:30] = 1
    return Classification(
        task="implant", card=random_card, sha256=image.sha256, seconds=0.1, labels=("Cofield", "Depuy", "Zimmer"),
        probabilities=np.array([0.2, 0.7, 0.1], np.float32),
        explanation=Explanation(heat, "grad-cam", "stage5", "Depuy", 0.1),
    )  # fmt: skip


def abstaining() -> None:
    import numpy as np
    import streamlit as st

    import models
    from dashboard.views.classification import answer
    from models import Classification, Image

    prediction = Classification(
        task="implant", card="random-implants", sha256="0" * 64, seconds=0.1, labels=("Cofield", "Depuy", "Zimmer"),
        probabilities=np.array([0.2, 0.7, 0.1], np.float32), abstained=True, reason="this is no shoulder",
    )  # fmt: skip
    image = Image(np.zeros((1, 64, 64), np.float32), "", "0" * 64)
    answer.show_classification(prediction, image, models.card("random-implants"))
    st.write("done")


def test_an_abstention_shows_its_reason_and_no_label_until_asked(random_card: str) -> None:
    page = AppTest.from_function(abstaining, default_timeout=60).run()
    said = " ".join(text.value for text in page.markdown)
    assert "No answer" in said
    assert "This is no shoulder" in said
    assert not page.header
    assert not page.get("plotly_chart")
    page.toggle[0].set_value(True).run()
    assert not page.exception
    assert not page.header
    assert page.get("plotly_chart")


def test_the_record_holds_the_answer_and_no_name(answer: Classification) -> None:
    told = json.loads(downloads.export_record(answer))
    assert told["label"] == "Depuy"
    assert told["disclaimer"] == DISCLAIMER
    assert "smith" not in json.dumps(told)


def test_the_overlay_is_large_enough_to_show(answer: Classification, image: Image) -> None:
    picture = Pillow.open(
        io.BytesIO(downloads.export_overlay(answer, image, View(opacity=1, threshold=0.5), Language()))
    )
    assert max(picture.size) >= LEAST_PX


@pytest.mark.parametrize("name", ["a_b*c.png", "[x](http://y)", ":red[z]", "$1$", "`c`", "<b>"])
def test_a_file_name_is_never_markdown(name: str) -> None:
    plain = states.escape_markdown(name)
    assert plain.replace("\\", "") == name
    assert not any(sign in plain.replace("\\" + sign, "") for sign in "[]*`$<>:")
