"""A film of two knees: each is answered alone, and the reader moves, adds and removes the parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from threading import Event

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import models
from dashboard.views.classification import crop_figures
from models.cards import reload_cards
from models.errors import Cancelled
from models.types import Box, Image

Drop = Callable[..., AppTest]
FOUND = (Box(10, 4, 40, 40, 0.8), Box(12, 60, 40, 40, 0.9))


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


@pytest.fixture
def refused(
    implant: AppTest, drop: Drop, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, go_on: Event
) -> AppTest:
    """A page whose card takes tight crops, with a film that the OOD detector refuses and two parts that it knows."""
    card_module, data = import_module("models.cards.card"), picture(3, (80, 120))
    whole, predict = hashlib.sha256(data).hexdigest(), models.predict
    path = card_module.CARDS_DIR / "random-implants.toml"
    path.write_text(path.read_text().replace("input = {", "input = { crop = true,"))
    reload_cards()

    def refusing(image: Image, *given: object, **named: object) -> models.Prediction:
        answer = predict(image, *given, **named)
        return replace(answer, abstained=image.sha256 == whole, reason="this does not look like a test picture")

    monkeypatch.setattr(models, "predict", refusing)
    monkeypatch.setattr(models, "crops", lambda *_, cancelled, **__: found(go_on, cancelled))
    st.cache_resource.clear()
    return drop(implant, **{"film.png": data})


@pytest.fixture
def go_on() -> Iterator[Event]:
    """Until it is set, the search of the film goes on."""
    event = Event()
    yield event
    event.set()


@pytest.fixture
def film(refused: AppTest, go_on: Event) -> AppTest:
    """The page of that film once it has been searched."""
    return searched(refused, go_on)


def found(go_on: Event, cancelled: Callable[[], bool]) -> tuple[Box, ...]:
    while not go_on.wait(0.01):
        if cancelled():
            raise Cancelled("the computation was stopped", fix="Start it again.")
    return FOUND


def searched(page: AppTest, go_on: Event) -> AppTest:
    go_on.set()
    return joined(page)


def joined(page: AppTest) -> AppTest:
    """Return a page once its work has ended."""
    for name in page.session_state["jobs"]:
        page.session_state[f"job-{name}"]._thread.join()
    page.run()
    assert not page.exception
    return page


def test_the_refusal_comes_first_and_the_parts_when_they_are_found(refused: AppTest, go_on: Event) -> None:
    said = texts(refused)
    assert said.count("**No answer**") == 1
    assert said.count("his does not look like a test picture") == 1
    assert len(refused.get("plotly_chart")) == 1  # the film, once
    assert "Part 1" not in said
    assert [one.label for one in refused.button if one.key == "search-cancel"] == ["Cancel"]
    assert "Part 1: **" in texts(searched(refused, go_on))


def test_a_search_that_is_stopped_can_be_begun_again(refused: AppTest, go_on: Event) -> None:
    refused.button(key="search-cancel").click().run()
    page = joined(refused)
    assert "The computation was stopped" in texts(page)
    assert "Part 1" not in texts(page)
    page.button(key="search-again").click().run()
    assert "Part 1: **" in texts(searched(page, go_on))


def test_where_no_part_is_known_the_reader_chooses_one(
    refused: AppTest, go_on: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "FOUND", ())
    page = searched(refused, go_on)
    assert "Nor does any part of it look like a test picture" in texts(page)
    assert texts(page).count("**No answer**") == 1
    page.button(key="choose-part").click().run()
    assert not page.exception
    assert "Cropped to 40 × 40 of 120 × 80 px" in texts(page)


def test_another_file_ends_the_search(refused: AppTest, drop: Drop, picture: Callable[..., bytes]) -> None:
    (name,) = (one for one in refused.session_state["jobs"] if one.startswith("search-"))
    search = refused.session_state[f"job-{name}"]
    drop(refused, **{"other.png": picture(4)})
    assert search.stopped()
    assert name not in refused.session_state["jobs"]


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
    assert crop_figures.read_selected_box(image, [50.2, 10.1], [20.4, 60.0]) == Box(20, 10, 40, 40)
    assert crop_figures.read_selected_box(image, [-5, 500], [-5, 500]) == Box(0, 0, 80, 120)
    scaled = replace(image, spacing_mm=(0.5, 0.25))
    assert crop_figures.read_selected_box(scaled, [5, 10], [5, 10]) == Box(10, 20, 10, 20)


def test_what_still_runs_is_stopped_when_the_visitor_leaves(refused: AppTest, go_on: Event) -> None:
    (name,) = (one for one in refused.session_state["jobs"] if one.startswith("search-"))
    search = refused.session_state[f"job-{name}"]
    assert search.running
    st.cache_resource.clear()  # as Streamlit does to those of a session whose connection ends
    assert search.stopped()
