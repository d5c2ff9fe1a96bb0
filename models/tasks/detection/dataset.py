"""A set of radiographs with boxes round what matters, in memory: fractures, and implant components in fluoroscopy.

Read straight from their zips (`settings().data_dir`). Pictures that show one exposure twice share a group, so every
split and every bootstrap goes by group.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from models.cards import cards
from models.errors import UnknownCard
from models.tasks.segmentation.dataset import TRAIN, TUNING, Grey
from models.tasks.segmentation.fluoroscopy_set import read_tka_fluoroscopy
from models.training.public_set import open_labelled_zip
from models.training.runs import locate_saved_set

CORNER = np.array([0.5, 0.5, 0, 0], np.float32)
"""From a box as `Detections` has it to one counted from the outer corner of the first pixel."""


@dataclass(frozen=True, eq=False)
class BoxSet:
    """N grey pictures with boxes.

    Attributes
    ----------
    pictures
        (H, W) uint8, each of its own size.
    boxes
        (M, 4) float32 x, y, width, height of each picture, as in `models.types.Detections`.
    classes
        (M,) index into the card's labels.
    groups
        What may not be torn apart by a split.
    splits
        What each picture serves for, such as "train"; "" in a set that is cross-validated.
    facts
        What else is known of each picture, such as the part of the body; for reading the misses.
    """

    pictures: tuple[Grey, ...]
    boxes: tuple[NDArray[np.float32], ...]
    classes: tuple[NDArray[np.intp], ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    facts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """(N,) whether a picture has any box."""
        return np.array([len(of) > 0 for of in self.boxes])

    def fitted(self, side: int) -> BoxSet:
        """Return the set with every picture scaled so that its longest side has `side` pixels."""
        pictures, boxes = [], []
        for picture, of in zip(self.pictures, self.boxes, strict=True):
            scale = side / max(picture.shape)
            rows, columns = (max(1, round(length * scale)) for length in picture.shape)
            smaller = Picture.fromarray(picture).resize((columns, rows), Picture.Resampling.BILINEAR)
            pictures.append(np.asarray(smaller))
            boxes.append(((of + CORNER) * scale - CORNER).astype(np.float32))  # edges scale, pixel centres do not
        return replace(self, pictures=tuple(pictures), boxes=tuple(boxes))


PARTS = ("hand", "leg", "hip", "shoulder", "mixed", "hardware", "frontal", "lateral", "oblique")


def read_fractures() -> BoxSet:
    """Read FracAtlas (Abedeen et al. 2023, doi 10.1038/s41597-023-02432-4): limbs, some with boxes round fractures."""
    rows, archive = open_labelled_zip("fracture_detection.zip")
    with archive:
        pictures = tuple(np.asarray(Picture.open(archive.open(row["file"])).convert("L")) for row in rows)
    boxes = tuple(np.array(json.loads(row["boxes_xywh"] or "[]"), np.float32).reshape(-1, 4) - CORNER for row in rows)
    return BoxSet(
        pictures=pictures,
        boxes=boxes,
        classes=tuple(np.zeros(len(of), np.intp) for of in boxes),
        groups=tuple(row["group"] for row in rows),
        splits=("",) * len(rows),
        facts=tuple(", ".join(part for part in PARTS if row[part] == "1") for row in rows),
    )


def read_component_boxes() -> BoxSet:
    """Return the boxes round the masks of the fluoroscopy set: femoral and tibial component."""
    masks = read_tka_fluoroscopy()
    boxes, classes = zip(*(_round(mask) for mask in masks.masks), strict=True)
    return BoxSet(
        pictures=masks.pictures,
        boxes=boxes,
        classes=classes,
        groups=masks.groups,
        splits=tuple(TRAIN if split == TUNING else split for split in masks.splits),
        facts=("",) * len(masks),
    )


def _round(mask: Grey) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the boxes round each class of a mask (H, W) but the background, and their classes from 0 on."""
    boxes, classes = [], []
    for value in range(1, int(mask.max()) + 1):
        rows, columns = np.nonzero(mask == value)
        if len(rows):
            (top, bottom), (left, right) = ((of.min(), of.max()) for of in (rows, columns))
            boxes.append([left - 0.5, top - 0.5, right - left + 1, bottom - top + 1])
            classes.append(value - 1)
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.intp)


BOX_SETS: Mapping[str, Callable[[], BoxSet]] = {"fracture": read_fractures, "tka-components": read_component_boxes}
"""The set of a card, by the card's id."""


def read_saved(path: Path) -> BoxSet:
    """Return what a user's own set keeps while it is learned from."""
    with np.load(path) as kept:
        n = len(kept["groups"])
        return BoxSet(
            pictures=tuple(kept[f"image-{i}"] for i in range(n)),
            boxes=tuple(kept[f"boxes-{i}"] for i in range(n)),
            classes=tuple(kept[f"classes-{i}"] for i in range(n)),
            groups=tuple(map(str, kept["groups"])),
            splits=("",) * n,
            facts=("",) * n,
        )


def read_box_set(card_id: str) -> BoxSet:
    """Read the set that a card was made from, or is being, where it is a user's own.

    Raises
    ------
    UnknownCard
        When the card has no such set.
    Unreachable
        When its zip is not in the data folder.
    """
    chosen = cards().get(card_id)
    if chosen is not None and locate_saved_set(chosen).is_file():
        return read_saved(locate_saved_set(chosen))
    if card_id not in BOX_SETS:
        raise UnknownCard(f"{card_id} has no set of boxes", fix=f"Sets exist for {', '.join(BOX_SETS)}.")
    return BOX_SETS[card_id]()
