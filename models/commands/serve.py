"""Start the dashboard: Streamlit in a process of its own, which this one waits for.

The process starts in the project's root, wherever the command was typed, since Streamlit looks for its theme, upload
limit and privacy settings in the working directory (docs.streamlit.io/develop/api-reference/configuration/config.toml).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from models import DISCLAIMER

ROOT = Path(__file__).parents[2]
"""Holds `dashboard/`, `models/` and `.streamlit/`."""

FIRST_PORT = 8501

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="By default 8501, or the next one that is free.")]
Address = Annotated[str, typer.Option(help="Interface to listen on; 0.0.0.0 opens the dashboard to the network.")]
Headless = Annotated[bool, typer.Option("--headless", help="Do not open a browser.")]
Stage = Annotated[bool, typer.Option("--stage", help="Conference mode: full width, large type, keys, a loop.")]
Playlist = Annotated[
    Path | None,
    typer.Argument(metavar="PLAYLIST.toml", help="With --stage: what to show, in place of the program's own playlist."),
]


def serve(
    playlist: Playlist = None,
    port: Port = None,
    address: Address = "localhost",
    headless: Headless = False,
    stage: Stage = False,
) -> None:
    """Start the dashboard and say where it is; Ctrl-C stops it."""
    environment = dict(os.environ) | _staged(playlist, stage)
    port = chosen_port(port, address)
    typer.echo(f"OrthoLens is at http://{address}:{port} (Ctrl-C stops it). {DISCLAIMER}")
    with subprocess.Popen(_streamlit(port, address, headless), cwd=ROOT, env=environment) as server:
        for wish in (signal.SIGINT, signal.SIGTERM):
            signal.signal(wish, lambda *_: server.terminate())
        raise typer.Exit(max(0, server.wait()))  # negative: ended by a signal, as asked


def spelt_out(arguments: Sequence[str]) -> list[str]:
    """Return a command line in which `--stage` alone, or before a playlist, belongs to `serve`."""
    return ["serve", *arguments] if list(arguments[:1]) == ["--stage"] else list(arguments)


def _staged(playlist: Path | None, stage: bool) -> dict[str, str]:
    """Return what tells the server to begin in conference mode; its own working directory is another."""
    if playlist is None:
        return {"ORTHOLENS_STAGE": "default"} if stage else {}
    if not stage:
        raise typer.BadParameter(f"{playlist} is a playlist only with --stage")
    if not playlist.is_file():
        raise typer.BadParameter(f"there is no playlist {playlist}; a copy of dashboard/stage/playlist.toml is a start")
    return {"ORTHOLENS_STAGE": str(playlist.resolve())}


def chosen_port(wish: int | None, address: str) -> int:
    """Return the port wished for, or the first from 8501 on that is free.

    Raises
    ------
    typer.BadParameter
        When it is taken, none is free, or the address is not one of this machine.
    """
    candidates = range(FIRST_PORT, FIRST_PORT + 100) if wish is None else [wish]
    for port in candidates:
        if _free(address, port):
            return port
    problem = f"port {wish} of {address} cannot be used" if wish else f"{address} has no free port from {FIRST_PORT}"
    raise typer.BadParameter(f"{problem}; choose another --port or --address")


def _streamlit(port: int, address: str, headless: bool) -> list[str]:
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": str(headless).lower(),
        "server.showEmailPrompt": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py"), *flags]


def _free(address: str, port: int) -> bool:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError:
        return False
    return True
