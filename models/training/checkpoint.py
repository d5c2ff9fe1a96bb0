"""What a training run has done so far, kept so that a stopped one goes on: a checkpoint, and a log of one line a stage.

A checkpoint is written beside the old one and then takes its place, so that no stop leaves half of one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch


class Resumable(Protocol):
    """A run with a name and a folder of its own."""

    @property
    def name(self) -> str:
        """What its files are called."""

    @property
    def folder(self) -> Path:
        """Where they lie."""

    @property
    def checkpoint(self) -> Path:
        """Where its state is kept."""


class Stateful(Protocol):
    """Something torch can save: a network, an average, an optimiser, a schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Return its state."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:
        """Take a state back."""


def keep_checkpoint(run: Resumable, state: Mapping[str, Stateful], done: int, line: Mapping[str, float]) -> None:
    """Write the state after `done` epochs or steps, and a line of the log."""
    run.folder.mkdir(parents=True, exist_ok=True)
    part = run.folder / f"{run.name}.part"
    torch.save({"done": done, **{key: value.state_dict() for key, value in state.items()}}, part)
    part.replace(run.checkpoint)
    with (run.folder / f"{run.name}.log.jsonl").open("a") as log:
        log.write(json.dumps(dict(line)) + "\n")


def resume_checkpoint(run: Resumable, state: Mapping[str, Stateful]) -> int:
    """Take the kept state back and return how many epochs or steps it has behind it; 0 without a checkpoint."""
    if not run.checkpoint.exists():
        return 0
    kept = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    for key, value in state.items():
        value.load_state_dict(kept[key])
    return int(kept["done"])
