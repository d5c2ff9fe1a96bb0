"""Where an image lies in a network's input: scaled to fit, centred, without the black border of a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.cards import Card
from models.types import Image, Pixels


@dataclass(frozen=True)
class Frame:
    """Where a source image lies in a network's input: scaled to fit, centred, the rest black.

    Attributes
    ----------
    source, network
        (rows, columns) of the image and of the network's input.
    content
        (top, left, rows, columns) of the part of the image that is shown to the network; None: all of it.
    """

    source: tuple[int, int]
    network: tuple[int, int]
    content: tuple[int, int, int, int] | None = None

    @classmethod
    def around(cls, grey: Pixels, card: Card) -> Frame:
        """Return how a picture (H, W) lies in a card's input, without its black borders where the card trims them."""
        rows, columns = grey.shape
        return cls((rows, columns), card.input.size, find_exposed_part(grey) if card.input.trim else None)

    @property
    def part(self) -> tuple[int, int, int, int]:
        """(top, left, rows, columns) of what the network sees."""
        return self.content or (0, 0, *self.source)

    @property
    def fitted(self) -> tuple[int, int]:
        """(rows, columns) that this part takes inside the input."""
        _, _, *sides = self.part
        scale = min(n / side for n, side in zip(self.network, sides, strict=True))
        rows, columns = (max(1, round(side * scale)) for side in sides)
        return rows, columns

    @property
    def corner(self) -> tuple[int, int]:
        """(row, column) of the image's first pixel inside the input."""
        return (self.network[0] - self.fitted[0]) // 2, (self.network[1] - self.fitted[1]) // 2

    def to_network(self, pixels: Tensor) -> Tensor:
        """(N, C, *source) → (N, C, *network)."""
        (rows, columns), (top, left) = self.fitted, self.corner
        first_row, first_column, height, width = self.part
        pixels = pixels[..., first_row : first_row + height, first_column : first_column + width]
        if (rows, columns) != (height, width):
            smaller = rows < height or columns < width  # enlarging aliases nothing, and is faster without the filter
            pixels = F.interpolate(pixels, (rows, columns), mode="bilinear", antialias=smaller, align_corners=False)
        right, bottom = self.network[1] - columns - left, self.network[0] - rows - top
        return F.pad(pixels, (left, right, top, bottom)) if (left, right, top, bottom) != (0, 0, 0, 0) else pixels

    def to_source(self, maps: Tensor) -> Tensor:
        """(N, C, h, w) over the whole input, at any resolution → (N, C, *source)."""
        (rows, columns), (top, left) = self.fitted, self.corner
        maps = F.interpolate(maps, self.network, mode="bilinear", align_corners=False)
        maps = maps[..., top : top + rows, left : left + columns]
        first_row, first_column, height, width = self.part
        if (rows, columns) != (height, width):
            maps = F.interpolate(maps, (height, width), mode="bilinear", align_corners=False)
        below, beside = self.source[0] - first_row - height, self.source[1] - first_column - width
        return F.pad(maps, (first_column, beside, first_row, below))


def make_blank_image(card: Card) -> Image:
    """Return a black image of the size of a card's input."""
    return Image(np.zeros((1, *card.input.size), np.float32), name="", sha256="")


BORDER = 0.03
"""Grey value over which something was exposed."""
LONGEST = 1024
"""Rows or columns looked at to find the border; more make a film no blacker."""


def find_exposed_part(grey: Pixels) -> tuple[int, int, int, int]:
    """Return (top, left, rows, columns) of the part of a picture (H, W) that is no black border.

    A row or column belongs to it when a twentieth of its pixels are brighter than `BORDER`: a marker burned into the
    border does not. A picture that is black all over is returned whole.
    """
    step = max(1, max(grey.shape) // LONGEST)
    bright = (grey[::step, ::step] > BORDER).view(np.uint8)
    rows, columns = (
        np.flatnonzero(bright.sum(axis, dtype=np.uint16) > 0.05 * bright.shape[axis]) * step for axis in (1, 0)
    )
    if not len(rows) or not len(columns):
        return 0, 0, *grey.shape
    top, left = int(rows[0]), int(columns[0])
    bottom, right = min(int(rows[-1]) + step, grey.shape[0]), min(int(columns[-1]) + step, grey.shape[1])
    return top, left, bottom - top, right - left


def normalise(grey: Tensor) -> Tensor:
    """(N, 1, H, W) in [0, 1] → (N, 3, H, W) in [−1, 1], channels last."""
    return (grey * 2).sub_(1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def scale_heat(heat: Tensor) -> Pixels:
    """(H, W) of any magnitude → numpy in [−1, 1], scaled by its largest magnitude; all zero stays so."""
    return (heat / heat.abs().max().clamp_min(1e-12)).float().cpu().numpy()
