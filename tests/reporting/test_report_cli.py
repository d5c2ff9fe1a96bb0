"""`ortholens predict --report`: one report of every answer, in the format that the file's name asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models import DISCLAIMER
from models.cli import main


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in (1, 2):
        (folder / f"Doe_Jane_{seed}.png").write_bytes(picture(seed))
    (folder / "notes.png").write_text("this is text")
    return folder


def test_one_report_of_what_was_answered_names_no_file(random_card: str, folder: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "r.jsonl", tmp_path / "report.html"
    assert run("predict", "implant", folder, "--out", out, "--explain", "grad-cam", "--report", report) == 1
    page = report.read_text(encoding="utf-8")
    assert page.count("<article") == 2
    assert page.count("data:image/jpeg") == 4
    assert "Doe" not in page
    assert DISCLAIMER in page


def test_the_ending_chooses_the_format(random_card: str, folder: Path, tmp_path: Path) -> None:
    file, report = folder / "Doe_Jane_1.png", tmp_path / "report.PDF"
    assert run("predict", "implant", file, "--out", tmp_path / "r.jsonl", "--report", report) == 0
    assert report.read_bytes().startswith(b"%PDF-")
    assert run("predict", "implant", file, "--out", tmp_path / "r.jsonl", "--report", tmp_path / "report.doc") == 2
