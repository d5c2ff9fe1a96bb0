"""Random views of a radiograph for training: one affine map and one tone curve an image, a whole batch at once.

Everything is drawn from one generator, so a seed fixes the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """How far a training view may stray from its radiograph; a range r means ±r."""

    rotation_deg: float = 12.0
    scale: float = 0.15
    shift: float = 0.08
    """Share of the image's side."""
    contrast: float = 0.3
    brightness: float = 0.12
    gamma: float = 0.3
    noise: float = 0.02
    flip: bool = True
    erase: float = 0.0
    """Probability that one rectangle of up to a tenth of the image is greyed."""


def augment_radiographs(images: Tensor, size: tuple[int, int], how: Augmentation, generator: Generator) -> Tensor:
    """Draw one random view of each image.

    Parameters
    ----------
    images
        (N, 1, H, W) in [0, 1].
    size
        Height and width of the views.

    Returns
    -------
    Tensor
        (N, 1, *size) in [0, 1].
    """
    n = len(images)

    def draw(spread: float) -> Tensor:
        return (torch.rand(n, generator=generator) * 2 - 1) * spread

    angle, zoom = draw(math.radians(how.rotation_deg)), torch.exp(draw(how.scale))
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0) if how.flip else torch.ones(n)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    across = torch.stack([cos * mirror, -sin, draw(2 * how.shift)], 1)
    down = torch.stack([sin * mirror, cos, draw(2 * how.shift)], 1)
    source_from_view = torch.stack([across, down], 1)  # (N, 2, 3)
    grid = F.affine_grid(source_from_view, [n, 1, *size], align_corners=False)
    views = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    shape = (n, 1, 1, 1)
    views = views.clamp(1e-4, 1) ** torch.exp(draw(how.gamma)).view(shape)
    views = (views - 0.5) * torch.exp(draw(how.contrast)).view(shape) + 0.5 + draw(how.brightness).view(shape)
    views = views + how.noise * torch.rand(shape, generator=generator) * torch.randn(views.shape, generator=generator)
    for i in torch.nonzero(torch.rand(n, generator=generator) < how.erase).flatten().tolist():
        h, w = (int(side * (0.1 + 0.22 * float(torch.rand(1, generator=generator)))) for side in size)
        top = int(torch.randint(size[0] - h, (1,), generator=generator))
        left = int(torch.randint(size[1] - w, (1,), generator=generator))
        views[i, :, top : top + h, left : left + w] = torch.rand(1, generator=generator)
    return views.clamp(0, 1)
