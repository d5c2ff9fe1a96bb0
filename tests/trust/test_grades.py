"""Expected grade and probability of a dichotomised finding, by hand."""

import numpy as np
import pytest

from models import card
from models.trust.grades import compute_dichotomised_probability, compute_expected_grade

P = np.array([0.1, 0.2, 0.4, 0.2, 0.1], np.float32)


def test_expected_grade():
    assert compute_expected_grade(P) == pytest.approx(2.0)
    assert compute_expected_grade(np.eye(5)[4]) == 4


def test_definite_from_grade_two():
    assert compute_dichotomised_probability(P, card("knee-kl")) == pytest.approx(0.7)
    assert compute_dichotomised_probability(P[:4], card("shoulder-implants")) is None
