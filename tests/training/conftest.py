from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from models.cards import reload_cards
from models.settings import settings
from models.tasks.classification.labelled import LabelledSet


@pytest.fixture
def tiny_set() -> LabelledSet:
    """48 pictures (64, 64) of two kinds: bright at the left (A) or at the right (B), in 16 groups of three."""
    rng = np.random.default_rng(0)
    labels = tuple("AB"[i % 2] for i in range(48))
    pixels = rng.integers(0, 60, (48, 64, 64), np.uint8)
    for i, label in enumerate(labels):
        pixels[i, :, slice(0, 24) if label == "A" else slice(40, 64)] += 150
    groups = tuple(f"{label}{i // 6}" for i, label in enumerate(labels))
    return LabelledSet(pixels, labels, groups, ("",) * 48, {"side": tuple("LR"[i // 24] for i in range(48))})


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return a generator of the meta device, whose tensors meet no others: as those of a GPU, without one."""

    def on_meta(throw: Any) -> Any:
        return lambda *shape, generator, **kwargs: throw(*shape, **kwargs)

    for name in ("rand", "randn", "randint"):
        monkeypatch.setattr(torch, name, on_meta(getattr(torch, name)))
    return SimpleNamespace(device=torch.device("meta"))


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of cards of a user who has none yet."""
    monkeypatch.setenv("ORTHOLENS_CARDS_DIR", str(tmp_path / "cards-of-mine"))
    monkeypatch.setenv("ORTHOLENS_KEYS_DIR", str(tmp_path / "keys"))
    settings.cache_clear()
    reload_cards()
    yield tmp_path / "cards-of-mine"
    monkeypatch.undo()
    settings.cache_clear()
    reload_cards()
