"""The wheel, installed away from the checkout, serves as the checkout does."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.test_serve import wait_for

ROOT = Path(__file__).parents[1]
SHOWN = "import streamlit as st; print({name: st.get_option(name) for name in %r})"
OPTIONS = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "server.maxUploadSize": 512,
    "theme.light.primaryColor": "#096B66",
}


@pytest.mark.slow
def test_an_installed_copy_serves_with_its_theme_its_limits_and_no_statistics(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", reason="builds a wheel")
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONUNBUFFERED": "1"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs git, to know what belongs to the program")
    tracked = [name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]
    for name in tracked:  # building leaves its traces in the folder that it builds
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "./source", "--no-deps", "--no-build-isolation", "--no-cache-dir", "-q", "-w", "."]
    subprocess.run([*pip, *build], cwd=tmp_path, env=bare, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in tracked if name.startswith(("models/", "dashboard/"))} - carried == set()

    own = tmp_path / "environment"  # borrows the libraries of this one, not OrthoLens itself
    venv.create(own, with_pip=False)
    python = own / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = ["install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, "--python", str(python), *install], cwd=tmp_path, env=bare, check=True)
    site = next(own.rglob("site-packages"))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))

    away = tmp_path / "away"
    away.mkdir()
    where = "from models.commands.serve import ROOT, find_server_home; print(ROOT, find_server_home(), sep='\\n')"
    run = {"cwd": away, "env": bare, "capture_output": True, "text": True, "check": True}
    root, home = subprocess.run([str(python), "-c", where], **run).stdout.split()
    assert Path(root) == site
    told = subprocess.run([str(python), "-c", SHOWN % (list(OPTIONS),)], **{**run, "cwd": home})
    assert ast.literal_eval(told.stdout) == OPTIONS

    command = [str(python.with_name("ortholens")), "serve", "--headless"]
    with subprocess.Popen(
        command, cwd=away, env=bare, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            address = re.search(r"http://\S+", process.stdout.readline())[0]
            wait_for(address, process)
            with urlopen(address) as page:
                assert page.headers["X-Content-Type-Options"] == "nosniff"  # so it is the guarded server
        finally:
            process.terminate()
