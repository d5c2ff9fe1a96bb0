"""The real program: a server of its own on a free port, and a headless Chromium that may reach nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import models

ROOT = Path(models.__file__).parents[1]
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_S = 180
"""For a loaded machine; nothing waits longer than it must."""

CALM = """() => document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]')
    && [...document.images].every(image => image.complete)"""


@contextmanager
def serving(**settings: str) -> Iterator[str]:
    """Start the dashboard and yield its address.

    Parameters
    ----------
    settings
        Environment variables of its own.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "served.py")]
    options = [f"--server.port={port}", "--server.address=localhost", "--server.headless=true"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **settings}
    with subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            yield _ready(f"http://localhost:{port}", server)
        finally:
            server.terminate()


def _ready(address: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(PATIENCE_S * 5):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health").close()
        except URLError:
            if server.poll() is not None:
                raise RuntimeError("the server ended before it answered") from None
            time.sleep(0.2)
        else:
            return address
    raise TimeoutError("the server does not answer")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def opened(
    browser: Browser,
    address: str,
    title: str = "",
    *,
    width: int = 1440,
    height: int = 900,
    scheme: str = "dark",
    ready: str = "[data-testid=stFileUploader]",
) -> Page:
    """Open a page, by default the first, in a session of its own, and wait until `ready` is visible.

    The visitor asks for less motion: a core draws what pulses and fades anew sixty times a second, while the server
    needs it. Who looks at motion says so by `page.emulate_media`.
    """
    viewport = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.trouble = []  # what went wrong behind the page: errors, and requests that leave this machine
    page.on("console", lambda message: page.trouble.append(message.text) if _trouble(message) else None)
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("request", lambda request: page.trouble.append(request.url) if not _local(request.url, address) else None)
    page.asked = []  # questions that the browser asked; each is answered with yes, as leaving a page with files on it
    page.on("dialog", lambda dialog: (page.asked.append(dialog.type), dialog.accept()))
    page.goto(f"{address}/{title.lower().replace(' ', '_')}")
    page.locator(ready).first.wait_for()
    calm(page)
    return page


def _trouble(message: ConsoleMessage) -> bool:
    """Whether a line of the console is an error; on a page's own address Streamlit asks there for its base first."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


def calm(page: Page) -> None:
    """Wait until nothing on the page is going to change by itself."""
    page.wait_for_function(CALM, polling=50)  # by default the page is drawn sixty times a second to be asked
    page.wait_for_timeout(300)
    page.wait_for_function(CALM, polling=50)


def go(page: Page, title: str) -> None:
    """Go to another page by the navigation."""
    page.get_by_test_id("stHeader").get_by_role("link", name=title, exact=True).click()
    page.get_by_test_id("stFileUploader").first.wait_for()
    calm(page)


def open_card(page: Page, title: str) -> None:
    """Choose a model on the page of the cards."""
    page.get_by_test_id("stMain").get_by_role("combobox").first.click()
    page.get_by_role("option", name=title, exact=True).click()
    calm(page)


def drop(page: Page, *files: Path) -> None:
    """Drop files on the uploader and wait until they are in the queue."""
    rows = page.locator("[class*='st-key-remove-']")
    wanted = rows.count() + len(files)
    page.locator("input[type=file]").set_input_files([str(file) for file in files])
    rows.nth(wanted - 1).wait_for()
    calm(page)


def overtaken(trouble: str) -> bool:
    """Whether a picture was asked for when its page or step was over: clock and hand are ahead of the browser.

    The server keeps no picture that no page shows. What the last step shows is looked at instead.
    """
    return (
        "/media/" in trouble
        or trouble == "Failed to load resource: the server responded with a status of 404 (Not Found)"
    )


def _local(url: str, address: str) -> bool:
    return url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:"))
