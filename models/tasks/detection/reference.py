"""True boxes as readers keep them: COCO JSON, Pascal VOC XML and YOLO text, read for one image.

Each format counts in its own way. COCO: left, top, width, height in pixels from the outer corner of the first pixel.
VOC: first and last pixel, counted from 1. YOLO: centre and sides as shares of the image. All become `Detections.boxes`:
x, y, width, height, where the first pixel's centre is 0.

References: cocodataset.org/#format-data; M. Everingham et al., IJCV 88:303, 2010 (host.robots.ox.ac.uk/pascal/VOC);
docs.ultralytics.com/datasets/detect (the text format of Darknet).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedFile, InputError, TooLarge, UnsupportedFormat
from models.io.pool import call_in_worker
from models.io.text import decode_text
from models.tasks.detection import coco, yolo
from models.words import later

CORNER = 0.5
"""From the outer corner of the first pixel to its centre."""
MOST_BOXES = 500
"""Of one image: more are no list that a reader drew, and no picture that a reader can see."""
MOST_BYTES = 64 << 20
MOST_PX = 1e9
"""Of a side, that a message can name."""
NAMES = ("classes.txt", "labels.txt", "obj.names", "names.txt")
"""Files that name YOLO's classes, one a line."""


@dataclass(frozen=True, eq=False)
class ReferenceBoxes:
    """What a reader says of one image.

    Attributes
    ----------
    boxes
        (M, 4) float32 x, y, width, height as `Detections.boxes`.
    labels
        Name of each, as the file has it; the number of the class where nothing names it.
    warnings
        What was left out.
    """

    boxes: NDArray[np.float32]
    labels: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Image:
    """The image that boxes are wanted of: its name without a folder, and (rows, columns)."""

    name: str
    shape: tuple[int, int]

    def called(self, name: object) -> bool:
        """Whether a file's name, in any folder and with any extension, is this image's."""
        return bool(name) and _stem(str(name)) == _stem(self.name)

    def sized(self, rows: object, columns: object) -> bool:
        """Whether a size is this image's."""
        return (rows, columns) == self.shape


def read_reference_boxes(files: Sequence[tuple[str, bytes]], name: str, shape: tuple[int, int]) -> ReferenceBoxes:
    """Read the true boxes of an image from what a reader dropped.

    Parameters
    ----------
    files
        (name, content) of each: one COCO JSON; VOC XML or YOLO text, one an image; for YOLO also the file that names
        the classes ("classes.txt").
    name
        Of the image; chooses among several.
    shape
        (rows, columns) of the image.

    Raises
    ------
    InputError
        When a file is none of these, is damaged, or speaks of another image; the message says which, and what to do.
    """
    return call_in_worker(parse_reference_boxes, files, name, shape)


def parse_reference_boxes(files: Sequence[tuple[str, bytes]], name: str, shape: tuple[int, int]) -> ReferenceBoxes:
    """Do what `read_reference_boxes` says; runs in the worker, with its limits of time and memory."""
    image = _Image(name, shape)
    named = {file: _classes(file, data) for file, data in files if _plain(file) in NAMES}
    given = [(file, data) for file, data in files if file not in named]
    if not given:
        raise InputError(
            later("there are no boxes"), fix=later("Choose a COCO JSON, a Pascal VOC XML or a YOLO text file.")
        )
    file, data = _one_of(given, image)
    if len(data) > MOST_BYTES:
        raise TooLarge(later("is too large for the boxes of an image"), fix=later("Export those alone."), file=file)
    readers: dict[str, Callable[[], ReferenceBoxes]] = {
        ".json": lambda: _of_coco(file, data, image),
        ".xml": lambda: _of_voc(file, data, image),
        ".txt": lambda: _of_yolo(file, data, image, next(iter(named.values()), ())),
    }
    kind = PurePosixPath(file).suffix.lower()
    if kind not in readers:
        raise UnsupportedFormat(
            later("is no list of boxes that is known here"),
            fix=later("Save it as COCO .json, Pascal VOC .xml or YOLO .txt."),
            file=file,
        )
    return readers[kind]()


def _one_of(files: Sequence[tuple[str, bytes]], image: _Image) -> tuple[str, bytes]:
    """Return the file that speaks of the image: the only one, or the one of its name."""
    if len(files) == 1:
        return files[0]
    mine = [one for one in files if image.called(one[0])]
    if len(mine) != 1:
        raise InputError(
            later("{count} files, and not one of them alone has the image's name", count=len(files)),
            fix=later("Drop the one file that belongs to this image."),
        )
    return mine[0]


def _of_coco(file: str, data: bytes, image: _Image) -> ReferenceBoxes:
    rows, labels, crowds = coco.read_coco_boxes(file, data, lambda images: _coco_image(file, images, image))
    left_out = later("{crowds} regions marked as crowds are no single findings and were left out.", crowds=crowds)
    return _checked(file, rows, tuple(labels), image, (left_out,) if crowds else ())


def _coco_image(file: str, images: Sequence[Mapping[str, Any]], image: _Image) -> Mapping[str, Any] | None:
    """Return the image among those of a COCO file; None where the file lists none."""
    if not images:
        return None
    mine = [one for one in images if image.called(one.get("file_name"))]
    if not mine and len(images) > 1:
        mine = [one for one in images if image.sized(one.get("height"), one.get("width"))]
    elif not mine:
        mine = list(images)
    if len(mine) != 1:
        raise InputError(
            later("speaks of {count} images, and it cannot be told which of them is this one", count=len(images)),
            fix=later("Name the image as the file does, or export its boxes alone."),
            file=file,
        )
    height, width = mine[0].get("height"), mine[0].get("width")
    if height and width:
        if max(float(height), float(width)) > MOST_PX:
            raise OverflowError
        _same_size(file, (int(height), int(width)), image)
    return mine[0]


def _of_voc(file: str, data: bytes, image: _Image) -> ReferenceBoxes:
    try:
        _refuse_entities(file, data)
        root = ElementTree.fromstring(data)
        tall, wide = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
        rows, labels = [], []
        for found in root.iter("object"):
            left, top, right, bottom = (
                float(found.findtext(f"bndbox/{side}") or "") for side in ("xmin", "ymin", "xmax", "ymax")
            )
            rows.append([left - 1, top - 1, right - left + 1, bottom - top + 1])
            labels.append(found.findtext("name") or "")
    except (ElementTree.ParseError, expat.ExpatError):
        raise DamagedFile(later("is no readable XML"), fix=later("Export it again."), file=file) from None
    except (ValueError, OverflowError):
        raise DamagedFile(
            later("has a box without four numbers"),
            fix=later("Each bndbox needs xmin, ymin, xmax and ymax."),
            file=file,
        ) from None
    if root.tag != "annotation":
        raise UnsupportedFormat(
            later("is no Pascal VOC annotation"), fix=later("Export the reference standard as Pascal VOC."), file=file
        )
    if tall and wide:
        _same_size(file, (tall, wide), image)
    return _checked(file, rows, tuple(labels), image)


def _refuse_entities(file: str, data: bytes) -> None:
    """Refuse a document type: entities, which can grow without bound or name other files, cannot be without one."""

    def refuse(*_: object) -> None:
        raise UnsupportedFormat(
            later("declares a document type, which is not read here"),
            fix=later("Save it as plain Pascal VOC XML without a DOCTYPE."),
            file=file,
        )

    reader = expat.ParserCreate()
    reader.StartDoctypeDeclHandler = refuse
    reader.Parse(data, True)


def _of_yolo(file: str, data: bytes, image: _Image, names: Sequence[str]) -> ReferenceBoxes:
    rows, labels = [], []
    tall, wide = image.shape
    for number, line in enumerate(_lines(file, data), 1):
        if not line.strip():
            continue
        index, (left, top, width, height) = yolo.parse_yolo_line(file, number, line)
        rows.append([left * wide, top * tall, width * wide, height * tall])
        labels.append(names[index] if 0 <= index < len(names) else str(index))
        _check_count(file, len(rows))
    return _checked(file, rows, tuple(labels), image)


def _classes(file: str, data: bytes) -> tuple[str, ...]:
    return tuple(line.strip() for line in _lines(file, data) if line.strip())


def _lines(file: str, data: bytes) -> list[str]:
    return decode_text(data, file).splitlines()


def _check_count(file: str, count: int) -> None:
    if count > MOST_BOXES:
        raise TooLarge(
            later("holds more than {most} boxes of one image", most=MOST_BOXES),
            fix=later("Choose the reference standard of this very image."),
            file=file,
        )


def _checked(
    file: str,
    rows: Sequence[Sequence[float]],
    labels: tuple[str, ...],
    image: _Image,
    warnings: tuple[str, ...] = (),
) -> ReferenceBoxes:
    """Move boxes from the corner of the first pixel to its centre; refuse what is no box of this image."""
    _check_count(file, len(rows))
    if any(len(row) != 4 for row in rows):
        raise DamagedFile(
            later("has a box without four numbers"), fix=later("Each box is x, y, width, height."), file=file
        )
    boxes = np.array(rows, np.float64).reshape(-1, 4)
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= 0).any():
        raise DamagedFile(later("has a box without a size"), fix=later("Take empty boxes out of it."), file=file)
    tall, wide = image.shape
    sides, ends = np.array([wide, tall]), boxes[:, :2] + boxes[:, 2:]
    inside = ((boxes[:, :2] < sides) & (ends > 0) & (boxes[:, :2] >= -sides) & (ends <= 2 * sides)).all(1)
    if not inside.all():
        raise InputError(
            later("has a box outside the image"),
            fix=later("Choose the reference standard of this very image."),
            file=file,
        )
    boxes[:, :2] -= CORNER
    return ReferenceBoxes(boxes.astype(np.float32), labels, warnings)


def _same_size(file: str, size: tuple[int, int], image: _Image) -> None:
    if not image.sized(*size):
        (rows, columns), (tall, wide) = size, image.shape
        raise InputError(
            later(
                "is of an image of {found} pixels, and this one has {wanted}",
                found=f"{columns} × {rows}",
                wanted=f"{wide} × {tall}",
            ),
            fix=later("Choose the reference standard of this very image."),
            file=file,
        )


def _plain(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name.lower()


def _stem(name: str) -> str:
    return PurePosixPath(_plain(name)).stem
