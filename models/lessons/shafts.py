"""Simulated patches of bone, some with a fracture gap, to watch a network learn on.

Each shows a stretch of a long bone: two bright cortices along a straight or slightly bent shaft, marrow between them,
soft tissue around, noise. A broken bone has a dark gap across the shaft whose two sides do not quite meet. Direction,
width, contrast and noise vary from patch to patch, so that no single pixel tells the two apart. No patient's image is
in it, and nothing here says how well a network finds real fractures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE_PX = 28
LABELS = ("intact", "broken")


@dataclass(frozen=True, eq=False)
class Shafts:
    """N simulated patches with their labels.

    Attributes
    ----------
    pixels
        (N, SIDE_PX, SIDE_PX) float32 in [0, 1], bright = dense.
    broken
        (N,) whether there is a gap.
    """

    pixels: NDArray[np.float32]
    broken: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.broken)


def simulate_shafts(n: int, seed: int) -> Shafts:
    """Simulate n patches, every other one broken; the same seed gives the same patches on every machine."""
    rng = np.random.default_rng(seed)
    broken = np.arange(n) % 2 == 1

    def spread(low: float, high: float) -> NDArray[np.float64]:
        return rng.uniform(low, high, (n, 1, 1))

    at = np.arange(SIDE_PX) - (SIDE_PX - 1) / 2
    down, across = at[None, :, None] + spread(-3, 3), at[None, None, :] + spread(-3, 3)
    angle = spread(0, np.pi)
    along = np.cos(angle) * across + np.sin(angle) * down  # px from the middle of the patch, along the shaft
    beside = np.cos(angle) * down - np.sin(angle) * across + spread(-0.006, 0.006) * along**2  # a slight bow
    breaks = broken[:, None, None]
    gap = along + spread(-0.6, 0.6) * beside - spread(-5, 5)  # px from the fracture line, which may run aslant
    step = spread(0.4, 1.8) * rng.choice([-1.0, 1.0], (n, 1, 1))  # how far one side has slipped
    beside = beside + np.where(breaks & (gap > 0), step, 0)
    half, cortex = spread(4.5, 8.0), spread(1.4, 2.4)
    bone = _edge(half - np.abs(beside))
    marrow = _edge(half - cortex - np.abs(beside))
    depth = bone - marrow * spread(0.35, 0.6)
    opening = _edge(spread(0.7, 1.5) - np.abs(gap))
    depth *= 1 - np.where(breaks, spread(0.65, 1.0) * opening, 0)
    grey = spread(0.12, 0.3) + spread(0.3, 0.55) * depth
    grain = ndimage.gaussian_filter(rng.normal(size=grey.shape), (0, 0.7, 0.7))
    grey = grey + 0.03 * rng.normal(size=grey.shape) + spread(0.04, 0.1) * grain
    return Shafts(grey.clip(0, 1).astype(np.float32), broken)


def _edge(inside_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each pixel that lies inside an outline, from its signed distance."""
    share: NDArray[np.float64] = np.clip(inside_px + 0.5, 0, 1)
    return share
