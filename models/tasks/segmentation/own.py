"""A segmenter of a user's own: pictures, and masks of the same names, and the recipe that fits so few.

A mask holds the number of each pixel's class, 0 for the background; or, where there are more numbers than classes can
be, the number of its object. Coloured pictures are tissue: tiles slide over them at their own scale. Grey ones are seen
whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from models.cards import Card, Label
from models.cards.tables import Input, Net
from models.errors import DamagedFile, InputError
from models.io.label_map import read_label_map
from models.progress import Progress
from models.tasks.segmentation.dataset import DenseSet
from models.training.own_files import Files, content_of
from models.training.own_set import Listed, Look, is_picture, look_at_pictures, say_too_few
from models.types import Image
from models.words import Later, later

FOLDERS = frozenset({"mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentations"})
"""Names of the folder that holds the masks."""
ENDINGS = ("_mask", "-mask", "_label", "_labels", "_seg", "_segmentation")
"""Of the name of a mask, beyond that of its picture."""
NAMES = ("classes.txt", "labels.txt", "names.txt")
"""Files that name the classes from 1 on, one a line."""
MOST_CLASSES = 12
"""Different numbers of classes; where masks hold more, they number objects."""
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#8C564B", "#7F7F7F", "#BCBD22",
    "#17BECF", "#9467BD",
)  # fmt: skip
"""Of classes, told apart by colour-blind readers as far as so many can be (Okabe and Ito)."""
FEWEST_PICTURES, FEWEST_GROUPS = 15, 5
TILE, SIDE = 512, 320
"""Pixels a side of a tile, and of a grey picture as the network is shown it."""
STEPS = 160
QUICK = {"steps": 12, "batch": 4, "view_size": [128, 128]}
"""What a quick trial changes in the recipe."""
KNOWS_IMAGENET = True


@dataclass(frozen=True, eq=False)
class DenseLook(Look):
    """Pictures with a class for every pixel.

    Attributes
    ----------
    grey, masks
        (H, W) or (H, W, 3) uint8, and (H, W) int32 as the files have them, of each picture.
    classes
        The numbers that stand in the masks, in rising order, without 0.
    named
        Names that a file gives the classes from 1 on.
    """

    images: tuple[NDArray[np.uint8], ...]
    masks: tuple[NDArray[np.int32], ...]
    classes: tuple[int, ...]
    named: tuple[str, ...] = ()

    @property
    def numbered(self) -> bool:
        """Whether masks number objects of one class."""
        return len(self.classes) > MOST_CLASSES

    @property
    def colour(self) -> bool:
        """Whether any picture has colours."""
        return any(image.ndim == 3 for image in self.images)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the classes after the background."""
        if self.numbered:
            return self.named[:1] or ("object",)
        if self.classes and len(self.named) >= len(self.classes):
            return self.named[: len(self.classes)]
        return ("object",) if len(self.classes) == 1 else tuple(f"class {value}" for value in self.classes)

    def indices(self, i: int) -> NDArray[np.uint8]:
        """Return the (H, W) index into the card's labels of a picture."""
        if self.numbered:
            return (self.masks[i] > 0).astype(np.uint8)
        return np.searchsorted((0, *self.classes), self.masks[i]).astype(np.uint8)

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return the pictures, and the groups, that show each class."""
        found = {}
        for index, key in enumerate(self.keys, 1):
            shows = [i for i in range(len(self.images)) if (self.indices(i) == index).any()]
            found[key] = (len(shows), len({self.pictures.groups[i] for i in shows}))
        return found

    def too_little(self) -> tuple[Later, ...]:
        """Say what is missing before anything could be learned and measured; empty where nothing is."""
        if not self.classes:
            return (later("no mask holds anything but background"),)
        return tuple(say_too_few(self.counts(), FEWEST_PICTURES, FEWEST_GROUPS))

    def differ(self, i: int, j: int) -> Later | None:
        """Say nothing: masks of two cuts of one picture differ."""
        return None

    def save(self, path: Path) -> None:
        """Keep pictures, indices of classes, numbers of objects where there are, and numbers of groups."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for i, image in enumerate(self.images):
            arrays |= {f"image-{i}": image, f"mask-{i}": self.indices(i)}
            if self.numbered:
                arrays[f"objects-{i}"] = self.masks[i]
        arrays["groups"] = np.unique(self.pictures.groups, return_inverse=True)[1]
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # its stub takes no mapping


