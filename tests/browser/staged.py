"""Conference mode for a test: a server that begins in it, and the page that a projector shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
    vote: tuple[str, int]
    """Where its vote would listen."""

    @property
    def memory_mb(self) -> float:
        """What the process holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def check_log(self, since: int = 0) -> None:
        """Fail where the log tells of an error, after so many characters of it."""
        said = self.log.read_text()[since:]
        assert "Traceback" not in said
        assert not re.search(r"\b(error|exception|critical)\b", said, re.IGNORECASE)


@contextmanager
def conference(folder: Path, playlist: str, clock: float) -> Iterator[Server]:
    """Yield a server that begins with a playlist, with a clock so much faster; its log must be clean at the end."""
    with socket.socket() as probe, socket.socket() as other:
        probe.bind(("localhost", 0))
        other.bind(("127.0.0.2", 0))
        port, vote = probe.getsockname()[1], other.getsockname()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment |= {"ORTHOLENS_STAGE": playlist, "ORTHOLENS_STAGE_CLOCK": str(clock)}
    environment["ORTHOLENS_VOTE_ADDRESS"] = "{}:{}".format(*vote)
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "served.py")]
    options = [f"--server.port={port}", "--server.address=localhost", "--server.headless=true"]
    log = folder / "server.log"
    with log.open("wb") as said:
        process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=said, stderr=said)
    try:
        yield (server := Server(app._ready(f"http://localhost:{port}", process), process, log, vote))
    finally:
        process.terminate()
        process.wait()
    server.check_log()


@pytest.fixture
def staged(tmp_path: Path, address: str) -> Iterator[Callable[[str, float], Server]]:
    """Return what starts a server of the test's own with a playlist and a clock."""
    with ExitStack() as running:
        yield lambda playlist, clock: running.enter_context(conference(tmp_path, playlist, clock))


@pytest.fixture(scope="session")
def theatre(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[tuple[Server, Path]]:
    """One server for every talk at the usual pace, since it takes its models half a minute; and its playlist."""
    folder = tmp_path_factory.mktemp("theatre")
    with conference(folder, str(folder / "talk.toml"), 1) as server:
        yield server, folder / "talk.toml"


@pytest.fixture
def talk(theatre: tuple[Server, Path]) -> Iterator[Callable[[str], Server]]:
    """Return what makes a playlist that of whoever enters conference mode next; the log must be clean at the end."""
    server, playlist = theatre
    since = len(server.log.read_text())

    def begin(text: str) -> Server:
        playlist.write_text(text, "utf-8")
        return server

    yield begin
    server.check_log(since)


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
