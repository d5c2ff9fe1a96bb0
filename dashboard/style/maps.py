"""Maps of a network as small pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from dashboard.style.figures import Picture
from models.drawing.draw import find_colour_map
from models.types import Pixels

TILE_PX = 150
"""Side of a feature map on the screen."""


def tile_maps(maps: Pixels, columns: int = 3, gap: int = 4) -> NDArray[np.uint8]:
    """Return several maps (n, h, w), n a multiple of the columns, as one picture, each scaled by itself."""
    tiles = [np.pad(map_to_viridis(one), ((0, gap), (0, gap), (0, 0)), constant_values=24) for one in maps]
    rows = [np.concatenate(tiles[start : start + columns], 1) for start in range(0, len(tiles), columns)]
    return np.concatenate(rows)[:-gap, :-gap]


def map_to_viridis(values: Pixels) -> NDArray[np.uint8]:
    """Return a map (h, w) in viridis, enlarged; its outermost hundredths do not count, lest a letter hide the rest."""
    low, high = np.percentile(values, [1, 99])
    if high - low < 1e-6:
        low, high = values.min(), values.max()
    unit = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1)
    return enlarge_map(find_colour_map("viridis").colours(unit.astype(np.float32)), TILE_PX)


def enlarge_map(picture: Picture, side: int) -> NDArray[np.uint8]:
    """Return a picture (h, w[, 3]) with its longer side near `side`, its pixels as blocks where it is smaller."""
    if picture.dtype != np.uint8:
        picture = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    scale = side / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    way = Pillow.Resampling.NEAREST if scale > 1 else Pillow.Resampling.BOX
    return np.asarray(Pillow.fromarray(picture).resize(size, way))
