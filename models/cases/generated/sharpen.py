"""Train the network that makes small radiographs large and sharp: `nets.Sharpener`.

It learns from crops of all three public sets at once: what a picture looks like four times smaller, a little blurred or
noisy as the drawn ones are, against what it was. Absolute difference and the difference of VGG16's features keep it
true; a critic of patches, from halfway on, keeps it from averaging (Ledig et al. 2017, arXiv:1609.04802).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.cases.generated.nets import ENLARGED, Critic, Sharpener
from models.training.checkpoint import Stateful, keep_checkpoint, resume_checkpoint

Grey = NDArray[np.uint8]

VGG = (64, 64, 0, 128, 128, 0, 256, 256, 256)
TAPPED = (3, 8, 15)
"""After relu1_2, relu2_2 and relu3_3."""


PERCEIVED, FOOLED = 0.5, 0.05
"""Weights of the difference in features, and of the critic's word, beside the absolute difference."""
KEPT_EVERY = 50


@dataclass(frozen=True)
class SharpenRun:
    """How long and on what the sharpener learns: `batch` crops a step, a share of them before the critic joins."""

    folder: Path
    steps: int = 1040
    crop: int = 128
    batch: int = 8
    alone: float = 0.25
    rate: float = 6e-4
    seed: int = 0
    name: str = "sharpener"

    @property
    def checkpoint(self) -> Path:
        """Where its state is kept."""
        return self.folder / f"{self.name}.pt"


class Perceived(nn.Module):
    """Distance of two grey pictures (N, 1, H, W) in the features of VGG16."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        before = 3
        for width in VGG:
            steps += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
            before = width or before
        self.steps = nn.Sequential(*steps)
        kept = {name.removeprefix("features."): value.float() for name, value in load_file(weights).items()}
        self.steps.load_state_dict({name: kept[name] for name in self.steps.state_dict()})
        self.requires_grad_(False)

    def taps(self, x: Tensor) -> list[Tensor]:
        """Return the features of three depths, each of unit length at each place."""
        mean = torch.tensor([123.68, 116.779, 103.939])[:, None, None]
        x = (x * 127.5 + 127.5).expand(-1, 3, -1, -1) - mean
        found = []
        for i, step in enumerate(self.steps):
            x = step(x)
            if i in TAPPED:
                found.append(x.float() / (x.float().square().sum(1, keepdim=True) + 1e-3).sqrt())
        return found

    def forward(self, x: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean distance."""
        with torch.no_grad():
            goal = self.taps(wanted)
        return sum(((a - b).square().sum(1).mean() for a, b in zip(self.taps(x), goal, strict=True)), torch.zeros(()))


def draw_sharpener_crops(pictures: Sequence[Grey], side: int, rng: np.random.Generator, n: int) -> Tensor:
    """Return random crops, mirrored at random, as (n, 1, side, side) in −1 … 1."""
    found = np.empty((n, 1, side, side), np.float32)
    for i in range(n):
        picture = pictures[int(rng.integers(len(pictures)))]
        row, column = (rng.integers(length - side + 1) for length in picture.shape)
        crop = picture[row : row + side, column : column + side]
        found[i, 0] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return torch.from_numpy(found / 127.5 - 1)


def wear_pictures(small: Tensor, rng: torch.Generator) -> Tensor:
    """Return small pictures as a generator might draw them: half of them a little blurred, a little noisy."""
    soft = F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.rand(len(small), 1, 1, 1, generator=rng).sub(0.5).clamp(min=0) * 0.8  # at most 0.4
    noise = torch.rand(len(small), 1, 1, 1, generator=rng).sub(0.3).clamp(min=0) * 0.05
    return small + share * (soft - small) + noise * torch.randn(small.shape, generator=rng)


def add_grain(small: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Return (N, 2, h, w): small pictures and the noise that becomes grain."""
    return torch.cat([small, torch.randn(small.shape, generator=rng)], 1)


def fit_sharpener(
    pictures: Sequence[Grey], vgg: Path, run: SharpenRun, progress: Callable[[str, float], None]
) -> Sharpener:
    """Train, keep a checkpoint every `KEPT_EVERY` steps, go on where it was stopped; return the average."""
    torch.manual_seed(run.seed)
    net, critic, perceived = Sharpener(), Critic(), Perceived(vgg)
    for part in (net, critic, perceived):
        part.to(memory_format=torch.channels_last)
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.995))
    optimiser = torch.optim.Adam(net.parameters(), run.rate, betas=(0.9, 0.99))
    opponent = torch.optim.Adam(critic.parameters(), 4e-4, betas=(0.5, 0.99))
    state: dict[str, Stateful] = {
        "net": net,
        "critic": critic,
        "mean": mean,
        "optimiser": optimiser,
        "opponent": opponent,
    }
    done = resume_checkpoint(run, state)
    rng, noise = np.random.default_rng(run.seed + done), torch.Generator().manual_seed(run.seed + done)
    seen = []
    for step in range(done, run.steps):
        share = step / run.steps
        for group in optimiser.param_groups:
            group["lr"] = run.rate * (1 if share < 0.5 else max(0.05, 2 * (1 - share)))
        real = draw_sharpener_crops(pictures, run.crop, rng, run.batch)
        small = add_grain(wear_pictures(F.avg_pool2d(real, ENLARGED), noise), noise).to(
            memory_format=torch.channels_last
        )
        with torch.autocast("cpu", torch.bfloat16):
            drawn = net(small)
            near, like = (drawn - real).abs().mean(), perceived(drawn, real)
            loss = near + PERCEIVED * like
            if share >= run.alone:
                critic.requires_grad_(False)
                loss = loss - FOOLED * critic(drawn).float().mean()
                critic.requires_grad_(True)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if share >= run.alone:
            with torch.autocast("cpu", torch.bfloat16):
                told = critic(torch.cat([real, drawn.detach()])).float()
            gap = F.relu(1 - told[: len(real)]).mean() + F.relu(1 + told[len(real) :]).mean()
            opponent.zero_grad()
            gap.backward()
            opponent.step()
        mean.update_parameters(net)
        seen.append((near.item(), like.item()))
        if (step + 1) % KEPT_EVERY == 0 or step + 1 == run.steps:
            absolute, perceptual = np.mean(seen, 0)
            seen = []
            keep_checkpoint(run, state, step + 1, {"step": step + 1, "absolute": absolute, "perceptual": perceptual})
            progress(
                f"sharpener, step {step + 1} of {run.steps}: {absolute:.4f}, {perceptual:.3f}", (step + 1) / run.steps
            )
    net.load_state_dict(mean.module.state_dict())
    return net
