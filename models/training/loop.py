"""A training run by steps: AdamW under one learning-rate cycle, a moving average of the weights, and checkpoints.

Seeded and resumable: every `KEEP` steps end in a checkpoint, and a run that finds one goes on from it. What is drawn at
step n depends on the seed and on n alone, so a run that was stopped ends with the weights of one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.nets.device import choose_device
from models.progress import Progress
from models.training import denormals
from models.training.checkpoint import Stateful, keep_checkpoint, resume_checkpoint
from models.words import later

KEEP = {"cpu": 30, "cuda": 300}
"""Steps between checkpoints, by the kind of device: about half a minute."""


def choose_precision() -> torch.autocast:
    """Return the precision of a forward pass: bfloat16 where the device multiplies it in tiles, which is faster.

    A GPU does. Measured on two cores with AMX: a step of a U-Net on MobileNetV2 takes 0.8 of its time, one of an HRNet
    0.6. Where there is no AMX, bfloat16 is slower than float32. Its range is that of float32, so no loss needs scaling.
    """
    device = choose_device().type
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.autocast(device, torch.bfloat16, enabled=device == "cuda" or bool(capabilities.get("amx_bf16")))


@dataclass(frozen=True)
class StepRun:
    """One network to train: from which seed, kept where."""

    name: str
    seed: int
    folder: Path
    title: str = field(default="", kw_only=True)
    """What it is called where it is told how far it is; by default its name."""

    @property
    def checkpoint(self) -> Path:
        """State after the last whole interval."""
        return self.folder / f"{self.name}.ckpt"

    @property
    def finished(self) -> Path:
        """Averaged weights after the last step."""
        return self.folder / f"{self.name}.pt"

    def generator(self, step: int, device: torch.device | None = None) -> Generator:
        """Return what draws the batch of a step: on the processor what is shown, on a device how."""
        return Generator(device or torch.device("cpu")).manual_seed(self.number(step))

    def number(self, step: int) -> int:
        """Return the seed of all that is drawn for a step."""
        return (self.seed * 10_007 + step + 1_000) % 2**31


class Recipe(Protocol):
    """What a recipe says of every run."""

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""

    @property
    def average(self) -> float:
        """Decay of the moving average of the weights."""


@denormals.flush_denormals()
def train(
    net: nn.Module,
    groups: Sequence[Mapping[str, Any]],
    recipe: Recipe,
    run: StepRun,
    losses_at: Callable[[int], Mapping[str, Tensor]],
    progress: Progress,
    *,
    steps: int,
    rise: float,
    clip: float = float("inf"),
) -> None:
    """Train, and keep the averaged weights in `run.finished`.

    Parameters
    ----------
    net
        On the device that `choose_device` returns.
    groups
        Parameters with their highest learning rate, as torch's optimisers take them.
    losses_at
        Sets the mode of the network, and returns the parts of the loss of a step, whose sum is made small; what it
        draws hangs on the step alone.
    rise
        Share of the steps in which the learning rate rises.
    clip
        Largest norm of the gradient.
    """
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True)
    optimiser = torch.optim.AdamW([dict(group) for group in groups], weight_decay=recipe.weight_decay, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in optimiser.param_groups], total_steps=steps, pct_start=rise
    )
    state: dict[str, Stateful] = {"net": net, "average": average, "optimiser": optimiser, "cycle": cycle}
    began, seen, keep = time.perf_counter(), [], KEEP[choose_device().type]
    for step in range(resume_checkpoint(run, state), steps):
        torch.manual_seed(run.number(step))  # torch's own, so that dropout resumes too
        parts = losses_at(step)
        loss = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()
        cycle.step()
        average.update_parameters(net)
        seen.append(torch.stack([loss, *parts.values()]).detach())  # not read yet: a GPU would have to be waited for
        if (step + 1) % keep == 0 or step + 1 == steps:
            means = dict(zip(("loss", *parts), torch.stack(seen).mean(0).tolist(), strict=True))
            keep_checkpoint(run, state, step + 1, {"step": step + 1, "seconds": time.perf_counter() - began, **means})
            said = later(
                "{name}: step {step} of {steps}, loss {loss:.3f}",
                name=run.title or run.name, step=step + 1, steps=steps, loss=means["loss"],
            )  # fmt: skip
            progress(said, (step + 1) / steps)
            began, seen = time.perf_counter(), []
    torch.save(average.module.state_dict(), run.finished)
    run.checkpoint.unlink(missing_ok=True)
