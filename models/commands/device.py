"""The option `--device` of every command that runs a network."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from models.settings import settings

Device = Annotated[Literal["auto", "cuda", "cpu"] | None, typer.Option(help="Where the network runs.")]


def run_on(device: str | None) -> None:
    """Run the networks of this process, and of those that it starts, on a device; None leaves it to the settings."""
    if device:
        os.environ["ORTHOLENS_DEVICE"] = device
        settings.cache_clear()
