"""Images that a card was not made for: which sets, how many, and in what range."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.tasks import ood_set as others
from models.tasks.classification.dataset import LabelledSet


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two labelled sets of 10 and 4 pictures, and a zip with three pictures and a table."""

    def labelled(n: int, grey: int) -> LabelledSet:
        return LabelledSet(np.full((n, 8, 8), grey, np.uint8), ("A",) * n, ("g",) * n, ("",) * n)

    monkeypatch.setattr(others, "SETS", {"own": lambda: labelled(4, 0), "other": lambda: labelled(10, 51)})
    monkeypatch.setattr(others, "ZIPS", {"slices": ("some.zip", "images/")})
    monkeypatch.setattr(others, "EACH", 6)
    monkeypatch.setenv("ORTHOLENS_DATA_DIR", str(tmp_path))
    others.settings.cache_clear()
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("labels.csv", "file\n")
        for i in range(3):
            out = BytesIO()
            Pillow.fromarray(np.full((5, 7), 85 * (i + 1), np.uint8)).save(out, "PNG")
            archive.writestr(f"images/{i}.png", out.getvalue())
    yield
    others.settings.cache_clear()


def test_every_set_but_the_cards_own(sets: None) -> None:
    found = dict(others.ood_sets("own"))
    assert list(found) == ["other radiographs", "slices", "noise", "photographs"]
    assert [len(pictures) for pictures in found.values()] == [6, 3, 6, 6]
    np.testing.assert_allclose([picture.mean() for picture in found["other radiographs"]], 0.2, atol=1e-6)
    assert [picture.shape for picture in found["slices"]] == [(5, 7)] * 3
    np.testing.assert_allclose([picture.mean() for picture in found["slices"]], [1 / 3, 2 / 3, 1], atol=1e-6)
    for pictures in found.values():
        for picture in pictures:
            assert picture.dtype == np.float32
            assert picture.ndim == 2
            assert picture.min() >= 0
            assert picture.max() <= 1


def test_they_are_the_same_each_time(sets: None) -> None:
    for (_, first), (_, second) in zip(others.ood_sets("own"), others.ood_sets("own"), strict=True):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)


def test_pictures_are_spread_over_a_set_from_its_first_to_its_last() -> None:
    assert others._spread(3) == [0, 1, 2]
    chosen = others._spread(10_000)
    assert (len(chosen), chosen[0], chosen[-1]) == (others.EACH, 0, 9_999)
    assert len(set(np.diff(chosen))) <= 2
