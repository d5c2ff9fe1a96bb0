"""A split by picture flatters, a split by patient does not; and what the tips compute is what they say."""

from __future__ import annotations

import numpy as np
import pytest

from models.lessons.leakage import Clinic, measure_leaky_accuracy, simulate_clinic, try_leaky_splits
from models.lessons.temperature import compute_lesson_calibration_error, cool_confidence, rebin_at_temperature


def test_a_leaking_split_promises_what_no_new_patient_will_see() -> None:
    found = try_leaky_splits(Clinic(), seeds=10)
    assert found.leaking.mean() > 0.9
    assert found.honest.mean() < 0.65
    assert found.tested == (108, 108)


def test_without_an_illness_the_leak_still_shines() -> None:
    found = try_leaky_splits(Clinic(sign=0), seeds=10)
    assert found.leaking.mean() > 0.9
    assert found.honest.mean() == pytest.approx(0.5, abs=0.08)


def test_one_picture_a_patient_leaks_nothing() -> None:
    found = try_leaky_splits(Clinic(patients=200, images=1), seeds=10)
    assert found.leaking.mean() == pytest.approx(found.honest.mean(), abs=0.08)


def test_a_sign_that_can_be_seen_is_learned_honestly() -> None:
    assert try_leaky_splits(Clinic(sign=3), seeds=5).honest.mean() > 0.85


def test_pictures_of_a_patient_are_as_alike_as_asked() -> None:
    seen = simulate_clinic(Clinic(patients=40, images=2, likeness=0.7, sign=0), seed=0)
    pairs = seen.pixels.reshape(40, 2, -1)
    alike = [np.corrcoef(pair)[0, 1] for pair in pairs]
    assert np.mean(alike) == pytest.approx(0.7, abs=0.1)
    assert (seen.patient == np.repeat(np.arange(40), 2)).all()


def test_the_nearest_neighbour_answers() -> None:
    seen = simulate_clinic(Clinic(patients=2, images=3, likeness=1.0), seed=0)
    assert measure_leaky_accuracy(seen, np.array([True, False, False, True, False, False])) == 1
    assert (
        measure_leaky_accuracy(seen, np.array([True, True, True, False, False, False])) == 0
    )  # only the other kind is left


def test_a_temperature_moves_confidence_and_nothing_else() -> None:
    bins = [{"low": 0.8, "high": 1.0, "n": 10, "confidence": 0.9, "accuracy": 0.6, "interval": [0.3, 0.8]}]
    assert rebin_at_temperature(bins, 1) == bins
    assert compute_lesson_calibration_error(bins) == pytest.approx(0.3)
    cool = rebin_at_temperature(bins, 2)[0]
    assert cool["confidence"] == pytest.approx(0.75)  # odds 9 become 3
    assert cool["low"] == pytest.approx(2 / 3)
    assert (cool["accuracy"], cool["n"]) == (0.6, 10)
    assert cool_confidence(0.9, 0.5) == pytest.approx(81 / 82)
    assert 0 < cool_confidence(1.0, 1) <= 1
