"""Classes painted on a picture, filled or as contours: the same on the screen and in every exported file.

The colours are those of the card; they are chosen so that readers with any colour vision tell them apart (Okabe and Ito
2008, https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.drawing.draw import RGB, to_rgb_bytes
from models.types import Pixels

FALLBACK = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""For a class whose card names no colour."""
STRIP = 512
"""Rows blended at a time, so that a slide costs no second copy of itself in floating point."""

Index = TypeVar("Index", np.uint8, np.int32)
Colours = Mapping[int, str]
"""Index of a class → "#RRGGBB"; a class that is not in it is not painted."""


def find_class_colours(card: Card, hidden: Collection[str] = ()) -> dict[int, str]:
    """Return the colour of each class but the background.

    Parameters
    ----------
    hidden
        Keys of classes that are not to be painted.
    """
    return {
        index: label.colour or FALLBACK[(index - 1) % len(FALLBACK)]
        for index, label in enumerate(card.labels)
        if index and label.key not in hidden
    }


def tabulate_colours(chosen: Colours) -> RGB:
    """Return the colour of every index as (256, 3); black where there is none."""
    rows = np.zeros((256, 3), np.uint8)
    for index, colour in chosen.items():
        rows[index] = list(bytes.fromhex(colour[1:]))
    return rows


def paint_classes(
    shown: Pixels,
    mask: NDArray[np.uint8],
    chosen: Colours,
    opacity: float = 0.45,
    lines: NDArray[np.bool_] | None = None,
) -> RGB:
    """Blend the classes over a picture.

    Parameters
    ----------
    shown
        (H, W) or (H, W, 3) in [0, 1], as `Image.shown` returns it.
    mask
        (H, W) index of the class.
    opacity
        Share of colour, in [0, 1]; 0 leaves the lines alone.
    lines
        (H, W) pixels in full colour whatever the opacity, as `outline_areas` finds them.

    Returns
    -------
    ndarray
        (H, W, 3) bytes.
    """
    named = np.zeros(256, bool)
    named[list(chosen)] = True
    colour = tabulate_colours(chosen)
    out: RGB = np.empty((*mask.shape, 3), np.uint8)
    for top in range(0, len(mask), STRIP):
        part = slice(top, top + STRIP)
        share = np.float32(opacity) * named[mask[part]].astype(np.float32)  # (h, W)
        if lines is not None:
            share[lines[part] & named[mask[part]]] = 1
        below = to_rgb_bytes(shown[part]).astype(np.float32)
        out[part] = below + share[..., None] * (colour[mask[part]] - below) + np.float32(0.5)
    return out


def outline_areas(areas: NDArray[np.integer], width: int = 1) -> NDArray[np.bool_]:
    """Return the pixels of each area that lie within `width` of another area.

    Parameters
    ----------
    areas
        (H, W) index of a class, or number of an object; where both matter, call it twice and join the lines.
    """
    edge = np.zeros(areas.shape, bool)
    for step in range(1, width + 1):
        down = areas[step:] != areas[:-step]
        across = areas[:, step:] != areas[:, :-step]
        edge[step:] |= down
        edge[:-step] |= down
        edge[:, step:] |= across
        edge[:, :-step] |= across
    return edge


def choose_contour_width(shape: tuple[int, int]) -> int:
    """Return how thick a contour is in a picture of this size: 1 up to 700 pixels a side, then in proportion."""
    return max(1, round(max(shape) / 700))


def fit_classes(mask: NDArray[Index], shape: tuple[int, ...]) -> NDArray[Index]:
    """(H, W) of classes or objects → the same over another grid, each pixel the one at its centre."""
    if mask.shape == shape:
        return mask
    rows, columns = ((np.arange(n) * 2 + 1) * side // (2 * n) for n, side in zip(shape, mask.shape, strict=True))
    small: NDArray[Index] = mask[np.ix_(rows, columns)]
    return small
