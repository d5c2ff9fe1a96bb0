"""Heatmaps of points: how a point is drawn as one, and read from one to a fraction of a cell.

A network gives each point a map of logits whose softmax over all cells is where the point may be. The point is the mean
of that distribution near its peak, which is finer than a cell (after Sun et al. 2018, arXiv:1711.08229, and Nibali et
al. 2018, arXiv:1801.07372); its spread says how sure the network is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

CELL = 4
"""Pixels of the network's input that a cell of a heatmap is wide."""
REACH = 6
"""Cells around the peak, in each direction, that the local mean is taken over."""


def count_cells(size: tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns) of a heatmap of an input of a size."""
    return size[0] // CELL, size[1] // CELL


def draw_heatmaps(points: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Draw points as Gaussians that sum to 1.

    Parameters
    ----------
    points
        (N, K, 2) x, y in pixels of the input; of a point outside the map is all zero.
    size
        (rows, columns) of the input.
    sigma
        Standard deviation in cells.

    Returns
    -------
    Tensor
        (N, K, rows, columns) of cells.
    """
    rows, columns = count_cells(size)
    x, y = ((points[..., axis] + 0.5) / CELL - 0.5 for axis in (0, 1))  # (N, K) in cells
    across = torch.exp(
        -0.5 * ((torch.arange(columns, device=points.device) - x[..., None]) / sigma) ** 2
    )  # (N, K, columns)
    down = torch.exp(-0.5 * ((torch.arange(rows, device=points.device) - y[..., None]) / sigma) ** 2)
    maps = down[..., :, None] * across[..., None, :]
    inside = (x > -1) & (x < columns) & (y > -1) & (y < rows)
    return maps / maps.sum((2, 3), keepdim=True).clamp_min(1e-6) * inside[..., None, None]


def average_place(shares: Tensor) -> Tensor:
    """Return the mean place of distributions over cells, in pixels of the input: (N, K, h, w) → (N, K, 2) x, y."""
    rows, columns = shares.shape[2:]
    x = (shares.sum(2) * torch.arange(columns, device=shares.device)).sum(-1)
    y = (shares.sum(3) * torch.arange(rows, device=shares.device)).sum(-1)
    return (torch.stack([x, y], -1) + 0.5) * CELL - 0.5


def read_heatmaps(shares: Tensor) -> tuple[Tensor, Tensor]:
    """Read points from distributions over cells, by the mean near each peak.

    Parameters
    ----------
    shares
        (N, K, h, w), each map with the sum 1.

    Returns
    -------
    points : Tensor
        (N, K, 2) x, y in pixels of the input.
    spread : Tensor
        (N, K) root mean square distance from the point, in pixels of the input, of all of the map: far-off second
        peaks count.
    """
    rows, columns = shares.shape[2:]
    peak = shares.flatten(2).argmax(-1)
    row, column = peak // columns, peak % columns
    near_row = (torch.arange(rows, device=shares.device) - row[..., None]).abs() <= REACH  # (N, K, rows)
    near_column = (torch.arange(columns, device=shares.device) - column[..., None]).abs() <= REACH
    near = shares * near_row[..., :, None] * near_column[..., None, :]
    points = average_place(near / near.sum((2, 3), keepdim=True).clamp_min(1e-12))
    across = (torch.arange(columns, device=shares.device) + 0.5) * CELL - 0.5 - points[..., :1]
    down = (torch.arange(rows, device=shares.device) + 0.5) * CELL - 0.5 - points[..., 1:]
    squares = (shares.sum(2) * across**2).sum(-1) + (shares.sum(3) * down**2).sum(-1)
    return points, squares.clamp_min(1e-6).sqrt()


def order_pairs(points: Tensor, names: Sequence[str]) -> Tensor:
    """Return points (K, 2) x, y of a picture, of every two that bear the same name first the one further left."""
    found = points.clone()
    for i, name in enumerate(names):
        if name.endswith("_1") and f"{name[:-2]}_2" not in names and points[i, 0] < points[i - 1, 0]:
            found[[i - 1, i]] = points[[i, i - 1]]
    return found


def mirror_order(names: Sequence[str]) -> list[int]:
    """Return which point each becomes in the mirrored picture: those of a bone are numbered from left to right.

    "tibia_0", "tibia_1", "femur_0" → 1, 0, 2.
    """
    order: list[int] = []
    for _, group in groupby(range(len(names)), key=lambda i: names[i].rpartition("_")[0]):
        order.extend(reversed(list(group)))
    return order
