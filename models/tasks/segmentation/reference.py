"""A reader's own reference beside an answer: read from files, compared by class, and shown as the Jaccard picture.

A reference standard comes as a PNG label map (each pixel the index of its class), as any number of binary masks (named
by class, or one an object), or as a DICOM SEG.

References: P. Jaccard, Bull Soc Vaudoise Sci Nat 37:547, 1901; L. R. Dice, Ecology 26:297, 1945; N. Kumar et al., A
dataset and a technique for generalized nuclear segmentation, IEEE TMI 36:1550, 2017 (aggregated Jaccard index).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.errors import InputError, TooLarge
from models.io.label_map import read_label_map
from models.types import Pixels
from models.words import later

MOST_FILES = 1000
PINK, GREEN = (255, 64, 160), (0, 200, 83)
"""What was missed, and what was invented."""


@dataclass(frozen=True, eq=False)
class ReferenceMask:
    """What a reader says.

    Attributes
    ----------
    mask
        (H, W) index into the labels it was read for.
    given
        Indices of the classes that the files speak of; the others cannot be judged.
    instances
        (H, W) number of the object, 0 for none; None where objects are not told apart.
    warnings
        What had to be assumed.
    """

    mask: NDArray[np.uint8]
    given: tuple[int, ...]
    instances: NDArray[np.int32] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """How an answer agrees with a reference standard on one class; a figure that is undefined is None.

    Attributes
    ----------
    key
        Of the class.
    jaccard, dice, precision, recall
        In [0, 1], over the pixels of the class.
    hausdorff95
        The larger of the 95th percentiles of the distances from each outline to the other.
    unit
        Of that distance: "mm", or "px" where the image is not calibrated.
    """

    key: str
    jaccard: float | None
    dice: float | None
    precision: float | None
    recall: float | None
    hausdorff95: float | None
    unit: str


def read_reference_mask(
    files: Sequence[tuple[str, bytes]], labels: Sequence[str], shape: tuple[int, int]
) -> ReferenceMask:
    """Read a reference standard for an image of this shape.

    Parameters
    ----------
    files
        (name, content) of each. One file is a label map, a binary mask or a DICOM SEG; several are binary masks, whose
        names hold the key of a class ("bone.png"), or which are one object each where there is only one class.
    labels
        Keys of the classes, background first.

    Raises
    ------
    InputError
        When a file is no mask, has another shape, or names no class; the message says which, and what to do.
    """
    if len(files) > MOST_FILES:
        problem = later(
            "{count} files are more than the {most} masks that are read at a time", count=len(files), most=MOST_FILES
        )
        raise TooLarge(problem, fix=later("Save all objects in one map, each with its own number."))
    if not files:
        raise InputError(
            later("there is no reference standard"), fix=later("Choose a label map, binary masks or a DICOM SEG.")
        )
    if len(files) == 1 and files[0][1][128:132] == b"DICM":
        return _of_seg(*files[0], labels, shape)
    read = [(name, *_read_map(name, data, shape)) for name, data in files]
    maps = [(name, values) for name, values, _ in read]
    single = len(maps) == 1 and not _binary(maps[0][1])
    found = _of_map(*maps[0], labels) if single else _of_masks(maps, labels)
    blurred = tuple(
        later(
            "{name} was compressed with losses: its values were cut at the half, and its edges are uncertain.",
            name=name,
        )
        for name, _, lossy in read
        if lossy
    )
    return replace(found, warnings=blurred)


def _read_map(name: str, data: bytes, shape: tuple[int, int]) -> tuple[NDArray[np.int64], bool]:
    """Whole numbers (H, W) of one picture, and whether it is a mask that compression blurred."""
    values, size, lossy = read_label_map(data, name, shape)
    if values is None:
        _same_shape(name, size, shape)
    assert values is not None  # else refused
    return values, lossy


def _same_shape(name: str, found: tuple[int, ...], shape: tuple[int, int]) -> None:
    if found != shape:
        raise InputError(
            later(
                "has {found} pixels and the image {wanted}",
                found=f"{found[0]} × {found[1]}",
                wanted=f"{shape[0]} × {shape[1]}",
            ),
            fix=later("A reference standard needs the pixels of its image."),
            file=name,
        )


def _binary(values: NDArray[np.int64]) -> bool:
    """Whether there is nothing but zero and one other value, which is no class of a label map by itself."""
    found = np.unique(values)
    return len(found) <= 2 and (found[0] == 0 or len(found) == 1) and found[-1] in (0, 1, 255, 65535)


def _of_seg(name: str, data: bytes, labels: Sequence[str], shape: tuple[int, int]) -> ReferenceMask:
    """Classes of a DICOM SEG by the labels of its segments."""
    from models.tasks.segmentation.seg import read_seg

    values, found = read_seg(data)
    _same_shape(name, values.shape, shape)
    table, given = np.zeros(256, np.uint8), []
    for index, label in enumerate(found):
        matching = _named(label, labels)
        if matching is None and index and len(labels) == 2:
            matching = 1
        if matching:
            table[index] = matching
            given.append(matching)
    if not given:
        raise InputError(
            later("has no segment named like a class"),
            fix=later("Name its segments {labels}.", labels=", ".join(labels[1:])),
            file=name,
        )
    return ReferenceMask(table[values], tuple(sorted(set(given))))


def _of_map(name: str, values: NDArray[np.int64], labels: Sequence[str]) -> ReferenceMask:
    """Read a label map; where there is only one class, larger numbers are objects of it."""
    if values.max() < len(labels) and values.min() >= 0:
        return ReferenceMask(values.astype(np.uint8), tuple(range(1, len(labels))))
    if len(labels) == 2 and values.min() >= 0:
        return ReferenceMask((values > 0).astype(np.uint8), (1,), _numbered(values))
    raise InputError(
        later("holds the value {value}, and there are only {count} classes", value=values.max(), count=len(labels)),
        fix=later("A label map holds 0 to {last}: {labels}.", last=len(labels) - 1, labels=", ".join(labels)),
        file=name,
    )


def _numbered(values: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.int32]:
    """Objects numbered from 1 without gaps."""
    return np.unique(values, return_inverse=True)[1].reshape(values.shape).astype(np.int32) + int(values.min() > 0)


def _of_masks(maps: Sequence[tuple[str, NDArray[np.int64]]], labels: Sequence[str]) -> ReferenceMask:
    """Binary masks: by class where their names say so, else one object each of the only class."""
    named = [_named(name.rpartition(".")[0] or name, labels) for name, _ in maps]
    mask = np.zeros(maps[0][1].shape, np.uint8)
    if len(labels) == 2 and not all(named):
        instances = np.zeros(mask.shape, np.int32)
        for number, (_, values) in enumerate(maps, start=1):
            instances[values > 0] = number
        mask[instances > 0] = 1
        return ReferenceMask(mask, (1,), instances if len(maps) > 1 else None)
    for (name, values), index in zip(maps, named, strict=True):
        if not index:
            raise InputError(
                later("does not say which class it is"),
                fix=later("Name it after one: {labels}.", labels=", ".join(labels[1:])),
                file=name,
            )
        mask[values > 0] = index
    return ReferenceMask(mask, tuple(sorted({index for index in named if index})))


def _named(name: str, labels: Sequence[str]) -> int | None:
    """Index of the class whose key a name holds, the longest that fits; None for none."""

    def plain(text: str) -> str:
        return "".join(letter if letter.isalnum() else " " for letter in text.lower())

    fitting = [i for i, key in enumerate(labels) if i and f" {plain(key)} " in f" {plain(name)} "]
    return max(fitting, key=lambda i: len(labels[i]), default=None)


def compare_with_reference_mask(
    mask: NDArray[np.uint8],
    reference: ReferenceMask,
    labels: Sequence[str],
    spacing_mm: tuple[float, float] | None = None,
) -> tuple[Agreement, ...]:
    """Compare an answer (H, W) with a reference standard, for each class that it speaks of."""
    return tuple(
        compare_class_masks(labels[index], mask == index, reference.mask == index, spacing_mm)
        for index in reference.given
    )


def compare_class_masks(
    key: str, found: NDArray[np.bool_], true: NDArray[np.bool_], spacing_mm: tuple[float, float] | None = None
) -> Agreement:
    """Compare one class."""
    both, mine, theirs = (int(np.count_nonzero(area)) for area in (found & true, found, true))

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return Agreement(
        key=key,
        jaccard=share(both, mine + theirs - both),
        dice=share(2 * both, mine + theirs),
        precision=share(both, mine),
        recall=share(both, theirs),
        hausdorff95=compute_hausdorff95(found, true, spacing_mm or (1.0, 1.0)) if mine and theirs else None,
        unit="mm" if spacing_mm else "px",
    )


def compute_hausdorff95(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """Return the larger of the 95th percentiles of the distances between two outlines, in units of `spacing`."""
    place = ndimage.find_objects((a | b).astype(np.uint8))[0]
    outlines = [area & ~ndimage.binary_erosion(area) for area in (np.pad(a[place], 1), np.pad(b[place], 1))]
    far = [ndimage.distance_transform_edt(~outline, sampling=spacing) for outline in outlines]
    return float(max(np.percentile(far[1][outlines[0]], 95), np.percentile(far[0][outlines[1]], 95)))


def draw_jaccard_picture(
    shown: Pixels, found: NDArray[np.bool_], true: NDArray[np.bool_], opacity: float = 0.6
) -> NDArray[np.uint8]:
    """Lay the disagreement over a picture: pink where tissue was missed, green where it was invented.

    True positives and everything else keep the picture's own colour.

    Parameters
    ----------
    shown
        (H, W) or (H, W, 3) in [0, 1].
    found, true
        (H, W) the class in the answer and in the reference standard.

    Returns
    -------
    ndarray
        (H, W, 3) bytes.
    """
    colour = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, -1)
    picture = np.clip(colour, 0, 1) * np.float32(255)
    for where, tint in ((true & ~found, PINK), (found & ~true, GREEN)):
        picture[where] += np.float32(opacity) * (np.array(tint, np.float32) - picture[where])
    return np.asarray(picture + np.float32(0.5), np.uint8)


def compute_aggregated_jaccard(found: NDArray[np.int32], true: NDArray[np.int32]) -> float | None:
    """Return the aggregated Jaccard index of two maps (H, W) of numbered objects; None where neither has one.

    Each true object is matched with the found one of the largest Jaccard index; intersections and unions are summed,
    and found objects that match nothing are added to the unions.
    """
    found, true = _numbered(found), _numbered(true)
    columns = int(found.max()) + 1
    table = np.bincount((true.astype(np.int64) * columns + found).ravel(), minlength=(int(true.max()) + 1) * columns)
    table = table.reshape(-1, columns)  # (true + 1, found + 1) pixels in common
    mine, theirs = table.sum(0), table.sum(1)
    if len(mine) == 1 and len(theirs) == 1:
        return None
    if len(mine) == 1 or len(theirs) == 1:
        return 0.0
    common = table[1:, 1:]
    union = theirs[1:, None] + mine[None, 1:] - common
    best = (common / union).argmax(1)
    rows = np.arange(len(common))
    matched = common[rows, best] > 0
    unused = np.setdiff1d(np.arange(len(mine) - 1), best[matched])
    whole = np.where(matched, union[rows, best], theirs[1:]).sum() + mine[1:][unused].sum()
    return float(common[rows, best][matched].sum() / whole)
