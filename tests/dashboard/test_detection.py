"""The detection page: thresholds, findings, reasons, a reference standard, boxes by hand, and files to keep.

The network is replaced at the door of `models` by one that always finds the same four boxes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image as Pillow
from pydicom.data import get_testdata_file
from streamlit.testing.v1 import AppTest

import models
from dashboard.case import report
from dashboard.style.figures import View
from dashboard.views.detection import downloads, figures, findings
from dashboard.views.detection import reference as detection_reference
from dashboard.views.detection.case import DetectionCase
from models import Detections, Explanation, Image
from models.cards import reload_cards
from models.drawing.plate import LEAST_PX
from models.i18n import Language
from models.reporting.case import Case
from models.tasks.detection.edit import DrawnBox, Edits, apply_box_edits
from models.tasks.detection.judge import judge_detections
from models.tasks.detection.reference import ReferenceBoxes
from tests.conftest import CARD

Drop = Callable[..., AppTest]
BOXES = np.array([[19.5, 9.5, 40, 30], [79.5, 49.5, 20, 20], [4.5, 59.5, 10, 8], [99.5, 4.5, 6, 6]], np.float32)
SCORES = np.array([0.9, 0.5, 0.2, 0.02], np.float32)
DETECTING = """
[detecting]
boxes = { slope = 1.0, intercept = 0.0, n = 10 }
points = [
    { key = "sensitive", name = "Sensitivity 0.90", threshold = 0.15, sensitivity = 0.9, specificity = 0.6 },
    { key = "specific", name = "Specificity 0.90", threshold = 0.6, sensitivity = 0.7, specificity = 0.9 },
]
"""
FROC = {"threshold": [0.9, 0.6, 0.15], "sensitivity": [0.25, 0.5, 0.8], "false_positives": [0.0, 0.25, 1.5]}
REFERENCE = {
    "images": [{"id": 1, "file_name": "other", "width": 120, "height": 80}],
    "annotations": [
        {"image_id": 1, "category_id": 1, "bbox": [22, 10, 40, 30]},
        {"image_id": 1, "category_id": 1, "bbox": [60, 5, 10, 10]},
    ],
    "categories": [{"id": 1, "name": "fracture"}],
}


def fake(image: Image, card_id: str, *, frame: int = 0, fused: bool = False, **_: object) -> Detections:
    """Four boxes, of which the second look drops the last."""
    count = 3 if fused else 4
    return Detections(
        task="detection", card=card_id, sha256=image.sha256, frame=frame, seconds=0.1, warnings=image.warnings,
        labels=("fracture",), boxes=BOXES[:count], classes=np.zeros(count, np.intp), scores=SCORES[:count],
        places=np.arange(count), operating_point="Sensitivity 0.90", threshold=0.15,
    )  # fmt: skip


def film_picture() -> bytes:
    """A smooth picture of 120 × 80 pixels."""
    out = io.BytesIO()
    Pillow.fromarray(np.linspace(0, 255, 80 * 120).reshape(80, 120).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


IDENTITY = f"{hashlib.sha256(film_picture()).hexdigest()[:12]}-0-good"
"""As `DetectionCase.frame`."""


@pytest.fixture
def detection_card(product: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The only card there is: it seeks fractures."""
    product("good", members=0)
    folder: Path = import_module("models.cards.card").CARDS_DIR
    text = CARD.format(id="good", members="").replace('"implant"', '"detection"')
    begin, end = text.index("labels = ["), text.index("input =")
    labels = 'labels = [{ key = "fracture", name = "Fracture" }]\n'
    (folder / "good.toml").write_text(text[:begin] + labels + text[end:] + DETECTING)
    (folder / "good.figures.json").write_text(json.dumps({"froc": FROC, "n": 3772, "groups": 2610}))
    reload_cards()
    monkeypatch.setattr(models, "predict", fake)
    return "good"


@pytest.fixture
def dropped(detection_card: str, drop: Drop) -> Iterator[AppTest]:
    """The detection page of a new session with a picture on it."""
    from tests.dashboard.conftest import APP

    st.cache_resource.clear()
    page = AppTest.from_file(APP, default_timeout=240).run().switch_page("views/detection/detection.py").run()
    yield drop(page, **{"mrs_smith.png": film_picture()})
    st.cache_resource.clear()


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption, *page.header))


def viewer(page: AppTest) -> dict:
    charts = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    return next(chart["layout"] for chart in charts if "images" in chart["layout"])


