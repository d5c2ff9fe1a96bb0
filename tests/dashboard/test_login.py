"""With a login nobody sees anything without one: a real server, a real provider (OpenID Connect), and three roles."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from dashboard import login
from dashboard.login import Logins, Visitor, find_role
from models.audit_log import verify
from models.cli import main
from models.io.identity.pseudonym import name_user
from models.service.callers import Role
from models.settings import settings
from tests.test_serve import ORTHOLENS, ROOT, a_free_port

USERS = {"rita": ["ortholens-reader"], "aline": ["ortholens-author", "others"], "adam": ["ortholens-admin"], "nora": []}


@dataclass
class Served:
    """A server behind a login."""

    address: str
    log: Path

    def browse(self) -> requests.Session:
        """Return a browser that is not logged in."""
        session = requests.Session()
        session.headers["Accept"] = "text/html"
        return session

    def log_in(self, name: str) -> requests.Session:
        """Return a browser that went through the provider's page."""
        session = self.browse()
        asked = session.get(f"{self.address}/login")
        assert asked.status_code == 200, asked.text
        assert not asked.url.startswith(self.address)
        back = session.post(asked.url, data={"sub": name})
        assert back.url.startswith(self.address), (back.url, back.text)
        return session

    def open_socket(self, cookies: Mapping[str, str]):
        """Open the WebSocket of a page as a browser does."""
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return connect(
            f"{self.address.replace('http', 'ws')}/_stcore/stream", origin=self.address,
            subprotocols=["streamlit"], additional_headers={"Cookie": cookie} if cookie else {}, max_size=None,
        )  # fmt: skip


@contextmanager
def started(command: list[str], answers_at: str, **options: Any) -> Iterator[None]:
    """Run a program until its block ends, which begins once it answers."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet, **options) as process:
        try:
            while not is_answered(answers_at):
                assert process.poll() is None
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def is_answered(address: str) -> bool:
    try:
        return requests.get(address, timeout=60).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port, own_port = tmp_path_factory.mktemp("login"), a_free_port(), a_free_port()
    provider, address = f"http://localhost:{port}", f"http://localhost:{own_port}"
    discovery = f"{provider}/.well-known/openid-configuration"
    own = {
        "ORTHOLENS_OIDC_URL": discovery,
        "ORTHOLENS_OIDC_CLIENT": "ortholens",
        "ORTHOLENS_OIDC_SECRET": "a secret of the provider's, long enough",
        "ORTHOLENS_PUBLIC_URL": address,
        "ORTHOLENS_ROLES_CLAIM": "realm_access.roles",
        "ORTHOLENS_METRICS": "1",
        "ORTHOLENS_AUDIT_LOG": str(folder / "audit.jsonl"),
        "AUTHLIB_INSECURE_TRANSPORT": "1",
        "PYTHONPATH": str(ROOT),
    }
    known = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-H", "localhost", "-p", str(port)]
    for name, roles in USERS.items():
        known += ["--user-claims", json.dumps({"sub": name, "realm_access": {"roles": roles}})]
    serve = [*ORTHOLENS, "serve", "--port", str(own_port), "--headless"]
    with (
        started(known, discovery),
        started(serve, f"{address}/_stcore/health", env=os.environ | own, cwd=folder),
    ):
        yield Served(address, folder / "audit.jsonl")


def list_static(address: str, session: requests.Session) -> list[str]:
    page = session.get(address).text
    return [urljoin("/", found) for found in re.findall(r'(?:src|href)="\.?/?(static/[^"]+)"', page)]


def test_nothing_is_answered_without_a_login(served: Served) -> None:
    inside = served.log_in("rita")
    static = list_static(served.address, inside)
    assert static
    paths = ["/", "/implant", "/?lang=de", "/media/0.png", "/component/x/y", "/here", "/left", "/nowhere", *static[:2]]
    paths += [f"/_stcore/{name}" for name in ("host-config", "metrics", "upload_file/a/b", "bidi-components/x")]
    forged = {"_streamlit_user": inside.cookies["_streamlit_user"][:-3] + "abc"}
    for cookies in ({}, forged):
        for path in paths:
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
                answer = requests.request(method, served.address + path, cookies=cookies, timeout=60)
                assert answer.status_code == 401, (method, path)
                assert len(answer.content) < 100
        with pytest.raises(InvalidStatus) as refused:
            served.open_socket(cookies)
        assert refused.value.response.status_code == 403
    asked = {"Accept": "text/html", "Accept-Language": "de-CH, en"}
    page = requests.get(served.address, headers=asked, timeout=60)
    assert (page.status_code, "Anmelden" in page.text) == (401, True)
    assert "frame-ancestors" in page.headers["Content-Security-Policy"]
    assert inside.get(served.address).status_code == 200
    assert inside.get(served.address + static[0]).status_code == 200


@pytest.mark.parametrize("name", USERS)
def test_what_a_role_opens(served: Served, name: str) -> None:
    inside = served.log_in(name)
    pages = inside.get(served.address).status_code
    figures = inside.get(f"{served.address}/_stcore/metrics").status_code
    if name == "nora":  # nobody has given her a role
        assert (pages, figures) == (403, 403)
        with pytest.raises(InvalidStatus):
            served.open_socket(inside.cookies)
        return
    assert (pages, figures) == (200, 200 if name == "adam" else 403)
    listed = list_pages(served, inside)
    assert {"implant", "model_cards"} <= listed
    assert ("train" in listed) == (name in ("aline", "adam"))


def list_pages(served: Served, inside: requests.Session) -> set[str]:
    """Run the app over its WebSocket, as a browser does, and return the addresses of the pages that it names."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    with served.open_socket(inside.cookies) as socket:
        begin = BackMsg()
        begin.rerun_script.query_string = ""
        socket.send(begin.SerializeToString())
        while True:
            said = ForwardMsg()
            said.ParseFromString(socket.recv(timeout=120))
            if said.WhichOneof("type") == "navigation":
                return {page.url_pathname for page in said.navigation.app_pages}


