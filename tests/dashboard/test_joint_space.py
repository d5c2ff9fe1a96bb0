"""The measured joint space beside a grade: its place among training knees, and silence where nobody measures it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import models
from dashboard.views.classification.space import Curve, draw_curves
from models import Classification, Image, Judged
from models.cards import reload_cards
from tests.conftest import CARD
from tests.dashboard import test_landmarks as knees

LABELS = ("Cofield", "Depuy", "Zimmer")
"""Of the card for tests, here taken for grades."""
CURVES = {
    "percentiles": [0, 50, 100],
    "grades": {
        "Cofield": {"n": 70, "values": [4.0, 6.0, 9.0]},
        "Depuy": {"n": 60, "values": [5.0, 8.0, 10.0]},
        "Zimmer": {"n": 37, "values": [0.0, 1.0, 3.0]},
    },
}


def fake(image: Image, card_id: str, **asked: object) -> Judged:
    """A grade, or the points of `test_landmarks`, 6 % apart."""
    if card_id == "points":
        return knees.fake(image, card_id)
    return Classification(
        task="pathology", card=card_id, sha256=image.sha256, seconds=0.1, labels=LABELS,
        probabilities=np.array([0.7, 0.2, 0.1], np.float32),
    )  # fmt: skip


@pytest.fixture
def graded(product: Callable[..., str], monkeypatch: pytest.MonkeyPatch, drop: knees.Drop) -> Iterator[AppTest]:
    """The pathology page of a new session with a knee on it, whose space another card measures."""
    from tests.dashboard.conftest import APP

    product("good", members=0)
    folder: Path = import_module("models.cards.card").CARDS_DIR
    (folder / "good.toml").write_text(CARD.format(id="good", members="").replace('"implant"', '"pathology"'))
    (folder / "points.toml").write_text(knees.write_card("points"))
    (folder / "points.figures.json").write_text(json.dumps({"space_by_grade": CURVES}))
    reload_cards()
    monkeypatch.setattr(models, "predict", fake)
    st.cache_resource.clear()
    page = AppTest.from_file(APP, default_timeout=240).run().switch_page("views/classification/pathology.py").run()
    yield drop(page, **{"mrs_smith.png": knees.film_picture()})
    st.cache_resource.clear()


def test_a_width_has_its_place_among_the_knees_of_each_grade() -> None:
    curve = Curve("2", 50, [0, 50, 100], [1.0, 3.0, 5.0])
    assert (curve.at(25), curve.rank(3.0), curve.rank(9.0)) == (2.0, pytest.approx(50), 100)
    assert Curve("4", 50, [0, 30, 100], [0.0, 0.0, 5.0]).rank(0.0) == 0  # no wider than those that are closed too
    fig = draw_curves([curve], 4.0, "2", {"2": "Grade 2"})
    assert [one.text for one in fig.layout.annotations] == ["75%"]


def test_the_grade_stands_beside_the_measured_space(graded: AppTest) -> None:
    said = knees.texts(graded)
    assert "**Minimum joint space**" in said
    assert "**6.0 %**" in said
    assert "Wider than in 49% of the 70 training knees of **Cofield**" in said
    charts = [json.loads(chart.proto.spec) for chart in graded.get("plotly_chart")]
    ranks = next(found for found in map(_ranks, charts) if found == ["49%", "16%", "100%"])
    assert ranks
    graded.button(key="joint-space-open").click().run()
    assert not graded.exception
    assert "Width of the tibial plateau" in knees.texts(graded)  # on the page of the landmarks


def _ranks(chart: dict) -> list[str]:
    return [one["text"] for one in chart["layout"].get("annotations", ())]


def test_a_film_that_the_landmarks_do_not_know_shows_no_space(graded: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"abstained": True, "reason": "too blue", "ood_score": 2.0}
    monkeypatch.setattr(
        models, "predict", lambda *a, **k: replace(fake(*a, **k), **(odd if a[1] == "points" else {}))
    )  # fmt: skip
    st.cache_resource.clear()
    graded.run()
    assert not graded.exception
    assert "Minimum joint space" not in knees.texts(graded)
