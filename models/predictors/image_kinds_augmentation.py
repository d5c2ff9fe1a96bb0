"""Copies of a picture that are the same kind: placed, exposed, cut, stored and sharpened as a clinic might send it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from PIL import Image as Pillow
from scipy import ndimage

from models.predictors.image_kinds_set import Sample
from models.simulation.hardware import add_hardware
from models.trust.perturbations import grey_picture, perturb_picture
from models.types import Pixels

SMALL = 448
"""Longest side at which copies are made: the look sees half of it."""
FEW = frozenset({"histology", "mri"})
"""Kinds of few pictures, of which more copies are made."""
COLOURED = frozenset({"histology", "section"})


def make_augmented_copies(sample: Sample, rng: Generator) -> Iterator[tuple[str, Pixels, bool | None]]:
    """Yield what it is, a copy, and whether it is known to show metal: "plain" first, then altered ones."""
    small = thin_picture(sample.picture, SMALL)
    yield "plain", small, sample.metal
    if sample.kind in COLOURED:
        yield "grey", grey_picture(small), sample.metal
    for _ in range(4 if sample.kind in FEW else 2 if sample.kind != "knee" else 1):
        altered = (
            cut_part(perturb_picture(small, rng, sized=False), rng)
            if rng.random() < 0.6
            else perturb_picture(small, rng)
        )
        if sample.kind in COLOURED and rng.random() < 0.5:
            altered = grey_picture(altered)
        yield "altered", altered, None if sample.metal else sample.metal  # the metal may have been cut off
    yield "sharp", sharpen_as_film(small, rng), sample.metal
    if sample.kind == "knee":
        yield "hardware", add_hardware(small, rng), True


def thin_picture(picture: Pixels, longest: int) -> Pixels:
    """Return a picture no longer than that on any side."""
    scale = longest / max(picture.shape[:2])
    return picture if scale >= 1 else _resized(picture, scale)


def cut_part(picture: Pixels, rng: Generator) -> Pixels:
    """Return a part of a picture, half of each side to all of it."""
    scale = rng.uniform(0.5, 1)
    rows, columns = picture.shape[:2]
    height, width = (min(side, round(side * scale * rng.uniform(0.9, 1.1))) for side in (rows, columns))
    top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    return picture[top : top + height, left : left + width]


def sharpen_as_film(picture: Pixels, rng: Generator, larger: float | None = None) -> Pixels:
    """Return a picture as a sharp film of full size: enlarged, its edges steepened, under the grain of a detector."""
    larger = larger or rng.uniform(1.5, 3)
    big = _resized(picture, larger)
    soft = ndimage.gaussian_filter(big, rng.uniform(0.5, 1.2) * larger, axes=(0, 1))
    grain = rng.uniform(0.01, 0.06) * rng.standard_normal(big.shape)
    film: Pixels = np.clip(big + rng.uniform(0.5, 2) * (big - soft) + grain, 0, 1).astype(np.float32)
    return film


def _resized(picture: Pixels, scale: float) -> Pixels:
    rows, columns = (max(8, round(side * scale)) for side in picture.shape[:2])
    small = Pillow.fromarray((picture * 255).round().astype(np.uint8)).resize(
        (columns, rows), Pillow.Resampling.BICUBIC
    )
    return np.asarray(small, np.float32) / np.float32(255)
