"""What annotation tools write: outlines, key points, ids as text, crowds, run lengths; and what no tool should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import DamagedFile, InputError, TooLarge
from models.tasks.detection.reference import ReferenceBoxes, read_reference_boxes

SHAPE = (400, 600)
IMAGE = {"id": 7, "file_name": "hand.png", "width": 600, "height": 400}


def yolo(text: str, shape: tuple[int, int] = SHAPE) -> ReferenceBoxes:
    return read_reference_boxes([("hand.txt", text.encode())], "hand.png", shape)


def coco(
    annotations: list[dict[str, Any]], images: tuple[dict[str, Any], ...] = (IMAGE,), **more: Any
) -> ReferenceBoxes:
    content = {"images": list(images), "annotations": annotations} | more
    return read_reference_boxes([("a.json", json.dumps(content).encode())], "hand.png", SHAPE)


def corners(found: ReferenceBoxes) -> list[list[float]]:
    """Return boxes from the outer corner of the first pixel."""
    return (found.boxes + np.array([0.5, 0.5, 0, 0])).round(3).tolist()


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.10 0.10 0.50 0.10 0.50 0.60 0.10 0.60", [60, 40, 240, 200]),  # an outline of four points
        ("0 0.1 0.1 0.5 0.1 0.3 0.6", [60, 40, 240, 200]),  # of three
        ("0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.6 0.05 0.3", [30, 40, 270, 200]),  # of five
        ("0 0.3 0.35 0.4 0.5", [60, 40, 240, 200]),  # a box
        ("0 0.3 0.35 0.4 0.5 0.9", [60, 40, 240, 200]),  # with its score
        ("0 0.3 0.35 0.4 0.5 0.2 0.2 2", [60, 40, 240, 200]),  # with one key point
        ("0 0.3 0.35 0.4 0.5 0.2 0.2 2 0 0 0", [60, 40, 240, 200]),  # with two, one unseen
        ("0 0.3 0.35 0.4 0.5 0.2 0.2 1 0.3 0.3 1 0.4 0.5 2", [60, 40, 240, 200]),
    ],
)
def test_a_line_of_yolo(line: str, box: list[float]) -> None:
    assert corners(yolo(line)) == [pytest.approx(box, abs=1e-3)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 0.1 0.1 0.5 0.1 0.5 0.6 0.1", "line 1 is no box"),  # an odd number that is neither
        ("0 0.1 0.1 0.5 0.1 0.5 1.6", "reaches beyond"),
        ("0 -0.1 0.1 0.5 0.1 0.5 0.6", "reaches beyond"),
        ("0 0.3 0.35 nan 0.5", "no box|without a size|beyond"),
        ("0 1e400 0.3 0.1 0.1", "reaches beyond"),
        ("1e400 0.3 0.3 0.1 0.1", "no box"),
        ("0 0.3 0.3 0 0.1", "without a size"),
    ],
)
def test_what_is_no_line_of_yolo(line: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        yolo(line)


def test_text_of_windows_is_read() -> None:
    text = "0 0.3 0.35 0.4 0.5\r\n"
    for data in (b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")):
        assert len(read_reference_boxes([("hand.txt", data)], "hand.png", SHAPE).boxes) == 1


def test_ids_as_text_are_the_same_ids() -> None:
    box = {"bbox": [10, 20, 30, 40], "category_id": "3"}
    names = [{"id": 3, "name": "fracture"}]
    for image_id in (7, "7", 7.0):
        found = coco([{"image_id": image_id, **box}], categories=names)
        assert corners(found) == [[10, 20, 30, 40]]
        assert found.labels == ("fracture",)
    assert len(coco([{"image_id": "a-7", **box}], ({**IMAGE, "id": "a-7"},)).boxes) == 1


def test_annotations_of_no_listed_image_are_refused_with_their_ids() -> None:
    with pytest.raises(InputError, match=r"name the images 8, 9.*lists 7"):
        coco([{"image_id": 8, "bbox": [1, 2, 3, 4]}, {"image_id": 9, "bbox": [1, 2, 3, 4]}])
    other = {"id": 8, "file_name": "foot.png", "width": 10, "height": 10}
    assert len(coco([{"image_id": 8, "bbox": [1, 2, 3, 4]}], (IMAGE, other)).boxes) == 0  # ours has none


def test_a_crowd_is_left_out_and_told() -> None:
    found = coco([
        {"image_id": 7, "bbox": [10, 20, 30, 40], "iscrowd": 0},
        {"image_id": 7, "bbox": [0, 0, 600, 400], "iscrowd": 1},
    ])  # fmt: skip
    assert corners(found) == [[10, 20, 30, 40]]
    assert "crowds" in found.warnings[0]


def compressed(runs: list[int]) -> str:
    """COCO's text of run lengths, written from its description (rleToString)."""
    text = ""
    for index, run in enumerate(runs):
        value, more = run - (runs[index - 2] if index > 2 else 0), True
        while more:
            code, value = value & 0x1F, value >> 5
            more = value != -1 if code & 0x10 else value != 0
            text += chr((code | 0x20 * more) + 48)
    return text


