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
import threading
from collections.abc import Sequence
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from models.settings import Settings, settings
from models.words import DISCLAIMER

ROOT = Path(__file__).parents[2]
"""Holds `dashboard/`, `models/` and `.streamlit/`."""

FIRST_PORT = 8501
EVERYWHERE = ("0.0.0.0", "::")
"""Addresses that stand for every interface of this machine."""
LOCAL = ("localhost", "127.0.0.1", "::1")
PATIENCE_S = 1.5
"""A server that was told to end and has not by then is ended; its own limit, in `dashboard.served`, is shorter."""

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="By default 8501, or the next one that is free.")]
Address = Annotated[str, typer.Option(help="Interface to listen on; 0.0.0.0 opens the dashboard to the network.")]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(help="Name under which a proxy or other machines reach the dashboard; can be given more than once."),
]
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
    allow_host: AllowHost = None,
) -> None:
    """Start the dashboard and say where it is; Ctrl-C stops it."""
    environment = dict(os.environ) | _staged(playlist, stage)
    port = choose_port(port, address)
    _check_login(settings())
    hosts = list_hosts(address, [*(allow_host or ()), *list_public_hosts(settings())])
    place = "localhost" if address in EVERYWHERE else address
    typer.echo(f"OrthoLens is at http://{place}:{port} (Ctrl-C stops it). {DISCLAIMER}")
    if address in EVERYWHERE:
        typer.echo(_warning(port, hosts, bool(settings().oidc_url)), err=True)
    command = _streamlit(port, address, headless, hosts)
    with subprocess.Popen(command, cwd=find_server_home(), env=environment, start_new_session=True) as server:
        for wish in (signal.SIGINT, signal.SIGTERM):
            signal.signal(wish, lambda *_: _stop(server))
        raise typer.Exit(max(0, server.wait()))  # negative: ended by a signal, as asked


def list_hosts(address: str, others: Sequence[str] = ()) -> list[str]:
    """Return the names under which the dashboard answers: this machine's own where all of its interfaces listen.

    A request by any other name is refused: a site could point its own name here and read what users dropped.
    """
    own = [*LOCAL] if address in EVERYWHERE else [*LOCAL, address]
    if address in EVERYWHERE:
        name = socket.gethostname()
        own += [name, f"{name.partition('.')[0]}.local", *_addresses(name)]
    return list(dict.fromkeys(host.strip().strip("[]").lower() for host in (*own, *others)))


def _addresses(name: str) -> list[str]:
    """Return the addresses of this machine: those of its name, and the one that it would reach others from."""
    found: list[str] = []
    try:
        found += [str(place[0]) for *_, place in socket.getaddrinfo(name, None)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # for documentation (RFC 5737): nothing is sent
            found.append(str(probe.getsockname()[0]))
    except OSError:
        pass  # without a network there are none
    return found


def list_public_hosts(limits: Settings) -> list[str]:
    """Return the name under which others reach this, where one is set."""
    host = urlsplit(limits.public_url).hostname
    return [host] if host else []


def _check_login(limits: Settings) -> None:
    """See to it that a login is whole: where a setting of it is missing, nothing is served, and not all to everybody.

    Raises
    ------
    typer.BadParameter
        When one is missing.
    """
    if not limits.oidc_url:
        return
    missing = [f"ORTHOLENS_{name.upper()}" for name in ("oidc_client", "oidc_secret", "public_url")
               if not getattr(limits, name)]  # fmt: skip
    if missing or not list_public_hosts(limits):
        raise typer.BadParameter(f"a login needs {' and '.join(missing) or 'ORTHOLENS_PUBLIC_URL with https://'} too")
    if find_spec("authlib") is None:
        raise typer.BadParameter("a login needs Authlib; install it by pip install 'ortholens[login]'")


def _warning(port: int, hosts: Sequence[str], login: bool) -> str:
    reach = ", ".join(f"http://{f'[{host}]' if ':' in host else host}:{port}" for host in hosts if host not in LOCAL)
    if login:
        return (
            f"Images travel unencrypted at {reach or 'no other name'}: let people in by a proxy with TLS alone, and "
            "listen to that."
        )
    return (
        f"Warning: everyone on this network can open the dashboard, at {reach or 'no other name'}. There is no "
        "password, and images travel unencrypted: let only a network in that you trust, or a proxy with TLS and a "
        "login before it (name it with --allow-host)."
    )


def find_server_home() -> Path:
    """Return the folder whose `.streamlit` the server reads: that of the checkout, or what the wheel brought along.

    Without it Streamlit would send statistics, show tracebacks and take no theme.
    """
    if (ROOT / ".streamlit").is_dir():
        return ROOT
    brought = (file for file in files("ortholens") or () if file.parts[-2:] == (".streamlit", "config.toml"))
    return Path(str(next(brought).locate())).resolve().parents[1]


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Tell a server to end; where it is held up, end it and whatever it has started."""
    server.terminate()
    killer = threading.Timer(PATIENCE_S, _kill, (server,))
    killer.daemon = True
    killer.start()


def _kill(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(server.pid, signal.SIGKILL)  # a session of its own, and so a group
        else:
            server.kill()


def spell_out_stage(arguments: Sequence[str]) -> list[str]:
    """Return a command line in which `--stage` alone, or before a playlist, belongs to `serve`."""
    return ["serve", *arguments] if list(arguments[:1]) == ["--stage"] else list(arguments)


def _staged(playlist: Path | None, stage: bool) -> dict[str, str]:
    """Return what tells the server to begin in conference mode; its own working directory is another."""
    if playlist is None:
        return {"ORTHOLENS_STAGE": "default"} if stage else {}
    if not stage:
        raise typer.BadParameter(f"{playlist} is a playlist only with --stage")
    if not playlist.is_file():
        raise typer.BadParameter(
            f"there is no playlist {playlist}; a copy of dashboard/conference/playlist.toml is a start"
        )
    return {"ORTHOLENS_STAGE": str(playlist.resolve())}


def choose_port(wish: int | None, address: str) -> int:
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


def _streamlit(port: int, address: str, headless: bool, hosts: Sequence[str]) -> list[str]:
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": str(headless).lower(),
        "server.showEmailPrompt": "false",
        "browser.serverAddress": "localhost" if address in EVERYWHERE else address,  # else Streamlit asks a site for it
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--server.allowedHosts={host}" for host in hosts]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "served.py"), *flags]


def _free(address: str, port: int) -> bool:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError:
        return False
    return True
