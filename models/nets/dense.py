"""What every network that segments a picture has in common: named stages, and a way to stop between them.

A stage hands on all that the rest needs: the features that an explanation looks at first, then what it keeps for later
(the skips of a U-Net, the coarser branches of an HRNet).
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

JUDGED = "stage4"
"""Stage that every such network has, whose features tell an OOD detector what kind of picture it sees."""

State = tuple[Tensor, ...]
"""What a stage hands on: the features that are explained, (N, C, h, w), and whatever else the stages behind it need."""


class DenseNet(nn.Module):
    """A network (N, 3, H, W) → logits (N, K, H, W), for any H and W; `stages` run one after another, `head` last."""

    stages: nn.ModuleDict
    head: nn.Module

    @abstractmethod
    def run(self, name: str, state: State) -> State:
        """Run one stage on what the stage before it handed on; the first is given (x,)."""

    def trunk(self, x: Tensor, upto: str) -> State:
        """Run the stages up to and including `upto`: (N, 3, H, W) → what it hands on."""
        state: State = (x,)
        for name in self.stages:
            state = self.run(name, state)
            if name == upto:
                return state
        raise ValueError(f"no stage called {upto!r}; stages are {', '.join(self.stages)}")

    def tail(self, state: State, after: str, size: tuple[int, int]) -> Tensor:
        """Run everything behind stage `after`: what it handed on → logits (N, K, *size)."""
        names = list(self.stages)
        for name in names[names.index(after) + 1 :]:
            state = self.run(name, state)
        return resize_maps(self.head(state[0]), size)

    def judged(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) → logits (N, K, H, W), and pooled features, (N, D): the mean of channels at `JUDGED`."""
        state = self.trunk(x, JUDGED)
        pooled = torch.cat([part.float().mean((2, 3)) for part in state], 1)
        return self.tail(state, JUDGED, (x.shape[2], x.shape[3])), pooled

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → logits (N, K, H, W)."""
        last = list(self.stages)[-1]
        return self.tail(self.trunk(x, last), last, (x.shape[2], x.shape[3]))


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) → (N, C, *size), bilinear."""
    if tuple(maps.shape[2:]) == tuple(size):
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)


def make_convolution(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, rectified: bool = True
) -> nn.Sequential:
    """Convolution without a bias, batch norm and, where `rectified`, a ReLU: (N, inputs, h, w) → (N, outputs, …)."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if rectified else nn.Sequential(*layers)
