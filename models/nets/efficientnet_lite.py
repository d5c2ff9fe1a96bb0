"""EfficientNet-Lite0 as five named stages and a linear head.

EfficientNet (Tan and Le 2019, arXiv:1905.11946) for phones and CPUs: inverted residuals as in MobileNetV2, some with
5 × 5 kernels, ReLU6, and no squeeze-and-excitation (Liu 2020, blog.tensorflow.org). torchvision does not have it, and
its own convolution block is all that it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from models.nets.classifier import FEATURES, StagedClassifier

EPS = 1e-3
"""Of the batch norms, as TensorFlow's weights were trained with."""


@dataclass(frozen=True)
class Row:
    """A row of the paper's table 1: `repeats` blocks of `width` channels, the first with `stride`."""

    stage: str
    kernel: int
    stride: int
    expansion: int
    width: int
    repeats: int


TABLE = (
    Row("stage1", 3, 1, 1, 16, 1),
    Row("stage2", 3, 2, 6, 24, 2),
    Row("stage3", 5, 2, 6, 40, 2),
    Row("stage4", 3, 2, 6, 80, 3),
    Row("stage4", 5, 1, 6, 112, 3),
    Row("stage5", 5, 2, 6, 192, 4),
    Row("stage5", 3, 1, 6, 320, 1),
)
"""Of EfficientNet-B0, which Lite0 keeps."""
STEM = 32

_convolution = partial(Conv2dNormActivation, norm_layer=partial(nn.BatchNorm2d, eps=EPS), activation_layer=nn.ReLU6)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow, around a shortcut: (N, C, h, w) → (N, width, h / stride, w / stride)."""

    def __init__(self, channels: int, row: Row, stride: int) -> None:
        super().__init__()
        wide = channels * row.expansion
        widen = [_convolution(channels, wide, 1)] if row.expansion > 1 else []
        self.body = nn.Sequential(
            *widen,
            _convolution(wide, wide, row.kernel, stride, groups=wide),
            _convolution(wide, row.width, 1, activation_layer=None),
        )
        self.shortcut = stride == 1 and channels == row.width

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) → (N, width, h / stride, w / stride)."""
        found: Tensor = self.body(x)
        return x + found if self.shortcut else found


class StagedEfficientNetLite(StagedClassifier):
    """EfficientNet-Lite0 in its stages; their strides are 2, 4, 8, 16, 32.

    Parameters
    ----------
    classes
        Number of outputs of the head.
    dropout
        Share of pooled features dropped in training.
    """

    def __init__(self, classes: int, dropout: float = 0.2) -> None:
        super().__init__(_stages(), classes, dropout)


def _stages() -> Iterator[tuple[str, nn.Sequential]]:
    channels = STEM
    for stage, rows in groupby(TABLE, key=lambda row: row.stage):
        layers: list[nn.Module] = [_convolution(3, STEM, 3, 2)] if stage == TABLE[0].stage else []
        for row in rows:
            for i in range(row.repeats):
                layers.append(InvertedResidual(channels, row, row.stride if i == 0 else 1))
                channels = row.width
        if stage == TABLE[-1].stage:
            layers.append(_convolution(channels, FEATURES, 1))
        yield stage, nn.Sequential(*layers)


def load_imagenet(net: StagedEfficientNetLite, state: dict[str, Tensor]) -> None:
    """Copy ImageNet weights into the stages, layer by layer in their order; the classifier is left behind.

    Raises
    ------
    RuntimeError
        When a layer is missing or has another shape.
    """
    own = net.stages.state_dict()
    given = [value.float() for key, value in state.items() if not key.startswith("_fc")]
    for (name, mine), value in zip(own.items(), given, strict=False):
        if mine.shape != value.shape:
            raise RuntimeError(f"the starting weights have {tuple(value.shape)} for {name}, not {tuple(mine.shape)}")
    if len(own) != len(given):
        raise RuntimeError(f"the starting weights have {len(given)} tensors, not {len(own)}")
    net.stages.load_state_dict(dict(zip(own, given, strict=True)))
