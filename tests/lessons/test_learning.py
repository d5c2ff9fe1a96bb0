"""The small network learns its lesson, and does not learn what is not there."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from models.lessons.learning import EVERY, FILTER_PX, FILTERS, SHOWN, Lesson, draw_held_out_patches, learn
from models.lessons.shafts import SIDE_PX, simulate_shafts


def test_patches_are_halves_of_each_kind_and_the_same_for_a_seed() -> None:
    data = simulate_shafts(40, seed=3)
    assert data.pixels.shape == (40, SIDE_PX, SIDE_PX)
    assert data.broken.sum() == 20
    assert 0 <= data.pixels.min() < data.pixels.max() <= 1
    np.testing.assert_array_equal(data.pixels, simulate_shafts(40, seed=3).pixels)
    assert np.abs(data.pixels - simulate_shafts(40, seed=4).pixels).max() > 0.1


def test_no_brightness_gives_a_fracture_away() -> None:
    data = simulate_shafts(1000, seed=5)
    mean = data.pixels.mean((1, 2))
    right = [((mean > limit) == data.broken).mean() for limit in np.quantile(mean, (0.3, 0.5, 0.7))]
    assert all(0.35 < share < 0.65 for share in right)  # little better than a coin


def test_it_learns_the_rule_in_a_fixed_number_of_steps() -> None:
    seen = list(learn(Lesson(steps=300)))
    assert [snapshot.step for snapshot in seen] == list(range(0, 301, EVERY))
    assert seen[0].held_out == pytest.approx(0.5, abs=0.08)
    assert seen[-1].held_out >= 0.95
    assert seen[-1].loss < 0.25 < seen[0].loss
    assert seen[-1].filters.shape == (FILTERS, FILTER_PX, FILTER_PX)
    assert np.abs(seen[-1].filters - seen[0].filters).max() > 0.05
    right = (seen[-1].decisions > 0.5) == draw_held_out_patches().broken[:SHOWN]
    assert right.mean() >= 0.8


def test_shuffled_labels_teach_nothing_about_new_patches() -> None:
    last = list(learn(Lesson(steps=200, patches=200, shuffled=True)))[-1]
    assert last.held_out == pytest.approx(0.5, abs=0.1)


def test_the_same_seed_learns_the_same_and_another_does_not() -> None:
    first, again = (list(learn(Lesson(steps=EVERY, patches=64)))[-1] for _ in range(2))
    np.testing.assert_array_equal(first.filters, again.filters)
    assert first.loss == again.loss
    other = list(learn(Lesson(steps=EVERY, patches=64, seed=1)))[-1]
    assert np.abs(first.filters - other.filters).max() > 0.01


def test_whoever_asks_no_more_stops_it() -> None:
    steps = [snapshot.step for snapshot in islice(learn(Lesson(patches=64, steps=10**9)), 2)]
    assert steps == [0, EVERY]
