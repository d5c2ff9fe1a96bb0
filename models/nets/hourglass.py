"""An hourglass (Newell et al. 2016, "Stacked hourglass networks", arXiv:1603.06937): one of its modules, small.

Down to an eighth of the heatmap's resolution and up again at a constant width, with residual blocks on the way down, on
the way across and on the way up, which are added. A network with one such module placed the points that the knees here
are learned from (Tiulpin et al. 2019, arXiv:1907.12237).
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.dense import DenseNet, State, make_convolution, resize_maps
from models.nets.hrnet import BasicBlock

DEPTH = 4
"""Stages on the way down, the first at a quarter of the input's resolution."""


class Upward(nn.Module):
    """One step up: what lies below, enlarged, and what went across, added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.across, self.block = BasicBlock(width), BasicBlock(width)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """(N, C, h/2, w/2) and (N, C, h, w) → (N, C, h, w)."""
        across = self.across(skip)
        return cast(Tensor, self.block(across + resize_maps(below, (skip.shape[2], skip.shape[3]))))


class Downward(nn.Module):
    """One step down: (N, C, h, w) → (N, C, h/2, w/2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = BasicBlock(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) → (N, C, h/2, w/2)."""
        return cast(Tensor, self.block(F.max_pool2d(x, 2, ceil_mode=True)))


class Hourglass(DenseNet):
    """Stages stem, stage1 … stage4 down, up3 … up1 back to a quarter of the resolution, and a 1 × 1 head.

    Parameters
    ----------
    classes
        Number of logits K of every pixel.
    dropout
        Share of channels dropped before the head in training.
    width
        Channels everywhere behind the stem; 256 in the paper.
    """

    def __init__(self, classes: int, dropout: float = 0.0, width: int = 48) -> None:
        super().__init__()
        stem = [make_convolution(3, 32, stride=2), make_convolution(32, width, stride=2)]
        self.stages = nn.ModuleDict({"stem": nn.Sequential(*stem), "stage1": BasicBlock(width)})
        for level in range(2, DEPTH + 1):
            self.stages[f"stage{level}"] = Downward(width)
        for level in range(DEPTH - 1, 0, -1):
            self.stages[f"up{level}"] = Upward(width)
        self.head = nn.Sequential(
            make_convolution(width, width, 1), nn.Dropout2d(dropout), nn.Conv2d(width, classes, 1)
        )

    def run(self, name: str, state: State) -> State:
        """Run one stage: on the way down it also hands on what it saw, on the way up it uses that."""
        x, *kept = state
        if name in ("stem", "stage1"):
            return (self.stages[name](x),)
        if name.startswith("stage"):
            return (self.stages[name](x), x, *kept)
        skip, *rest = kept
        return (self.stages[name](x, skip), *rest)
