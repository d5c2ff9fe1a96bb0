"""Sliding windows over an image of any size, blended by Gaussians, in memory that grows with its width alone.

Tiles of one row after another go through the network; as soon as no tile to come reaches a strip of rows, that strip is
finished and handed out, so that the logits of the whole image never exist at once. The weights are those of nnU-Net
(Isensee et al. 2021, doi 10.1038/s41592-020-01008-z): a Gaussian of an eighth of the tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from models.progress import ProgressToken

OVERLAP = 0.25
"""Share of a tile that its neighbour sees too."""

Patch = Callable[[int, int, int, int], Tensor]
"""Returns the network's input (1, 3, h, w) for (top, left, height, width) of the image."""
Answer = Callable[[Tensor], Tensor]
"""From an input (1, 3, h, w) to logits (1, K, h, w)."""


@dataclass(frozen=True)
class Strip:
    """Finished rows: `logits` (K, rows, W) from row `top` on."""

    top: int
    logits: Tensor


def place_tiles(side: int, tile: int) -> list[int]:
    """Return where tiles begin along a side, evenly, the last one flush with the end; neighbours share a quarter.

    The steps are whole multiples of 32 where there is room, as the networks' coarsest features are 32 pixels wide.
    """
    if side <= tile:
        return [0]
    step = max(int(tile * (1 - OVERLAP)) // 32 * 32, 1)
    found = list(range(0, side - tile, step))
    return [*found, side - tile]


def weigh_tile(height: int, width: int) -> Tensor:
    """(h, w) weight of a tile's pixels: 1 in the middle, falling to its edge."""
    rows, columns = (torch.exp(-0.5 * ((torch.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in (height, width))
    return (rows[:, None] * columns).clamp_min(1e-6)


def slide_over_tiles(
    shape: tuple[int, int], tile: tuple[int, int], patch: Patch, answer: Answer, watch: ProgressToken
) -> Iterator[Strip]:
    """Answer an image tile by tile and yield its rows from top to bottom.

    Parameters
    ----------
    shape
        (rows, columns) of the image.
    tile
        (rows, columns) of a tile; a smaller image is one tile of its own size.
    watch
        Told of every tile; it raises where the user has cancelled.
    """
    height, width = (min(of, side) for of, side in zip(tile, shape, strict=True))
    weight = weigh_tile(height, width)
    total: Tensor | None = None  # (K, height, W)
    seen = torch.zeros(height, shape[1])
    for top, following in pairwise([*place_tiles(shape[0], height), shape[0]]):
        for left in place_tiles(shape[1], width):
            watch.check()
            logits = answer(patch(top, left, height, width))[0]
            if total is None:
                total = torch.zeros(len(logits), height, shape[1])
            total[:, :, left : left + width].addcmul_(logits, weight)
            seen[:, left : left + width] += weight
            watch.step()
        assert total is not None  # there is at least one tile
        done = following - top  # rows that no later tile reaches
        yield Strip(top, total[:, :done] / seen[:done])
        total, seen = _moved_up(total, done), _moved_up(seen, done)


def count_tiles(shape: tuple[int, int], tile: tuple[int, int]) -> int:
    """Return how many tiles an image takes."""
    return len(place_tiles(shape[0], tile[0])) * len(place_tiles(shape[1], tile[1]))


def _moved_up(band: Tensor, rows: int) -> Tensor:
    """(…, h, W) without its first rows, zeros below."""
    moved = torch.zeros_like(band)
    if rows < band.shape[-2]:
        moved[..., : band.shape[-2] - rows, :] = band[..., rows:, :]
    return moved
