"""Where a dropped file goes: to the page and card that know it best, with the others that know it one click away."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import models
from dashboard.case import arrival
from dashboard.case.arrival import Place, find_page_of_arrival
from dashboard.session import Item
from models import Fit, Triage

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]
KNEE, IMPLANT = Fit("knees", "pathology", 0.4), Fit("shoulders", "implant", 0.7)
APP = Path(models.__file__).parents[1] / "dashboard" / "app.py"


@pytest.fixture
def known(product: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Two models on two pages; what is returned says which of them know every image from now on."""
    from importlib import import_module

    from models.cards import reload_cards

    folder: Path = import_module("models.cards.card").CARDS_DIR
    for id, task in (("shoulders", "implant"), ("knees", "pathology"), ("hips", "pathology")):
        product(id)
        text = (folder / f"{id}.toml").read_text().replace('task = "implant"', f'task = "{task}"')
        (folder / f"{id}.toml").write_text(text.replace("A model for tests", id.capitalize()))
    reload_cards()

    def know(*fits: Fit, resembles: str | None = None) -> None:
        monkeypatch.setattr(models, "triage", lambda image, frame=0, **_: Triage(fits, resembles))

    know()
    for clear in (st.cache_data.clear, st.cache_resource.clear):
        clear()
    yield know
    for clear in (st.cache_data.clear, st.cache_resource.clear):
        clear()


@pytest.fixture
def start(known: Callable[..., None]) -> AppTest:
    """The first page of a new session."""
    return AppTest.from_file(APP, default_timeout=120).run()


def title(page: AppTest) -> str:
    return page.subheader[0].value


def also(page: AppTest) -> list[str]:
    return [one.label for one in page.button if (one.key or "").startswith("also-")]


