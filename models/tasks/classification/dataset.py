"""The sets that the classifiers are made from: two public ones, and a simulated one.

A public set is read straight from its zip (`settings().data_dir`). Groups keep what may be one patient together: every
split and every bootstrap goes by group, never by picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageOps

from models.cards import cards
from models.errors import UnknownCard
from models.nets.frame import find_exposed_part
from models.tasks.classification import own
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.stifle_set import equine_stifle
from models.training.own_files import Source
from models.training.public_set import open_labelled_zip
from models.training.runs import locate_saved_set


def read_shoulder_implants() -> LabelledSet:
    """Read UCI 517. A group is a run of consecutive numbers of one maker, since neighbours can be one patient.

    The runs of Depuy.12 and Zimmer.8, which look like one patient under two labels, are one group too.
    """
    rows, pixels = _read("shoulder_implants.zip", (250, 250), trim=True)
    numbers = [int(row["file"].split(".")[-2]) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: (rows[i]["manufacturer"], numbers[i]))
    groups = [""] * len(rows)
    for (maker, start), run in groupby(
        enumerate(order), key=lambda pair: (rows[pair[1]]["manufacturer"], numbers[pair[1]] - pair[0])
    ):
        for _, i in run:
            groups[i] = f"{maker} run {start}"
    twins = {groups[i] for i, row in enumerate(rows) if row["file"].endswith(("Depuy.12.jpg", "Zimmer.8.jpg"))}
    return LabelledSet(
        pixels=pixels,
        labels=tuple(row["manufacturer"] for row in rows),
        groups=tuple("twins" if group in twins else group for group in groups),
        splits=("",) * len(rows),
    )


def read_knee_kl() -> LabelledSet:
    """Read Chen's Kellgren-Lawrence set with its published splits by patient."""
    rows, pixels = _read("knee_kl.zip", (224, 224))
    return LabelledSet(
        pixels=pixels,
        labels=tuple(row["kl_grade"] for row in rows),
        groups=tuple(row["patient"] for row in rows),
        splits=tuple(row["split"] for row in rows),
        subgroups={"side": tuple(row["side"] for row in rows)},
    )


PUBLIC: Mapping[str, Callable[[], LabelledSet]] = {"shoulder-implants": read_shoulder_implants, "knee-kl": read_knee_kl}
"""The labelled set of a card that was made from public pictures, by the card's id."""
SETS: Mapping[str, Callable[[], LabelledSet]] = {**PUBLIC, "equine-stifle": equine_stifle}
"""The labelled set of a card, by the card's id."""


def read_labelled_set(card_id: str) -> LabelledSet:
    """Read the set that a card was made from: one of the program's, or the pictures of a user's own.

    Raises
    ------
    UnknownCard
        When the card has no labelled set.
    Unreachable
        When its zip is not in the data folder.
    """
    if card_id in SETS:
        return SETS[card_id]()
    chosen = cards().get(card_id)
    if chosen is not None and locate_saved_set(chosen).is_file():
        return own.read_saved(locate_saved_set(chosen))
    source = Source.beside(chosen) if chosen else None
    if chosen is None or source is None:
        raise UnknownCard(f"{card_id} has no labelled set", fix=f"Sets exist for {', '.join(SETS)}.")
    return own.look(source.files(), lambda *_: None, chosen.input.size[0]).regrouped(source.group).labelled()


def _read(name: str, size: tuple[int, int], trim: bool = False) -> tuple[list[dict[str, str]], NDArray[np.uint8]]:
    """Read labels and pictures of a zip, each scaled to fit into (rows, columns), without black borders where asked."""
    rows, archive = open_labelled_zip(name)
    with archive:
        pixels = np.empty((len(rows), *size), np.uint8)
        for i, row in enumerate(rows):
            picture = Picture.open(archive.open(row["file"])).convert("L")
            if trim:
                top, left, height, width = find_exposed_part(np.asarray(picture, np.float32) / np.float32(255))
                picture = picture.crop((left, top, left + width, top + height))
            pixels[i] = np.asarray(ImageOps.pad(picture, size[::-1]))
    return rows, pixels
