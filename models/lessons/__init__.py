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
    "cut_middle",
    "find_patches",
    "follow_depths",
    "list_layers",
    "list_steps",
    "rank_feature_maps",
    "render_network_input",
]


def list_layers(card: Card) -> tuple[Layer, ...]:
    """Return the blocks of a card's network, from picture to answer; see `models.lessons.anatomy.dissect_network`."""
    from models.lessons import anatomy

    return anatomy.dissect_network(card)


def rank_feature_maps(image: Image, card: Card, layer: Layer, *, frame: int = 0, count: int = 12) -> FeatureMaps:
    """Return what a layer computes of an image; see `models.lessons.maps.rank_feature_maps`."""
    from models.lessons import maps

    return maps.rank_feature_maps(image, card, layer, frame=frame, count=count)


def find_patches(
    pictures: Sequence[tuple[Image, int]], card: Card, layer: Layer, channel: int, *, count: int = 6
) -> tuple[Patch, ...]:
    """Return the parts of pictures that drive a channel most; see `models.lessons.maps.find_channel_patches`."""
    from models.lessons import maps

    return maps.find_channel_patches(pictures, card, layer, channel, count=count)


def render_network_input(image: Image, card: Card, frame: int = 0) -> Pixels:
    """Return an image as the card's network sees it; see `models.lessons.maps.render_network_input`."""
    from models.lessons import maps

    return maps.render_network_input(image, card, frame)


def cut_middle(image: Image, card: Card) -> Image:
    """Return the part of an image that lessons look at; see `models.lessons.maps.cut_map_middle`."""
    from models.lessons import maps

    return maps.cut_map_middle(image, card)


def follow_depths(image: Image, card: Card, *, frame: int = 0) -> Depths:
    """Return what a network that segments keeps at each depth; see `models.lessons.resolution.follow_resolution`."""
    from models.lessons import resolution

    return resolution.follow_resolution(image, card, frame=frame)


def list_steps(category: str, size: tuple[int, int], labels: int) -> tuple[Step, ...]:
    """Return the way from a picture to an answer of a category; see `models.lessons.categories.list_category_steps`."""
    from models.lessons import categories

    return categories.list_category_steps(category, size, labels)
