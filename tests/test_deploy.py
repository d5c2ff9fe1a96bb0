"""What is deployed: the proxy's configuration in a real nginx, and containers that may do no more than they need."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import requests
import uvicorn
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from models.cards import cards
from models.predictors.cluster import name_application
from models.settings import Settings
from models.tasks import kinds
from models.tasks.kind import CardKind
from tests.test_serve import a_free_port

DEPLOY = Path(__file__).parents[1] / "deploy"
NAME = "lens.clinic.example"


def certify(folder: Path) -> None:
    """Write a certificate that its own key signs."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "fullchain.pem").write_bytes(pem)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def make_server(port: int, name: str) -> uvicorn.Server:
    """Return a server that says who it is and what it was asked."""

    async def say(request: Request) -> JSONResponse:
        kept = {key: request.headers.get(key) for key in ("host", "x-forwarded-proto")}
        return JSONResponse({"name": name, "size": len(await request.body()), **kept})

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    routes = [WebSocketRoute("/_stcore/stream", echo), Route("/{path:path}", say, methods=["GET", "POST"])]
    config = uvicorn.Config(
        Starlette(routes=routes), port=port, log_level="error", ws="websockets-sansio", lifespan="off"
    )
    return uvicorn.Server(config)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The ports, plain and TLS, of a running nginx before two servers."""
    if not shutil.which("nginx"):
        pytest.skip("needs nginx (Debian: apt install nginx-light)")
    certify(tmp_path)
    plain, secure, dashboard, api = (a_free_port() for _ in range(4))
    text = (DEPLOY / "nginx.conf").read_text()
    places = {
        "dashboard:8501": f"127.0.0.1:{dashboard}",
        "api:8700": f"127.0.0.1:{api}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        "/etc/ssl/ortholens": str(tmp_path),
        "/dev/stdout": str(tmp_path / "access.log"),
    }
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    own = [f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    text = text.replace("http {", "http {\n" + "\n".join(own), 1)
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/nginx.pid;\n{text}")
    servers = [make_server(dashboard, "dashboard"), make_server(api, "api")]
    threads = [Thread(target=server.run) for server in servers]
    for thread in threads:
        thread.start()
    command = ["nginx", "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off; error_log stderr;"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as nginx:
        try:
            while not all(server.started for server in servers) or not is_up(plain):
                assert nginx.poll() is None, nginx.stderr and nginx.stderr.read()
                time.sleep(0.05)
            yield plain, secure
        finally:
            nginx.terminate()
            for server in servers:
                server.should_exit = True
            for thread in threads:
                thread.join()


def is_up(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}", allow_redirects=False, timeout=10)
    except requests.ConnectionError:
        return False
    return True


def test_the_proxy_speaks_tls_alone_and_keeps_dashboard_and_api_apart(proxy: tuple[int, int], tmp_path: Path) -> None:
    plain, secure = proxy
    turned = requests.get(f"http://127.0.0.1:{plain}/a?b", headers={"Host": NAME}, allow_redirects=False, timeout=10)
    assert (turned.status_code, turned.headers["Location"]) == (301, f"https://{NAME}/a?b")
    known, here = str(tmp_path / "fullchain.pem"), f"https://localhost:{secure}"
    asked = {}
    for path in ("", "implant", "media/0.png", "v1/cards", "openapi.json", "healthz", "metrics", "auth/login"):
        answer = requests.get(f"{here}/{path}", headers={"Host": NAME}, timeout=10, verify=known)
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert (answer.json()["host"], answer.json()["x-forwarded-proto"]) == (NAME, "https")
        asked[path] = answer.json()["name"]
    sent = requests.post(f"{here}/v1/read", data=bytes(2**21), timeout=30, verify=known)
    assert sent.json()["size"] == 2**21
    assert {path for path, name in asked.items() if name == "api"} == {"v1/cards", "openapi.json", "healthz"}
    trust = ssl.create_default_context(cafile=known)
    with connect(f"wss://localhost:{secure}/_stcore/stream", ssl=trust) as socket:
        socket.send("hand")
        assert socket.recv() == "hand"
    assert "implant" not in (tmp_path / "access.log").read_text()  # no address, which may name a file


def test_a_ray_cluster_serves_every_kind_of_task_that_cards_answer() -> None:
    spec = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text())["spec"]
    served = yaml.safe_load(spec["serveConfigV2"])
    asked = {one["args"]["kind"]: one for one in served["applications"]}
    assert set(asked) == {name for name, kind in kinds().items() if isinstance(kind, CardKind)}
    for kind, one in asked.items():
        assert (one["name"], one["route_prefix"]) == (name_application(kinds()[kind]), None)
        for deployment in one.get("deployments", ()):
            assert deployment["name"] == kind
            assert set(deployment["user_config"]["ready"]) <= set(cards())
        assert one["import_path"] == "models.predictors.replica:build"
    assert served["proxy_location"] == "Disabled"
    cluster = spec["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        for one in pod["containers"]:
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"name": "RAY_AUTH_MODE", "value": "token"} in one["env"]


def test_containers_may_do_no_more_than_they_need() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "ortholens"}
    assert set(ours) == {"dashboard", "api", "listen"}
    for one in ours.values():
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert "no-new-privileges:true" in one["security_opt"]
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]
    docker = (DEPLOY.parent / "Dockerfile").read_text()
    assert re.search(r"^USER (\d+)", docker, re.M)[1] != "0"
    for variable in re.findall(r"^(ORTHOLENS_\w+)=", (DEPLOY / "ortholens.example.env").read_text(), re.M):
        assert variable.removeprefix("ORTHOLENS_").lower() in Settings.model_fields
