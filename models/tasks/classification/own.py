"""A classifier of a user's own: a label a picture, from folders or a table, and the recipe that fits so many.

Labels are the names of the folders that the pictures lie in, or a column of a table.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from models.cards import Card, Label
from models.cards.tables import Input, Net
from models.errors import DamagedFile
from models.io.text import split_table
from models.progress import Progress
from models.tasks.classification.labelled import LabelledSet
from models.training.own_files import Files, list_tables, name_by_last_part
from models.training.own_set import Listed, Look, is_picture, look_at_pictures, say_too_few
from models.types import Image
from models.words import Later, later

SIDE = 224
"""Pixels a side of a picture as the network is shown it."""
FEWEST_PICTURES, FEWEST_GROUPS = 10, 5
"""Of a label: with fewer no part of a cross-validation holds enough to say anything."""
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 400, 12, 40
"""Steps of training, and the epochs that they may come to: few pictures are shown more often."""
FEW = 150
"""Pictures below which the head starts as a probe, and all is tuned gently and not long."""
QUICK = {"epochs": 5, "views": 4, "view_size": [128, 128], "probe": True}
"""What a quick trial changes in the recipe."""
KNOWS_IMAGENET = True
COLUMNS = later("Give it those, and perhaps group.")


@dataclass(frozen=True, eq=False)
class LabelledLook(Look):
    """Pictures with a label each.

    Attributes
    ----------
    pixels
        (N, side, side) uint8, each whole and padded with black.
    labels
        Of each picture.
    """

    pixels: NDArray[np.uint8]
    labels: tuple[str, ...]

    def labelled(self) -> LabelledSet:
        """Return it as a set without splits."""
        return LabelledSet(self.pixels, self.labels, self.pictures.groups, ("",) * len(self.labels))

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return pictures and groups of each label."""
        groups: dict[str, set[str]] = defaultdict(set)
        for label, group in zip(self.labels, self.pictures.groups, strict=True):
            groups[label].add(group)
        return {label: (n, len(groups[label])) for label, n in sorted(Counter(self.labels).items())}

    def too_little(self) -> tuple[Later, ...]:
        """Say what is missing before anything could be learned and measured; empty where nothing is."""
        counts = self.counts()
        few = tuple(say_too_few(counts, FEWEST_PICTURES, FEWEST_GROUPS))
        if len(counts) < 2:
            return (later("there is {n} label, and two at least are needed", n=len(counts)), *few)
        return few

    def differ(self, i: int, j: int) -> Later | None:
        """Say how the labels of two near copies differ."""
        if self.labels[i] == self.labels[j]:
            return None
        return later("which are labelled {one} and {other}", one=self.labels[i], other=self.labels[j])

    def save(self, path: Path) -> None:
        """Keep pixels, labels and numbers of groups."""
        numbers = np.unique(self.pictures.groups, return_inverse=True)[1]
        np.savez(path, pixels=self.pixels, labels=np.array(self.labels), groups=numbers)


def read_saved(path: Path) -> LabelledSet:
    """Return what `LabelledLook.save` kept."""
    with np.load(path) as kept:
        labels = tuple(kept["labels"].tolist())
        return LabelledSet(kept["pixels"], labels, tuple(map(str, kept["groups"])), ("",) * len(labels))


def look(files: Files, progress: Progress, side: int = SIDE) -> LabelledLook:
    """Read every picture of a user's files with its label, and look at them together.

    Parameters
    ----------
    side
        Pixels a side to which pictures are fitted.

    Raises
    ------
    InputError, Unreachable
        When the table or the pattern of groups is not of its form.
    """
    listed, labels = _list_labelled(files)
    pixels: list[NDArray[np.uint8]] = []
    kept: list[str] = []

    def take(i: int, image: Image) -> None:
        picture = Pillow.fromarray((image.grey(image.first_frame) * 255).round().astype(np.uint8))
        pixels.append(np.asarray(ImageOps.pad(picture, (side, side))))
        kept.append(labels[i])

    pictures = look_at_pictures(files, listed, take, progress)
    return LabelledLook(pictures, np.array(pixels, np.uint8).reshape(-1, side, side), tuple(kept))


