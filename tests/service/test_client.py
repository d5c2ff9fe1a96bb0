"""The client of the documentation asks the service, started by its command."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from models.cli import main
from models.service.callers import Role, make_token
from models.settings import settings
from tests.test_serve import a_free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own_loop() -> Iterator[None]:
    """Let a loop of its own run: playwright's stays marked as running where a browser was started in this process."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.mark.usefixtures("own_loop")
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_the_client_of_the_documentation_is_answered(
    random_card: str, tmp_path: Path, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (client,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/service.md").read_text(), re.S)
    assert len(client.strip().splitlines()) <= 20
    token, line = make_token("anna", Role.READER)
    (tmp_path / "tokens").write_text(line)
    (tmp_path / "noise.png").write_bytes(picture(1))
    (tmp_path / "text.png").write_bytes(b"no picture")
    port = a_free_port()
    monkeypatch.setenv("ORTHOLENS_API_TOKENS", str(tmp_path / "tokens"))
    settings.cache_clear()
    said: list[str] = []

    def ask() -> None:
        """Run the client once the service answers, and end the service as Ctrl-C does."""
        address = f"http://127.0.0.1:{port}"
        while not is_answered(address):
            time.sleep(0.05)
        own = {"ORTHOLENS_API": address, "ORTHOLENS_TOKEN": token}
        command = [sys.executable, "-c", client, "noise.png", "text.png"]
        ran = subprocess.run(command, env=os.environ | own, cwd=tmp_path, capture_output=True, text=True, check=False)
        said.extend((ran.stdout + ran.stderr).splitlines())
        os.kill(os.getpid(), signal.SIGINT)

    asking = Thread(target=ask)
    asking.start()
    with pytest.raises(SystemExit) as end:
        main(["api", "--port", str(port)])
    asking.join()
    settings.cache_clear()
    assert end.value.code == 0
    noise, text = said
    assert noise.startswith("noise.png ")
    assert noise.removeprefix("noise.png ") in ("Cofield", "Depuy", "Zimmer")
    assert text.startswith("text.png the image: ")


def is_answered(address: str) -> bool:
    try:
        with urlopen(f"{address}/healthz", timeout=10) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False
