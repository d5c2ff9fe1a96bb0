"""A folder of pictures that a user brings: found, looked at, and read as a labelled set.

Labels are the names of the folders that the pictures lie in, or a column of a table. What may be one patient is kept
together: groups come from a pattern of the file's path or a column, and pictures that are near copies of each other
(difference hash, D. Maitra 2013, of 16 × 16 steps) are one group whatever the pattern says.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps
from pydantic import BaseModel, ConfigDict, ValidationError

from models.cards import Card
from models.errors import DamagedFile, InputError, Unreachable, why
from models.io import read
from models.io.text import split_table
from models.progress import Progress
from models.tasks.classification.labelled import LabelledSet
from models.types import Pixels

SUFFIX = ".set.json"
"""Of the file beside a card that says where its pictures are; a bundle does not hold it."""
STEPS = 16
"""Of the difference hash, each way: 256 bits."""
NEAR_BITS = 10
"""Two pictures whose hashes differ in no more bits are near copies."""
FEWEST_PICTURES, FEWEST_GROUPS = 10, 5
"""Of a label: with fewer no part of a cross-validation holds enough to say anything."""
TOLD = 50
"""Pictures between two words about how far the look is."""
OTHER_FILES = frozenset({".csv", ".json", ".md", ".pdf", ".toml", ".txt", ".xlsx", ".xml", ".zip"})
"""Beside pictures, and passed over without a word."""


class Source(BaseModel):
    """Where the pictures of a set are, and what says their labels and groups."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    table: Path | None = None
    """CSV file with the columns `file`, `label` and perhaps `group`; else folders are labels."""
    group: str | None = None
    """Regular expression of a file's path below the folder, whose first bracket is the group."""

    @classmethod
    def beside(cls, card: Card) -> Source | None:
        """Return the source of a card that a user trained here; None for any other.

        Raises
        ------
        DamagedFile
            When it is not of this form.
        """
        path = card.path.with_suffix(SUFFIX)
        if card.folder is None or not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise DamagedFile("is no source of pictures", fix="Train on the folder again.", file=path.name) from error


@dataclass(frozen=True, eq=False)
class Look:
    """What a folder holds.

    Attributes
    ----------
    names
        Paths below the folder of the pictures that can be read.
    pixels
        (N, side, side) uint8, each whole and padded with black.
    labels, groups
        Of each picture.
    broken
        One sentence a file that cannot be read.
    copies
        Pairs of indices of near copies.
    shapes
        (rows, columns) of each picture as it is on disk.
    grouped
        Whether the user said what belongs together.
    """

    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    broken: tuple[str, ...]
    copies: tuple[tuple[int, int], ...]
    shapes: tuple[tuple[int, int], ...]
    grouped: bool

    def labelled(self) -> LabelledSet:
        """Return it as a set without splits."""
        return LabelledSet(self.pixels, self.labels, self.groups, ("",) * len(self.labels))

    def too_little(self) -> tuple[str, ...]:
        """Say what is missing before anything could be learned and measured; empty where nothing is."""
        counts = Counter(self.labels)
        missing = [] if len(counts) > 1 else [f"there is {len(counts)} label, and two at least are needed"]
        for label, n in sorted(counts.items()):
            groups = len({group for group, of in zip(self.groups, self.labels, strict=True) if of == label})
            if n < FEWEST_PICTURES:
                missing.append(f"{label} needs {FEWEST_PICTURES - n} more pictures ({n} of {FEWEST_PICTURES})")
            elif groups < FEWEST_GROUPS:
                missing.append(f"{label} needs {FEWEST_GROUPS - groups} more groups ({groups} of {FEWEST_GROUPS})")
        return tuple(missing)


