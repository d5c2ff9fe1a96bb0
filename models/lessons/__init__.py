"""Lessons: what is inside a network, computed from the real ones on the user's own image.

Importing this package costs nothing: torch is imported on first use. Records are in `models.lessons.records`.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.cards import Card
from models.lessons.records import Depth, Depths, FeatureMaps, Layer, Patch, Step
from models.types import Image, Pixels

__all__ = [
    "Depth",
    "Depths",
    "FeatureMaps",
    "Layer",
    "Patch",
    "Step",
    "depths",
    "feature_maps",
    "layers",
    "middle",
    "network_picture",
    "patches",
    "steps",
]


def layers(card: Card) -> tuple[Layer, ...]:
    """Return the blocks of a card's network, from the picture to the answer; see `models.lessons.anatomy.layers`."""
    from models.lessons import anatomy

    return anatomy.layers(card)


def feature_maps(image: Image, card: Card, layer: Layer, *, frame: int = 0, count: int = 12) -> FeatureMaps:
    """Return what a layer computes of an image; see `models.lessons.maps.feature_maps`."""
    from models.lessons import maps

    return maps.feature_maps(image, card, layer, frame=frame, count=count)


def patches(
    pictures: Sequence[tuple[Image, int]], card: Card, layer: Layer, channel: int, *, count: int = 6
) -> tuple[Patch, ...]:
    """Return the parts of pictures that drive a channel most; see `models.lessons.maps.patches`."""
    from models.lessons import maps

    return maps.patches(pictures, card, layer, channel, count=count)


def network_picture(image: Image, card: Card, frame: int = 0) -> Pixels:
    """Return an image as the card's network sees it; see `models.lessons.maps.network_picture`."""
    from models.lessons import maps

    return maps.network_picture(image, card, frame)


def middle(image: Image, card: Card) -> Image:
    """Return the part of an image that lessons look at; see `models.lessons.maps.middle`."""
    from models.lessons import maps

    return maps.middle(image, card)


def depths(image: Image, card: Card, *, frame: int = 0) -> Depths:
    """Return what a network that segments keeps at each depth; see `models.lessons.resolution.depths`."""
    from models.lessons import resolution

    return resolution.depths(image, card, frame=frame)


def steps(category: str, size: tuple[int, int], labels: int) -> tuple[Step, ...]:
    """Return the way from a picture to an answer of a category; see `models.lessons.categories.steps`."""
    from models.lessons import categories

    return categories.steps(category, size, labels)