def describe_card(seen: LabelledLook, quick: bool) -> dict[str, object]:
    """Return the fields of a card that hang on what it learns."""
    keys = sorted(set(seen.labels))
    return {
        "summary": f"Tells apart {', '.join(keys)}. Trained by its user on pictures of their own.",
        "labels": tuple(Label(key=key, name=key) for key in keys),
        "input": Input(size=(SIDE, SIDE)),
        "net": Net(name="mobilenet_v2"),
        "training": write_recipe(len(seen.labels)) | (QUICK if quick else {}),
    }


def write_recipe(n: int) -> dict[str, object]:
    """Return the recipe for so many pictures: the fewer, the smaller the batches and the more epochs."""
    batch = 32 if n >= 300 else 16 if n >= 100 else 8
    epochs = min(max(STEPS * batch // n, FEWEST_EPOCHS), MOST_EPOCHS)
    recipe: dict[str, object] = {
        "epochs": epochs, "batch": batch, "view_size": [192, 192], "mixup": 0.2, "learning_rate": 7e-4,
        "augmentation": {"rotation_deg": 10.0, "scale": 0.1, "shift": 0.05},
    }  # fmt: skip
    gentle = {"probe": True, "epochs": FEWEST_EPOCHS, "learning_rate": 2e-4, "head_rate": 1.0}
    return recipe | gentle if n < FEW else recipe


def may_start_from(card: Card) -> bool:
    """Whether a card's trunk can be the start of another."""
    return bool(card.members) and card.net.name == "mobilenet_v2"


def measure_curve(card_id: str, progress: Progress) -> None:
    """Measure how accuracy grows with the number of pictures."""
    from models.tasks.classification.own_curve import measure_own_curve  # which reads the set by this module

    measure_own_curve(card_id, progress)


def _list_labelled(files: Files) -> tuple[list[Listed], list[str]]:
    """Return each picture with its group, and its label."""
    table = _find_table(files)
    if table is not None:
        rows = _read_rows(*table)
        by_name = name_by_last_part(files)
        names = [by_name.get(row["file"].replace("\\", "/"), row["file"]) for row in rows]
        labels, given = [row["label"] for row in rows], [row.get("group", "") for row in rows]
    else:
        names = [name for name in files.names if "/" in name and is_picture(name)]
        labels, given = [name.split("/")[0] for name in names], [""] * len(names)
    return [Listed(name, group) for name, group in zip(names, given, strict=True)], labels


def _find_table(files: Files) -> tuple[str, str] | None:
    """Return the table of labels: one that was given, whatever it holds, else the only one that has the columns."""
    if files.table is not None:
        return files.table
    tables = [one for one in list_tables(files) if {"file", "label"} <= set(_split(*one)[0])]
    return tables[0] if len(tables) == 1 else None


def _split(name: str, text: str) -> Sequence[list[str]]:
    try:
        return split_table(text) or [[]]
    except csv.Error as error:
        raise DamagedFile(later("is no CSV file"), fix=later("Save it as CSV with UTF-8."), file=name) from error


def _read_rows(name: str, text: str) -> list[dict[str, str]]:
    heading, *lines = _split(name, text)
    rows = [dict(zip_longest(heading, line[: len(heading)], fillvalue="")) for line in lines]
    if not rows or not {"file", "label"} <= rows[0].keys():
        raise DamagedFile(later("has no columns file and label"), fix=COLUMNS, file=name)
    bad = next((i for i, row in enumerate(rows, 2) if not row["file"] or not row["label"]), None)
    if bad is not None:
        fix = later("Fill it, or take the line out.")
        raise DamagedFile(later("line {bad} has no file or no label", bad=bad), fix=fix, file=name)
    return rows
