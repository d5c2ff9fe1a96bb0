"""A simulated stained smear: cell nuclei on a pale ground, with a mask that is exact; for lessons on fine detail.

Colour follows the law of Beer and Lambert with the absorbances of haematoxylin and eosin measured by Ruifrok and
Johnston 2001 (Anal Quant Cytol Histol 23:291). The same seed gives the same picture; nothing in it is a patient's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.types import Pixels

HAEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])
"""Absorbance of red, green and blue light."""


@dataclass(frozen=True, eq=False)
class Smear:
    """A picture and what is known of it.

    Attributes
    ----------
    pixels
        (H, W, 3) RGB, float32 in [0, 1].
    nuclei
        (H, W) number of the nucleus that a pixel belongs to, 0 for none.
    """

    pixels: Pixels
    nuclei: NDArray[np.int32]


def simulate_smear(seed: int, size: tuple[int, int] = (384, 384), count: int = 70) -> Smear:
    """Simulate a smear.

    Parameters
    ----------
    size
        (rows, columns).
    count
        Nuclei that are placed; one that would lie on another is left out, one that touches another is not.
    """
    draw = np.random.default_rng(seed)
    nuclei = np.zeros(size, np.int32)
    for number in range(1, count + 1):
        nucleus = _ellipse(draw, size)
        if not (nuclei[nucleus] > 0).any():
            nuclei[nucleus] = number
    inside = nuclei > 0
    depth = ndimage.distance_transform_edt(inside)
    shade = draw.uniform(0.6, 1.1, count + 1)[nuclei]
    chromatin = 1 + 0.35 * _cloud(draw, size, 1.6)
    blue = inside * shade * np.clip(0.55 + 0.15 * depth, 0, 1) * chromatin
    pink = np.clip(0.16 + 0.07 * _cloud(draw, size, 9) + 0.03 * _cloud(draw, size, 2), 0.03, None) * (1 - 0.6 * inside)
    absorbed = blue[..., None] * HAEMATOXYLIN + pink[..., None] * EOSIN
    light = ndimage.gaussian_filter(np.exp(-1.25 * absorbed), (0.7, 0.7, 0)) + draw.normal(0, 0.008, (*size, 3))
    return Smear(np.clip(light, 0, 1).astype(np.float32), nuclei)


def _ellipse(draw: np.random.Generator, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels of one nucleus."""
    row, column = draw.uniform(0, size[0]), draw.uniform(0, size[1])
    long, short, turn = draw.uniform(9, 17), draw.uniform(0.6, 1), draw.uniform(0, np.pi)
    rows, columns = np.ogrid[: size[0], : size[1]]
    down, across = rows - row, columns - column
    along, beside = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    inside: NDArray[np.bool_] = (along / long) ** 2 + (beside / (long * short)) ** 2 < 1
    return inside


def _cloud(draw: np.random.Generator, size: tuple[int, int], sigma: float) -> NDArray[np.float64]:
    """Return smooth noise of mean 0 and deviation 1."""
    noise = ndimage.gaussian_filter(draw.normal(size=size), sigma)
    cloud: NDArray[np.float64] = (noise - noise.mean()) / noise.std()
    return cloud
