"""Random views of a picture and its points for training: one affine map for both, and one tone curve.

Everything is drawn from one generator, so that a seed fixes the run.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from models.tasks.segmentation.augmentation import DenseAugmentation, recolour_views


def draw_landmark_view(
    picture: Tensor, points: Tensor, size: tuple[int, int], how: DenseAugmentation, generator: Generator
) -> tuple[Tensor, Tensor, bool]:
    """Draw one view as wide as the picture; one that is less high, which trains faster, about the height of its points.

    Parameters
    ----------
    picture, points
        (1, H, W) uint8, and (K, 2) x, y in its pixels; nan for a point that is not there.
    size
        (rows, columns) of the view.

    Returns
    -------
    tuple
        View (1, *size) in [0, 1]; its points (K, 2) in pixels of the view; whether it is mirrored, so that what was
        numbered from the left now is from the right.
    """

    def draw(spread: float) -> float:
        return (float(torch.rand(1, generator=generator)) * 2 - 1) * spread

    rows, columns = picture.shape[1:]
    angle, zoom = draw(math.radians(how.rotation_deg)), math.exp(draw(how.scale)) * columns / size[1]
    mirrored = how.flip and float(torch.rand(1, generator=generator)) < 0.5
    mirror = -1.0 if mirrored else 1.0
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    source_from_view = torch.tensor([[cos * mirror, -sin], [sin * mirror, cos]])
    lower = rows * size[1] > columns * size[0]
    height = float(points[:, 1].nanmean()) if lower else (rows - 1) / 2
    middle = torch.tensor([(columns - 1) / 2 + draw(how.shift) * columns, height + draw(how.shift) * rows])
    centre = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    grid = (torch.stack([x, y], -1) - centre) @ source_from_view.T + middle  # (h, w, 2) in pixels of the picture
    grid = grid / torch.tensor([columns - 1, rows - 1]) * 2 - 1
    seen = F.grid_sample(picture[None].float() / 255, grid[None], padding_mode="zeros", align_corners=True)[0]
    found = (points - middle) @ torch.linalg.inv(source_from_view).T + centre
    return recolour_views(seen[None], how, generator)[0], found, mirrored


NEAR, FAR = (1.1, 1.6), (1.6, 4.5)
"""Side of a view over the extent of its points: as a card that looks twice sees them the second time, and the first."""
FAR_SHARE = 0.25
"""Of the views that show all of a frame, as the first look does."""


def draw_closer_view(
    picture: Tensor, points: Tensor, size: tuple[int, int], how: DenseAugmentation, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draw one view of what lies about the points, at the distance of a second look or, more seldom, of the first.

    Parameters
    ----------
    picture, points, size
        As of `draw_landmark_view`; points may be nan.

    Returns
    -------
    tuple
        View (1, *size) in [0, 1], and its points (K, 2) in pixels of the view.
    """

    def draw(spread: float) -> float:
        return (float(torch.rand(1, generator=generator)) * 2 - 1) * spread

    known = points[points.isfinite().all(-1)]
    low, high = known.amin(0), known.amax(0)
    extent = float((high - low).max())
    closest, farthest = FAR if float(torch.rand(1, generator=generator)) < FAR_SHARE else NEAR
    side = extent * closest * (farthest / closest) ** float(torch.rand(1, generator=generator))
    middle = (low + high) / 2 + torch.tensor([draw(how.shift), draw(how.shift)]) * side
    zoom, angle = side / min(size), draw(math.radians(how.rotation_deg))
    mirror = -1.0 if how.flip and float(torch.rand(1, generator=generator)) < 0.5 else 1.0
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    source_from_view = torch.tensor([[cos * mirror, -sin], [sin * mirror, cos]])
    centre = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    grid = (torch.stack([x, y], -1) - centre) @ source_from_view.T + middle  # (h, w, 2) in pixels of the picture
    block = max(1, int(zoom))  # what is made smaller is averaged first
    fine = F.avg_pool2d(picture[None].float() / 255, block)
    grid = ((grid + 0.5) / block - 0.5) / torch.tensor([fine.shape[3] - 1, fine.shape[2] - 1]) * 2 - 1
    seen = F.grid_sample(fine, grid[None], padding_mode="zeros", align_corners=True)[0]
    (view,) = recolour_views(seen[None], how, generator)
    return view, (points - middle) @ torch.linalg.inv(source_from_view).T + centre
