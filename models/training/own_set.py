"""What a set of a user's own holds, whatever its kind: groups, near copies, leaks, sizes, and what cannot be read.

What may be one patient is kept together: groups come from a pattern of the file's name or a column of a table, and
pictures that are near copies of each other (difference hash, D. Maitra 2013, of 16 × 16 steps) are one group whatever
the pattern says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from models.errors import InputError
from models.io import read
from models.io.dicom_header import BURNED_IN
from models.io.identity.burned_in import has_text
from models.progress import Progress
from models.training.own_files import Files, find_groups
from models.types import Image, Pixels
from models.words import Later, later

STEPS = 16
"""Of the difference hash, each way: 256 bits."""
NEAR_BITS = 10
"""Two pictures whose hashes differ in no more bits are near copies."""
TOLD = 5
"""Pictures between two words about how far the look is."""
NAMED = 20
"""Pairs of near copies, and files that are left out, that are named one by one."""
UNGROUPED = later("No groups are given, so each picture is one: of patients with several the figures will be too good")
FOLDS = 5
"""Parts of the cross-validation by group."""
OTHER_FILES = frozenset(
    f".{ending}"
    for ending in "csv doc docx html json md pdf toml tsv txt xls xlsx xml yaml yml zip".split()  # noqa: SIM905
)
"""Beside pictures, and passed over without a word."""


@dataclass(frozen=True)
class Listed:
    """A picture of a set before it is read.

    Attributes
    ----------
    name
        Path below the folder.
    given
        Group that a table names; "" for none.
    """

    name: str
    given: str = ""


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a set that could be read, looked at together.

    Attributes
    ----------
    listed
        Those that can be read.
    said
        Group of each as its user says; its own name where nothing is known.
    groups
        The same, near copies joined.
    broken
        One sentence a file that cannot be used.
    copies
        Pairs of indices of near copies.
    shapes
        (rows, columns) of each as it is on disk.
    texted
        Names of the pictures that text is burned into, as their file says or as it looks.
    """

    listed: tuple[Listed, ...]
    said: tuple[str, ...]
    groups: tuple[str, ...]
    broken: tuple[Later, ...]
    copies: tuple[tuple[int, int], ...]
    shapes: tuple[tuple[int, int], ...]
    texted: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Paths below the folder."""
        return tuple(one.name for one in self.listed)

    @property
    def leaks(self) -> tuple[tuple[int, int], ...]:
        """Pairs of near copies in what the user said are two groups: they would have been learned and measured."""
        return tuple((i, j) for i, j in self.copies if self.said[i] != self.said[j])

    @property
    def grouped(self) -> bool:
        """Whether the user said what belongs together."""
        return self.said != self.names

    def regrouped(self, pattern: str | None) -> Pictures:
        """Return them in the groups that a pattern finds in their names; what a table says of a picture stands.

        Raises
        ------
        InputError
            When the pattern is none, or has no bracket, or several.
        """
        found = find_groups(self.names, pattern)
        said = tuple(one.given or group for one, group in zip(self.listed, found, strict=True))
        return replace(self, said=said, groups=join_groups(said, self.copies))


@dataclass(frozen=True, eq=False)
class Look(ABC):
    """What a set holds, said before anything is learned from it; each kind of task has one of its own."""

    pictures: Pictures

    @abstractmethod
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return pictures and groups of each label."""

    @abstractmethod
    def too_little(self) -> tuple[Later, ...]:
        """Say what is missing before anything could be learned and measured; empty where nothing is."""

    @abstractmethod
    def differ(self, i: int, j: int) -> Later | None:
        """Say how the labels of two near copies differ; None where they do not."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Keep what is learned from, without names, as arrays that `numpy.load` reads without pickles."""

    def regrouped(self, pattern: str | None) -> Self:
        """Return it with its pictures in other groups; raises as `Pictures.regrouped`."""
        return replace(self, pictures=self.pictures.regrouped(pattern))

    def sentences(self) -> Iterator[Later]:
        """Say what the set holds."""
        pictures, counts = self.pictures, self.counts()
        yield later(
            "{n} pictures of {labels} labels in {groups} groups",
            n=len(pictures.listed), labels=len(counts), groups=len(set(pictures.groups)),
        )  # fmt: skip
        for label, (n, groups) in sorted(counts.items()):
            yield later("  {label}: {n} in {groups} groups", label=label, n=n, groups=groups)
        yield from self.warnings()

    def warnings(self) -> Iterator[Later]:
        """Say what is to be known of the pictures beyond their number."""
        pictures = self.pictures
        if pictures.shapes:
            sides = np.sort([min(shape) for shape in pictures.shapes])
            low, high, half = (int(sides[at]) for at in (0, -1, len(sides) // 2))
            if low == high:
                yield later("Shorter sides {low} px", low=low)
            else:
                yield later(
                    "Shorter sides {low} to {high} px, half of them at most {half}", low=low, high=high, half=half
                )
        for sentence in pictures.broken[:NAMED]:
            yield later("Left out: {sentence}", sentence=sentence)
        if (more := len(pictures.broken) - NAMED) > 0:
            yield later("and {more} more files that cannot be used", more=more)
        yield from self._copies()
        if pictures.texted:
            yield later(
                "{n} pictures seem to have text burned in, {name} for one: look whether it names a patient",
                n=len(pictures.texted), name=pictures.texted[0],
            )  # fmt: skip
        if not pictures.grouped:
            yield UNGROUPED

    def _copies(self) -> Iterator[Later]:
        pictures = self.pictures
        for i, j in pictures.copies[:NAMED]:
            one, other = pictures.names[i], pictures.names[j]
            if (differ := self.differ(i, j)) is not None:
                yield later("Near copies, kept in one group: {one} and {other}, {differ}", one=one, other=other,
                            differ=differ)  # fmt: skip
            else:
                yield later("Near copies, kept in one group: {one} and {other}", one=one, other=other)
        if (more := len(pictures.copies) - NAMED) > 0:
            yield later("and {more} more pairs of near copies (of {bits} bits at most {near} differ)", more=more,
                        bits=STEPS * STEPS, near=NEAR_BITS)  # fmt: skip
        if pictures.grouped and pictures.leaks:
            n = len(pictures.leaks)
            yield later("{n} pairs of near copies lay in different groups; their groups are now one", n=n)


def say_too_few(counts: Mapping[str, tuple[int, int]], pictures: int, groups: int) -> Iterator[Later]:
    """Say of each label, by its pictures and groups, how many more it needs: first of pictures, then of groups."""
    for label, (n, of) in counts.items():
        if n < pictures:
            yield later("{label} needs {more} more pictures ({n} of {fewest})", label=label, more=pictures - n, n=n,
                        fewest=pictures)  # fmt: skip
        elif of < groups:
            yield later("{label} needs {more} more groups ({n} of {fewest})", label=label, more=groups - of, n=of,
                        fewest=groups)  # fmt: skip


Take = Callable[[int, Image], str | None]
"""Takes one picture of those listed, and says what is wrong with it; None where nothing is."""


def look_at_pictures(files: Files, listed: Sequence[Listed], take: Take, progress: Progress) -> Pictures:
    """Read every picture, one after another, and look at them together; what cannot be read is left out."""
    kept: list[Listed] = []
    hashes, shapes, texted = [], [], []
    broken = [_left_out(problem.file or "?", problem.problem) for problem in files.problems]
    there = frozenset(files.names)
    for i, one in enumerate(listed):
        if i % TOLD == 0:
            progress(later("Looking at the pictures: {i} of {n}", i=i, n=len(listed)), i / len(listed))
        try:
            if one.name not in there:
                broken.append(_left_out(one.name, later("cannot be opened")))
                continue
            image = read(files.open(one.name), PurePosixPath(one.name).name)
        except InputError as problem:
            broken.append(_left_out(one.name, problem.problem))
            continue
        if (wrong := take(i, image)) is not None:
            broken.append(_left_out(one.name, wrong))
            continue
        kept.append(one)
        shapes.append(image.shape)
        grey = image.grey(image.first_frame)
        hashes.append(compute_difference_hash(grey))
        if BURNED_IN in image.warnings or (not image.colour and has_text(grey)):
            texted.append(one.name)
    copies = find_near_copies(np.array(hashes, np.uint8).reshape(-1, STEPS * STEPS))
    said = tuple(one.given or one.name for one in kept)
    return Pictures(
        listed=tuple(kept),
        said=said,
        groups=join_groups(said, copies),
        broken=tuple(broken),
        copies=copies,
        shapes=tuple(shapes),
        texted=tuple(texted),
    )


def _left_out(name: str, problem: str) -> Later:
    return later("{name}: {problem}", name=name, problem=problem)


def compute_difference_hash(grey: Pixels) -> NDArray[np.uint8]:
    """Return 256 bits of a picture (H, W) in [0, 1]: whether it grows brighter from each part to the next."""
    small = Pillow.fromarray(grey.astype(np.float32)).resize((STEPS + 1, STEPS), Pillow.Resampling.BOX)
    bits: NDArray[np.uint8] = (np.diff(np.asarray(small), axis=1) > 0).astype(np.uint8).ravel()
    return bits


def find_near_copies(hashes: NDArray[np.uint8]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of pictures whose hashes (N, B) differ in a few bits only."""
    signs = hashes.astype(np.float32) * 2 - 1
    pairs = []
    for i in range(len(signs) - 1):
        apart = (signs.shape[1] - signs[i + 1 :] @ signs[i]) / 2
        pairs += [(i, i + 1 + int(j)) for j in np.flatnonzero(apart <= NEAR_BITS)]
    return tuple(pairs)


def join_groups(groups: Sequence[str], copies: Sequence[tuple[int, int]]) -> tuple[str, ...]:
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


def is_picture(name: str) -> bool:
    """Whether a name may be that of a picture: all but those of files that often lie beside pictures."""
    return PurePosixPath(name).suffix.lower() not in OTHER_FILES
