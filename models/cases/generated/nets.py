"""The network of the generator: it makes a small radiograph four times larger and sharp, and its critic in training.

In the manner of SRGAN (Ledig et al. 2017, arXiv:1609.04802); noise beside the input becomes grain.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F

ENLARGED = 4
"""Pixels of the finished picture for one of the small one, along each side."""


class Plain(nn.Module):
    """Two convolutions beside a path that skips them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H, W)."""
        added: Tensor = self.second(F.silu(self.first(F.silu(x))))
        return x + added


class Sharpener(nn.Module):
    """Small picture and noise (N, 2, h, w) → (N, 1, 4h, 4w), pictures in the range −1 … 1."""

    def __init__(self, width: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, width, 3, padding=1)
        self.small = nn.Sequential(*(Plain(width) for _ in range(blocks)))
        self.up = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.middle = nn.Sequential(*(Plain(width // 2) for _ in range(2)))
        self.up_again = nn.Conv2d(width // 2, width, 3, padding=1)
        self.large = Plain(width // 4)
        self.last = nn.Conv2d(width // 4, 1, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the picture: the input enlarged smoothly, and what was added to it."""
        smooth = F.interpolate(x[:, :1].float(), scale_factor=ENLARGED, mode="bicubic", align_corners=False)
        x = self.stem(x)
        x = x + self.small(x)  # (N, C, h, w)
        x = self.middle(F.pixel_shuffle(self.up(x), 2))  # (N, C/2, 2h, 2w)
        x = self.large(F.pixel_shuffle(self.up_again(x), 2))  # (N, C/4, 4h, 4w)
        added: Tensor = self.last(F.silu(x)).float()
        return smooth + added


class Critic(nn.Module):
    """Picture (N, 1, H, W) → (N, 1, H/8, W/8): how real each patch looks; for training only."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = (1, width, 2 * width, 4 * width)
        steps: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            steps += [nn.utils.parametrizations.spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
        steps += [nn.utils.parametrizations.spectral_norm(nn.Conv2d(4 * width, 4 * width, 3, 1, 1)), nn.LeakyReLU(0.2)]
        self.steps = nn.Sequential(*steps, nn.Conv2d(4 * width, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the patches' scores."""
        scores: Tensor = self.steps(x)
        return scores
