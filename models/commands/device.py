"""The options `--device` and `--backend` of commands that run a network."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from models.settings import settings

Device = Annotated[Literal["auto", "cuda", "cpu"] | None, typer.Option(help="Where the network runs.")]
Backend = Annotated[
    Literal["local", "ray"] | None, typer.Option(help="Who computes: this process, or replicas of Ray Serve.")
]


def run_on(device: str | None, backend: str | None = None) -> None:
    """Run the networks of this process, and of those that it starts, on a device; None leaves it to the settings."""
    for name, wish in {"ORTHOLENS_DEVICE": device, "ORTHOLENS_BACKEND": backend}.items():
        if wish:
            os.environ[name] = wish
            settings.cache_clear()
