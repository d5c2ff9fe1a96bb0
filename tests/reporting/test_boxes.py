"""Boxes on pictures and in COCO JSON: drawn where they are, told apart without colour, and without a name."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image as Pillow

from models import DISCLAIMER, card
from models.tasks.detection.boxes import (
    KINDS,
    Mark,
    choose_box_line_width,
    draw_box_marks,
    export_boxes_png,
    mark_shown_boxes,
    write_coco_json,
)
from models.tasks.detection.reference import read_reference_boxes
from models.types import Detections, Image

BLACK = np.zeros((200, 300), np.float32)


@pytest.fixture
def image() -> Image:
    return Image(BLACK[None], name="Jane Doe.dcm", sha256="0123456789abcdef" * 4)


def answer(card_id: str = "fracture", **changes: object) -> Detections:
    fields = {
        "task": "detection",
        "card": card_id,
        "sha256": "0123456789abcdef" * 4,
        "seconds": 0.1,
        "labels": card(card_id).keys,
        "boxes": np.array([[49.5, 39.5, 100, 60], [199.5, 99.5, 40, 30.25], [-0.5, -0.5, 8, 8]], np.float32),
        "classes": np.array([0, len(card(card_id).labels) - 1, 0]),
        "scores": np.array([0.87, 0.4, 0.02], np.float32),
        "places": np.array([5, 6, -1]),
        "operating_point": "Sensitivity 0.90",
        "threshold": 0.3,
    }
    return Detections(**(fields | changes))  # type: ignore[arg-type]


def rgb_of(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


def test_a_line_lies_round_the_box_and_leaves_its_inside_alone() -> None:
    picture = draw_box_marks(BLACK, [Mark((49.5, 79.5, 100, 60))])  # columns 50 to 149, rows 80 to 139
    colour = rgb_of(KINDS["finding"].colour)
    width = choose_box_line_width(BLACK.shape)
    assert not picture[80:140, 50:150].any()
    for row, column in ((80 - width, 100), (79, 100), (140, 100), (139 + width, 100), (100, 49), (100, 150)):
        assert picture[row, column].tolist() == colour
    assert not picture[80 - width - 1, 60:140].any()


def test_lines_are_drawn_whole_at_the_edge_of_the_picture() -> None:
    picture = draw_box_marks(BLACK, [Mark((-0.5, -0.5, 300, 200))])
    colour = rgb_of(KINDS["finding"].colour)
    for row, column in ((0, 150), (199, 150), (100, 0), (100, 299)):
        assert picture[row, column].tolist() == colour


def test_kinds_differ_in_line_and_words_as_well_as_in_colour() -> None:
    found = {}
    for kind, look in KINDS.items():
        picture = draw_box_marks(BLACK, [Mark((49.5, 79.5, 200, 60), kind)])
        side = (picture[79, 50:250] == rgb_of(look.colour)).all(1)
        found[kind] = round(float(side.mean()), 1)
    assert found["finding"] == found["hit"] == 1
    assert 0.5 <= found["miss"] < 0.8
    assert 0.3 <= found["false positive"] < 0.5
    assert len({look.colour for look in KINDS.values()}) == len(KINDS)
    assert len({(look.dashes, look.word) for look in KINDS.values()}) == len(KINDS)
    assert Mark((0, 0, 1, 1), "false positive", "0.32").text() == "false positive 0.32"


@pytest.mark.parametrize(
    "box", [(49.5, 79.5, 50, 40), (49.5, -0.5, 50, 40), (-0.5, -0.5, 300, 200), (279.5, 9.5, 20, 9)]
)
def test_words_stay_on_the_picture(box: tuple[float, float, float, float]) -> None:
    without = draw_box_marks(np.ones_like(BLACK), [Mark(box)])
    words = draw_box_marks(np.ones_like(BLACK), [Mark(box, words="0.87")])
    rows, columns = np.nonzero((words != without).any(2))
    assert len(rows) > 60
    assert (words[rows, columns] == 0).all(1).mean() > 0.3  # a dark plate under them, on white bone too
    assert min(rows.min(), columns.min()) >= 0
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert height >= 10
    assert width >= 20


def test_words_of_neighbouring_boxes_do_not_cover_each_other() -> None:
    marks = [Mark((x, 100, 30, 40), words="0.87") for x in (50, 60)]
    first, both = draw_box_marks(np.ones_like(BLACK), marks[:1]), draw_box_marks(np.ones_like(BLACK), marks)
    assert (both[:96] == first[:96]).all()  # the first has its words above
    assert not (both[144:] == 255).all()  # those of the second move below


def test_lines_grow_with_the_picture() -> None:
    assert [choose_box_line_width(shape) for shape in ((200, 300), (1024, 800), (2880, 2304))] == [2, 3, 7]


def test_what_is_shown_is_drawn_with_scores_and_names() -> None:
    one = mark_shown_boxes(answer(), card("fracture"))
    assert [(mark.box, mark.text()) for mark in one] == [
        ((49.5, 39.5, 100, 60), "87%"),
        ((199.5, 99.5, 40, 30.25), "40%"),
    ]
    two = mark_shown_boxes(answer("tka-components"), card("tka-components"))
    assert [(mark.text(), mark.colour) for mark in two] == [
        ("Femoral component 87%", "#FF8C00"),
        ("Tibial component 40%", "#00C8FF"),
    ]


def test_a_png_carries_the_boxes_and_room_for_what_is_said(image: Image) -> None:
    sheet = np.asarray(Pillow.open(io.BytesIO(export_boxes_png(image, answer()))).convert("RGB"))
    assert sheet.shape[1] == 1024  # enlarged
    colour = rgb_of(card("fracture").labels[0].colour)
    rows, columns = np.nonzero((sheet == colour).all(-1)[:, : round(160 * 1024 / 300)])
    zoom = 1024 / 300
    assert columns.min() == pytest.approx(50 * zoom, abs=6)  # the box's own edge, enlarged, a line's width outside
    assert columns.max() == pytest.approx(150 * zoom, abs=6)
    assert np.ptp(rows) > 60 * zoom - 6
    bare = np.asarray(Pillow.open(io.BytesIO(export_boxes_png(image, answer(), marks=[]))).convert("RGB"))
    assert not (bare == colour).all(-1).any()
    assert bare[-60:].any()  # the caption


def test_coco_lists_what_is_shown_in_its_own_pixels_and_no_name(image: Image) -> None:
    text = write_coco_json(answer("tka-components"), image, card("tka-components"))
    assert "Jane" not in text
    content = json.loads(text)
    assert content["images"] == [{"id": 1, "width": 300, "height": 200, "file_name": "0123456789abcdef"}]
    assert [c["name"] for c in content["categories"]] == ["femoral-component", "tibial-component"]
    first, second = content["annotations"]
    assert (first["bbox"], first["area"], first["category_id"]) == ([50, 40, 100, 60], 6000, 1)
    assert (second["bbox"], second["category_id"]) == ([200, 100, 40, 30.25], 2)
    assert first["score"] == pytest.approx(0.87)
    assert {a["image_id"] for a in content["annotations"]} == {1}
    assert [a["id"] for a in content["annotations"]] == [1, 2]
    assert DISCLAIMER in content["info"]["description"]
    assert content["info"]["threshold"] == 0.3
    every = json.loads(write_coco_json(answer(), image, card("fracture"), every=True))
    assert len(every["annotations"]) == 3
    assert every["annotations"][2]["bbox"] == [0, 0, 8, 8]


def test_coco_is_read_back_as_the_boxes_it_came_from(image: Image) -> None:
    text = write_coco_json(answer(), image, card("fracture"), every=True)
    read = read_reference_boxes([("boxes.json", text.encode())], "0123456789abcdef", image.shape)
    np.testing.assert_allclose(read.boxes, answer().boxes, atol=1e-3)
    assert read.labels == ("fracture",) * 3
