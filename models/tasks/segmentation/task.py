"""Segmentation: a class for every pixel, how certain it is, and objects where the card tells them apart.

A card either sees the whole image at once, scaled to fit (`Frame`), or slides over it at
its own resolution (`models.nets.tiles`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.cards import Card
from models.nets.dense import DenseNet
from models.nets.frame import Frame
from models.nets.loading import build_dense
from models.nets.tiles import Strip
from models.tasks.segmentation.objects import separate_objects
from models.tasks.task import Task
from models.trust.colours import COLOURLESS, GREY, misses_colours
from models.trust.ood import Verdict, load_ood_detector
from models.types import Box, Image, Pixels, Segmentation

ROWS = 256
"""Rows of a strip in which maps of a fitted image are brought back to its pixels."""


@dataclass(frozen=True)
class SegmenterOutput:
    """What the network said about one frame, before the task gives it meaning; all in source pixels.

    Attributes
    ----------
    mask
        (H, W) index of the class with the largest logit.
    certainty
        (H, W) its probability in 255ths.
    height
        (H, W) depth inside the own object in 255ths; None where objects are not told apart.
    seconds
        Preparation and forward passes.
    pooled, strongest
        (T, D) and (T, K) what the out-of-distribution detector looks at in each of the T tiles: pooled features, and
        the largest logit of each class.
    """

    mask: NDArray[np.uint8]
    certainty: NDArray[np.uint8]
    height: NDArray[np.uint8] | None
    seconds: float
    pooled: NDArray[np.float32]
    strongest: NDArray[np.float32]


class SegmentationTask(Task):
    """Reads a `SegmenterOutput` as a `Segmentation`."""

    def build(self, card: Card) -> DenseNet:
        """Return the card's network with random weights."""
        return build_dense(card)

    def prepare(self, image: Image, card: Card, frame: int = 0) -> Tensor:
        """Return a whole frame as the network's input, fitted unless the card is tiled: (1, 3, h, w) in [−1, 1]."""
        picture = prepare_planes(image, card, frame)
        return make_network_input(picture if card.input.tiled else self.frame(image, card).to_network(picture))

    def read(self, output: SegmenterOutput, image: Image, card: Card) -> Segmentation:
        """Return the classes, the objects where the card tells them apart, and the detector's verdict."""
        found = separate_objects(output.mask > 0, output.height) if output.height is not None else None
        verdict = _verdict(output, image, card)
        return Segmentation(
            task=self.name,
            card=card.id,
            sha256=image.sha256,
            seconds=output.seconds,
            warnings=image.warnings,
            labels=card.keys,
            mask=output.mask,
            certainty=output.certainty,
            instances=found,
            abstained=bool(verdict and verdict.outside),
            reason=verdict.reason if verdict else None,
            ood_score=verdict.ood_score if verdict else None,
        )


def _verdict(output: SegmenterOutput, image: Image, card: Card) -> Verdict | None:
    """Judge an image by the tile that the OOD detector knows best: around tissue there is always something else."""
    if misses_colours(image, card):
        return Verdict(True, COLOURLESS, GREY)
    if card.ood is None:
        return None
    ood_detector = load_ood_detector(card)
    best = ood_detector.distance(output.pooled).argmin()
    return ood_detector.judge(output.pooled[best], output.strongest[best], card.data.shows)


def prepare_planes(image: Image, card: Card, frame: int = 0, box: Box | None = None) -> Tensor:
    """Return a part of a frame in the default window, as the card takes it: (1, C, h, w) in [0, 1], C = 1 or 3."""
    part = image.crop(box) if box else image
    if card.input.channels == "grey":
        return torch.from_numpy(part.grey(frame))[None, None]
    shown = part.shown(frame)
    if not part.colour:
        return torch.from_numpy(shown)[None, None].expand(1, 3, -1, -1)
    return torch.from_numpy(shown).permute(2, 0, 1)[None]


def make_network_input(pictures: Tensor) -> Tensor:
    """(N, C, h, w) in [0, 1], C = 1 or 3 → (N, 3, h, w) in [−1, 1], channels last."""
    return (pictures * 2 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def fit_segmenter_input(picture: Tensor, reference: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Fit a picture (C, H, W) uint8 and its classes (H, W) uint8 into an input, as `prepare` fits an image."""
    if reference.shape == size:
        return picture, reference
    frame = Frame((picture.shape[1], picture.shape[2]), size)
    seen = frame.to_network(picture[None].float()).round().clamp(0, 255).to(torch.uint8)[0]
    classes = [frame.to_network((reference == k)[None, None].float())[0, 0] for k in range(1, int(reference.max()) + 1)]
    background = 1 - sum(classes, torch.zeros(size))
    return seen, torch.stack([background, *classes]).argmax(0).to(torch.uint8)


def collect_strips(
    shape: tuple[int, int], classes: int, strips: Iterable[Strip]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Gather finished rows into the mask, certainty and height of a painting: over K in the logits is the height."""
    mask, certainty = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    height: NDArray[np.uint8] | None = None
    for strip in strips:
        rows = slice(strip.top, strip.top + strip.logits.shape[1])
        best, chosen = strip.logits[:classes].softmax(0).max(0)
        mask[rows], certainty[rows] = chosen.byte().numpy(), (best * 255).round().byte().numpy()
        if len(strip.logits) > classes:
            height = np.zeros(shape, np.uint8) if height is None else height
            height[rows] = (strip.logits[classes].sigmoid() * 255).round().byte().numpy()
    return mask, certainty, height


def bring_back_to_source(logits: Tensor, frame: Frame) -> Iterable[Strip]:
    """Bring logits (1, K, h, w) over a network's input back to the source in strips; black borders are background."""
    (rows, columns), (top, left) = frame.fitted, frame.corner
    maps = F.interpolate(logits, frame.network, mode="bilinear", align_corners=False)
    maps = maps[..., top : top + rows, left : left + columns]
    first_row, first_column, height, width = frame.part
    x = (torch.arange(width) + 0.5) / width * 2 - 1
    for start in range(0, frame.source[0], ROWS):
        stop = min(start + ROWS, frame.source[0])
        y = (torch.arange(start, stop) - first_row + 0.5) / height * 2 - 1
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]  # (1, rows, width, 2) as (x, y)
        seen = F.grid_sample(maps, grid, padding_mode="border", align_corners=False)[0]
        strip = torch.zeros(len(seen), stop - start, frame.source[1])
        strip[0] = 1e4  # background, with certainty
        inside = (y.abs() <= 1).nonzero()[:, 0]
        strip[:, inside, first_column : first_column + width] = seen[:, inside]
        yield Strip(start, strip)


def make_frame_pixels(picture: NDArray[np.uint8]) -> Pixels:
    """(H, W) or (H, W, 3) bytes → one frame of an `Image`: (1, …) in [0, 1]."""
    return picture[None].astype(np.float32) / np.float32(255)
