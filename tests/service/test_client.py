"""The client of the documentation asks a real service, started as a user does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from models.service.callers import Role, make_token
from tests.test_serve import ORTHOLENS, a_free_port

ROOT = Path(__file__).parents[2]


def test_the_client_of_the_documentation_is_answered(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    (client,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/service.md").read_text(), re.S)
    assert len(client.strip().splitlines()) <= 20
    token, line = make_token("anna", Role.READER)
    (tmp_path / "tokens").write_text(line)
    (tmp_path / "noise.png").write_bytes(picture(1))
    (tmp_path / "text.png").write_bytes(b"no picture")
    port = a_free_port()
    own = {"PYTHONPATH": str(ROOT), "ORTHOLENS_API_TOKENS": str(tmp_path / "tokens"), "ORTHOLENS_TOKEN": token,
           "ORTHOLENS_API": f"http://127.0.0.1:{port}"}  # fmt: skip
    environment = os.environ | own
    with subprocess.Popen([*ORTHOLENS, "api", "--port", str(port)], env=environment, cwd=tmp_path) as service:
        try:
            while not is_answered(own["ORTHOLENS_API"]):
                assert service.poll() is None
                time.sleep(0.2)
            asked = [sys.executable, "-c", client, "noise.png", "text.png"]
            said = subprocess.run(asked, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        finally:
            service.terminate()
    noise, text = said.stdout.splitlines()
    assert noise.startswith("noise.png withheld: ")
    assert text.startswith("text.png the image: ")
    assert service.returncode in (0, -15)


def is_answered(address: str) -> bool:
    try:
        with urlopen(f"{address}/healthz", timeout=10) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False
