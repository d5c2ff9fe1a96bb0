"""What stands below a part that a timer draws anew, when the timer falls into a run of the whole page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import app

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = """
import time
import streamlit as st
from dashboard.case.polling import poll_every

runs = st.session_state.runs = st.session_state.get("runs", 0) + 1
st.button("Again")
time.sleep(1)  # the timer falls into the run, and its part is drawn at the end of it


@poll_every(0.25)
def clock():
    st.markdown(f"drawn {time.monotonic()}")


clock()
st.markdown(f"below in run {runs}")
st.markdown(f"last in run {runs}")
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "page.py").write_text(SCRIPT, "utf-8")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(tmp_path / "page.py"), f"--server.port={port}"]
    options = ["--server.address=localhost", "--server.headless=true", "--browser.gatherUsageStats=false"]
    with subprocess.Popen(
        [*command, *options], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(app.ROOT)}, stdout=subprocess.DEVNULL
    ) as server:
        try:
            yield app._ready(f"http://localhost:{port}", server)
        finally:
            server.terminate()


def test_what_stands_below_it_stays(browser: Browser, served: str) -> None:
    page = browser.new_page()
    page.goto(served)
    for run in range(1, 5):
        for place in ("below", "last"):
            expect(page.get_by_text(f"{place} in run {run}", exact=True)).to_be_visible(timeout=30_000)
        expect(page.get_by_text("drawn")).to_have_count(1)
        page.wait_for_timeout(400)
        assert page.get_by_text("in run").all_inner_texts() == [f"below in run {run}", f"last in run {run}"]
        page.get_by_role("button", name="Again").click()
    page.close()
