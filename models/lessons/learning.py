"""A small network that learns before the reader's eyes: what it has become is told every few steps.

Two convolutions and a linear layer, trained by Adam on the simulated patches of `models.lessons.shafts`. Everything
is drawn from one seed, so the same lesson runs the same way twice. With shuffled labels it has nothing to learn but
each patch by heart (Zhang et al. 2017, arXiv:1611.03530).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from models.lessons.shafts import LABELS, Shafts, simulate_shafts

FILTERS, FILTER_PX = 8, 5
"""Filters of the first layer, and their side."""
HELD_OUT = 400
"""Patches that are never trained on."""
SHOWN = 12
"""The first of them, whose decisions are told."""
BATCH = 32
EVERY = 20
"""Steps between two snapshots."""


@dataclass(frozen=True)
class Lesson:
    """What is learned from, and how.

    Attributes
    ----------
    patches
        Patches to train on.
    rate
        Learning rate.
    shuffled
        Whether the training labels are dealt out at random.
    steps
        Batches.
    """

    patches: int = 1600
    rate: float = 0.005
    shuffled: bool = False
    steps: int = 800
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The network after some steps.

    Attributes
    ----------
    step
        Batches seen.
    loss
        Mean cross-entropy of the batches since the last snapshot; ln 2 = 0.69 is what guessing costs.
    trained, held_out
        Share answered rightly of the patches trained on (the first `HELD_OUT`, by the labels it was given), and of
        those that it never saw (by the reference standard).
    filters
        (FILTERS, FILTER_PX, FILTER_PX) weights of the first layer.
    decisions
        (SHOWN,) probability that each of the first held-out patches is broken.
    """

    step: int
    loss: float
    trained: float
    held_out: float
    filters: NDArray[np.float32]
    decisions: NDArray[np.float32]


class SmallNet(nn.Module):
    """Grey patch → two logits, in three layers."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, FILTERS, FILTER_PX, padding=2)
        self.second = nn.Conv2d(FILTERS, 16, 3, padding=1)
        self.last = nn.Linear(16, len(LABELS))
        for layer in (self.first, self.second, self.last):
            nn.init.kaiming_normal_(layer.weight, generator=generator)
            assert layer.bias is not None  # each has one
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 28, 28) → (N, 2)."""
        x = F.max_pool2d(F.relu(self.first(x)), 2)  # (N, 8, 14, 14)
        x = F.relu(self.second(x)).amax((2, 3))  # (N, 16): the strongest answer anywhere
        logits: Tensor = self.last(x)  # (N, 2)
        return logits


def draw_held_out_patches() -> Shafts:
    """Return the patches that no lesson trains on."""
    return simulate_shafts(HELD_OUT, seed=10_000)


def learn(lesson: Lesson) -> Iterator[Snapshot]:
    """Train a new network, and yield what it is before the first step, every few steps and at the end.

    The caller stops it by not asking for more.
    """
    generator = Generator().manual_seed(lesson.seed)
    data = simulate_shafts(lesson.patches, seed=lesson.seed)
    x, y = _input(data), torch.from_numpy(data.broken).long()  # (N, 1, 28, 28), (N,)
    if lesson.shuffled:
        y = y[torch.randperm(len(y), generator=generator)]
    unseen = draw_held_out_patches()
    test = _input(unseen), torch.from_numpy(unseen.broken).long()
    net = SmallNet(generator)
    optimiser = torch.optim.Adam(net.parameters(), lesson.rate)
    with torch.no_grad():
        losses = [float(F.cross_entropy(net(x[:HELD_OUT]), y[:HELD_OUT]))]
    yield _snapshot(net, 0, losses, (x, y), test)
    losses, order = [], torch.empty(0, dtype=torch.long)
    for step in range(1, lesson.steps + 1):
        if len(order) < BATCH:
            order = torch.cat([order, torch.randperm(len(x), generator=generator)])
        batch, order = order[:BATCH], order[BATCH:]
        loss = F.cross_entropy(net(x[batch]), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step % EVERY == 0 or step == lesson.steps:
            yield _snapshot(net, step, losses, (x, y), test)
            losses = []


def _input(data: Shafts) -> Tensor:
    return torch.from_numpy(data.pixels)[:, None] * 4 - 1.5


@torch.no_grad()
def _snapshot(
    net: SmallNet, step: int, losses: list[float], seen: tuple[Tensor, Tensor], unseen: tuple[Tensor, Tensor]
) -> Snapshot:
    (x, y), (test, reference) = seen, unseen
    p = net(test).softmax(1)  # (HELD_OUT, 2)
    return Snapshot(
        step=step,
        loss=float(np.mean(losses)),
        trained=float((net(x[:HELD_OUT]).argmax(1) == y[:HELD_OUT]).float().mean()),
        held_out=float((p.argmax(1) == reference).float().mean()),
        filters=net.first.weight[:, 0].numpy().copy(),
        decisions=p[:SHOWN, 1].numpy().copy(),
    )
