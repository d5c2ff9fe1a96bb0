"""Lay pictures of one kind over each other: choose a crop and a side for each, so that all look like their mean.

A generator learns a kind of picture sooner when the joint lies in the same place in all of them. Expectation and
maximisation in turns: with the mean picture known, each picture takes the crop, and the mirror image, that correlates
best with it; with the crops known, the mean is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

Grey = NDArray[np.uint8]

WORKING = 64
"""Longest side of the pictures in which the crops are sought."""
ROUNDS = 4


@dataclass(frozen=True)
class Crop:
    """Where the joint of one picture lies, in its pixels, and how well it fits.

    Attributes
    ----------
    box
        Top, left, rows, columns.
    mirrored
        The crop is turned over, left to right.
    score
        Correlation with the mean picture.
    """

    box: tuple[float, float, float, float]
    mirrored: bool
    score: float


@dataclass(frozen=True)
class Search:
    """Which crops are tried.

    Attributes
    ----------
    aspect
        Columns by rows of a crop.
    sizes
        Of the largest crop that fits.
    steps
        Positions along each side.
    shape
        Rows and columns in which crops are compared.
    """

    aspect: float
    sizes: tuple[float, ...]
    steps: int
    shape: tuple[int, int]


def align_crops(pictures: Sequence[Grey], search: Search) -> list[Crop]:
    """Return the crop of each picture."""
    looks, boxes = [], []
    for picture in pictures:
        scale = min(1.0, WORKING / max(picture.shape))
        rows, columns = (max(1, round(side * scale)) for side in picture.shape)
        small = np.asarray(Picture.fromarray(picture).resize((columns, rows), Picture.Resampling.BOX))
        tried = _boxes(small.shape, search)
        seen = level_pictures(np.stack([cut_crop(small, box, search.shape) for box in tried]).astype(np.float32))
        looks.append(np.concatenate([seen, seen[:, :, ::-1]]))
        boxes.append([(top / scale, left / scale, height / scale, width / scale) for top, left, height, width in tried])
    middle = [look[len(look) // 4] for look in looks]
    mean = level_pictures(
        level_pictures(np.mean(middle, 0)) + middle[len(middle) // 2]
    )  # leans to one side, so that a side is chosen
    best = [0] * len(looks)
    scores = [0.0] * len(looks)
    for _ in range(ROUNDS):
        for i, look in enumerate(looks):
            fits = (look * mean).mean((1, 2))
            best[i] = int(fits.argmax())
            scores[i] = float(fits[best[i]])
        mean = level_pictures(np.mean([look[i] for look, i in zip(looks, best, strict=True)], 0))
    return [Crop(of[i % len(of)], i >= len(of), score) for of, i, score in zip(boxes, best, scores, strict=True)]


def cut_crop(picture: Grey, box: tuple[float, float, float, float], shape: tuple[int, int]) -> Grey:
    """Return a crop scaled to `shape`."""
    top, left = max(box[0], 0.0), max(box[1], 0.0)
    bottom, right = min(box[0] + box[2], picture.shape[0]), min(box[1] + box[3], picture.shape[1])
    way = Picture.Resampling.BOX if box[2] >= shape[0] else Picture.Resampling.BILINEAR
    return np.asarray(Picture.fromarray(picture).resize(shape[::-1], way, box=(left, top, right, bottom)))


def frame_crop(picture: Grey, crop: Crop, shape: tuple[int, int]) -> Grey:
    """Return what a crop shows, turned over where it says so."""
    found = cut_crop(picture, crop.box, shape)
    return found[:, ::-1] if crop.mirrored else found


def level_pictures(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return pictures (…, h, w) with mean 0 and mean square 1."""
    x = x - x.mean((-2, -1), keepdims=True)
    return np.asarray(x / (np.sqrt(np.square(x).mean((-2, -1), keepdims=True)) + 1e-3), np.float32)


def _boxes(shape: tuple[int, ...], search: Search) -> list[tuple[float, float, float, float]]:
    rows, columns = shape
    found = []
    for size in search.sizes:
        height = min(rows, columns / search.aspect) * size
        width = height * search.aspect
        down, across = ((search.steps if side - held > 2 else 1) for side, held in ((rows, height), (columns, width)))
        found += [
            (float(top), float(left), height, width)
            for top in np.linspace(0, rows - height, down)
            for left in np.linspace(0, columns - width, across)
        ]
    return found
