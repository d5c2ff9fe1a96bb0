"""The page of a task: from no image to an answer, an explanation and files to keep; and when things go wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def invited(page: AppTest) -> str:
    """What the area to drop files on says in large type."""
    told = [json.loads(one.proto.json) for one in page.get("bidi_component")]
    return next(one["invitation"] for one in told if "invitation" in one)


def viewer(page: AppTest) -> dict:
    """The plotly figure of the image, as the browser gets it."""
    charts = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    return next(chart for chart in charts if "images" in chart["layout"])


def test_without_an_image_the_page_invites(implant: AppTest) -> None:
    assert not implant.exception
    assert invited(implant) == "Drop a shoulder radiograph that shows a prosthesis."


def test_a_task_without_a_page_of_its_own_has_the_shared_one(implant: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.case.card_summary.show_card_summary", lambda card: None)  # links to another page

    def page() -> None:
        from dashboard.views.classification import page

        page.show_classification_page("implant", "Drop an image.")

    shown = AppTest.from_function(page, default_timeout=120).run()
    assert not shown.exception
    assert invited(shown) == "Drop an image."


def test_a_dropped_image_is_answered(implant: AppTest, drop: Drop, picture: Picture) -> None:
    page = drop(implant, **{"film.png": picture()})
    assert page.header[0].value in {"Cofield", "DePuy", "Zimmer"}
    assert "not calibrated" in texts(page)
    assert "no millimetres" in texts(page)
    assert len(viewer(page)["layout"]["images"]) == 1


def test_side_by_side_links_two_pictures(implant: AppTest, drop: Drop, picture: Picture) -> None:
    page = drop(implant, **{"film.png": picture()})
    page.segmented_control(key="layout").set_value("Side by side").run()
    layout = viewer(page)["layout"]
    assert len(layout["images"]) == 2
    assert layout["xaxis2"]["matches"] == "x"


def test_another_label_has_another_explanation(implant: AppTest, drop: Drop, picture: Picture) -> None:
    page = drop(implant, **{"film.png": picture()})
    before = viewer(page)["layout"]["images"][0]["source"]
    choice = next(box for box in page.selectbox if box.label == "Explain")
    choice.set_value(next(option for option in ("Cofield", "Zimmer") if option != choice.value)).run()
    assert not page.exception
    assert viewer(page)["layout"]["images"][0]["source"] != before


def test_presets_and_sliders_set_one_window(implant: AppTest, drop: Drop, picture: Picture) -> None:
    page = drop(implant, **{"film.png": picture()})
    preset, level = (next(w for w in ws if w.label == name) for ws, name in
                     ((page.segmented_control, "Window"), (page.slider, "Level")))  # fmt: skip
    plain = viewer(page)["layout"]["images"][0]["source"]
    preset.set_value("Auto").run()
    assert viewer(page)["layout"]["images"][0]["source"] != plain
    level.set_value(20.0).run()
    assert next(w for w in page.segmented_control if w.label == "Window").value is None


def test_values_survive_a_change_of_page(implant: AppTest, drop: Drop, picture: Picture) -> None:
    page = drop(implant, **{"film.png": picture()})
    page.slider(key="opacity").set_value(0.9).run()
    next(w for w in page.slider if w.label == "Level").set_value(20.0).run()
    page.switch_page("views/home.py").run().switch_page("views/classification/implant.py").run()
    assert page.slider(key="opacity").value == 0.9
    assert next(w for w in page.slider if w.label == "Level").value == 20.0


def test_a_sequence_has_a_frame_slider(implant: AppTest, drop: Drop, sequence: bytes) -> None:
    page = drop(implant, **{"run.tif": sequence})
    first = viewer(page)["layout"]["images"][0]["source"]
    next(w for w in page.slider if w.label == "Frame").set_value(3).run()
    assert not page.exception
    assert viewer(page)["layout"]["images"][0]["source"] != first


def test_the_queue_selects_and_removes(implant: AppTest, drop: Drop, picture: Picture) -> None:
    one, two = picture(1), picture(2)
    page = drop(implant, **{"one.png": one, "two.png": two})
    first, second = (hashlib.sha256(data).hexdigest() for data in (one, two))
    assert page.session_state["selected"] == first
    page.button(key=f"select-{second}").click().run()
    assert page.session_state["selected"] == second
    page.button(key=f"remove-{second}").click().run()
    assert page.session_state["selected"] == first
    page.button(key=f"remove-{first}").click().run()
    assert not page.exception
    assert not page.header


@pytest.mark.parametrize(
    ("name", "data"), [("empty.png", b""), ("notes.png", b"these are words"), ("cut.png", b"\x89PNG\r\n\x1a\n\0\0")]
)
def test_a_bad_file_is_named_with_its_problem_and_its_fix(implant: AppTest, drop: Drop, name: str, data: bytes) -> None:
    page = drop(implant, **{name: data})
    said = texts(page)
    assert name.replace(".", "\\.") in said
    assert "Traceback" not in said
    assert not page.header


def test_a_model_without_weights_still_shows_the_image(
    product: Callable[..., str], implant: AppTest, drop: Drop, picture: Picture
) -> None:
    product("random-implants", members=0)
    page = drop(implant, **{"film.png": picture()})
    assert "has no weights yet" in texts(page)
    assert viewer(page)
    assert not page.header
