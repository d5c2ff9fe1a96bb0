"""VGG16 as five named stages and a linear head; large and slow, it teaches smaller networks here.

The trunk is torchvision's own (Simonyan and Zisserman 2015, arXiv:1409.1556).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn
from torchvision.models import vgg16

from models.nets.staged import STAGES, Rescale, StagedClassifier

ENDS = (5, 10, 17, 24, 31)
"""Index in torchvision's `features` after each stage's pooling."""
FEATURES = 512
MEAN = (123.68, 116.779, 103.939)
"""Of red, green and blue, which its training took away."""


class StagedVGG16(StagedClassifier):
    """VGG16: 14.7 million weights in the trunk, 15 billion products at 224 × 224."""

    file = "vgg16_imagenet_notop"

    def __init__(self, classes: int, dropout: float = 0.2) -> None:
        features = vgg16(weights=None, init_weights=False).features
        stages = {name: features[start:end] for name, (start, end) in zip(STAGES, pairwise((0, *ENDS)), strict=True)}
        red, green, blue = (127.5 - mean for mean in MEAN)
        stages[STAGES[0]] = nn.Sequential(Rescale(127.5, (red, green, blue)), *stages[STAGES[0]])
        super().__init__(stages, FEATURES, classes, dropout)

    def load_start(self, state: Mapping[str, Tensor]) -> None:
        """Take torchvision's names, "features.0.weight" and so on."""
        convolutions = [module for module in self.stages.modules() if isinstance(module, nn.Conv2d)]
        numbers = sorted({int(key.split(".")[1]) for key in state if key.startswith("features.")})
        for convolution, number in zip(convolutions, numbers, strict=True):
            convolution.load_state_dict(
                {part: state[f"features.{number}.{part}"].float() for part in ("weight", "bias")}
            )
