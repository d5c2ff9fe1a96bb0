"""The how-it-works page: lessons on a simulated sample and on a visitor's image, with models of random weights."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import models
from dashboard import session
from dashboard.session import Item
from dashboard.views.lessons import diagrams, figures, network, resolution
from dashboard.views.lessons import subject as how_subject
from dashboard.views.lessons.sections import SECTIONS
from models import lessons
from models.cases import cases, list_first_cases
from models.lessons import neuron

Drop = Callable[..., AppTest]


@pytest.fixture
def page(home: AppTest) -> AppTest:
    """The first lesson of a new session, without an image."""
    shown = home.switch_page("views/lessons/how_it_works.py").run()
    assert not shown.exception
    return shown


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption, *page.info))


def section(page: AppTest, name: str) -> AppTest:
    page.segmented_control(key="section").set_value(name).run()
    assert not page.exception
    return page


def chart(page: AppTest, kind: str) -> dict:
    """The first chart with a trace of a kind."""
    charts = [json.loads(one.proto.spec) for one in page.get("plotly_chart")]
    return next(one for one in charts if any(trace["type"] == kind for trace in one["data"]))


def numbers(page: AppTest) -> list[str]:
    """What stands in the cells of the neuron's sum: patch, kernel, products, and the two results."""
    return [str(trace["text"]) for trace in chart(page, "heatmap")["data"]]


def test_without_an_image_the_sample_says_that_it_is_simulated(page: AppTest) -> None:
    assert "Simulated" in texts(page)
    assert page.selectbox(key="how-sample").options[0] == list_first_cases("how_it_works")[0].title
    assert models.DISCLAIMER in texts(page)


def test_every_section_has_a_title() -> None:
    assert list(SECTIONS) == ["block", "network", "resolution", "categories", "learning", "start"]


def test_the_code_shown_is_the_code_that_runs(page: AppTest) -> None:
    shown = [one.value for one in page.code]
    assert inspect.getsource(neuron.answer_one_neuron).strip() in [code.strip() for code in shown]
    assert inspect.getsource(neuron.convolve_neuron).strip() in [code.strip() for code in shown]


def test_a_preset_fills_the_kernel_and_a_number_makes_it_ones_own(page: AppTest) -> None:
    page.selectbox(key="kernel-preset").set_value("Laplacian").run()
    assert [page.number_input(key=f"kernel-{r}-{c}").value for r in range(3) for c in range(3)] == [
        0, -1, 0, -1, 4, -1, 0, -1, 0,
    ]  # fmt: skip
    assert neuron.PRESETS["Laplacian"].says in texts(page)
    page.number_input(key="kernel-1-1").set_value(7.0).run()
    assert "of your own" in texts(page)
    assert "7.00" in numbers(page)[1]


def test_the_numbers_of_one_neuron_are_those_of_the_image(page: AppTest, drop: Drop, picture: Callable) -> None:
    data = picture(4, (80, 60))
    drop(page, **{"knee.png": data})
    assert "selected in the queue" in texts(page)
    image = models.read(data, "knee.png")
    row, column = (next(s for s in page.slider if s.label == name) for name in ("Row", "Column"))
    assert (row.max, column.max) == (79, 59)
    row.set_value(10).run()
    next(s for s in page.slider if s.label == "Column").set_value(20).run()
    patch = image.grey()[9:12, 19:22].astype(float)
    assert numbers(page)[0] == str([[f"{value:.2f}" for value in row] for row in patch])
    kernel = np.array(neuron.PRESETS["Vertical edge"].rows, float)
    total = float((patch * kernel).sum())
    assert f"<b>{total:.2f}</b>" in numbers(page)[3]
    assert f"<b>{max(total, 0):.2f}</b>" in numbers(page)[3]


def test_the_network_lesson_names_its_layers_and_shows_their_maps(page: AppTest, random_card: str) -> None:
    section(page, "network")
    layers = lessons.list_layers(models.card(random_card))
    layer = next(layer for layer in layers if layer.name == "stage3.1")
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Output"] == " × ".join(map(str, layer.shape))
    assert shown["Parameters"] == f"{layer.parameters:,}"
    assert shown["Receptive field"] == "27 px"
    assert shown["Resolution"] == "1/8"
    assert len(page.get("image")) == network.SHOWN
    page.selectbox(key=f"how-layer-{random_card}").set_value("head").run()
    assert not page.exception
    assert "list of numbers" in texts(page)
    assert {metric.label: metric.value for metric in page.metric}["Receptive field"] == "all of it"