def words(page: AppTest) -> list[str]:
    """What is written at the boxes on the picture."""
    return [one["text"] for one in viewer(page).get("annotations", ())]


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def look(page: AppTest, name: str) -> AppTest:
    page.segmented_control(key="detection-panel").set_value(name).run()
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def test_words_of_neighbouring_boxes_do_not_cover_each_other() -> None:
    image = Image(np.zeros((1, 400, 300), np.uint8), name="", sha256="")
    boxes = [(140, 200, 30, 60), (120, 205, 25, 30), (10, 2, 20, 50)]
    marks = [figures.Mark(np.array(box, np.float32), "1 · 13%", "", "#D55E00") for box in boxes]
    placed = [(one.y, one.yanchor) for one in figures.draw_boxes(image, marks, View()).layout.annotations]
    assert placed == [(200, "bottom"), (235, "top"), (2, "top")]  # above; below, since words stand there; inside


def test_an_operating_point_and_the_slider_say_what_is_shown_and_what_that_means(dropped: AppTest) -> None:
    assert "Fracture suspected: 3 places" in texts(dropped).replace("\\", "")
    assert "90%" in texts(dropped)  # of the best box
    assert "Measured on other images" in texts(dropped)
    assert words(dropped) == ["1 · 90%", "2 · 50%", "3 · 20%"]
    assert len(viewer(dropped)["shapes"]) == 3
    assert metrics(dropped) == {"Lesion sensitivity": "80%", "False positives per image": "1.50"}
    assert "3,772 images, 2,610 groups" in texts(dropped)
    assert "90% of those with a finding show a box, and 60%" in texts(dropped)
    dropped.segmented_control(key="point-good").set_value("specific").run()
    assert words(dropped) == ["1 · 90%"]
    assert dropped.slider(key="least-good").value == 0.6
    assert metrics(dropped)["Lesion sensitivity"] == "50%"
    dropped.slider(key="least-good").set_value(0.01).run()
    assert len(words(dropped)) == 4
    assert metrics(dropped)["False positives per image"] == "≥ 1.50"
    assert dropped.segmented_control(key="point-good").value is None
    assert "Your own threshold is on" in texts(dropped)
    dropped.slider(key="least-good").set_value(0.95).run()
    assert metrics(dropped) == {"Lesion sensitivity": "0%", "False positives per image": "0.00"}
    assert "No fracture suspected at your own threshold" in texts(dropped)
    assert "means nothing" in texts(dropped)
    assert "No box reaches" in texts(dropped)
    for name in ("Why", "Reference", "By hand"):
        look(dropped, name)


def test_a_finding_is_measured_chosen_and_zoomed_to(dropped: AppTest) -> None:
    assert "40 × 30 px · middle at column 40, row 24" in texts(dropped).replace("\\", "")
    whole = viewer(dropped)
    press(dropped, "select-finding-2")
    near = viewer(dropped)
    left, right = near["xaxis"]["range"]
    assert left < 79.5 < 99.5 < right
    assert right - left == pytest.approx(120 * max(0.2, 4 * 20 / 80), abs=1)
    assert near["uirevision"] != whole["uirevision"]
    assert near["shapes"][1]["line"]["color"] == figures.CHOSEN
    press(dropped, "zoom-out")
    assert viewer(dropped)["xaxis"]["range"] == [-0.5, 119.5]


def test_a_click_on_a_box_chooses_it_and_one_beside_does_not(detection_card: str) -> None:
    chosen: list[str] = []

    class Clicked(DetectionCase):
        def choose(self, finding: object) -> None:
            chosen.append(finding.key)

    image = models.read(film_picture(), "x.png")
    film = Clicked(image, models.card("good"), fake(image, "good"), View(), False, 0.1, "x")
    findings.pick_finding(film, {"points": []})
    findings.pick_finding(film, {"points": [{"customdata": "box-1"}]})
    findings.pick_finding(film, {"points": [{"customdata": ["box-2"]}]})
    assert chosen == ["box-1", "box-2"]


def test_the_second_look_fuses(dropped: AppTest) -> None:
    dropped.slider(key="least-good").set_value(0.01).run()
    dropped.toggle(key="fused-good").set_value(True).run()
    assert not dropped.exception
    assert len(words(dropped)) == 3