def test_a_login_ends_by_hand_for_whoever_has_its_cookie(served: Served) -> None:
    inside = served.log_in("rita")
    kept = dict(inside.cookies)
    with served.open_socket(kept) as socket:
        assert requests.post(f"{served.address}/here", cookies=kept, timeout=60).status_code == 204
        assert requests.post(f"{served.address}/left", cookies=kept, timeout=60).status_code == 401
        assert requests.get(served.address, cookies=kept, timeout=60).status_code == 401
        with suppress(ConnectionClosedError):
            for _ in socket:  # until it is closed
                pass
        assert socket.close_code == login.NO_LOGIN
    assert served.log_in("rita").get(served.address).status_code == 200


def test_logins_are_written_down_without_names(served: Served) -> None:
    served.log_in("aline").get(served.address)
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert name_user("aline") in [line["who"] for line in lines if line["event"] == "login"]
    assert "aline" not in served.log.read_text()
    assert verify(served.log).lines == len(lines)


def test_a_login_that_is_left_alone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("dashboard.login.time.time", lambda: clock[0])
    logins, one = Logins(idle_s=600), Visitor("key", "rita", Role.READER, issued=900.0)
    clock[0] = 900 + 600 + login.HERE_S
    assert logins.is_alive(one)
    clock[0] += 1
    assert not logins.is_alive(one)  # one that this process has never seen, too: it may have been started anew
    assert logins.is_alive(Visitor("other", "rita", Role.READER, issued=clock[0]))
    clock[0] = 1000.0
    assert logins.touch(one)
    assert not logins.touch(one)
    clock[0] = 1000 + 600 + login.HERE_S
    assert logins.is_alive(one)
    logins.end(one)
    assert not logins.is_alive(one)
    assert Logins(idle_s=0).is_alive(one)  # 0 is never


def test_roles_come_from_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_role({"roles": ["ortholens-reader", "ortholens-author"]}) is Role.AUTHOR
    assert find_role({"roles": "ortholens-admin"}) is Role.ADMIN
    for nothing in ({}, {"roles": None}, {"roles": ["admin"]}, {"roles": [1]}, {"roles": {"ortholens-admin": 1}}):
        assert find_role(nothing) is None
    monkeypatch.setenv("ORTHOLENS_ROLES_CLAIM", "a.b")
    monkeypatch.setenv("ORTHOLENS_ROLES", '{"radiology": "author"}')
    settings.cache_clear()
    try:
        assert find_role({"a": {"b": ["radiology"]}}) is Role.AUTHOR
        assert find_role({"a": "b"}) is None
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert [role.may(Role.AUTHOR) for role in Role] == [False, True, True]


@pytest.mark.parametrize("missing", ["ORTHOLENS_OIDC_CLIENT", "ORTHOLENS_OIDC_SECRET", "ORTHOLENS_PUBLIC_URL"])
def test_a_login_that_is_not_whole_serves_nothing(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"ORTHOLENS_OIDC_URL": "http://localhost:9/x", "ORTHOLENS_OIDC_CLIENT": "a", "ORTHOLENS_OIDC_SECRET": "b",
           "ORTHOLENS_PUBLIC_URL": "https://lens.example"}  # fmt: skip
    for name, value in own.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        for command in (["serve", "--headless"], ["api"]):  # nor does the API answer without tokens
            with pytest.raises(SystemExit) as end:
                main(command)
            assert end.value.code == 2
            said = re.sub(r"[\s│]+", "", capsys.readouterr().err)  # from its frame
            assert (missing if command[0] == "serve" else "ORTHOLENS_API_TOKENS") in said
    finally:
        monkeypatch.undo()
        settings.cache_clear()
