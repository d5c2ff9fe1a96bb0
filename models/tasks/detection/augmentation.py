"""Random views of a radiograph and its boxes for training: one affine map, one tone curve, a little noise.

A detector sees the same at any place, so it learns from views much smaller than the picture: that is many more boxes
for the same work. A box under a turn becomes the upright box round the ellipse inside it, which stays as tight as the
finding itself is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

SEEN = 0.4
"""Share of a box's area that a view must hold, or the box does not count as shown."""


@dataclass(frozen=True)
class BoxAugmentation:
    """How far a training view may stray; a range r means ±r."""

    rotation_deg: float = 12.0
    scale: float = 0.35
    """In natural logarithms."""
    aspect: float = 0.1
    """Of width to height, in natural logarithms."""
    flip: bool = True
    contrast: float = 0.3
    brightness: float = 0.12
    gamma: float = 0.35
    noise: float = 0.02
    invert: float = 0.0
    """Probability that light and dark change places."""


@dataclass(frozen=True)
class Seen:
    """One view: picture (1, h, w) in [0, 1], boxes (M, 4) left, top, right, bottom in its pixels, classes (M,)."""

    picture: Tensor
    boxes: Tensor
    classes: Tensor


def draw_detection_view(
    picture: Tensor,
    boxes: Tensor,
    classes: Tensor,
    centre: tuple[float, float],
    size: tuple[int, int],
    how: BoxAugmentation,
    generator: Generator,
) -> Seen:
    """Draw one view (rows, columns) = `size` of a picture (H, W) uint8 around a pixel (x, y).

    Parameters
    ----------
    boxes, classes
        (M, 4) x, y, width and height as in `models.types.Detections`, and (M,).
    """
    forth = _affine(how, generator)  # (2, 2) view_from_picture
    back = torch.linalg.inv(forth)
    half = torch.tensor([size[1] / 2, size[0] / 2])
    middle = torch.tensor(centre)
    y, x = torch.meshgrid(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5, indexing="ij")
    places = (torch.stack([x, y], -1) - half) @ back.T + middle  # (h, w, 2) in pixels of the picture
    seen = _tones(_sampled(picture, places), how, generator)
    centres = (boxes[:, :2] + boxes[:, 2:] / 2 - middle) @ forth.T + half
    extents = ((boxes[:, None, 2:] / 2 * forth[None]) ** 2).sum(-1).sqrt()  # (M, 2) of the ellipse inside
    whole = torch.cat([centres - extents, centres + extents], 1)
    limits = torch.tensor([size[1], size[0], size[1], size[0]], dtype=torch.float32)
    shown = torch.minimum(whole.clamp(min=0), limits)
    area, of = ((part[:, 2:] - part[:, :2]).clamp(min=0).prod(1) for part in (shown, whole))
    kept = area > SEEN * of.clamp(min=1e-6)
    return Seen(seen, shown[kept], classes[kept])


def _affine(how: BoxAugmentation, generator: Generator) -> Tensor:
    angle, scale, aspect, flip = torch.rand(4, generator=generator).tolist()
    turn = math.radians(how.rotation_deg) * (2 * angle - 1)
    size, shape = math.exp(how.scale * (2 * scale - 1)), math.exp(how.aspect * (2 * aspect - 1) / 2)
    mirror = -1.0 if how.flip and flip < 0.5 else 1.0
    cos, sin = math.cos(turn), math.sin(turn)
    return torch.tensor([[mirror * size * shape * cos, -size * shape * sin], [mirror * size * sin, size * cos / shape]])


def _sampled(picture: Tensor, places: Tensor) -> Tensor:
    """Look up a picture (H, W) uint8 at places (h, w, 2) as (x, y): (1, h, w) in [0, 1], black outside."""
    low, high = places.reshape(-1, 2).amin(0).floor().int() - 1, places.reshape(-1, 2).amax(0).ceil().int() + 2
    left, top = (max(int(of), 0) for of in low)
    right, bottom = (max(min(int(of), side), 1) for of, side in zip(high, picture.shape[::-1], strict=True))
    left, top = min(left, right - 1), min(top, bottom - 1)
    part = picture[top:bottom, left:right][None, None].float() / 255
    extent = torch.tensor([right - left, bottom - top])
    grid = (places - torch.tensor([left, top]) + 0.5) / extent * 2 - 1
    return F.grid_sample(part, grid[None], padding_mode="zeros", align_corners=False)[0]


def _tones(seen: Tensor, how: BoxAugmentation, generator: Generator) -> Tensor:
    contrast, brightness, gamma, noise, invert = torch.rand(5, generator=generator).tolist()
    seen = seen.clamp(1e-4, 1) ** math.exp(how.gamma * (2 * gamma - 1))
    seen = (seen - 0.5) * (1 + how.contrast * (2 * contrast - 1)) + 0.5 + how.brightness * (2 * brightness - 1)
    if invert < how.invert:
        seen = 1 - seen
    grain = torch.randn(seen.shape, generator=generator) * how.noise * noise
    toned: Tensor = (seen + grain).clamp(0, 1)
    return toned
