"""`ortholens serve`: the real server, started from another folder, says where it is and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer

from models.cli import main
from models.commands import serve

ORTHOLENS = [sys.executable, "-c", "from models.cli import main; main()"]
ROOT = Path(__file__).parents[1]


@contextmanager
def started(
    *arguments: str, cwd: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[Path, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `ortholens`; yields the process and the address that it names, once a server answers there."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (*path, ROOT))))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    command = [*ORTHOLENS, *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = re.search(r"http://\S+", process.stdout.readline())
            assert said
            wait_for(said[0], process)
            yield process, said[0]
        finally:
            process.terminate()


def wait_for(address: str, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=10) as answer:
                assert answer.read() == b"ok"
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server ended before it answered")


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


BUSY = """
import ctypes, os, sys, threading, time
def busy():
    while not os.path.exists({mark!r}):
        time.sleep(0.05)
    ctypes.PyDLL(None).sleep(600)  # in C, and never letting go of the interpreter: no handler runs, no timer
if "streamlit" in sys.orig_argv:
    threading.Thread(target=busy).start()
"""


def test_serves_until_it_is_told_to_stop_and_nobody_by_a_foreign_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_AGENT_API", "true")  # as a setting of the machine's own would
    port = a_free_port()
    options = ("serve", "--port", str(port), "--headless", "--allow-host", "lens.example.org")
    with started(*options, cwd=tmp_path, monkeypatch=monkeypatch) as (process, address):
        assert address == f"http://localhost:{port}"
        with urlopen(address) as page:
            assert b"<html" in page.read()
            policy = page.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
            assert (page.headers["X-Content-Type-Options"], page.headers["X-Frame-Options"]) == ("nosniff", "DENY")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
        agent = [(f"/_stcore/agent/{name}", {}, 404) for name in ("interact", "openapi.json", "mcp")]
        metrics = ("/_stcore/metrics", {}, 404)
        for path, extra, right in (("/", {}, 200), ("/_stcore/stream", upgrade, 101), metrics, *agent):
            for host in ("localhost", f"127.0.0.1:{port}", "[::1]", "lens.example.org"):
                assert asked(port, path, host, extra) == right, (path, host)
            for host in ("evil.example", "localhost.evil.example", ""):
                assert asked(port, path, host, extra) >= 400, (path, host)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()
    with socket.socket() as probe:  # nothing is left listening
        assert probe.connect_ex(("localhost", port)) != 0


def asked(port: int, path: str, host: str, headers: dict[str, str]) -> int:
    """Return the status of an answer to a request by this name."""
    connection = HTTPConnection("localhost", port, timeout=60)
    connection.request("GET", path, headers={"Host": host, **headers})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_a_server_that_is_held_up_ends_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, mark = a_free_port(), tmp_path / "busy"
    (tmp_path / "sitecustomize.py").write_text(BUSY.format(mark=str(mark)))
    with started(
        "serve", "--port", str(port), "--headless", cwd=tmp_path, monkeypatch=monkeypatch, path=(tmp_path,)
    ) as (process, _):
        mark.touch()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("localhost", port)) != 0


def test_where_all_interfaces_listen_the_names_of_this_machine_are_known_and_it_is_warned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def begin(command: list[str], **_: object) -> None:
        commands.append(command)
        raise Begun

    monkeypatch.setattr(serve.subprocess, "Popen", begin)
    for address, open_to_all in (("0.0.0.0", True), ("127.0.0.1", False)):
        with pytest.raises(Begun):
            main(["serve", "--address", address, "--headless", "--allow-host", "Lens.example.org"])
        hosts = {word.partition("=")[2] for word in commands[-1] if word.startswith("--server.allowedHosts=")}
        assert {"localhost", "127.0.0.1", "::1", "lens.example.org"} <= hosts
        assert (socket.gethostname().lower() in hosts) == open_to_all
        assert not hosts & {"*", "0.0.0.0"}
        assert ("no password" in capsys.readouterr().err.replace("\n", " ")) == open_to_all


def test_a_port_that_is_taken_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(SystemExit, match="2"):
            main(["serve", "--port", port])
    assert port in capsys.readouterr().err


def test_without_a_wish_the_next_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        monkeypatch.setattr(serve, "FIRST_PORT", port)
        assert port < serve.choose_port(None, "localhost") < port + 100


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(typer.BadParameter, match=r"203\.0\.113\.1 has no free port"):
        serve.choose_port(None, "203.0.113.1")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["--stage"], ["serve", "--stage"]),
        (["--stage", "talk.toml"], ["serve", "--stage", "talk.toml"]),
        (["serve", "--stage"], ["serve", "--stage"]),
        ([], []),
    ],
)
def test_conference_mode_needs_no_command(typed: list[str], meant: list[str]) -> None:
    assert serve.spell_out_stage(typed) == meant


class Begun(Exception):
    """The server would have begun, with this environment."""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the environment that a server would begin with."""
    monkeypatch.delenv("ORTHOLENS_STAGE", raising=False)

    def begin(command: list[str], *, env: dict[str, str], **_: object) -> None:
        raise Begun(env.get("ORTHOLENS_STAGE"))

    monkeypatch.setattr(serve.subprocess, "Popen", begin)


@pytest.mark.usefixtures("begun")
def test_the_server_is_told_which_playlist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talk.toml").touch()
    monkeypatch.chdir(tmp_path)
    for typed, told in (
        ([], "None"),
        (["--stage"], "default"),
        (["--stage", "talk.toml"], str(tmp_path / "talk.toml")),
    ):
        with pytest.raises(Begun) as caught:
            main(typed)
        assert str(caught.value) == told


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize(
    ("typed", "says"), [(["--stage", "nowhere.toml"], "nowhere.toml"), (["serve", "talk.toml"], "--stage")]
)
def test_a_playlist_in_vain_is_a_sentence(typed: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(typed)
    assert says in capsys.readouterr().err


def test_no_advice_to_programmers_lies_over_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Streamlit would lay it there on a machine where programmers have an agent."""
    skills = pytest.importorskip("streamlit.web.skills")
    options = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    monkeypatch.setattr(skills, "agent_harness_present", lambda: True)
    flat = {f"{part}.{name}": value for part, named in options.items() for name, value in named.items()}
    monkeypatch.setattr("streamlit.config.get_option", flat.get)
    assert skills.nudge_suppression_reason() == "welcome_hidden"