@pytest.mark.parametrize("packed", [False, True])
def test_an_outline_without_a_box(packed: bool) -> None:
    mask = np.zeros(SHAPE, bool)
    mask[20:60, 10:40] = True
    mask[50:90, 30:45] = True
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flat]).astype(int)) != 0)
    runs = np.diff([0, *changes, flat.size]).tolist()
    outline = {"size": list(SHAPE), "counts": compressed(runs) if packed else runs}
    assert corners(coco([{"image_id": 7, "segmentation": outline}])) == [[10, 20, 35, 70]]
    ring = [10, 20, 40, 20, 40, 60, 10, 60]
    assert corners(coco([{"image_id": 7, "segmentation": [ring]}])) == [[10, 20, 30, 40]]


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        ({"bbox": [10, 20, 30, 10**400]}, "too large"),
        ({"bbox": [10, 20, 30, 1e200]}, "outside the image"),
        ({"bbox": [-5000, 20, 5100, 40]}, "outside the image"),
        ({"bbox": [10, 20, float("nan"), 40]}, "without a size"),
        ({"bbox": [10, 20, float("inf"), 40]}, "without a size"),
        ({"segmentation": {"size": [400, 600], "counts": [5, 5]}}, "no readable number"),
        ({"segmentation": {"size": [400, 600], "counts": "\u1234"}}, "no readable number"),
        ({"segmentation": {"size": [0, 600], "counts": [5, 5]}}, "no readable number"),
        ({"segmentation": []}, "no readable number"),
        ({"segmentation": {"counts": [1]}}, "without what COCO asks for"),
        ({}, "without what COCO asks for"),
    ],
)
def test_what_is_no_annotation_is_refused(annotation: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        coco([{"image_id": 7, **annotation}])


@pytest.mark.parametrize("side", [10**300, 10**400, float("inf")])
def test_a_side_that_no_message_can_name_is_refused(side: float) -> None:
    with pytest.raises(DamagedFile, match="too large") as refused:
        coco([{"image_id": 7, "bbox": [1, 2, 3, 4]}], ({**IMAGE, "height": side},))
    assert len(str(refused.value)) < 200


def test_more_boxes_than_anyone_drew_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 500 boxes"):
        coco([{"image_id": 7, "bbox": [i % 500, 20, 30, 40]} for i in range(5000)])
    with pytest.raises(TooLarge, match="more than 500 boxes"):
        yolo("0 0.3 0.35 0.4 0.5\n" * 501)


CASES = Path(__file__).parents[3] / "shared" / "cases"


def test_the_cases_of_the_shared_folder() -> None:
    if not CASES.exists():
        pytest.skip("../shared/cases is not there")
    found = read_reference_boxes([("15a.txt", (CASES / "15a_yolo_polygon.txt").read_bytes())], "15a.png", SHAPE)
    assert corners(found) == [pytest.approx([60, 40, 240, 200], abs=1e-3)]
    for name in ("coco_bigint.json", "coco_fuzzed.json"):
        with pytest.raises(DamagedFile) as refused:
            read_reference_boxes([(name, (CASES / name).read_bytes())], "case.png", (160, 192))
        assert refused.value.fix
