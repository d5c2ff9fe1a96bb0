"""HRNet (Wang et al. 2020, "Deep high-resolution representation learning", arXiv:1908.07919), small.

Parallel branches, each at half the resolution of the one above: the finest is kept from the stem to the head, and after
every module all branches are fused, each with all the others. The HRNetV2 head brings every branch to the finest
resolution, concatenates them and mixes them with a 1 × 1 convolution. Widths are c, 2c, 4c, 8c as in the paper
(HRNet-W18 has c = 18); modules and blocks are fewer, as in its "small" variants, so that it trains on a CPU.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.dense import DenseNet, State, make_convolution, resize_maps

BRANCHES = {"stem": 1, "stage1": 1, "stage2": 2, "stage3": 3, "stage4": 4}
"""Stage → number of parallel branches that it hands on."""


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions around a shortcut (He et al. 2016, arXiv:1512.03385): (N, C, h, w) → the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(make_convolution(width, width), make_convolution(width, width, rectified=False))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) → (N, C, h, w)."""
        return F.relu(x + self.body(x))


class Fusion(nn.Module):
    """Every branch out of all branches: finer ones by strided convolutions, coarser ones by 1 × 1 and bilinear."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.ModuleList(self._path(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    @staticmethod
    def _path(widths: list[int], source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:
            return make_convolution(widths[source], widths[target], kernel=1, rectified=False)
        steps = target - source
        between = [make_convolution(widths[source], widths[source], stride=2) for _ in range(steps - 1)]
        return nn.Sequential(*between, make_convolution(widths[source], widths[target], stride=2, rectified=False))

    def forward(self, branches: State) -> State:
        """Branches (N, c·2ⁱ, h/2ⁱ, w/2ⁱ) → the same shapes."""
        fused = []
        for target, paths in enumerate(self.paths):
            size = (branches[target].shape[2], branches[target].shape[3])
            parts = [
                resize_maps(path(branch), size)
                for path, branch in zip(cast(nn.ModuleList, paths), branches, strict=True)
            ]
            fused.append(F.relu(torch.stack(parts).sum(0)))
        return tuple(fused)


class Module(nn.Module):
    """One step of a stage: residual blocks on each branch, then the fusion of all."""

    def __init__(self, widths: list[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(BasicBlock(width) for _ in range(blocks))) for width in widths)
        self.fusion = Fusion(widths)

    def forward(self, state: State) -> State:
        """Branches → branches of the same shapes."""
        return cast(State, self.fusion(tuple(f(x) for f, x in zip(self.branches, state, strict=True))))


class Stage(nn.Module):
    """Opens one more branch out of the coarsest one, then runs its modules."""

    def __init__(self, widths: list[int], modules: int, blocks: int) -> None:
        super().__init__()
        self.opened = make_convolution(widths[-2], widths[-1], stride=2)
        self.steps = nn.ModuleList(Module(widths, blocks) for _ in range(modules))

    def forward(self, state: State) -> State:
        """N branches → n + 1 branches."""
        state = (*state, self.opened(state[-1]))
        for step in self.steps:
            state = step(state)
        return state


class HRNet(DenseNet):
    """Stages stem, stage1 … stage4; what is explained is the finest branch.

    Parameters
    ----------
    classes
        Number of logits K of every pixel.
    dropout
        Share of channels dropped before the last convolution in training.
    width
        Channels c of the finest branch.
    stride
        Of the finest branch: 4 in the paper, 2 where objects are a few pixels wide.
    blocks
        Residual blocks on a branch of a module; 4 in the paper, 2 in the first of its small variants.
    """

    def __init__(self, classes: int, dropout: float = 0.0, width: int = 16, stride: int = 4, blocks: int = 2) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(4)]
        stem = [make_convolution(3, 32, stride=2), make_convolution(32, width, stride=stride // 2)]
        self.stages = nn.ModuleDict({"stem": nn.Sequential(*stem)})
        self.stages["stage1"] = nn.Sequential(*(BasicBlock(width) for _ in range(blocks)))
        for number, modules in ((2, 1), (3, 1), (4, 1)):
            self.stages[f"stage{number}"] = Stage(widths[:number], modules, blocks)
        every = sum(widths)
        self.stages["joined"] = make_convolution(every, 4 * width, kernel=1)  # the representation of HRNetV2
        self.head = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(4 * width, classes, 1))

    def run(self, name: str, state: State) -> State:
        """Run one stage on the branches: finest first, (N, c·2ⁱ, H/(stride·2ⁱ), W/(stride·2ⁱ))."""
        if BRANCHES.get(name) == 1:
            return (self.stages[name](state[0]),)
        if name == "joined":
            size = (state[0].shape[2], state[0].shape[3])
            return (self.stages[name](torch.cat([resize_maps(branch, size) for branch in state], 1)),)
        return cast(State, self.stages[name](state))
