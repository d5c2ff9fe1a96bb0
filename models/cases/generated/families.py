"""The kinds of radiograph that can be generated, and the pictures that they are learned from, laid over each other.

Knees come aligned; all are turned to one side. Shoulders are those seen upright from the front, limbs are hands with
their forearms hanging down: each is cropped, and turned over where need be, to lie over the mean of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cases.generated.align import Search, align_crops, frame_crop
from models.nets.frame import find_exposed_part
from models.tasks.classification.dataset import read_knee_kl, read_shoulder_implants
from models.tasks.detection.dataset import read_fractures

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Frames:
    """Pictures of one kind over each other.

    Attributes
    ----------
    pictures
        (N, H, W) uint8.
    labels
        What each one is to be generated for.
    groups
        Patient, or what stands in for one.
    """

    pictures: Grey
    labels: tuple[str, ...]
    groups: tuple[str, ...]

    def only(self, kept: NDArray[np.bool_]) -> Frames:
        """Return some of them."""
        chosen = np.flatnonzero(kept)
        return Frames(
            self.pictures[chosen], tuple(self.labels[i] for i in chosen), tuple(self.groups[i] for i in chosen)
        )


def load_knees() -> Frames:
    """Return the knees of the training split, 224 × 224, all turned to the left side, without the badly exposed."""
    data = read_knee_kl()
    data = data.only(data.of("train"))
    right = np.array(data.subgroups["side"]) == "R"
    pictures = data.pixels.copy()
    pictures[right] = pictures[right][:, :, ::-1]
    means, contrasts = pictures.mean((1, 2)), pictures.std((1, 2))
    edges = np.stack([pictures[:, :, :6], pictures[:, :, -6:]])
    glaring = ((edges > 245).mean((2, 3)) > 0.1).any(0)  # a neighbour's bare film
    return Frames(pictures, data.labels, data.groups).only((means > 60) & (means < 190) & (contrasts > 18) & ~glaring)


def load_shoulders() -> Frames:
    """Return the upright shoulders, 256 × 192, without the eighth that fits their mean least."""
    data = read_shoulder_implants()
    trimmed = [_bare(picture) for picture in data.pixels]
    upright = [i for i, of in enumerate(trimmed) if of.shape[0] > 1.15 * of.shape[1] and of.shape[1] >= 110]
    frames, scores = _laid_over([trimmed[i] for i in upright], Search(0.75, (1.0, 0.85, 0.7), 4, (32, 24)), (256, 192))
    found = Frames(frames, tuple(data.labels[i] for i in upright), tuple(data.groups[i] for i in upright))
    return found.only(scores > np.quantile(scores, 0.12))


def load_hands() -> Frames:
    """Return hands with their forearms, 384 × 192, without the fifth that fits their mean least."""
    data = read_fractures()
    chosen = [
        i
        for i, (picture, facts) in enumerate(zip(data.pictures, data.facts, strict=True))
        if facts.startswith("hand, ")
        and picture.shape[0] > 1.1 * picture.shape[1]
        and not {"mixed", "hardware", "shoulder", "hip"} & set(facts.split(", "))
    ]
    frames, scores = _laid_over(
        [data.pictures[i] for i in chosen], Search(0.5, (1.0, 0.87, 0.75), 5, (40, 20)), (384, 192)
    )
    labels = tuple(
        ("lateral" if "frontal" not in data.facts[i] else "frontal") + (", fracture" if data.positive[i] else "")
        for i in chosen
    )
    return Frames(frames, labels, tuple(data.groups[i] for i in chosen)).only(scores > np.quantile(scores, 0.2))


FAMILIES: Mapping[str, Callable[[], Frames]] = {
    "knee-kl": load_knees,
    "shoulder-implants": load_shoulders,
    "fracture": load_hands,
}
"""How the pictures of each kind are read, by the card that is to answer what is generated from them."""


def _bare(picture: Grey) -> Grey:
    top, left, rows, columns = find_exposed_part(picture.astype(np.float32) / np.float32(255))
    return picture[top : top + rows, left : left + columns]


def _laid_over(pictures: Sequence[Grey], search: Search, shape: tuple[int, int]) -> tuple[Grey, NDArray[np.float64]]:
    crops = align_crops(pictures, search)
    frames = np.stack([frame_crop(picture, crop, shape) for picture, crop in zip(pictures, crops, strict=True)])
    return frames, np.array([crop.score for crop in crops])
