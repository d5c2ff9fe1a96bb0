"""Conference mode for a test: a server that begins in it, and the page that a projector shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import app
from tests.browser.app import ROOT

BROKEN = "() => [...document.images].filter(image => image.complete && !image.naturalWidth).map(image => image.src)"


@dataclass
class Server:
    """A server in conference mode."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def memory_mb(self) -> float:
        """What the process holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@pytest.fixture
def staged(tmp_path: Path, address: str) -> Iterator[Callable[[str, float], Server]]:
    """Return what starts a server with a playlist and a clock."""
    running: list[Server] = []

    def start(playlist: str, clock: float) -> Server:
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        environment |= {"ORTHOLENS_STAGE": playlist, "ORTHOLENS_STAGE_CLOCK": str(clock)}
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "served.py")]
        options = [f"--server.port={port}", "--server.address=localhost", "--server.headless=true"]
        log = tmp_path / "server.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT
            )
        running.append(Server(f"http://localhost:{port}", process, log))
        app._ready(running[-1].address, process)
        return running[-1]

    yield start
    for server in running:
        server.process.terminate()
        server.process.wait()
        said = server.log.read_text()
        assert "Traceback" not in said
        assert not re.search(r"\b(error|exception|critical)\b", said, re.IGNORECASE)


@pytest.fixture
def hall(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return what opens conference mode as a projector shows it; no page may have been in trouble at the end."""
    pages: list[Page] = []

    def open_it(server: Server, width: int = 1920, height: int = 1080) -> Page:
        pages.append(app.opened(browser, server.address, width=width, height=height, ready=".st-key-stage-bar"))
        return pages[-1]

    yield open_it
    broken = [page.evaluate(BROKEN) for page in pages]
    for page in pages:
        page.context.close()
    assert broken == [[] for _ in pages]
    assert [[each for each in page.trouble if not app.overtaken(each)] for page in pages] == [[] for _ in pages]


def place(page: Page) -> str:
    """Return which step the bar names: "1 / 9"."""
    return page.locator(".st-key-stage-bar").get_by_text(re.compile(r"^\d+ / \d+$")).inner_text()
