"""True boxes in three formats: one and the same rectangle in each, and what is none is refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from models.errors import DamagedFile, InputError, UnsupportedFormat
from models.tasks.detection.reference import ReferenceBoxes, read_reference_boxes

SHAPE = (80, 120)
"""Rows and columns; the rectangle covers columns 20 to 59 and rows 10 to 39, counted from 0."""
RECTANGLE = [19.5, 9.5, 40, 30]
VOC = """<annotation><filename>hand.png</filename><size><width>120</width><height>80</height><depth>1</depth></size>
<object><name>fracture</name><bndbox><xmin>21</xmin><ymin>11</ymin><xmax>60</xmax><ymax>40</ymax></bndbox></object>
</annotation>"""
YOLO = f"0 {40 / 120} {25 / 80} {40 / 120} {30 / 80}\n"


def coco(images: Sequence[dict] = ({"id": 7, "file_name": "x/hand.png", "width": 120, "height": 80},)) -> dict:
    return {
        "images": list(images),
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [20, 10, 40, 30]},
            {"id": 2, "image_id": 8, "category_id": 3, "bbox": [1, 1, 2, 2]},
        ],
        "categories": [{"id": 3, "name": "fracture"}],
    }


def read(name: str, content: str | bytes | dict, image: str = "hand.png", *more: tuple[str, bytes]) -> ReferenceBoxes:
    data = json.dumps(content) if isinstance(content, dict) else content
    return read_reference_boxes([(name, data if isinstance(data, bytes) else data.encode()), *more], image, SHAPE)


@pytest.mark.parametrize(("name", "content"), [("a.json", coco()), ("hand.xml", VOC), ("hand.txt", YOLO)])
def test_one_rectangle_in_every_format(name: str, content: str | dict) -> None:
    found = read(name, content)
    assert found.boxes.tolist() == [pytest.approx(RECTANGLE, abs=1e-4)]
    assert found.boxes.dtype == np.float32
    assert found.labels == (("0",) if name.endswith("txt") else ("fracture",))


def test_of_several_images_the_one_of_that_name_or_size_is_taken() -> None:
    small = {"id": 8, "file_name": "other.png", "width": 10, "height": 10}
    own = {"id": 7, "file_name": "HAND.jpg", "width": 120, "height": 80}
    assert len(read("a.json", coco([small, own])).boxes) == 1
    assert read("a.json", coco([small, own]), "renamed.dcm").boxes[0].tolist() == RECTANGLE
    twin = {**own, "id": 8, "file_name": "twin.png"}
    with pytest.raises(InputError, match=r"a.json: speaks of 2 images.*Name the image"):
        read("a.json", coco([twin, own]), "renamed.dcm")


def test_the_only_image_is_taken_whatever_its_name_but_not_of_another_size() -> None:
    one = {"id": 7, "file_name": "0f3a", "width": 120, "height": 80}
    assert len(read("a.json", coco([one]), "renamed.png").boxes) == 1
    with pytest.raises(InputError, match="119 × 80 pixels, and this one has 120 × 80"):
        read("a.json", coco([{**one, "width": 119}]))
    with pytest.raises(InputError, match="121 × 80"):
        read("hand.xml", VOC.replace(">120<", ">121<"))


def test_coco_without_images_is_of_this_one_and_without_boxes_is_empty() -> None:
    content = {"annotations": [{"category_id": 9, "bbox": [20, 10, 40, 30]}]}
    assert read("a.json", content).labels == ("9",)
    assert read("a.json", {**coco(), "annotations": []}).boxes.shape == (0, 4)
    assert read("hand.txt", "\n").boxes.shape == (0, 4)


def test_of_several_files_the_one_of_the_images_name_is_read_and_classes_are_named() -> None:
    found = read("other.txt", "0 0.5 0.5 1 1", "hand.png", ("hand.txt", YOLO.encode()), ("classes.txt", b"fracture\nx"))
    assert found.labels == ("fracture",)
    assert found.boxes[0] == pytest.approx(RECTANGLE, abs=1e-4)
    with pytest.raises(InputError, match="2 files"):
        read("a.txt", YOLO, "hand.png", ("b.txt", b""))


@pytest.mark.parametrize(
    ("name", "content", "says", "kind"),
    [
        ("a.csv", "1,2,3,4", "no list of boxes", UnsupportedFormat),
        ("a.json", "{", "no readable JSON", DamagedFile),
        ("a.json", "[" * 100_000, "no readable JSON", DamagedFile),
        ("a.json", "[]", "no annotations", UnsupportedFormat),
        ("a.json", {"annotations": [{"bbox": None}]}, "without what COCO asks for", DamagedFile),
        ("a.json", {"annotations": [{"bbox": [1, 2, 3]}]}, "without four numbers", DamagedFile),
        ("a.json", {"annotations": [{"bbox": [1, 2, 0, 3]}]}, "without a size", DamagedFile),
        ("a.json", {"annotations": [{"bbox": [1, 2, "x", 3]}]}, "no readable", DamagedFile),
        ("a.json", {"annotations": [{"bbox": [500, 2, 3, 3]}]}, "outside the image", InputError),
        ("a.xml", "<annotation", "no readable XML", DamagedFile),
        ("a.xml", "<html/>", "no Pascal VOC", UnsupportedFormat),
        ("a.xml", VOC.replace("<xmin>21</xmin>", ""), "without four numbers", DamagedFile),
        ("a.txt", "0 0.1 0.1", "line 1 is no box", DamagedFile),
        ("a.txt", "0 40 25 40 30", "line 1 reaches beyond", InputError),
        ("a.txt", b"\xff\xfe\x00", "is no text", DamagedFile),
        ("classes.txt", "fracture", "there are no boxes", InputError),
    ],
)
def test_what_is_no_truth_is_refused(name: str, content: str | bytes | dict, says: str, kind: type[InputError]) -> None:
    with pytest.raises(kind, match=says) as refused:
        read(name, content)
    assert refused.value.fix
    assert refused.value.file in (name, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_are_read(encoding: str) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;&b;">]>' + VOC.replace(
        "fracture", "&c;"
    )
    with pytest.raises(InputError, match="declares a document type"):
        read("a.xml", bomb.encode(encoding))
