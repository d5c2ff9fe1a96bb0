"""Boxes of one image out of a COCO JSON: by box, else by the outline that is there (polygons, run lengths).

Ids may be numbers or text, and 7 is "7". A region that the annotator marked as a crowd is no single finding and is left
out, as COCO's own evaluation leaves it out.

Reference: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.errors import DamagedFile, InputError, UnsupportedFormat
from models.words import later

IDS_SHOWN = 6
"""Ids that a message names at most."""

Size = tuple[object, object]
Chosen = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any] | None]


def read_coco_boxes(file: str, data: bytes, choose: Chosen) -> tuple[list[list[float]], list[str], int]:
    """Return rows of x, y, width, height from the corner of the first pixel, their labels, and how many were crowds.

    Parameters
    ----------
    choose
        Takes the images of the file and returns the one that is wanted; None where the file lists none.

    Raises
    ------
    InputError
        When it is no COCO JSON, or none of its annotations can be of the image.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise DamagedFile(later("is no readable JSON"), fix=later("Export it again."), file=file) from None
    if not isinstance(content, Mapping) or not isinstance(content.get("annotations"), list):
        raise UnsupportedFormat(
            later("has no annotations as COCO keeps them"),
            fix=later("Export the reference standard as COCO with images, annotations and categories."),
            file=file,
        )
    try:
        images = content.get("images") or []
        wanted = choose(images)
        names = {_id(one["id"]): str(one["name"]) for one in content.get("categories") or []}
        all_of_them = content["annotations"]
        mine = [one for one in all_of_them if wanted is None or _id(one["image_id"]) == _id(wanted["id"])]
        if not mine and all_of_them:
            _check_listed(file, [one["image_id"] for one in all_of_them], [one["id"] for one in images])
        single = [one for one in mine if not int(one.get("iscrowd") or 0)]
        rows = [_row(one) for one in single]
        labels = [names.get(_id(one.get("category_id")), str(one.get("category_id", ""))) for one in single]
    except OverflowError:
        raise DamagedFile(
            later("has a number too large to be a place in a picture"), fix=later("Export it again."), file=file
        ) from None
    except ValueError:
        raise DamagedFile(
            later("has no readable number where a box or an outline should be"),
            fix=later("Export it again."),
            file=file,
        ) from None
    except (KeyError, TypeError, AttributeError, IndexError):
        raise DamagedFile(
            later("has an entry without what COCO asks for"),
            fix=later("Each annotation needs image_id and bbox."),
            file=file,
        ) from None
    return rows, labels, len(mine) - len(single)


def _id(value: object) -> str:
    """Return an id as text: 7, 7.0 and "7" are one."""
    return str(int(value)) if isinstance(value, float) and math.isfinite(value) and value == int(value) else str(value)


def _check_listed(file: str, referred: Sequence[object], listed: Sequence[object]) -> None:
    """Refuse annotations that belong to no image of the file; an image without any is a finding too."""
    known = {_id(one) for one in listed}
    if {_id(one) for one in referred} <= known:
        return

    def said(ids: Sequence[object]) -> str:
        each = list(dict.fromkeys(_id(one)[:20] for one in ids))
        return ", ".join(each[:IDS_SHOWN]) + (", …" if len(each) > IDS_SHOWN else "")

    raise InputError(
        later(
            "has no annotation of this image: they name the images {found}, and the file lists {listed}",
            found=said(referred),
            listed=said(listed),
        ),
        fix=later("Give the annotations the id of their image."),
        file=file,
    )


def _row(annotation: Mapping[str, Any]) -> list[float]:
    """Return x, y, width, height; from the outline where there is no box."""
    box = annotation.get("bbox")
    if box:
        return [float(side) for side in box]
    outline = annotation["segmentation"]
    if isinstance(outline, Mapping):
        return _of_runs(outline)
    x = [float(value) for ring in outline for value in ring[0::2]]
    y = [float(value) for ring in outline for value in ring[1::2]]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def _of_runs(outline: Mapping[str, Any]) -> list[float]:
    """Return the box of a mask given as lengths of runs down its columns, the first of background."""
    rows, columns = (int(side) for side in outline["size"])
    if rows < 1 or columns < 1:
        raise ValueError("a mask without a pixel")
    counts = outline["counts"]
    runs = _unpacked(counts) if isinstance(counts, str) else [int(count) for count in counts]
    top, bottom, left, right, at = rows, -1, columns, -1, 0
    for index, run in enumerate(runs):
        if index % 2 and run > 0:
            first, last = at, at + run - 1
            left, right = min(left, first // rows), max(right, last // rows)
            whole = first // rows != last // rows
            top = 0 if whole else min(top, first % rows)
            bottom = rows - 1 if whole else max(bottom, last % rows)
        at += run
    if at != rows * columns or right < 0 or min(runs) < 0:
        raise ValueError("runs that do not fill the mask")
    return [float(left), float(top), float(right - left + 1), float(bottom - top + 1)]


def _unpacked(text: str) -> list[int]:
    """Return run lengths from COCO's compressed text: groups of five bits, differences from the run before the last."""
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError("no run length")
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & 0x20:
            value -= (1 << shift) if code & 0x10 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs
