"""A detector of a user's own: pictures with boxes as COCO, YOLO or Pascal VOC keep them, and the recipe for so few.

One COCO JSON speaks of all pictures; YOLO has a text of the same name for each, and Pascal VOC an XML. A picture
without a box is a picture of nothing to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from models.cards import Card, Label
from models.cards.tables import Input, Net
from models.errors import DamagedFile, InputError
from models.progress import Progress
from models.tasks.detection.dataset import BoxSet
from models.tasks.detection.reference import NAMES, read_reference_boxes
from models.tasks.segmentation.own import COLOURS
from models.training.own_files import Files, content_of
from models.training.own_set import Listed, Look, is_picture, look_at_pictures, say_too_few
from models.types import Image
from models.words import Later, later

FEWEST_PICTURES, FEWEST_GROUPS = 15, 5
"""With a box of a label: with fewer no part of a cross-validation holds enough to say anything."""
SIDE = 512
"""Pixels of the longest side of a picture as the network is shown it."""
STEPS = 200
QUICK = {"steps": 60, "batch": 4}
"""What a quick trial changes in the recipe."""
KNOWS_IMAGENET = True


@dataclass(frozen=True, eq=False)
class BoxLook(Look):
    """Pictures with boxes.

    Attributes
    ----------
    images
        (H, W) uint8 of each picture, its longest side `SIDE` at most.
    boxes, labels
        (M, 4) x, y, width, height in pixels of `images`, and the name of each.
    """

    images: tuple[NDArray[np.uint8], ...]
    boxes: tuple[NDArray[np.float32], ...]
    labels: tuple[tuple[str, ...], ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of all labels."""
        return tuple(sorted({label for of in self.labels for label in of}))

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return the pictures, and the groups, that show each label."""
        found = {}
        for key in self.keys:
            shows = [i for i, of in enumerate(self.labels) if key in of]
            found[key] = (len(shows), len({self.pictures.groups[i] for i in shows}))
        return found

    def too_little(self) -> tuple[Later, ...]:
        """Say what is missing before anything could be learned and measured; empty where nothing is."""
        if not self.keys:
            return (later("no picture has a box"),)
        return tuple(say_too_few(self.counts(), FEWEST_PICTURES, FEWEST_GROUPS))

    def differ(self, i: int, j: int) -> Later | None:
        """Say how two near copies differ in what was found in them."""
        if len(self.boxes[i]) == len(self.boxes[j]):
            return None
        return later("which have {one} and {other} boxes", one=len(self.boxes[i]), other=len(self.boxes[j]))

    def save(self, path: Path) -> None:
        """Keep pictures, boxes, indices of labels and numbers of groups."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for i, (image, boxes, labels) in enumerate(zip(self.images, self.boxes, self.labels, strict=True)):
            classes = np.array([self.keys.index(label) for label in labels], np.intp)
            arrays |= {f"image-{i}": image, f"boxes-{i}": boxes, f"classes-{i}": classes}
        arrays["groups"] = np.unique(self.pictures.groups, return_inverse=True)[1]
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # its stub takes no mapping


def look(files: Files, progress: Progress) -> BoxLook:
    """Read every picture of a user's files with its boxes, and look at them together.

    Raises
    ------
    InputError
        When no file holds boxes, or several might.
    """
    find = _find_annotations(files)
    images: list[NDArray[np.uint8]] = []
    boxes: list[NDArray[np.float32]] = []
    labels: list[tuple[str, ...]] = []
    listed = [Listed(name) for name in files.names if is_picture(name)]

    def take(i: int, image: Image) -> str | None:
        name = listed[i].name
        try:
            said = find(name)
            found = read_reference_boxes(said, PurePosixPath(name).name, image.shape) if said else None
        except InputError as problem:
            return later("its boxes: {problem}", problem=problem.problem)
        grey = (image.grey(image.first_frame) * 255).round().astype(np.uint8)
        images.append(grey)
        boxes.append(found.boxes if found else np.zeros((0, 4), np.float32))
        labels.append(found.labels if found else ())
        return None

    pictures = look_at_pictures(files, listed, take, progress)
    none = ("",) * len(images)
    classes = tuple(np.zeros(len(of), np.intp) for of in boxes)
    fitted = BoxSet(tuple(images), tuple(boxes), classes, none, none, none).fitted(SIDE)
    return BoxLook(pictures, fitted.pictures, fitted.boxes, tuple(labels))


def describe_card(seen: BoxLook, quick: bool) -> dict[str, object]:
    """Return the fields of a card that hang on what it learns."""
    training: dict[str, object] = {"steps": STEPS, "batch": 8, "view_size": [256, 256], "average": 0.97}
    return {
        "summary": f"Draws boxes round {', '.join(seen.keys)}. Trained by its user on pictures of their own.",
        "labels": tuple(
            Label(key=key, name=key, colour=COLOURS[(i + 1) % len(COLOURS)]) for i, key in enumerate(seen.keys)
        ),
        "input": Input(size=(SIDE, SIDE)),
        "net": Net(name="fcos_mobilenet_v2", stage="stage4", shape={"width": 96}),
        "training": training | (QUICK if quick else {}),
    }


def may_start_from(card: Card) -> bool:
    """Whether a card's trunk can be the start of another."""
    return bool(card.members) and card.net.name == "fcos_mobilenet_v2"


def measure_curve(card_id: str, progress: Progress) -> None:
    """Measure nothing: a curve would take as many trainings as the measurement itself."""


def _find_annotations(files: Files) -> Annotations:
    """Return what finds the files that speak of a picture.

    Raises
    ------
    DamagedFile
        When no file holds boxes, or several might.
    """
    fix = later("Give one COCO .json for all pictures, or a YOLO .txt or Pascal VOC .xml of the same name for each.")
    coco = [name for name in files.names if name.lower().endswith(".json")]
    if len(coco) == 1:
        whole = [(PurePosixPath(coco[0]).name, content_of(files.open(coco[0])))]
        return Annotations(files, whole, {})
    if coco:
        raise DamagedFile(later("there are {n} files that might hold the boxes", n=len(coco)), fix=fix)
    names = [name for name in files.names if PurePosixPath(name).name.lower() in NAMES]
    own = {
        PurePosixPath(name).stem: name
        for name in files.names
        if name.lower().endswith((".txt", ".xml")) and name not in names
    }
    if not own:
        raise DamagedFile(later("there are no boxes"), fix=fix)
    named = [(PurePosixPath(name).name, content_of(files.open(name))) for name in names[:1]]
    return Annotations(files, named, own)


@dataclass(frozen=True)
class Annotations:
    """Where the boxes of each picture stand: in one file for all, or in one each and the names of classes beside it."""

    files: Files
    shared: Sequence[tuple[str, bytes]]
    own: Mapping[str, str]

    def __call__(self, picture: str) -> list[tuple[str, bytes]]:
        """Return the files that speak of a picture; none where it has no box."""
        if not self.own:
            return list(self.shared)
        name = self.own.get(PurePosixPath(picture).stem)
        return [*self.shared, (PurePosixPath(name).name, content_of(self.files.open(name)))] if name else []
