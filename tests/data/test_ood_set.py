"""Images that a card was not made for: which sets, how many, and in what range."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.settings import Settings
from models.tasks import ood_set as others
from models.tasks.classification.labelled import LabelledSet


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two labelled sets of 10 and 4 pictures, and a zip with three pictures and a table."""

    def labelled(n: int, grey: int) -> LabelledSet:
        return LabelledSet(np.full((n, 8, 8), grey, np.uint8), ("A",) * n, ("g",) * n, ("",) * n)

    monkeypatch.setattr(others, "PUBLIC", {"own": lambda: labelled(4, 0), "other": lambda: labelled(10, 51)})
    monkeypatch.setattr(others, "ZIPS", {"slices": ("some.zip", "images/")})
    monkeypatch.setattr(others, "EACH", 6)
    monkeypatch.setattr("models.training.public_set.settings", lambda: Settings(data_dir=tmp_path))
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("labels.csv", "file\n")
        for i in range(3):
            out = BytesIO()
            Pillow.fromarray(np.full((5, 7), 85 * (i + 1), np.uint8)).save(out, "PNG")
            archive.writestr(f"images/{i}.png", out.getvalue())


def test_every_set_but_the_cards_own(sets: None) -> None:
    found = dict(others.read_ood_sets("own"))
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
    for (_, first), (_, second) in zip(others.read_ood_sets("own"), others.read_ood_sets("own"), strict=True):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)


def test_pictures_are_spread_over_a_set_from_its_first_to_its_last() -> None:
    assert others._spread(3) == [0, 1, 2]
    chosen = others._spread(10_000)
    assert (len(chosen), chosen[0], chosen[-1]) == (others.EACH, 0, 9_999)
    assert len(set(np.diff(chosen))) <= 2


def test_a_zip_that_is_a_cards_own_is_none_of_its_other_kinds(sets: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "OWN", {"own": "some.zip"})
    assert "slices" not in dict(others.read_ood_sets("own-hrnet"))  # nor those of an alternative model's
    assert "slices" in dict(others.read_ood_sets("other"))
    for id, file in {"fracture": "fracture", "histology-nuclei-hrnet": "histology", "tka-components": "tka"}.items():
        monkeypatch.undo()
        assert others.OWN[others.find_base_id(id)].startswith(file)
    assert set(others.OWN.values()) == {file for file, _ in others.ZIPS.values()}


def test_pictures_keep_their_colours_where_they_are_asked_for(sets: None, tmp_path: Path) -> None:
    out = BytesIO()
    Pillow.fromarray(np.full((5, 7, 3), (255, 0, 51), np.uint8)).save(out, "PNG")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("images/0.png", out.getvalue())
    found = dict(others.read_ood_sets("own", colour=True))
    np.testing.assert_allclose(found["slices"][0][0, 0], (1, 0, 0.2), atol=1e-6)
    assert {picture.shape[2:] for picture in found["photographs"]} == {(3,)}


def test_noise_has_every_grain_from_one_to_thirty_two_pixels() -> None:
    rng = np.random.default_rng(3)
    grains = set()
    for _ in range(60):
        noise = others._noise(rng)
        assert noise.shape == (256, 256)
        (edges,) = np.nonzero(np.diff(noise, axis=0).any(axis=1))
        grain = int(edges[0]) + 1
        assert (edges + 1).tolist() == list(range(grain, 256, grain))  # rows change where a grain ends, and only there
        assert (np.nonzero(np.diff(noise, axis=1).any(axis=0))[0] + 1).tolist() == list(range(grain, 256, grain))
        assert 0 <= noise.min() < 0.3
        assert 0.7 < noise.max() < 1
        grains.add(grain)
    assert grains == {1, 2, 4, 8, 16, 32}


def test_photographs_are_squares_from_anywhere_in_both() -> None:
    from sklearn.datasets import load_sample_images

    whole = load_sample_images().images
    tall, wide = whole[0].shape[:2]
    crops = list(others._photographs(np.random.default_rng(5)))
    assert len(crops) == others.EACH
    sides = [len(crop) for crop in crops]
    assert all(crop.shape == (side, side, 3) for crop, side in zip(crops, sides, strict=True))
    assert 0.33 * tall - 1 <= min(sides) < 0.37 * tall  # from a third of the shorter side to all of it
    assert 0.95 * tall < max(sides) <= tall
    corners = []
    for n in range(40):
        crop, photograph = np.rint(crops[n] * 255).astype(np.uint8), whole[n % 2]
        hits = np.argwhere((photograph[: tall - sides[n] + 1, : wide - sides[n] + 1] == crop[0, 0]).all(2))
        found = [(r, c) for r, c in hits if (photograph[r : r + sides[n], c : c + sides[n]] == crop).all()]
        assert found, n  # one of them and then the other, as it is
        corners.append((found[0][0] / (tall - sides[n] + 1), found[0][1] / (wide - sides[n] + 1)))
    assert (np.min(corners, 0) < 0.15).all()
    assert (np.max(corners, 0) > 0.85).all()
