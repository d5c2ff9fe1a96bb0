"""A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) whose way down is MobileNetV2 with its ImageNet weights.

The way up doubles the resolution at each stage, joins what the way down computed there and mixes the two by one
convolution. It ends at half the picture's resolution: the last doubling is bilinear, which costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.nets.dense import DenseNet, State, make_convolution, resize_maps
from models.nets.mobilenet import STAGES, StagedMobileNetV2

DOWN = (16, 24, 32, 96)
"""Channels of the way down at strides 2, 4, 8 and 16; below them lies stage5, of 1,280 at stride 32."""


class UNetMobileNetV2(DenseNet):
    """Stages stage1 … stage5 down, up4 … up1 back to half the resolution, and a 1 × 1 convolution as head.

    Parameters
    ----------
    classes
        Number of logits K of every pixel.
    dropout
        Share of channels dropped before the head in training.
    widths
        Channels of up1 … up4.
    """

    def __init__(self, classes: int, dropout: float = 0.0, widths: Sequence[int] = (24, 32, 64, 96)) -> None:
        super().__init__()
        self.stages = StagedMobileNetV2(1).stages
        coarsest = cast(nn.Sequential, self.stages["stage5"])
        self.stages["stage5"] = coarsest[:-1]  # its last layer, 320 → 1280, is a fifth of all weights
        below = 320
        for level in range(4, 0, -1):
            width = widths[level - 1]
            self.stages[f"up{level}"] = make_convolution(below + DOWN[level - 1], width)
            below = width
        self.head = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(below, classes, 1))

    def run(self, name: str, state: State) -> State:
        """Run one stage: on the way down it also hands on what it saw, on the way up it uses that."""
        x, *kept = state
        if name in STAGES:
            skips = [x, *kept] if name != "stage1" else []  # the picture itself is not used again
            return (self.stages[name](x), *skips)
        skip, *rest = kept
        joined = torch.cat([resize_maps(x, (skip.shape[2], skip.shape[3])), skip], 1)
        return (self.stages[name](joined), *rest)

    def load_start(self, state: dict[str, Tensor]) -> None:
        """Copy torchvision-named ImageNet weights into the way down.

        Raises
        ------
        RuntimeError
            When a parameter is missing or has another shape.
        """
        donor = StagedMobileNetV2(1)
        donor.load_start(state)
        for name in STAGES:
            self.stages[name].load_state_dict(
                {k: v for k, v in donor.stages[name].state_dict().items() if k in self.stages[name].state_dict()}
            )
