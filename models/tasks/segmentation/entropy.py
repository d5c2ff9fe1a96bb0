"""Where a network that segments is uncertain: the entropy of its mean answer over flips and scales of the image.

After Wang et al. 2019, "Aleatoric uncertainty estimation", doi 10.1016/j.neucom.2019.01.103.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from models.nets import tiles
from models.nets.dense import resize_maps
from models.progress import ProgressToken
from models.tasks.segmentation.task import bring_back_to_source, make_network_input, prepare_planes
from models.types import Box, Image, Pixels

if TYPE_CHECKING:
    from models.tasks.segmentation.predictor import Segmenter

CHANGES = ((1.0, False), (1.0, True), (0.8, True), (1.25, False))
"""Scale of the input, and whether left and right change places."""


def compute_predictive_entropy(segmenter: Segmenter, image: Image, frame: int = 0) -> Pixels:
    """Return the entropy of every pixel: (H, W) in [0, 1], 1 where all classes are equally likely."""
    card, shape = segmenter.card, image.shape

    def answers(x: Tensor) -> Tensor:
        return torch.stack([_probabilities(segmenter, x, scale, mirrored) for scale, mirrored in CHANGES]).mean(0)

    strips: Iterable[tiles.Strip]
    if card.input.tiled:

        def patch(top: int, left: int, height: int, width: int) -> Tensor:
            return make_network_input(prepare_planes(image, card, frame, Box(top, left, height, width)))

        strips = tiles.slide_over_tiles(
            shape, card.input.size, patch, answers, ProgressToken(tiles.count_tiles(shape, card.input.size))
        )
    else:
        mean = answers(segmenter.task.prepare(image, card, frame))
        strips = bring_back_to_source(mean.clamp_min(1e-9).log(), segmenter.task.frame(image, card))
    found = np.empty(shape, np.float32)
    for strip in strips:
        p = strip.logits if card.input.tiled else strip.logits.softmax(0)
        entropy = -(p * p.clamp_min(1e-9).log()).sum(0) / np.log(len(card.labels))
        found[strip.top : strip.top + p.shape[1]] = entropy.clamp(0, 1).numpy()
    return found


def _probabilities(segmenter: Segmenter, x: Tensor, scale: float, mirrored: bool) -> Tensor:
    """Return the answer under one change, brought back: (1, 3, h, w) → (1, K, h, w)."""
    size = (x.shape[2], x.shape[3])
    changed = resize_maps(x, (round(size[0] * scale), round(size[1] * scale)))
    changed = changed.flip(3) if mirrored else changed
    p = segmenter.logits(changed)[:, : len(segmenter.card.labels)].softmax(1)
    return resize_maps(p.flip(3) if mirrored else p, size)
