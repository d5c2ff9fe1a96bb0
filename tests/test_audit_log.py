"""The audit log holds who asked what and what left, in a chain that one changed byte breaks; it names no file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

import models
from models.audit_log import FIRST, record, record_export, subject, verify
from models.cli import main
from models.errors import BadAuditLog, CannotWrite
from models.settings import settings


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ORTHOLENS_AUDIT_LOG", str(tmp_path / "logs" / "audit.jsonl"))
    settings.cache_clear()
    token = subject.set("anna@clinic.example")
    yield tmp_path / "logs" / "audit.jsonl"
    subject.reset(token)
    monkeypatch.undo()
    settings.cache_clear()


def lines(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_answers_and_exports_are_written_down_without_names(
    log: Path, random_card: str, picture: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = models.read(picture(1), "Muster^Erika.png")
    models.predict(image, random_card)
    assert record_export(lambda: b"content", "ortholens-1.png")() == b"content"
    answer, export = lines(log)
    assert (answer["event"], answer["sha256"], answer["card"]) == ("answer", image.sha256, random_card)
    assert (export["event"], export["file"]) == ("export", "ortholens-1.png")
    assert export["content"] == hashlib.sha256(b"content").hexdigest()
    assert answer["who"] == export["who"]
    assert answer["previous"] == FIRST
    assert not any(word in log.read_text() for word in ("anna", "Muster"))
    assert log.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("ORTHOLENS_AUDIT_NAMES", "1")
    settings.cache_clear()
    record("login")
    assert lines(log)[-1]["who"] == "anna@clinic.example"
    assert verify(log).lines == 3


def test_without_a_log_nothing_is_written_down(tmp_path: Path) -> None:
    assert settings().audit_log is None
    record("login")
    assert record_export(lambda: b"a", "b")() == b"a"


def test_each_changed_byte_is_found(log: Path) -> None:
    for number in range(3):
        record("answer", sha256=f"{number}" * 8, card="knee-kl")
    whole = log.read_bytes()
    last = verify(log).last
    assert lines(log)[-1]["hash"] == last
    for place in range(len(whole)):
        log.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BadAuditLog, match="line "):
            verify(log)
    written = whole.splitlines(keepends=True)
    for wrong in (written[1:], [written[0], written[2]], [*written[:2], written[1]], [*written, b"{}\n"], [whole[:-1]]):
        log.write_bytes(b"".join(wrong))
        with pytest.raises(BadAuditLog, match="line "):
            verify(log)
    log.write_bytes(b"".join(written[:2]))  # what is cut off at the end, only a hash kept elsewhere tells
    assert verify(log).lines == 2
    with pytest.raises(BadAuditLog, match="no line has the hash"):
        verify(log, holds=last)


def test_a_changed_line_stays_found_after_more_is_written(log: Path) -> None:
    record("answer", card="a")
    record("answer", card="b")
    log.write_bytes(log.read_bytes().replace(b'"b"', b'"c"'))
    record("answer", card="d")
    with pytest.raises(BadAuditLog, match="line 2 was changed"):
        verify(log)


def test_writers_beside_each_other_make_one_chain(log: Path) -> None:
    writers = [Thread(target=lambda: [record("answer", "a", card="b") for _ in range(20)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verify(log).lines == 80


def test_no_answer_is_given_that_cannot_be_written_down(
    log: Path, random_card: str, picture: Callable[..., bytes]
) -> None:
    log.parent.write_text("no folder")
    with pytest.raises(CannotWrite, match="audit log"):
        models.predict(models.read(picture(1)), random_card)


def test_the_command_says_where_the_chain_breaks(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(["audit", *arguments])
        return int(end.value.code or 0)

    record("answer", "anna", card="b")
    assert run("verify", str(log)) == 0
    assert "1 lines" in capsys.readouterr().out
    assert run("who", "anna") == 0
    assert capsys.readouterr().out.strip() == lines(log)[0]["who"]
    log.write_bytes(log.read_bytes().replace(b'"b"', b'"c"'))
    assert run("verify", str(log)) == 1
    assert "line 1 was changed" in capsys.readouterr().err
