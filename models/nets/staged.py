"""What every classifier here has in common: named stages, and a linear head on what the last of them makes, averaged.

A stage ends where the resolution is about to halve, which is where a feature map is worth looking at; so an explanation
can stop between stages, and training can keep what the early ones make.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

STAGES = ("stage1", "stage2", "stage3", "stage4", "stage5")
"""Names of the stages; their strides are 2, 4, 8, 16 and 32."""


class StagedClassifier(nn.Module, ABC):
    """Classifier `head(pool(stage5(…stage1(x))))` with its stages in an ordered dictionary.

    Parameters
    ----------
    stages
        By name, in order.
    features
        Channels of the last stage, and so the length of the pooled feature vector.
    classes
        Number of outputs of the head.
    dropout
        Share of pooled features dropped in training.
    """

    file: ClassVar[str]
    """Starting weights of ImageNet, in the folder `weights` beside the data."""

    def __init__(self, stages: Mapping[str, nn.Module], features: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(stages)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(features, classes)
        )

    def trunk(self, x: Tensor, upto: str = STAGES[-1]) -> Tensor:
        """Run the stages up to and including `upto`: (N, 3, H, W) → (N, C, h, w); "" is none of them."""
        if upto and upto not in self.stages:
            raise ValueError(f"no stage called {upto!r}; stages are {', '.join(self.stages)}")
        for name in self.names(upto=upto):
            x = self.stages[name](x)
        return x

    def pyramid(self, x: Tensor, below: str | None = None) -> dict[str, Tensor]:
        """Run every stage, or those below one, and keep each: (N, 3, H, W) → stage name → (N, C, h, w)."""
        features = {}
        for name, stage in self.stages.items():
            if name == below:
                break
            x = features[name] = stage(x)
        return features

    def tail(self, features: Tensor, after: str = STAGES[-1]) -> Tensor:
        """Run everything behind stage `after`, or all where it is "": (N, C, h, w) → logits (N, classes)."""
        for name in self.names(after=after):
            features = self.stages[name](features)
        logits: Tensor = self.head(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [−1, 1] → logits (N, classes)."""
        return self.tail(self.trunk(x))

    def names(self, *, upto: str | None = None, after: str | None = None) -> list[str]:
        """Return the names of the stages up to and including one, or of those behind one; "" is before the first."""
        names = list(self.stages)
        end = upto if upto is not None else after
        cut = names.index(end) + 1 if end else 0
        return names[:cut] if upto is not None else names[cut:]

    @abstractmethod
    def load_start(self, state: Mapping[str, Tensor]) -> None:
        """Fill the stages with starting weights as their source names them; the head stays at random.

        Raises
        ------
        RuntimeError
            When a weight is missing or has another shape.
        """


class Rescale(nn.Module):
    """Pixels in [−1, 1] → the values that a network's starting weights were trained on, channel by channel."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: float, shift: tuple[float, float, float]) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.register_buffer("shift", torch.tensor(shift).view(3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, 3, H, W)."""
        return x * self.scale + self.shift
