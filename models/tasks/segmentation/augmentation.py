"""Random views of pictures and their masks for training: one affine map, one tone curve, one shift of the stains each.

Stains are jittered in the space of Ruifrok and Johnston 2001 (haematoxylin, eosin, DAB; Tellez et al. 2019,
arXiv:1902.06543), so that a network does not hang on one laboratory's recipe. A batch is drawn at once, from one
generator, on the device of the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from models.training.views import Maps, Resident, draw_bends, throw

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
    elastic: float = 0.0
    """Standard deviation of a smooth bend, as a share of the view's side; see `models.training.views.draw_bends`."""


@dataclass(frozen=True)
class Samples:
    """N pictures on the device that trains, as the sampler takes them.

    Attributes
    ----------
    pictures
        Of 1 or 3 planes.
    references
        Class of every pixel.
    heights
        Depth inside its own object in 255ths, where objects are told apart.
    outlined
        (H, W) uint8 class of every pixel of each picture, on the processor, to choose the middle of a view by.
    """

    pictures: Resident
    references: Resident
    heights: Resident | None
    outlined: Sequence[Tensor]


def draw_segmentation_views(
    samples: Samples,
    which: Tensor,
    centres: Tensor,
    size: tuple[int, int],
    how: DenseAugmentation,
    generator: Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw a view of each of some pictures (B,), around a pixel of each, centres (B, 2) as (row, column).

    Returns
    -------
    tuple of Tensor
        Pictures (B, C, *size) in [0, 1]; classes (B, *size) as int64; heights (B, *size) in [0, 1], zero where there
        are none.
    """
    places = draw_maps(size, centres, how, generator).places()
    seen = samples.pictures.look_up(which, places, "reflect")
    classes = samples.references.look_up_nearest(which, places, "reflect")[:, 0].long()
    if samples.heights is None:
        heights = torch.zeros_like(seen[:, 0])
    else:
        heights = samples.heights.look_up(which, places, "reflect")[:, 0]
    return recolour_views(seen, how, generator), classes, heights


def draw_maps(size: tuple[int, int], centres: Tensor, how: DenseAugmentation, generator: Generator) -> Maps:
    """Draw how views lie round pixels, centres (B, 2) as (row, column)."""
    n, device = len(centres), centres.device
    angle, zoom = throw(n, generator, math.radians(how.rotation_deg)), torch.exp(throw(n, generator, how.scale))
    half = torch.rand(n, generator=generator, device=device) < 0.5
    mirror = torch.where(half, -1.0, 1.0) if how.flip else torch.ones(n, device=device)
    down, across = (throw(n, generator, how.shift) * side for side in size)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    turn = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    middle = torch.stack([centres[:, 1] + across, centres[:, 0] + down], 1)
    bend = draw_bends(n, size, how.elastic * min(size), generator) if how.elastic else None
    return Maps(turn, middle, size, bend)


def recolour_views(pictures: Tensor, how: DenseAugmentation, generator: Generator) -> Tensor:
    """(B, C, h, w) in [0, 1] → the same scenes, each under another stain, exposure and noise."""
    n, device, shape = len(pictures), pictures.device, (-1, 1, 1, 1)
    colours = pictures.shape[1] == 3

    def draw(spread: float) -> Tensor:
        return throw(n, generator, spread).view(shape)

    def happens(share: float) -> Tensor:
        return (torch.rand(n, generator=generator, device=device) < share).view(shape)

    if how.stain and colours:
        factor, offset = (throw(3 * n, generator, spread).view(n, 3) for spread in (how.stain, how.stain / 10))
        pictures = restain_views(pictures, 1 + factor, offset)
    if how.hue_deg and colours:
        pictures = turn_hues(pictures, throw(n, generator, math.radians(how.hue_deg)))
    if how.grey and colours:
        pictures = torch.where(happens(how.grey), grey_views(pictures), pictures)
    if how.invert:
        pictures = torch.where(happens(how.invert), 1 - pictures, pictures)
    pictures = pictures.clamp(1e-4, 1) ** torch.exp(draw(how.gamma))
    pictures = (pictures - 0.5) * torch.exp(draw(how.contrast)) + 0.5 + draw(how.brightness)
    if how.blur:
        pictures = blur_views(pictures, torch.rand(n, generator=generator, device=device) * how.blur, how.blur)
    amount = how.noise * torch.rand(n, generator=generator, device=device).view(shape)
    pictures = pictures + amount * torch.randn(pictures.shape, generator=generator, device=device)
    return pictures.clamp(0, 1)


def restain_views(pictures: Tensor, factor: Tensor, offset: Tensor) -> Tensor:
    """(B, 3, h, w) in [0, 1] with the density of each stain (B, 3) multiplied and shifted; 1 and 0 change nothing."""
    stain = RGB_FROM_HED.to(pictures)
    density = -torch.log10(pictures.clamp_min(1 / 255)).flatten(2)  # (B, 3, h·w)
    stains = torch.linalg.inv(stain.T) @ density
    density = stain.T @ (stains * factor[..., None] + offset[..., None])
    return torch.pow(10.0, -density).clamp(0, 1).view_as(pictures)


def turn_hues(pictures: Tensor, angle: Tensor) -> Tensor:
    """(B, 3, h, w) with every colour turned about the grey axis by angles (B,) in radians, after Rodrigues."""
    cross = pictures.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    sin, cos = torch.sin(angle).view(-1, 1, 1), torch.cos(angle).view(-1, 1, 1)
    turn = cos * torch.eye(3, device=pictures.device) + sin * cross + (1 - cos) / 3
    return (turn @ pictures.flatten(2)).view_as(pictures)


def grey_views(pictures: Tensor) -> Tensor:
    """(B, 3, h, w) with the luminance of `Image.grey` in every channel."""
    luminance = pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (pictures * luminance).sum(1, keepdim=True).expand_as(pictures)


def blur_views(pictures: Tensor, sigma_px: Tensor, most_px: float) -> Tensor:
    """(B, C, h, w), each under a Gaussian of its own width (B,), none wider than `most_px`; 0 does nothing."""
    n, channels, reach = len(pictures), pictures.shape[1], math.ceil(3 * most_px)
    at = torch.arange(-reach, reach + 1, device=pictures.device)
    kernel = torch.exp(-0.5 * (at / sigma_px.clamp_min(0.05)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0).view(n * channels, 1, 1, -1)
    planes = F.pad(pictures.reshape(1, n * channels, *pictures.shape[2:]), (reach,) * 4, mode="replicate")
    planes = F.conv2d(F.conv2d(planes, kernel, groups=n * channels), kernel.transpose(2, 3), groups=n * channels)
    return planes.view_as(pictures)