def test_a_second_look_is_not_what_the_door_found_and_a_first_one_is(
    dropped: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def door(image: Image, card: models.Card, frame: int) -> Detections:
        asked.append(card.id)
        return fake(image, card.id, frame=frame)

    monkeypatch.setattr(import_module("dashboard.session.answers"), "_told", door)
    dropped.slider(key="least-good").set_value(0.01).run()
    dropped.toggle(key="fused-good").set_value(True).run()
    assert (len(words(dropped)), asked) == (3, [])
    monkeypatch.setattr(models, "predict", None)  # the frame is not looked at anew
    st.cache_resource.clear()
    dropped.toggle(key="fused-good").set_value(False).run()
    assert not dropped.exception
    assert (len(words(dropped)), asked) == (4, ["good"])


def test_a_reason_at_once_and_a_slow_one_as_a_job(dropped: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def explain(image: Image, found: Detections, index: int, method: str, **more: object) -> Explanation:
        asked.append((index, method))
        if "progress" in more:
            more["progress"](0.5)
        return Explanation(np.full(image.shape, 0.5, np.float32), method, "p4", "fracture", 0.1)

    monkeypatch.setattr(models, "explain_detection", explain)
    reports: list[Callable[[], Case]] = []
    monkeypatch.setattr(report, "show_reports", lambda task, name, make, answered=None: reports.append(make))
    look(dropped, "Why")
    assert asked == [(0, "grad-cam")]
    assert words(dropped) == ["Fracture, 90% · Grad-CAM", "1 · 90%"]
    assert "at p4" in texts(dropped)
    dropped.selectbox(key=f"subject-{IDENTITY}-once").set_value("box-1").run()
    assert asked[-1] == (1, "grad-cam")
    assert words(dropped) == ["Fracture, 50% · Grad-CAM", "2 · 50%"]
    dropped.segmented_control(key="box-method").set_value("d-rise").run()
    assert asked[-1] == (1, "grad-cam")  # nothing slow starts by itself
    press(dropped, "box-why-start")
    dropped.run()
    assert asked[-1] == (1, "d-rise")
    dropped.run()
    case = reports[-1]()
    assert case.prediction.explanation.method == "d-rise"
    assert case.place == models.Box(50, 80, 20, 20)


def test_a_truth_gives_hits_misses_and_false_positives(dropped: AppTest) -> None:
    look(dropped, "Reference")
    uploader = next(one for one in dropped.file_uploader if one.label == "True boxes")
    uploader.upload("truth.json", json.dumps(REFERENCE).encode())
    dropped.run()
    assert not dropped.exception
    shown = metrics(dropped)
    assert (shown["Hits"], shown["Missed"], shown["False positives"], shown["AP50"]) == ("1", "1", "2", "0.50")
    assert {"missed", "1 · hit", "2 · false positive", "3 · false positive"} <= set(words(dropped))
    lines = {shape["line"]["dash"] for shape in viewer(dropped)["shapes"]}
    assert lines == {"solid", "dash", "dot"}
    dropped.segmented_control(key="point-good").set_value("specific").run()
    assert metrics(dropped)["False positives"] == "0"
    press(dropped, "reference-remove")
    assert "Hits" not in metrics(dropped)


def test_a_truth_of_another_image_is_refused(dropped: AppTest) -> None:
    look(dropped, "Reference")
    other = {**REFERENCE, "images": [{**REFERENCE["images"][0], "width": 500}]}
    next(one for one in dropped.file_uploader if one.label == "True boxes").upload("t.json", json.dumps(other).encode())
    dropped.run()
    assert not dropped.exception
    assert "this one has 120 × 80" in texts(dropped)


def test_boxes_are_typed_deleted_and_brought_back(dropped: AppTest) -> None:
    look(dropped, "By hand")
    for key, value in {"x": 60, "y": 50, "width": 10, "height": 12}.items():
        dropped.number_input(key=f"typed-{key}").set_value(value)
    next(one for one in dropped.button if one.label == "Add the box").click().run()
    assert not dropped.exception
    assert words(dropped) == ["1 · by hand", "2 · 90%", "3 · 50%", "4 · 20%"]
    assert viewer(dropped)["shapes"][0] == {
        "type": "rect", "x0": 59.5, "x1": 69.5, "y0": 49.5, "y1": 61.5,
        "line": {"color": figures.colour_of_boxes(models.card("good"), 0), "width": 2, "dash": "dash"},
    }  # fmt: skip
    press(dropped, "delete-3")
    assert words(dropped) == ["1 · by hand", "2 · 90%", "3 · 20%"]
    assert "hanged by hand: 1 box drawn and 1 box deleted" in texts(dropped).replace("\\", "")
    press(dropped, "hand-restore")
    assert len(words(dropped)) == 4
    press(dropped, "delete-1")
    assert words(dropped) == ["1 · 90%", "2 · 50%", "3 · 20%"]


def test_an_abstention_shows_no_box_until_asked(dropped: AppTest, drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"abstained": True, "reason": "too blue", "ood_score": 2.0}
    monkeypatch.setattr(models, "predict", lambda *a, **k: replace(fake(*a, **k), **odd))
    out = io.BytesIO()
    Pillow.fromarray(np.full((60, 60), 90, np.uint8)).save(out, "PNG")
    page = drop(dropped, **{"other.png": out.getvalue()})
    assert "Too blue" in texts(page)
    assert not viewer(page).get("shapes")
    assert not page.metric
    next(one for one in page.toggle if one.label == "Show anyway").set_value(True).run()
    assert "Fracture suspected" in texts(page)


def test_only_dicom_offers_a_structured_report(dropped: AppTest, drop: Drop) -> None:
    def names(page: AppTest) -> list[str]:
        return [one.proto.label for one in page.get("download_button")]

    assert names(dropped) == ["Picture", "COCO", "Result", "PDF", "HTML"]
    page = drop(dropped, **{"ct.dcm": Path(get_testdata_file("CT_small.dcm")).read_bytes()})
    assert "DICOM SR" in names(page)
    assert "40 × 30 px · 26.5 × 19.8 mm" in texts(page).replace("\\", "")


@pytest.fixture
def kept(detection_card: str) -> downloads.Kept:
    """A picture and its boxes, one drawn by hand and one deleted."""
    image = models.read(film_picture(), "mrs_smith.png")
    found = apply_box_edits(fake(image, detection_card), Edits((DrawnBox(59.5, 49.5, 10, 12, "fracture"),), (1,)))
    return downloads.Kept(image, models.card(detection_card), View(), found)


def test_coco_holds_what_is_shown_says_what_a_hand_drew_and_comes_back(kept: downloads.Kept) -> None:
    from models.tasks.detection.reference import read_reference_boxes

    data = downloads.export_coco(kept)
    annotations = json.loads(data)["annotations"]
    assert [one["bbox"] for one in annotations] == [[60, 50, 10, 12], [20, 10, 40, 30], [5, 60, 10, 8]]
    assert [one["source"] for one in annotations] == ["drawn by hand", "model", "model"]
    assert "score" not in annotations[0]
    assert b"smith" not in data
    assert b"not a medical device" in data
    assert np.array_equal(read_reference_boxes([("c.json", data)], "any.png", (80, 120)).boxes, kept.found.boxes[:3])


def test_the_result_lists_every_box_and_its_source(kept: downloads.Kept) -> None:
    said = json.loads(downloads.export_detections(kept))
    assert [box["source"] for box in said["boxes"]] == ["drawn by hand", "model", "model", "model"]
    assert said["boxes"][0]["score"] is None
    assert "not a medical device" in said["disclaimer"]


def test_the_picture_is_large_enough_to_show_and_tells_the_truth(kept: downloads.Kept) -> None:
    reference = ReferenceBoxes(
        np.array([[19.5, 9.5, 40, 30], [99.5, 59.5, 9, 9]], np.float32), ("fracture", "fracture")
    )
    told = downloads.mark_exported_boxes(replace(kept, reference=reference), Language())
    assert [mark.kind for mark in told] == ["false positive", "hit", "false positive", "miss"]
    assert told[0].words == "by hand"
    for chosen in (kept, replace(kept, reference=reference)):
        picture = Pillow.open(io.BytesIO(downloads.export_boxes_picture(chosen, Language())))
        assert max(picture.size) >= LEAST_PX


def test_marks_on_the_screen_match_those_of_the_verdict(kept: downloads.Kept) -> None:
    reference = ReferenceBoxes(np.array([[19.5, 9.5, 40, 30]], np.float32), ("fracture",))
    film = DetectionCase(kept.image, kept.card, fake(kept.image, "good"), View(), False, 0.1, "x")
    marks = detection_reference.mark_hits_and_misses(
        judge_detections(film.kept, reference, {}), film.findings, reference
    )
    assert [mark.text for mark in marks] == ["", "1 · hit", "2 · false positive", "3 · false positive"]


def test_a_crop_at_the_edge_is_square_and_a_plain_view_draws_boxes(kept: downloads.Kept) -> None:
    crop = Pillow.open(io.BytesIO(figures.draw_thumbnail_of_box(kept.image, BOXES[3], View(), 48)))
    assert crop.width == crop.height <= 48
    assert len(figures.draw_detections(fake(kept.image, "good"), kept.image, View()).layout.shapes) == 3