def test_a_drop_on_home_goes_to_the_card_that_knows_it(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known(KNEE, IMPLANT)
    page = drop(start, **{"film.png": picture()})
    assert title(page) == "Knees"
    assert page.header  # an answer stands there
    assert also(page) == ["Shoulders"]


def test_another_model_that_knows_the_image_is_one_click_away(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known(KNEE, IMPLANT)
    page = drop(start, **{"film.png": picture()})
    next(one for one in page.button if one.key == "also-shoulders").click().run()
    assert not page.exception
    assert title(page) == "Shoulders"
    assert also(page) == ["Knees"]


def test_a_page_keeps_what_its_model_knows(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known(KNEE, IMPLANT)
    page = drop(start.switch_page("views/classification/implant.py").run(), **{"film.png": picture()})
    assert title(page) == "Shoulders"
    assert also(page) == ["Knees"]


def test_a_page_gives_away_what_only_another_knows(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known(KNEE)
    page = drop(start.switch_page("views/classification/implant.py").run(), **{"film.png": picture()})
    assert title(page) == "Knees"
    assert not also(page)


def test_the_card_of_a_page_follows_the_image_until_one_is_chosen_by_hand(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    hip = Fit("hips", "pathology", 0.5)
    known(hip)
    page = drop(start.switch_page("views/classification/pathology.py").run(), **{"hip.png": picture(1)})
    assert page.selectbox(key="card-pathology").value == "hips"
    known(KNEE, hip)
    page = drop(page, **{"knee.png": picture(2)})
    assert page.selectbox(key="card-pathology").value == "knees"
    page.selectbox(key="card-pathology").set_value("hips").run()
    page = drop(page, **{"other.png": picture(3)})
    assert page.selectbox(key="card-pathology").value == "hips"  # it knows it too
    known(KNEE)
    page = drop(page, **{"last.png": picture(4)})
    assert page.selectbox(key="card-pathology").value == "knees"  # the one chosen does not know it


def test_what_no_card_knows_stays_where_it_was_dropped(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known()
    page = drop(start.switch_page("views/classification/pathology.py").run(), **{"cat.png": picture()})
    assert title(page) in {"Knees", "Hips"}
    assert not also(page)


def test_a_chosen_file_goes_to_its_page_from_the_worklist(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known(IMPLANT)
    page = drop(start, **{"shoulder.png": picture(1)})
    known(KNEE)
    page = drop(page, **{"knee.png": picture(2)})
    assert title(page) == "Knees"
    first = next(one for one in page.button if one.label == "shoulder\\.png")
    first.click().run()
    assert title(page) == "Shoulders"


def place_of(page: AppTest, key: str) -> tuple[int, ...]:
    """Return the path to the container of a key, as the browser finds it."""
    waiting: list[tuple[tuple[int, ...], Any]] = [((), page.main)]
    while waiting:
        path, block = waiting.pop()
        if getattr(block.proto, "id", "").endswith(f"-{key}"):
            return path
        waiting += [((*path, number), child) for number, child in getattr(block, "children", {}).items()]
    raise LookupError(key)


def test_an_answer_takes_over_the_place_where_the_image_was_looked_at(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(KNEE)
    page = start.switch_page("views/classification/pathology.py").run()
    with monkeypatch.context() as looking:
        looking.setattr(arrival, "_place", lambda *_: st.stop())
        page = drop(page, **{"film.png": picture()})
    assert "Looking at the image" in "".join(one.value for one in page.markdown)
    before = [place_of(page, key) for key in ("answer", "film")]
    page.run()
    assert page.header
    assert [place_of(page, key) for key in ("answer", "film")] == before  # elsewhere it would stand beside the old one


@pytest.mark.parametrize(
    ("item_task", "fits", "found"),
    [
        (None, (KNEE, IMPLANT), Place("implant", "shoulders")),
        (None, (KNEE,), Place("pathology", "knees")),
        (None, (), Place("implant")),
        ("pathology", (IMPLANT,), Place("pathology")),
        ("pathology", (IMPLANT, KNEE), Place("pathology", "knees")),
    ],
)
def test_a_place_is_found(
    known: Callable[..., None], item_task: str | None, fits: tuple[Fit, ...], found: Place
) -> None:
    item = Item("x.png", b"x", "0" * 64, task=item_task)
    assert find_page_of_arrival(item, Triage(fits), "implant") == found
    if not fits:
        assert find_page_of_arrival(item, Triage(fits), None) is None


# What is dropped together


def captions(page: AppTest) -> str:
    return "\n".join(one.value for one in page.caption).replace("\\", "")


def zipped(**files: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def test_an_archive_is_taken_apart_and_what_is_no_image_named(
    start: AppTest, known: Callable[..., None], drop: Drop, picture: Picture
) -> None:
    known(KNEE)
    archive = zipped(**{"a.png": picture(1), "b.png": picture(2), "notes.pdf": b"%PDF-1.4 ", "../evil.png": picture(3)})
    page = drop(start, **{"all.zip": archive})
    assert title(page) == "Knees"
    assert [one.name for one in page.session_state["files"].values()] == ["a.png", "b.png"]
    assert "1 file is no image and was left out: notes.pdf." in captions(page)
    assert "evil.png: has a path that leads out of its archive." in captions(page)
    page.button(key="left-out-close").click().run()
    assert "notes.pdf" not in captions(page)


def test_slices_of_a_series_are_one_image_with_a_slider(start: AppTest, known: Callable[..., None], drop: Drop) -> None:
    from tests.io.test_intake import slice_

    known(KNEE)
    page = drop(start, **{f"{number}.dcm": slice_(10.0 * number, number, side=80) for number in range(1, 6)})
    assert title(page) == "Knees"
    slider = next(one for one in page.slider if one.label == "Frame")
    assert (slider.min, slider.max, slider.value) == (1, 5, 3)  # the middle of the stack
    slider.set_value(1).run()
    assert not page.exception
    assert page.header  # answered too


def test_what_an_uploader_has_is_taken_even_when_the_next_one_stands_there(
    start: AppTest, known: Callable[..., None], picture: Picture
) -> None:
    known(KNEE)
    start.file_uploader[0].upload("film.png", picture())
    start.session_state["uploads"] = {"uploader": 7}  # drawn anew in between
    start.run()
    assert not start.exception
    assert [one.name for one in start.session_state["files"].values()] == ["film.png"]
