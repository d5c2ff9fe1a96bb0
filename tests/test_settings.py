"""Settings come from the environment, and wrong ones are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from models.settings import Settings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder without an `.env` file."""
    monkeypatch.chdir(tmp_path)


def test_environment_overrides_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTHOLENS_DEVICE", "cpu")
    monkeypatch.setenv("ORTHOLENS_MAX_FILE_MB", "7")
    settings = Settings()
    assert (settings.device, settings.max_file_mb) == ("cpu", 7)


def test_env_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORTHOLENS_THREADS", raising=False)
    (tmp_path / ".env").write_text("ORTHOLENS_THREADS=3\nSOMETHING_ELSE=1\n")
    assert Settings().threads == 3


def test_data_and_cache_are_looked_for_in_the_users_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORTHOLENS_DATA_DIR", raising=False)
    monkeypatch.delenv("ORTHOLENS_CACHE_DIR", raising=False)
    for folder in (Settings().data_dir, Settings().cache_dir):
        assert folder.is_absolute()
        assert "ortholens" in folder.parts


@pytest.mark.parametrize(("name", "value"), [("DEVICE", "tpu"), ("MAX_FRAMES", "0"), ("DECODE_SECONDS", "soon")])
def test_wrong_values_are_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ORTHOLENS_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().device = "cuda"
