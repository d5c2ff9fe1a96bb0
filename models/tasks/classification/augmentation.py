"""Random views of a radiograph for training: one affine map, one bend and one tone curve an image, a batch at once.

Everything is drawn from one generator, so a seed fixes the run, and on the device of the images, which a GPU's memory
holds whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from models.training.views import draw_bends, throw


@dataclass(frozen=True)
class Augmentation:
    """How far a training view may stray from its radiograph; a range r means ±r."""

    rotation_deg: float = 12.0
    scale: float = 0.15
    shift: float = 0.08
    """Share of the image's side."""
    elastic: float = 0.0
    """Standard deviation of a smooth bend, as a share of the image's side; see `draw_bends`."""
    contrast: float = 0.3
    brightness: float = 0.12
    gamma: float = 0.3
    noise: float = 0.02
    flip: bool = True
    erase: float = 0.0
    """Probability that one rectangle of a tenth to a third of each side is greyed (DeVries and Taylor 2017,
    arXiv:1708.04552)."""


def augment_radiographs(images: Tensor, size: tuple[int, int], how: Augmentation, generator: Generator) -> Tensor:
    """Draw one random view of each image.

    Parameters
    ----------
    images
        (N, 1, H, W) in [0, 1], on the generator's device.
    size
        Height and width of the views.

    Returns
    -------
    Tensor
        (N, 1, *size) in [0, 1].
    """
    n, device = len(images), generator.device

    def dice() -> Tensor:
        return torch.rand(n, generator=generator, device=device)

    def draw(spread: float) -> Tensor:
        return throw(n, generator, spread)

    angle, zoom = draw(math.radians(how.rotation_deg)), torch.exp(draw(how.scale))
    mirror = torch.where(dice() < 0.5, -1.0, 1.0) if how.flip else torch.ones(n, device=device)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    across = torch.stack([cos * mirror, -sin, draw(2 * how.shift)], 1)
    down = torch.stack([sin * mirror, cos, draw(2 * how.shift)], 1)
    source_from_view = torch.stack([across, down], 1)  # (N, 2, 3)
    grid = F.affine_grid(source_from_view, [n, 1, *size], align_corners=False)
    if how.elastic:
        grid = grid + draw_bends(n, size, 2 * how.elastic, generator)
    views = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    shape = (n, 1, 1, 1)
    views = views.clamp(1e-4, 1) ** torch.exp(draw(how.gamma)).view(shape)
    views = (views - 0.5) * torch.exp(draw(how.contrast)).view(shape) + 0.5 + draw(how.brightness).view(shape)
    grain = torch.randn(views.shape, generator=generator, device=device)
    views = views + how.noise * dice().view(shape) * grain
    if how.erase:
        struck = _draw_rectangles(n, size, generator) & (dice() < how.erase).view(shape)
        views = torch.where(struck, dice().view(shape), views)
    return views.clamp(0, 1)


def _draw_rectangles(n: int, size: tuple[int, int], generator: Generator) -> Tensor:
    """Return which pixels lie in a rectangle of a tenth to a third of each side: (N, 1, *size)."""
    inside = []
    for side in size:
        share, place = torch.rand((2, n), generator=generator, device=generator.device)
        length = (side * (0.1 + 0.22 * share)).floor()
        first = ((side - length) * place).floor()
        at = torch.arange(side, device=generator.device)
        inside.append((at >= first[:, None]) & (at < (first + length)[:, None]))  # (N, side)
    down, across = inside
    rectangle: Tensor = down[:, None, :, None] & across[:, None, None, :]
    return rectangle
