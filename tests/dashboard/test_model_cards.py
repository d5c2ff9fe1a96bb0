"""The model-cards page with figures and without, and how its numbers are written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import models
from dashboard.case import measures
from dashboard.case.states import escape_markdown
from models.cases import cases, generated
from models.settings import settings
from models.tasks.classification import metrics


@pytest.fixture
def measured(random_card: str, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The figures of the only card, as `evaluate` writes them."""
    monkeypatch.setattr(metrics, "RESAMPLES", 5)
    card = models.card(random_card)
    y = np.arange(60) % 3
    p = np.random.default_rng(0).dirichlet(np.ones(3), 60) / 2 + np.eye(3)[y] / 2
    row = {"value": 0.9, "low": 0.8, "high": 0.95}
    found = {
        "how": "test split, measured once",
        "measured": "2026-01-01",
        "weights": [member.sha256 for member in card.members],
        "versions": {"ortholens": "0.1.0"},
        "machine": "x86_64",
        **metrics.describe_classification_metrics(p, y, np.arange(60), card),
        "conformal": [{"coverage": 0.9, **row, "mean_size": 1.4}],
        "ood": {"n": 60, "kept": 0.95, "sets": [{"set": "noise", "n": 50, "auroc": 1.0, "refused": 0.98}]},
        "subgroups": {"side": {"L": {"n": 30, **row}, "R": {"n": 30, **row}}},
    }
    folder: Path = import_module("models.cards.card").CARDS_DIR
    (folder / f"{random_card}.figures.json").write_text(json.dumps(found))
    return found


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def charts(page: AppTest) -> list[str]:
    """Keys of the charts that a reader sees: all but the empty one of the page's frame."""
    return [chart.key for chart in page.get("plotly_chart") if chart.key != "blank"]


def test_without_figures_the_page_says_what_to_run(home: AppTest, random_card: str) -> None:
    page = home.switch_page("views/model_cards/model_cards.py").run()
    assert not page.exception
    assert f"ortholens evaluate {random_card}" in page.code[0].value
    assert not charts(page)


def test_every_figure_stands_on_the_page(home: AppTest, measured: dict) -> None:
    page = home.switch_page("views/model_cards/model_cards.py").run()
    assert not page.exception
    assert page.metric[0].value == measures.format_measure(measured["metrics"]["accuracy"]["value"], "%")
    assert len(charts(page)) == 4
    tables = "\n".join(table.value.to_csv() for table in page.table)
    for words in ("90.0 % (80.0 to 95.0)", "1.40 labels", "Noise", "98.0 %", "Calibration error"):
        assert words in tables
    assert texts(page).count("- answered **") == len(measured["worst"])


def test_figures_of_another_place_stand_beside_those_of_here(home: AppTest, measured: dict, random_card: str) -> None:
    there = {name: {"value": 0.61, "low": 0.5, "high": 0.7} for name in measured["metrics"]}
    folder: Path = import_module("models.cards.card").CARDS_DIR
    figures = {**measured, "elsewhere": {"n": 40, "metrics": there, "conformal": [], "kept": 0.725, "subgroups": {}}}
    (folder / f"{random_card}.figures.json").write_text(json.dumps(figures))
    page = home.switch_page("views/model_cards/model_cards.py").run()
    assert not page.exception
    (table,) = [table.value for table in page.table if "61.0 % (50.0 to 70.0)" in table.value.to_csv()]
    assert measures.format_measure(measured["metrics"]["accuracy"]["value"], "%") in table.to_csv()
    assert "40 images of another place" in texts(page)
    assert "72.5 %" in texts(page)


def test_figures_of_other_weights_are_flagged(home: AppTest, measured: dict, random_card: str) -> None:
    folder: Path = import_module("models.cards.card").CARDS_DIR
    (folder / f"{random_card}.figures.json").write_text(json.dumps({**measured, "weights": ["0" * 64]}))
    page = home.switch_page("views/model_cards/model_cards.py").run()
    assert "other weights" in page.warning[0].value


def test_numbers_carry_their_unit() -> None:
    row = {"value": 0.7123, "low": 0.69, "high": 0.734}
    assert measures.format_measure_with_interval(row, "%") == "71.2 % (69.0 to 73.4)"
    assert measures.format_measure_with_interval(row, "points") == "71.2 points (69.0 to 73.4)"
    assert measures.format_measure_with_interval(row, "grades") == "0.71 grades (0.69 to 0.73)"
    assert measures.format_measure_with_interval(row) == "0.712 (0.690 to 0.734)"


def test_every_figure_of_an_evaluation_has_its_words() -> None:
    assert all(
        set(metrics.list_classification_metrics(card)) <= set(measures.MEASURES) for card in models.cards().values()
    )


def test_the_address_names_a_card(home: AppTest, product: Callable[..., str]) -> None:
    other = product("zz-other")
    home.query_params["card"] = other
    page = home.switch_page("views/model_cards/model_cards.py").run()
    assert page.code[0].value == f"ortholens evaluate {other}"


def test_a_model_from_outside_is_told_apart_and_one_that_is_wrong_is_named(
    home: AppTest, measured: dict, random_card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, own = tmp_path / "outside", models.card(random_card)
    folder.mkdir()
    monkeypatch.setenv("ORTHOLENS_CARDS_DIR", str(folder))
    settings.cache_clear()
    for path in (tmp_path / "weights" / own.parts[0].file, own.path.with_suffix(".figures.json")):
        shutil.copy(path, folder / path.name.replace(f"{random_card}.figures", "mine.figures"))
    (folder / "mine.toml").write_text(own.path.read_text().replace(f'id = "{random_card}"', 'id = "mine"'))
    (folder / "broken.toml").write_text("id = 5")
    home.query_params["card"] = "mine"
    page = home.switch_page("views/model_cards/model_cards.py").run()
    assert not page.exception
    assert page.header[0].value == f"mine · {own.title}"
    assert page.metric[0].value == measures.format_measure(measured["metrics"]["accuracy"]["value"], "%")
    assert "neither made nor measured by those who made OrthoLens" in texts(page)
    assert "1 model from outside is left out" in texts(page)
    assert escape_markdown("broken.toml: id: ") in texts(page)
    monkeypatch.undo()
    settings.cache_clear()


def test_the_generator_says_what_it_is_and_that_it_copies_nothing(home: AppTest) -> None:
    page = home.switch_page("views/model_cards/model_cards.py").run()
    page = page.selectbox[0].set_value("generated").run()
    assert not page.exception
    card = generated.load_generator_card()
    assert escape_markdown(card.summary) in texts(page)
    distances = page.dataframe[1].value
    assert len(distances) == len([case for case in cases() if case.kind == "generated"])
    assert (distances["Correlation distance"].astype(float) > distances["its limit"].astype(float)).all()
    assert (distances["Feature distance"].astype(float) > distances["Limit of features"].astype(float)).all()
