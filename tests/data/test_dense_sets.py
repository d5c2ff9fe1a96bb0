"""What a split may not tear apart, and what the packed sets hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.errors import UnknownCard
from models.settings import Settings
from models.tasks.segmentation.datasets import cluster_stains, read_dense_set
from models.tasks.segmentation.fluoroscopy_set import find_deep_split


def test_pictures_of_one_stain_and_light_are_one_look() -> None:
    rng = np.random.default_rng(0)

    def slide(ground: tuple[int, int, int], stain: tuple[int, int, int]) -> np.ndarray:
        picture = np.full((40, 50, 3), ground, np.uint8)
        picture[5:20, 5:20] = stain
        return np.clip(picture + rng.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)

    purple, pink = ((200, 180, 220), (80, 40, 150)), ((240, 210, 220), (180, 60, 120))
    found = cluster_stains((slide(*purple), slide(*pink), slide(*purple), slide(*pink)), 2)
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert found[0] != found[1]


def test_held_out_blocks_have_no_neighbour_in_training() -> None:
    split = [find_deep_split(i, 261) for i in range(261)]
    assert {of for of in split if of} == {"train", "held-out blocks of deep_flexion_cam1"}
    for before, after in pairwise(split):
        assert {before, after} != {"train", "held-out blocks of deep_flexion_cam1"}
    assert sum(of.startswith("held") for of in split) == 50


def test_histology_nuclei_are_numbered_in_twenty_looks(
    packed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packed("histology_nuclei.zip").parent
    monkeypatch.setattr("models.training.public_set.settings", lambda: Settings(data_dir=folder))
    data = read_dense_set("histology-nuclei-hrnet")  # an alternative learns from the same set
    assert len(data) == 96
    assert len(set(data.groups)) == 20
    assert sum(len(np.unique(of)) - 1 for of in data.instances) == 4533
    for mask, numbers in zip(data.masks, data.instances, strict=True):
        np.testing.assert_array_equal(mask > 0, numbers > 0)


def test_a_card_without_a_set_says_so() -> None:
    with pytest.raises(UnknownCard, match="no set of masks"):
        read_dense_set("knee-kl")
