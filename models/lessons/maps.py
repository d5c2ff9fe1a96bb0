"""What a layer computes of an image, and what parts of pictures drive one of its channels.

After Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", arXiv:1311.2901, and for the walk
from edges to objects, Schulz and Behnke 2012, "Deep learning: layer-wise learning of feature hierarchies",
doi 10.1007/s13218-012-0198-z.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from threading import RLock
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from models.cards import Card
from models.lessons.anatomy import compute_blocks
from models.lessons.records import FeatureMaps, Layer, Patch
from models.predictors.engine import engine
from models.tasks import task_of
from models.types import Box, Image, Pixels

NEAR = 0.5
"""Two patches of one picture lie at least this share of their side apart."""
OF_ONE_PICTURE = 2
"""Patches taken from one picture at most, so that the six are not six times the same place."""
LOOKED_AT = 64
"""Places of a picture among which its patches are sought."""
MARGIN = 0.07
"""Share of each side of a map that does not count: the zeros beyond the picture's edge make false corners there."""
TILE_PX = 384
"""Longest side of what is looked at of a picture that a card slides over: a lesson must not keep one waiting."""


@dataclass(frozen=True)
class Sight:
    """A card's network with an image before it; whoever runs the net holds the lock."""

    net: nn.Module
    lock: RLock
    x: Tensor


def prepare_map_input(image: Image, card: Card, frame: int = 0) -> Sight:
    """Return a card's first network and the image as its input (1, 3, h, w).

    Raises
    ------
    BadWeights
        When the card's weights are missing or changed.
    """
    loaded = engine().predictor(card)
    x = task_of(card.task).prepare(cut_map_middle(image, card), card, frame)
    return Sight(loaded.members[0], loaded.lock, x.to(engine().device))


def cut_map_middle(image: Image, card: Card) -> Image:
    """Return the part that lessons look at: of a card that slides over tiles, the tile in the middle; else all."""
    if not card.input.tiled or max(image.shape) <= TILE_PX:
        return image
    height, width = (min(side, TILE_PX) for side in image.shape)
    return image.crop(Box((image.shape[0] - height) // 2, (image.shape[1] - width) // 2, height, width))


def render_network_input(image: Image, card: Card, frame: int = 0) -> Pixels:
    """Return an image as the card's network sees it: (h, w) grey or (h, w, 3) in [0, 1]."""
    return map_to_picture(task_of(card.task).prepare(cut_map_middle(image, card), card, frame))


def map_to_picture(x: Tensor) -> Pixels:
    """(1, 3, h, w) in [−1, 1] → (h, w) where the three are alike, else (h, w, 3), in [0, 1]."""
    shown = ((x[0] + 1) / 2).clamp(0, 1).float().cpu()
    if torch.equal(shown[0], shown[1]) and torch.equal(shown[0], shown[2]):
        return cast(Pixels, shown[0].contiguous().numpy())
    return cast(Pixels, shown.permute(1, 2, 0).contiguous().numpy())


@torch.no_grad()
def compute_layer_features(seen: Sight, layer: Layer) -> Tensor:
    """Return what a layer computes of an image: (C, h, w) on the CPU."""
    with seen.lock:
        return compute_blocks(seen.net, (layer,), seen.x)[layer.name][0].float().cpu()


def rank_feature_maps(image: Image, card: Card, layer: Layer, *, frame: int = 0, count: int = 12) -> FeatureMaps:
    """Return the channels of a layer with the largest peaks on an image.

    Parameters
    ----------
    layer
        One that `has_maps`, of `anatomy.layers(card)`.
    count
        How many channels at most.

    Raises
    ------
    BadWeights
        When the card's weights are missing or changed.
    """
    seen, start = prepare_map_input(image, card, frame), time.perf_counter()
    found = compute_layer_features(seen, layer)
    peaks = clear_map_margin(found).amax((1, 2))
    order = peaks.argsort(descending=True, stable=True)[:count]
    seconds = time.perf_counter() - start
    return FeatureMaps(order.numpy(), found[order].numpy(), peaks[order].numpy(), len(found), seconds)


def clear_map_margin(maps: Tensor) -> Tensor:
    """Return maps (…, h, w) with their margin set to the least value, so that it holds no peak."""
    rows, columns = (ceil(MARGIN * side) if side >= 3 else 0 for side in maps.shape[-2:])
    kept = torch.full_like(maps, float(maps.min()))
    part = (..., slice(rows, maps.shape[-2] - rows), slice(columns, maps.shape[-1] - columns))
    kept[part] = maps[part]
    return kept


def find_channel_patches(
    pictures: Sequence[tuple[Image, int]], card: Card, layer: Layer, channel: int, *, count: int = 6
) -> tuple[Patch, ...]:
    """Return the parts of pictures that a channel answers to most, the strongest first.

    Parameters
    ----------
    pictures
        Images, each with the frame that is looked at.
    channel
        Number of the channel.
    count
        How many at most; a picture gives no more than `OF_ONE_PICTURE`.

    Raises
    ------
    BadWeights
        When the card's weights are missing or changed.
    """
    found: list[Patch] = []
    for number, (image, frame) in enumerate(pictures):
        seen = prepare_map_input(image, card, frame)
        found += _of_picture(compute_layer_features(seen, layer)[channel], map_to_picture(seen.x), layer, number)
    return tuple(sorted(found, key=lambda patch: -patch.value)[:count])


def _of_picture(values: Tensor, picture: Pixels, layer: Layer, number: int) -> list[Patch]:
    """Return the places of one picture with the largest values (h, w) that lie apart, with what they look at."""
    side = min(layer.receptive_field_px or max(picture.shape), *picture.shape[:2])
    strongest = clear_map_margin(values).flatten().argsort(descending=True, stable=True)[:LOOKED_AT]
    taken: list[Patch] = []
    for place in strongest.tolist():
        down, across = divmod(place, values.shape[1])
        row, column = (
            int((at + 0.5) * whole / grid)
            for at, whole, grid in zip((down, across), picture.shape, values.shape, strict=False)
        )
        if all(max(abs(row - p.row), abs(column - p.column)) >= NEAR * side for p in taken):
            cut = cut_out_patch(picture, row, column, side)
            taken.append(Patch(number, row, column, float(values[down, across]), cut))
        if len(taken) == OF_ONE_PICTURE:
            break
    return taken


def cut_out_patch(picture: Pixels, row: int, column: int, side: int) -> Pixels:
    """Return a square of a picture round a place, black where it reaches beyond the edge: (side, side[, 3])."""
    half = side // 2
    width = [(half + 1, half + 1), (half + 1, half + 1), (0, 0)][: picture.ndim]
    padded = np.pad(picture, width)
    top, left = row + 1, column + 1
    cut: Pixels = padded[top : top + side, left : left + side]
    return cut
