"""Is a drawn picture a copy? How near the nearest training picture lies, and how near two patients lie to each other.

Two distances. The first is one minus the normalised cross-correlation, the best over small shifts and, where asked, the
mirror image, of pictures made small. The second is one minus the cosine of what a network sees. A picture passes when
its nearest training picture is farther, by both, than the 5th percentile of the nearest distances between training
pictures of different patients: no nearer to a patient than hardly any patient is to another.

Reference: the nearest-neighbour test of Carlini et al. 2023, "Extracting Training Data from Diffusion Models",
arXiv:2301.13188, with the threshold taken from the data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float32]

NEAR = 5
"""Percentile of the distances between patients."""
SHIFT = 0.07
"""Of a side: how far one picture is moved over the other."""


def compare_by_shifts(drawn: NDArray[np.floating], known: NDArray[np.floating], mirrored: bool = True) -> Distances:
    """Return one minus the best correlation of each pair over shifts of up to `SHIFT` of a side.

    Parameters
    ----------
    drawn, known
        (N, h, w) and (M, h, w), made small: 40 to 70 pixels a side show a copy.
    mirrored
        Compare with the mirror image too.

    Returns
    -------
    (N, M) float32
        0 for a copy, 1 for pictures that have nothing to do with each other.
    """
    rows, columns = (max(1, round(SHIFT * side)) for side in drawn.shape[1:])
    inside = drawn[:, rows:-rows, columns:-columns]
    views = [inside, inside[:, :, ::-1]] if mirrored else [inside]
    looks = [_level(view.reshape(len(drawn), -1)) for view in views]
    height, width = inside.shape[1:]
    best = np.full((len(drawn), len(known)), -1, np.float32)
    for top in range(2 * rows + 1):
        for left in range(2 * columns + 1):
            under = _level(known[:, top : top + height, left : left + width].reshape(len(known), -1))
            for look in looks:
                np.maximum(best, look @ under.T, out=best)
    return 1 - best


def compare_features(drawn: NDArray[np.floating], known: NDArray[np.floating]) -> Distances:
    """Return one minus the cosine of each pair of features, (N, D) and (M, D) → (N, M)."""
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (drawn, known))
    return np.asarray(1 - a @ b.T, np.float32)


def find_nearest_distance(distances: Distances, groups: Sequence[str], own: Sequence[str]) -> Distances:
    """Return the distance to the nearest picture of another group: (N, M) with the groups of M and of N → (N,)."""
    same = np.array(own)[:, None] == np.array(groups)[None]
    return np.asarray(np.where(same, np.inf, distances).min(1), np.float32)


def find_near_limit(distances: Distances, groups: Sequence[str], own: Sequence[str]) -> float:
    """Return the `NEAR` percentile of the nearest distances between patients."""
    return float(np.percentile(find_nearest_distance(distances, groups, own), NEAR))


def _level(x: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return rows with mean 0 and length 1; a picture without contrast becomes 0."""
    x = x.astype(np.float32) - x.mean(1, keepdims=True, dtype=np.float32)
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6), np.float32)