def read_saved(path: Path) -> DenseSet:
    """Return what `DenseLook.save` kept."""
    with np.load(path) as kept:
        n = len(kept["groups"])
        return DenseSet(
            pictures=tuple(kept[f"image-{i}"] for i in range(n)),
            masks=tuple(kept[f"mask-{i}"] for i in range(n)),
            groups=tuple(map(str, kept["groups"])),
            splits=("",) * n,
            instances=tuple(kept[f"objects-{i}"] for i in range(n)) if "objects-0" in kept else (),
        )


def look(files: Files, progress: Progress) -> DenseLook:
    """Read every picture of a user's files that has a mask, and look at them together.

    Raises
    ------
    InputError
        When there is no folder of masks.
    """
    pairs = _pair(files.names)
    images: list[NDArray[np.uint8]] = []
    masks: list[NDArray[np.int32]] = []
    listed = [Listed(name) for name in pairs]

    def take(i: int, image: Image) -> str | None:
        name = pairs[listed[i].name]
        if name is None:
            return later("there is no mask of its name")
        try:
            values = read_label_map(content_of(files.open(name)), PurePosixPath(name).name, image.shape)[0]
        except InputError as problem:
            return later("its mask {problem}", problem=problem.problem)
        if values is None:
            return later("its mask is of another size")
        if values.min() < 0 or values.max() >= 2**31:
            return later("its mask holds numbers that are none of a class")
        shown = image.shown(image.first_frame) if image.colour else image.grey(image.first_frame)
        images.append((shown * 255).round().astype(np.uint8))
        masks.append(values.astype(np.int32))
        return None

    pictures = look_at_pictures(files, listed, take, progress)
    if any(image.ndim == 3 for image in images):
        images = [image if image.ndim == 3 else np.repeat(image[..., None], 3, 2) for image in images]
    classes = sorted({int(value) for mask in masks for value in np.unique(mask)} - {0})
    return DenseLook(pictures, tuple(images), tuple(masks), tuple(classes), _names(files))


def describe_card(seen: DenseLook, quick: bool) -> dict[str, object]:
    """Return the fields of a card that hang on what it learns."""
    classes = [Label(key=key, name=key, colour=COLOURS[i]) for i, key in enumerate(seen.keys)]
    side = TILE if seen.colour else SIDE
    training: dict[str, object] = {
        "steps": STEPS, "batch": 8, "view_size": [192, 192], "frozen": "stage2", "learning_rate": 4e-3, "average": 0.95,
    }  # fmt: skip
    return {
        "summary": f"Segments {', '.join(seen.keys)}. Trained by its user on pictures of their own.",
        "labels": (Label(key="background", name="Background"), *classes),
        "instances": seen.numbered,
        "input": Input(size=(side, side), channels="rgb" if seen.colour else "grey", tiled=seen.colour),
        "net": Net(name="unet_mobilenet_v2", stage="up4", dropout=0.0),
        "training": training | (QUICK if quick else {}),
    }


def may_start_from(card: Card) -> bool:
    """Whether a card's trunk can be the start of another."""
    return bool(card.members) and card.net.name == "unet_mobilenet_v2"


def measure_curve(card_id: str, progress: Progress) -> None:
    """Measure nothing: a curve would take as many trainings as the measurement itself."""


def _pair(names: Sequence[str]) -> dict[str, str | None]:
    """Return the mask of each picture, None where there is none: of the same path below the folder of masks.

    Raises
    ------
    DamagedFile
        When there is no folder of masks.
    """
    masks = [name for name in names if set(map(str.lower, name.split("/")[:-1])) & FOLDERS and is_picture(name)]
    if not masks:
        fix = later("Put the pictures into a folder `images`, and masks of the same names beside it into `masks`.")
        raise DamagedFile(later("there is no folder of masks"), fix=fix)
    by_stem: dict[str, list[str]] = {}
    for name in masks:
        by_stem.setdefault(_stem(name), []).append(name)
    rest = [name for name in names if name not in set(masks) and is_picture(name)]
    twice = Counter(map(_stem, rest))
    return {
        name: by_stem[_stem(name)][0] if twice[_stem(name)] == 1 and len(by_stem.get(_stem(name), ())) == 1 else None
        for name in rest
    }


def _stem(name: str) -> str:
    stem = PurePosixPath(name).stem
    ending = next((one for one in ENDINGS if stem.lower().endswith(one)), "")
    return stem[: len(stem) - len(ending)]


def _names(files: Files) -> tuple[str, ...]:
    found = next((name for name in files.names if "/" not in name and name.lower() in NAMES), None)
    lines = files.text(found).splitlines() if found else []
    named = tuple(line.strip() for line in lines if line.strip() and line.strip().isprintable())
    return tuple(name for name in named if name.lower() != "background")
