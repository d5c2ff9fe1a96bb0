"""The service with three callers, asked without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models.service.app import create_app
from models.service.callers import Role, make_token
from models.settings import Settings


class Asked(TestClient):
    """A client that asks as one caller or another."""

    tokens: dict[str, str]

    def by(self, name: str) -> Asked:
        self.headers["Authorization"] = f"Bearer {self.tokens[name]}"
        return self


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Asked]]:
    """Return what starts the service under limits; it is asked by anna, who is a reader."""
    begun: list[Asked] = []

    def begin(**limits: object) -> Asked:
        made = {name: make_token(name, role) for name, role in
                (("anna", Role.READER), ("ben", Role.READER), ("eve", Role.ADMIN))}  # fmt: skip
        (tmp_path / "tokens").write_text("# who may ask\n" + "".join(f"{line}\n" for _, line in made.values()))
        client = Asked(create_app(Settings(api_tokens=tmp_path / "tokens", **limits)), raise_server_exceptions=False)
        client.tokens = {name: token for name, (token, _) in made.items()}
        client.__enter__()
        begun.append(client)
        return client.by("anna")

    yield begin
    for client in begun:
        client.__exit__(None, None, None)
