import numpy as np
import pytest
from scipy.special import softmax

from models.trust.calibration import bin_reliability, compute_calibration_error, fit_temperature


def simulated(n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 4) and labels that follow their softmax."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 4))
    return logits, (softmax(logits, axis=1).cumsum(1) > rng.random((n, 1))).argmax(1)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_temperature_finds_the_one_that_was_put_in(true: float) -> None:
    logits, labels = simulated()
    assert fit_temperature((logits * true).astype(np.float32), labels) == pytest.approx(true, rel=0.03)


def test_the_error_is_small_for_honest_probabilities_and_large_for_bold_ones() -> None:
    logits, labels = simulated()
    for equal_mass in (False, True):
        assert compute_calibration_error(softmax(logits, axis=1), labels, equal_mass=equal_mass) < 0.015
        assert compute_calibration_error(softmax(3 * logits, axis=1), labels, equal_mass=equal_mass) > 0.08


def test_bins_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.95, 0.05], [0.4, 0.6], [0.45, 0.55]])
    low, high = bin_reliability(probabilities, np.array([0, 1, 1, 1]), bins=5)
    assert (low.low, low.high, low.n, low.accuracy) == (0.4, pytest.approx(0.6), 2, 1.0)
    assert low.confidence == pytest.approx(0.575)
    assert (high.n, high.accuracy, high.confidence) == (2, 0.5, pytest.approx(0.925))
    assert high.interval[0] < 0.5 < high.interval[1]
    error = (2 * abs(1 - 0.575) + 2 * abs(0.5 - 0.925)) / 4
    assert compute_calibration_error(probabilities, np.array([0, 1, 1, 1]), bins=5) == pytest.approx(error)


def test_bins_of_equal_mass_hold_equally_many() -> None:
    logits, labels = simulated(1_500)
    assert {part.n for part in bin_reliability(softmax(logits, axis=1), labels, equal_mass=True)} == {100}


def test_no_answer_is_lost() -> None:
    probabilities = np.eye(3)[np.array([0, 1, 2])]  # confidence exactly 1
    for equal_mass in (False, True):
        assert sum(part.n for part in bin_reliability(probabilities, np.array([0, 1, 0]), equal_mass=equal_mass)) == 3
