"""Random views of radiographs and their boxes for training: one affine map, one tone curve, a little noise each.

A detector sees the same at any place, so it learns from views much smaller than the picture: that is many more boxes
for the same work. A box under a turn becomes the upright box round the ellipse inside it, which stays as tight as the
finding itself is. A batch is drawn at once, on the device of the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.training.views import Maps, Resident, draw_bends, throw

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
    elastic: float = 0.0
    """Standard deviation of a smooth bend, as a share of the view's side; see `models.training.views.draw_bends`."""


@dataclass(frozen=True)
class Seen:
    """B views.

    Attributes
    ----------
    pictures
        (B, 1, h, w) in [0, 1].
    boxes, classes
        Of each view: (M, 4) left, top, right, bottom in its pixels, from the outer corner of the first, and (M,).
    """

    pictures: Tensor
    boxes: Sequence[Tensor]
    classes: Sequence[Tensor]


@dataclass(frozen=True)
class Samples:
    """N pictures of one plane on the device that trains, and on the processor what a batch is chosen by.

    Attributes
    ----------
    boxes, classes
        Of each picture: (M, 4) x, y, width and height as in `models.types.Detections`, and (M,).
    sides
        Of each picture: (2,) columns and rows.
    """

    pictures: Resident
    boxes: Sequence[Tensor]
    classes: Sequence[Tensor]
    sides: Sequence[Tensor]


def draw_detection_views(
    samples: Samples, which: Tensor, centres: Tensor, size: tuple[int, int], how: BoxAugmentation, generator: Generator
) -> Seen:
    """Draw a view (rows, columns) = `size` of each of some pictures (B,), around a pixel of each, (B, 2) as (x, y).

    Parameters
    ----------
    which, centres
        On the processor, which knows the boxes; the views are on the generator's device.
    """
    device = generator.device
    maps = draw_maps(size, centres.to(device), how, generator)
    pictures = samples.pictures.look_up(which.to(device), maps.places(), "black")
    view = torch.tensor([i for i, at in enumerate(which.tolist()) for _ in samples.boxes[at]], dtype=torch.long)
    given = torch.cat([samples.boxes[at] for at in which.tolist()]).to(device)
    classes = torch.cat([samples.classes[at] for at in which.tolist()]).to(device)
    whole = carry_boxes(maps, given, view.to(device))
    shown = whole.clamp_min(0).minimum(whole.new_tensor([size[1], size[0], size[1], size[0]]))
    area, of = ((part[:, 2:] - part[:, :2]).clamp(min=0).prod(1) for part in (shown, whole))
    kept = (area > SEEN * of.clamp(min=1e-6)).cpu()
    rows = [torch.nonzero((view == i) & kept)[:, 0].to(device) for i in range(len(which))]
    return Seen(draw_tones(pictures, how, generator), [shown[of] for of in rows], [classes[of] for of in rows])


def carry_boxes(maps: Maps, boxes: Tensor, view: Tensor) -> Tensor:
    """Return the upright boxes (M, 4), in pixels of the views (M,), round the ellipses in boxes (M, 4) of pictures."""
    middle, half = boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:] / 2
    view_from_picture = torch.linalg.inv(maps.picture_from_view)[view]
    sides = []
    for axis in (0, 1):
        slope = half * view_from_picture[:, axis]  # (M, 2): the ellipse is farthest along the axis where it leads
        reach = half * slope / slope.norm(dim=1, keepdim=True).clamp_min(1e-12)
        sides += [maps.find_in_views(middle + sign * reach, view)[:, axis] for sign in (-1, 1)]
    left, right, top, bottom = sides
    return torch.stack([left, top, right, bottom], 1) + 0.5  # from the first pixel's middle to its corner


def draw_maps(size: tuple[int, int], centres: Tensor, how: BoxAugmentation, generator: Generator) -> Maps:
    """Draw how views lie round pixels, centres (B, 2) as (x, y)."""
    n, device = len(centres), centres.device
    turn, zoom = throw(n, generator, math.radians(how.rotation_deg)), torch.exp(throw(n, generator, how.scale))
    shape = torch.exp(throw(n, generator, how.aspect / 2))
    half = torch.rand(n, generator=generator, device=device) < 0.5
    mirror = torch.where(half, -1.0, 1.0) if how.flip else torch.ones(n, device=device)
    cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
    across = torch.stack([mirror * shape * cos, -shape * sin], 1)
    down = torch.stack([mirror * sin / shape, cos / shape], 1)
    view_from_picture = torch.stack([across, down], 1)  # (B, 2, 2)
    bend = draw_bends(n, size, how.elastic * min(size), generator) if how.elastic else None
    return Maps(torch.linalg.inv(view_from_picture), centres, size, bend)


def draw_tones(pictures: Tensor, how: BoxAugmentation, generator: Generator) -> Tensor:
    """(B, 1, h, w) in [0, 1] → the same, each under another exposure and noise."""
    n, device, shape = len(pictures), pictures.device, (-1, 1, 1, 1)

    def draw(spread: float) -> Tensor:
        return throw(n, generator, spread).view(shape)

    pictures = pictures.clamp(1e-4, 1) ** torch.exp(draw(how.gamma))
    pictures = (pictures - 0.5) * (1 + draw(how.contrast)) + 0.5 + draw(how.brightness)
    inverted = torch.rand(n, generator=generator, device=device).view(shape) < how.invert
    pictures = torch.where(inverted, 1 - pictures, pictures)
    amount = how.noise * torch.rand(n, generator=generator, device=device).view(shape)
    grain = torch.randn(pictures.shape, generator=generator, device=device) * amount
    return (pictures + grain).clamp(0, 1)