@pytest.mark.parametrize(
    ("look", "pictures"), [("What drives a channel", 6), ("Grad-CAM", 2), ("From edges to objects", 13)]
)
def test_a_layer_can_be_looked_at_in_other_ways(page: AppTest, look: str, pictures: int) -> None:
    section(page, "network")
    page.segmented_control(key="how-panel").set_value(look).run()
    assert not page.exception
    assert len(page.get("image")) == pictures


def test_the_slider_walks_from_edges_to_objects(page: AppTest) -> None:
    section(page, "network")
    page.segmented_control(key="how-panel").set_value("From edges to objects").run()
    for stage in ("stage1", "stage5"):
        page.select_slider(key="how-stage").set_value(stage).run()
        assert not page.exception
        assert network.STEPS[stage] in texts(page)


def test_the_lesson_on_resolution_says_what_it_lacks(page: AppTest) -> None:
    assert "not installed" in texts(section(page, "resolution"))  # the only card of this product has random weights


def test_a_grey_image_is_replaced_by_a_simulated_smear(
    page: AppTest, segmenting_card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution, "NETWORKS", {segmenting_card: ("HRNet", "keeps a branch")})
    section(page, "resolution")
    assert "**simulated** stained smear" in texts(page)
    assert len(page.get("image")) == 1 + 1  # one row of maps, and the mask
    for depth, stage in ((0, "stem"), (5, "joined")):
        page.select_slider(key="how-depth").set_value(depth).run()
        assert not page.exception
        assert f"HRNet, {stage}" in page.get("image")[0].proto.imgs[0].caption
    kept = [trace for trace in chart(page, "scatter")["data"] if trace.get("marker", {}).get("symbol") == "square"]
    assert kept


def test_three_categories_light_up_one_after_another(page: AppTest) -> None:
    section(page, "categories")
    lit = {}
    for name in ("classification", "segmentation", "detection"):
        page.segmented_control(key="how-category").set_value(name).run()
        assert not page.exception
        words = [note.get("text", "") for note in chart(page, "scatter")["layout"]["annotations"]]
        lit[name] = [word for word in words if "●" in word]
    assert lit == {name: [f"<b>●<br>{name.capitalize()}</b>"] for name in lit}
    assert "There is no card for this yet" in texts(page)  # of segmentation and detection
    assert "for illustration" in texts(page)  # the random classifier has no out-of-distribution detector


def test_a_file_that_is_no_image_is_named(page: AppTest, drop: Drop) -> None:
    drop(page, **{"words.png": b"not a picture"})
    assert "words" in texts(page)
    assert not page.code


def test_signed_answers_are_two_colours_and_dark_at_zero() -> None:
    shown = figures.colour_answers(np.array([[-1.0, 0.0, 1.0]])).astype(int)
    assert shown[0, 0, 2] > shown[0, 0, 0] + 40  # blue
    assert shown[0, 2, 0] > shown[0, 2, 2] + 20  # red
    assert shown[0, 1].max() < 40
    assert figures.colour_answers(np.array([[0.0, 2.0]]))[0].tolist() == [[0] * 3, [255] * 3]


def test_squares_of_the_diagram_do_not_lie_on_one_another() -> None:
    for id in ("knee-kl", "histology-nuclei-hrnet"):
        layers = lessons.list_layers(models.card(id))
        squares = diagrams.draw_network_diagram(layers, layers[0].name).data[-1]
        assert len(set(zip(squares.x, squares.y, strict=True))) == len(layers)
        assert [row[0] for row in squares.customdata] == [layer.name for layer in layers]


def test_a_case_of_the_gallery_brings_its_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in cases() if case.task == "implant")
    data = case.path.read_bytes()
    for task, card in ((case.task, case.card), (None, "")):
        item = Item(case.file, data, "", "Simulated", task)
        monkeypatch.setattr(session, "find_selected_file", lambda item=item: item)
        monkeypatch.setattr(session, "read", lambda item: models.read(item.data, item.name))
        subject = how_subject.choose_lesson_subject()
        assert subject
        assert subject.card == card
