"""A classifier as named stages and a linear head, so that an explanation can stop between them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

FEATURES = 1280
"""Channels of the last stage, and so the length of the pooled feature vector."""


class StagedClassifier(nn.Module):
    """Classifier `head(pool(last(…first(x))))` with its stages in an ordered dictionary.

    A stage ends where the resolution is about to halve, which is where a feature map is worth looking at.

    Parameters
    ----------
    stages
        Name and layers of each, in order; the last hands on `FEATURES` channels.
    classes
        Number of outputs of the head.
    dropout
        Share of pooled features dropped in training.
    """

    def __init__(self, stages: Iterable[tuple[str, nn.Sequential]], classes: int, dropout: float) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(dict(stages))
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(FEATURES, classes)
        )

    def trunk(self, x: Tensor, upto: str = "stage5") -> Tensor:
        """Run the stages up to and including `upto`: (N, 3, H, W) → (N, C, h, w)."""
        for name, stage in self.stages.items():
            x = stage(x)
            if name == upto:
                return x
        raise ValueError(f"no stage called {upto!r}; stages are {', '.join(self.stages)}")

    def pyramid(self, x: Tensor) -> dict[str, Tensor]:
        """Run every stage and keep what each computes: (N, 3, H, W) → stage name → (N, C, h, w)."""
        features = {}
        for name, stage in self.stages.items():
            x = features[name] = stage(x)
        return features

    def tail(self, features: Tensor, after: str = "stage5") -> Tensor:
        """Run everything behind stage `after`: (N, C, h, w) → logits (N, classes)."""
        names = list(self.stages)
        for name in names[names.index(after) + 1 :]:
            features = self.stages[name](features)
        logits: Tensor = self.head(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → logits (N, classes)."""
        return self.tail(self.trunk(x))
