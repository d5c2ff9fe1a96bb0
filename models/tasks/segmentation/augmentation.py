"""Random views of a picture and its masks for training: one affine map, one tone curve, one shift of the stains.

Stains are jittered in the space of Ruifrok and Johnston 2001 (haematoxylin, eosin, DAB; Tellez et al. 2019,
arXiv:1902.06543), so that a network does not hang on one laboratory's recipe. Everything is drawn from one generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

RGB_FROM_HED = torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
"""Optical density of each stain in red, green and blue."""


@dataclass(frozen=True)
class DenseAugmentation:
    """How far a training view may stray; a range r means ±r."""

    rotation_deg: float = 180.0
    scale: float = 0.3
    """In natural logarithms."""
    shift: float = 0.06
    """Share of the view's side; only for cards that see the whole image at once."""
    flip: bool = True
    stain: float = 0.0
    """Relative change of each stain's density, and a tenth of it as an offset."""
    hue_deg: float = 0.0
    """Turn of all colours about grey: other dyes than those seen."""
    grey: float = 0.0
    """Probability that a coloured picture comes without its colours, as a slide shown or scanned in grey."""
    contrast: float = 0.25
    brightness: float = 0.1
    gamma: float = 0.25
    noise: float = 0.02
    blur: float = 0.0
    """Largest standard deviation of a Gaussian blur, in pixels."""
    invert: float = 0.0
    """Probability that light and dark change places."""


@dataclass(frozen=True)
class Sample:
    """One picture as the sampler takes it.

    Attributes
    ----------
    picture
        (C, H, W) uint8, C = 1 or 3.
    reference
        (H, W) uint8 class of every pixel.
    height
        (H, W) uint8 depth inside its own object in 255ths, where objects are told apart.
    """

    picture: Tensor
    reference: Tensor
    height: Tensor | None = None


def draw_segmentation_view(
    sample: Sample, size: tuple[int, int], centre: tuple[float, float], how: DenseAugmentation, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw one view around a pixel (row, column).

    Returns
    -------
    tuple of Tensor
        Picture (C, *size) in [0, 1]; class (*size) as int64; height (*size) in [0, 1], zero where there is none.
    """
    grid, (top, left, bottom, right) = _grid(sample.reference.shape, size, centre, how, generator)  # in source pixels
    extent = torch.tensor([max(right - left - 1, 1), max(bottom - top - 1, 1)])
    grid = ((grid - torch.tensor([left, top])) / extent * 2 - 1)[None]  # (1, h, w, 2) as (x, y) in [−1, 1]
    part = (slice(None), slice(top, bottom), slice(left, right))
    smooth = [sample.picture[part].float() / 255]
    if sample.height is not None:
        smooth.append(sample.height[None][part].float() / 255)
    seen = F.grid_sample(torch.cat(smooth)[None], grid, padding_mode="reflection", align_corners=True)[0]
    reference = F.grid_sample(
        sample.reference[None][part].float()[None], grid, mode="nearest", padding_mode="reflection", align_corners=True
    )[0, 0]
    channels = len(sample.picture)
    height = seen[channels] if sample.height is not None else torch.zeros(size)
    return recolour_view(seen[:channels], how, generator), reference.long(), height


def _grid(
    shape: torch.Size, size: tuple[int, int], centre: tuple[float, float], how: DenseAugmentation, generator: Generator
) -> tuple[Tensor, tuple[int, int, int, int]]:
    """Return the source pixel (x, y) of every pixel of the view, (h, w, 2), and the box of the source they lie in."""

    def draw(spread: float) -> float:
        return (float(torch.rand(1, generator=generator)) * 2 - 1) * spread

    angle, zoom = draw(math.radians(how.rotation_deg)), math.exp(draw(how.scale))
    mirror = -1.0 if how.flip and float(torch.rand(1, generator=generator)) < 0.5 else 1.0
    row, column = (float(at) + draw(how.shift) * side for at, side in zip(centre, size, strict=True))
    across = torch.arange(size[1]) - (size[1] - 1) / 2
    down = (torch.arange(size[0]) - (size[0] - 1) / 2)[:, None]
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    x = column + cos * mirror * across - sin * down
    y = row + sin * mirror * across + cos * down
    grid = torch.stack([x, y], -1)
    low, high = grid.amin((0, 1)).floor().long() - 1, grid.amax((0, 1)).ceil().long() + 2
    left, right = int(low[0].clamp(0, shape[1] - 2)), int(high[0].clamp(2, shape[1]))
    top, bottom = int(low[1].clamp(0, shape[0] - 2)), int(high[1].clamp(2, shape[0]))
    return grid, (top, left, bottom, right)


def recolour_view(picture: Tensor, how: DenseAugmentation, generator: Generator) -> Tensor:
    """(C, h, w) in [0, 1] → the same scene under another stain, exposure and noise."""

    def draw(spread: float, count: int = 1) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * spread

    if how.stain and len(picture) == 3:
        picture = restain_view(picture, 1 + draw(how.stain, 3), draw(how.stain / 10, 3))
    if how.hue_deg and len(picture) == 3:
        picture = turn_hues(picture, float(draw(how.hue_deg)))
    if how.grey and len(picture) == 3 and float(torch.rand(1, generator=generator)) < how.grey:
        picture = grey_view(picture)
    if how.invert and float(torch.rand(1, generator=generator)) < how.invert:
        picture = 1 - picture
    picture = picture.clamp(1e-4, 1) ** torch.exp(draw(how.gamma))
    picture = (picture - 0.5) * torch.exp(draw(how.contrast)) + 0.5 + draw(how.brightness)
    if how.blur:
        picture = blur_view(picture, float(torch.rand(1, generator=generator)) * how.blur)
    amount = how.noise * torch.rand(1, generator=generator)
    picture = picture + amount * torch.randn(picture.shape, generator=generator)
    return picture.clamp(0, 1)


def restain_view(picture: Tensor, factor: Tensor, offset: Tensor) -> Tensor:
    """(3, h, w) in [0, 1] with the density of each stain (3,) multiplied and shifted; 1 and 0 change nothing."""
    density = -torch.log10(picture.clamp_min(1 / 255)).flatten(1)  # (3, h·w)
    stains = torch.linalg.solve(RGB_FROM_HED.T, density)
    density = RGB_FROM_HED.T @ (stains * factor[:, None] + offset[:, None])
    return torch.pow(10.0, -density).clamp(0, 1).view_as(picture)


def turn_hues(picture: Tensor, angle_deg: float) -> Tensor:
    """(3, h, w) with every colour turned about the grey axis, after Rodrigues; grey stays as it is."""
    angle = math.radians(angle_deg)
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    turn = math.cos(angle) * torch.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) / 3
    turned_colours: Tensor = turn @ picture.flatten(1)
    return turned_colours.view_as(picture)


def grey_view(picture: Tensor) -> Tensor:
    """(3, h, w) with the luminance of `Image.grey` in every channel."""
    luminance = torch.tensor([0.299, 0.587, 0.114])
    return (luminance @ picture.flatten(1)).view(1, *picture.shape[1:]).expand(3, -1, -1)


def blur_view(picture: Tensor, sigma_px: float) -> Tensor:
    """(C, h, w) under a Gaussian of this width; one under a fifth of a pixel does nothing."""
    if sigma_px < 0.2:
        return picture
    reach = math.ceil(3 * sigma_px)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    planes = F.pad(picture[:, None], (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(planes, kernel), kernel.transpose(2, 3))[:, 0]
