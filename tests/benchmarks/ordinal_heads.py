"""Which head for ordinal grades? Softmax, soft ordinal targets, CORAL and CORN on the same features, on validation.

    .venv/bin/python tests/benchmarks/ordinal_heads.py knee-kl

The features are the pooled ones of the card's first member, which was itself trained with soft ordinal targets: the
comparison asks whether another head would read them better. CORAL: Cao et al. 2020, arXiv:1901.07884; CORN: Shi et al.
2021, arXiv:2111.08851.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.cards import card
from models.nets.frame import Frame, normalise
from models.nets.loading import load_classifier
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.classification.metrics import list_classification_metrics
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.training import soften_targets

STEPS, DECAYS = 400, (1e-3, 1e-2, 1e-1)
SHOWN = ("accuracy", "quadratic_kappa", "mae", "auc_dichotomised", "log_loss")


class Linear(nn.Module):
    """K softmax outputs; `targets` (K, K) are one-hot or soft."""

    def __init__(self, features: int, targets: Tensor) -> None:
        super().__init__()
        self.linear, self.targets = nn.Linear(features, len(targets)), targets

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -(self.targets[y] * F.log_softmax(self.linear(x), 1)).sum(1).mean()

    def probabilities(self, x: Tensor) -> Tensor:
        return self.linear(x).softmax(1)


class Coral(nn.Module):
    """One direction and K − 1 thresholds: P(y > k) = σ(w·x + b_k)."""

    def __init__(self, features: int, k: int) -> None:
        super().__init__()
        self.direction, self.bias = nn.Linear(features, 1, bias=False), nn.Parameter(torch.linspace(2, -2, k - 1))

    def logits(self, x: Tensor) -> Tensor:
        return self.direction(x) + self.bias  # (N, K − 1)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        over = (y[:, None] > torch.arange(len(self.bias))).float()
        return F.binary_cross_entropy_with_logits(self.logits(x), over)

    def probabilities(self, x: Tensor) -> Tensor:
        over = torch.cummin(torch.sigmoid(self.logits(x)), 1).values
        return -torch.diff(F.pad(F.pad(over, (1, 0), value=1.0), (0, 1)), dim=1)


class Corn(nn.Module):
    """K − 1 conditional outputs: P(y > k | y ≥ k) = σ(w_k·x + b_k)."""

    def __init__(self, features: int, k: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, k - 1)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        logits, k = self.linear(x), torch.arange(self.linear.out_features)
        each = F.binary_cross_entropy_with_logits(logits, (y[:, None] > k).float(), reduction="none")
        asked = (y[:, None] >= k).float()
        return (each * asked).sum() / asked.sum()

    def probabilities(self, x: Tensor) -> Tensor:
        over = torch.sigmoid(self.linear(x)).cumprod(1)
        return -torch.diff(F.pad(F.pad(over, (1, 0), value=1.0), (0, 1)), dim=1)


@torch.no_grad()
def pooled(card_id: str, split: str) -> tuple[Tensor, Tensor]:
    """Return pooled features (N, 1280) and label indices (N,) of a split."""
    chosen, data = card(card_id), read_labelled_set(card_id)
    part, net = data.only(data.of(split)), load_classifier(chosen, chosen.members[0])
    frame = Frame((part.pixels.shape[1], part.pixels.shape[2]), chosen.input.size)
    found = [
        net.trunk(normalise(frame.to_network(x[:, None].float() / 255))).mean((2, 3))
        for x in torch.from_numpy(part.pixels).split(32)
    ]
    return torch.cat(found), torch.tensor([chosen.index(label) for label in part.labels])


def main(card_id: str) -> None:
    """Print each head's validation figures at its best weight decay."""
    chosen = card(card_id)
    (x, y), (x_val, y_val) = pooled(card_id, "train"), pooled(card_id, "val")
    mean, deviation = x.mean(0), x.std(0) + 1e-3
    x, x_val = (x - mean) / deviation, (x_val - mean) / deviation
    k = len(chosen.labels)
    heads = {
        "softmax": lambda: Linear(x.shape[1], torch.eye(k)),
        "soft ordinal": lambda: Linear(x.shape[1], soften_targets(chosen, Recipe.of(chosen))),
        "CORAL": lambda: Coral(x.shape[1], k),
        "CORN": lambda: Corn(x.shape[1], k),
    }
    wanted = list_classification_metrics(chosen)
    sys.stdout.write(f"{'head':14}{'decay':>8}" + "".join(f"{name:>17}" for name in SHOWN) + "\n")
    for name, make in heads.items():
        rows = []
        for decay in DECAYS:
            torch.manual_seed(0)
            head = make()
            optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3, weight_decay=decay * 100)
            for _ in range(STEPS):
                optimiser.zero_grad()
                head.loss(x, y).backward()
                optimiser.step()
            with torch.no_grad():
                p = head.probabilities(x_val).numpy().astype(np.float64)
            rows.append((decay, [wanted[figure](p, y_val.numpy()) for figure in SHOWN]))
        decay, figures = max(rows, key=lambda row: row[1][1])
        sys.stdout.write(f"{name:14}{decay:8g}" + "".join(f"{value:17.3f}" for value in figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