def look(source: Source, side: int, progress: Progress) -> Look:
    """Read every picture of a folder and look at them together.

    Parameters
    ----------
    side
        Pixels a side to which pictures are fitted.

    Raises
    ------
    Unreachable, DamagedFile
        When the folder or the table is not there, or not of its form.
    """
    listed = list(_listed(source))
    kept: list[tuple[str, str, str]] = []
    pixels, hashes, shapes, broken = [], [], [], []
    for i, (name, label, group) in enumerate(listed):
        try:
            grey = read(source.folder / name, Path(name).name).grey()
        except (InputError, OSError) as problem:
            broken.append(f"{name}: {problem.problem if isinstance(problem, InputError) else why(problem)}")
            continue
        kept.append((name, label, group))
        shapes.append((grey.shape[0], grey.shape[1]))
        picture = Pillow.fromarray((grey * 255).round().astype(np.uint8))
        pixels.append(np.asarray(ImageOps.pad(picture, (side, side))))
        hashes.append(difference_hash(grey))
        if (i + 1) % TOLD == 0:
            progress(f"looking at the pictures: {i + 1} of {len(listed)}", (i + 1) / len(listed))
    copies = near_copies(np.array(hashes, np.uint8).reshape(-1, STEPS * STEPS))
    names, labels, groups = zip(*kept, strict=True) if kept else ((), (), ())
    return Look(
        names=names,
        pixels=np.array(pixels, np.uint8).reshape(-1, side, side),
        labels=labels,
        groups=joined(groups, copies),
        broken=tuple(broken),
        copies=copies,
        shapes=tuple(shapes),
        grouped=any(group != name for name, _, group in kept),
    )


def difference_hash(grey: Pixels) -> NDArray[np.uint8]:
    """Return 256 bits of a picture (H, W) in [0, 1]: whether it grows brighter from each part to the next."""
    small = Pillow.fromarray(grey.astype(np.float32)).resize((STEPS + 1, STEPS), Pillow.Resampling.BOX)
    bits: NDArray[np.uint8] = (np.diff(np.asarray(small), axis=1) > 0).astype(np.uint8).ravel()
    return bits


def near_copies(hashes: NDArray[np.uint8]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of pictures whose hashes (N, B) differ in a few bits only."""
    signs = hashes.astype(np.float32) * 2 - 1
    pairs = []
    for i in range(len(signs) - 1):
        apart = (signs.shape[1] - signs[i + 1 :] @ signs[i]) / 2
        pairs += [(i, i + 1 + int(j)) for j in np.flatnonzero(apart <= NEAR_BITS)]
    return tuple(pairs)


def joined(groups: Sequence[str], copies: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Return the groups, those that share near copies as one."""
    into: dict[str, str] = {}

    def end(group: str) -> str:
        while group in into:
            group = into[group]
        return group

    for one, other in copies:
        first, second = sorted((end(groups[one]), end(groups[other])))
        if first != second:
            into[second] = first
    return tuple(end(group) for group in groups)


def _listed(source: Source) -> Iterator[tuple[str, str, str]]:
    """Yield path below the folder, label and group of each file."""
    pattern = _compiled(source.group)
    if source.table is not None:
        for row in _rows(source.table):
            yield row["file"], row["label"], row.get("group") or _group(pattern, row["file"])
        return
    if not source.folder.is_dir():
        raise Unreachable("is no folder", fix="Name the folder whose folders are the labels.", file=source.folder.name)
    for path in sorted(source.folder.glob("*/**/*")):
        below = path.relative_to(source.folder)
        hidden = any(part.startswith(".") for part in below.parts)
        if path.is_file() and not hidden and path.suffix.lower() not in OTHER_FILES:
            yield below.as_posix(), below.parts[0], _group(pattern, below.as_posix())


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    fix = r"One bracket is the patient, as in '(\d+)_' for 0012_left.png."
    try:
        found = re.compile(pattern) if pattern else None
    except re.error as error:
        raise DamagedFile(f"the pattern of groups is none ({error})", fix=fix) from error
    if found is not None and found.groups != 1:
        raise DamagedFile("the pattern of groups has no bracket, or several", fix=fix)
    return found


def _group(pattern: re.Pattern[str] | None, name: str) -> str:
    found = pattern.search(name) if pattern else None
    return found[1] if found and found[1] else name


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        heading, *lines = split_table(table.read_text("utf-8-sig")) or [[]]
    except OSError as error:
        raise Unreachable(f"cannot be read: {why(error)}", fix="Check its path.", file=table.name) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedFile("is no CSV file in UTF-8", fix="Save it as CSV with UTF-8.", file=table.name) from error
    rows = [dict(zip_longest(heading, line[: len(heading)], fillvalue="")) for line in lines]
    if not rows or not {"file", "label"} <= rows[0].keys():
        raise DamagedFile("has no columns file and label", fix="Give it those, and perhaps group.", file=table.name)
    bad = next((i for i, row in enumerate(rows, 2) if not row["file"] or not row["label"]), None)
    if bad is not None:
        raise DamagedFile(f"line {bad} has no file or no label", fix="Fill it, or take the line out.", file=table.name)
    return rows
