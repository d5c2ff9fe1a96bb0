"""Reference points of a set of pictures, as people keep them: a CSV with a line a point, or a COCO JSON of keypoints.

Both count x and y from the centre of the first pixel, and so do we. A keypoint whose visibility is 0 was not labelled
(COCO: cocodataset.org/#format-data, "Keypoint Detection"); in a CSV it has no line.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from models.errors import DamagedFile
from models.io.pool import call_in_worker
from models.io.text import parse_number, split_table
from models.training.own_files import Files, content_of, list_tables
from models.words import Later, later

COLUMNS = ("image", "point", "x", "y")
FORMS = later("Give one CSV with the columns image, point, x and y, or one COCO .json of keypoints.")
MOST_POINTS, LONGEST_NAME = 100, 60
"""Of a picture: each is a heatmap; and letters of a point's name."""


@dataclass(frozen=True)
class Placed:
    """The points of one picture.

    Attributes
    ----------
    points
        Name → x, y in pixels of the picture.
    group
        That the table names; "" for none.
    wrong
        What is wrong with them, where they cannot be used.
    """

    points: Mapping[str, tuple[float, float]]
    group: str = ""
    wrong: Later | None = None


@dataclass(frozen=True)
class ReferencePoints:
    """The points of every picture that a file speaks of, by the picture's name there, and all names of points."""

    names: tuple[str, ...]
    pictures: Mapping[str, Placed]


def read_reference_points(files: Files) -> ReferencePoints:
    """Return the points that lie among a set's files.

    Raises
    ------
    InputError
        When no file holds points, several might, or the one that does is not of its form.
    """
    coco = [name for name in files.names if name.lower().endswith(".json")]
    tables = [one for one in list_tables(files) if files.table is not None or set(COLUMNS) <= set(_heading(*one))]
    if len(coco) + len(tables) != 1:
        n = len(coco) + len(tables)
        several = later("there are {n} files that might hold the points", n=n)
        raise DamagedFile(several if n else later("there are no points"), fix=FORMS)
    if tables:
        found = parse_point_table(*tables[0])
    else:
        found = call_in_worker(parse_keypoints, PurePosixPath(coco[0]).name, content_of(files.open(coco[0])))
    file = tables[0][0] if tables else coco[0]
    if len(found.names) > MOST_POINTS:
        few = later("has {n} names of points, more than {most}", n=len(found.names), most=MOST_POINTS)
        raise DamagedFile(few, fix=later("Name each point alike in every picture."), file=file)
    bad = next((name for name in found.names if not name.isprintable() or len(name) > LONGEST_NAME), None)
    if bad is not None:
        unnamed = later("has a point whose name is no word, or longer than {most} letters", most=LONGEST_NAME)
        raise DamagedFile(unnamed, fix=later("Name it shortly, as hip_centre."), file=file)
    return found


def _heading(name: str, text: str) -> Sequence[str]:
    return next(iter(_split(name, text)), [])


def _split(name: str, text: str) -> list[list[str]]:
    try:
        return split_table(text)
    except csv.Error as error:
        raise DamagedFile(later("is no CSV file"), fix=later("Save it as CSV with UTF-8."), file=name) from error


def parse_point_table(file: str, text: str) -> ReferencePoints:
    """Read a CSV with the columns image, point, x, y and perhaps group, a line for each point.

    Raises
    ------
    DamagedFile
        When a column is missing, or a line has no image, no point or no number.
    """
    heading, *lines = _split(file, text) or [[]]
    if not set(COLUMNS) <= set(heading):
        raise DamagedFile(later("has no columns image, point, x and y"), fix=FORMS, file=file)
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    names: dict[str, None] = {}
    for number, line in enumerate(lines, 2):
        row = dict(zip(heading, line, strict=False))
        try:
            parse_number(row["x"]), parse_number(row["y"])
            if not row["image"] or not row["point"]:
                raise ValueError("an empty cell")
        except (KeyError, ValueError):
            wrong = later("line {number} has no image, no point or no number", number=number)
            raise DamagedFile(wrong, fix=later("Fill it, or take the line out."), file=file) from None
        names[row["point"]] = None
        rows[row["image"].replace("\\", "/")].append(row)
    return ReferencePoints(tuple(names), {image: _of_rows(of) for image, of in rows.items()})


def _of_rows(rows: Sequence[Mapping[str, str]]) -> Placed:
    points = [(row["point"], (parse_number(row["x"]), parse_number(row["y"]))) for row in rows]
    groups = {row.get("group", "") for row in rows}
    if len(groups) > 1:
        return Placed({}, wrong=later("its lines name {n} groups", n=len(groups)))
    return _of_points(points, groups.pop())


def _of_points(points: Sequence[tuple[str, tuple[float, float]]], group: str = "") -> Placed:
    counts = Counter(name for name, _ in points)
    twice = next((name for name, n in counts.items() if n > 1), None)
    if twice is not None:
        return Placed({}, group, later("it has the point {name} twice", name=twice))
    if not all(math.isfinite(at) for _, place in points for at in place):
        return Placed({}, group, later("a point of it is no place"))
    return Placed(dict(points), group)


def parse_keypoints(file: str, data: bytes) -> ReferencePoints:
    """Read a COCO JSON of keypoints, one object of a category in each picture; runs in the worker, with its limits.

    Raises
    ------
    InputError
        When it is no such file.
    """
    try:
        content = json.loads(data)
        named = {str(one["id"]): [str(name) for name in one["keypoints"]] for one in content["categories"]
                 if one.get("keypoints")}  # fmt: skip
        pictures = {str(one["id"]): str(one["file_name"]).replace("\\", "/") for one in content["images"]}
        found: dict[str, list[tuple[str, tuple[float, float]]]] = {name: [] for name in pictures.values()}
        for one in content["annotations"]:
            if str(one["category_id"]) in named and not one.get("iscrowd"):
                found[pictures[str(one["image_id"])]] += _of_annotation(named[str(one["category_id"])], one)
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError):
        raise DamagedFile(later("is no readable JSON"), fix=later("Export it again."), file=file) from None
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise DamagedFile(
            later("has no keypoints as COCO keeps them"),
            fix=later("It needs images with file_name, categories with keypoints, and annotations with x, y and v."),
            file=file,
        ) from None
    names = dict.fromkeys(name for of in named.values() for name in of)
    return ReferencePoints(tuple(names), {image: _of_points(of) for image, of in found.items()})


def _of_annotation(names: Sequence[str], annotation: Mapping[str, Any]) -> list[tuple[str, tuple[float, float]]]:
    """Return the points of an object that were labelled."""
    flat = [float(value) for value in annotation["keypoints"]]
    if len(flat) != 3 * len(names):
        raise ValueError("not x, y and v of each keypoint")
    return [(name, (x, y)) for name, x, y, seen in zip(names, flat[::3], flat[1::3], flat[2::3], strict=True) if seen]
