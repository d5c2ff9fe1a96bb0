"""The loop that trains every kind: what it keeps, what it tells, and what it takes up again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.training import loop
from models.training.loop import StepRun

STEPS = 6


@dataclass(frozen=True)
class Plain:
    weight_decay: float = 0.0
    average: float = 0.75


def train(run: StepRun, told: list[str], *, stop_after: int = STEPS) -> list[float]:
    """Draw one weight towards 3, and return it before each step and after the last."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    seen: list[float] = []

    def losses_at(step: int) -> Mapping[str, Tensor]:
        if step == stop_after:
            raise KeyboardInterrupt
        seen.append(net.weight.item())
        noise = torch.randn(1, generator=run.generator(step))[0]
        return {"far": (net.weight - 3).square().sum(), "noise": 0.1 * noise * net.weight.sum()}

    groups = [{"params": [net.weight], "lr": 0.5}]
    loop.train(net, groups, Plain(), run, losses_at, lambda said, _: told.append(str(said)), steps=STEPS, rise=0.3)
    return [*seen, net.weight.item()]


def test_the_moving_average_is_kept_and_what_a_step_draws_hangs_on_it_alone(tmp_path: Path) -> None:
    run, told = StepRun("whole", 5, tmp_path, title="A weight"), list[str]()
    weights = train(run, told)
    average = weights[1]
    for weight in weights[2:]:
        average = 0.75 * average + 0.25 * weight
    kept = torch.load(run.finished, weights_only=True)
    assert float(kept["weight"]) == pytest.approx(average, abs=1e-6)
    assert not run.checkpoint.exists()
    line = json.loads((tmp_path / "whole.log.jsonl").read_text())
    assert told == [f"A weight: step 6 of 6, loss {line['loss']:.3f}"]
    assert line["loss"] == pytest.approx(line["far"] + line["noise"])
    moved = [abs(after - before) for before, after in pairwise(weights)]
    assert moved[0] < max(moved)  # the learning rate rises first
    assert moved[-1] < max(moved) / 10  # and falls to nothing


def test_a_stopped_run_takes_its_step_up_again_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "KEEP", {"cpu": 2})
    whole = train(StepRun("whole", 5, tmp_path), [])
    run = StepRun("stopped", 5, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(run, [], stop_after=5)
    rest = train(run, [])
    assert rest == pytest.approx(whole[4:], abs=1e-6)  # the fifth step again: the checkpoint was after the fourth
    one, other = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("whole", "stopped"))
    torch.testing.assert_close(one, other)
