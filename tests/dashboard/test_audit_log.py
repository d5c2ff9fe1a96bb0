"""What the pages answer and hand out is in the audit log, under whoever asked; no name of a file is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.case.offer import audit_export
from models.audit_log import verify
from models.io.identity.pseudonym import name_user
from models.settings import settings


def test_an_answer_and_a_download_of_a_page_are_written_down(
    implant: AppTest, drop: Callable[..., AppTest], picture: Callable[..., bytes], tmp_path: Path, random_card: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    log = tmp_path / "audit.jsonl"
    monkeypatch.setenv("ORTHOLENS_AUDIT_LOG", str(log))
    settings.cache_clear()
    try:
        drop(implant, **{"Muster^Erika.png": picture(5)})
        given = audit_export(b"a report", "ortholens-1.pdf")
        assert callable(given)
        given()
        given()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    *answers, first, second = [json.loads(line) for line in log.read_text().splitlines()]
    assert answers
    assert {(one["event"], one["card"], one["who"]) for one in answers} == {
        ("answer", random_card, name_user("anyone"))
    }
    assert first["event"] == second["event"] == "export"  # once for each time that it was asked for
    assert "Muster" not in log.read_text()
    assert verify(log).lines == len(answers) + 2
