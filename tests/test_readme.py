"""What the README says about Python is run, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models import cards

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_python_examples_run(block: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    if not cards()["shoulder-implants"].members:
        pytest.skip("shoulder-implants has no weights yet")
    monkeypatch.chdir(ROOT)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out


def test_there_is_an_example() -> None:
    assert BLOCKS
