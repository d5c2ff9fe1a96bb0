"""A film of two knees: each is answered alone, and the reader moves, adds and removes the parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import models
from dashboard import crop_figures
from models.types import Box, Image

Drop = Callable[..., AppTest]
FOUND = (Box(10, 4, 40, 40, 0.8), Box(12, 60, 40, 40, 0.9))


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


@pytest.fixture
def film(implant: AppTest, drop: Drop, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A page whose card takes tight crops, with a film that the gate refuses and two parts that it knows."""
    card_module, data = import_module("models.cards.card"), picture(3, (80, 120))
    whole, predict = hashlib.sha256(data).hexdigest(), models.predict
    path = card_module.CARDS_DIR / "random-implants.toml"
    path.write_text(path.read_text().replace("input = {", "input = { crop = true,"))
    models.cards.cache_clear()

    def refusing(image: Image, *given: object, **named: object) -> models.Prediction:
        answer = predict(image, *given, **named)
        return replace(answer, abstained=image.sha256 == whole, reason="this does not look like a test picture")

    monkeypatch.setattr(models, "predict", refusing)
    monkeypatch.setattr(models, "crops", lambda *_, **__: FOUND)
    st.cache_resource.clear()
    return drop(implant, **{"film.png": data})


def test_each_part_is_answered_and_the_crop_is_said(film: AppTest) -> None:
    said = texts(film)
    assert "2 parts do, and each is answered alone" in said
    assert "Part 1: **" in said
    assert "Part 2: **" in said
    assert "Cropped to 40 × 40 of 120 × 80 px, from column 4 and row 10" in said
    assert "rows 10 to 49 and columns 4 to 43" in said.replace("\\", "")
    assert film.header[0].value in {"Cofield", "DePuy", "Zimmer"}


def test_the_reader_looks_at_another_part_or_the_whole(film: AppTest) -> None:
    choice = next(group for group in film.segmented_control if group.label == "Look at")
    choice.set_value("Part 2").run()
    assert "from column 60 and row 12" in texts(film)
    next(group for group in film.segmented_control if group.label == "Look at").set_value("The whole film").run()
    assert not film.exception
    assert "No answer" in texts(film)


def test_a_part_is_moved_and_removed(film: AppTest) -> None:
    next(field for field in film.number_input if field.label == "Left (px)").set_value(9).run()
    assert "from column 9 and row 10" in texts(film)
    next(button for button in film.button if button.label == "Remove").click().run()
    assert not film.exception
    assert "1 part does" in texts(film)
    assert "from column 60 and row 12" in texts(film)


def test_an_area_drawn_on_the_film_becomes_a_box() -> None:
    image = Image(np.zeros((1, 80, 120), np.float32), name="", sha256="0")
    assert crop_figures.box_of(image, [50.2, 10.1], [20.4, 60.0]) == Box(20, 10, 40, 40)
    assert crop_figures.box_of(image, [-5, 500], [-5, 500]) == Box(0, 0, 80, 120)
    scaled = replace(image, spacing_mm=(0.5, 0.25))
    assert crop_figures.box_of(scaled, [5, 10], [5, 10]) == Box(10, 20, 10, 20)
