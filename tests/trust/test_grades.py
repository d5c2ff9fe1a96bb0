"""Expected grade and probability of a dichotomised finding, by hand."""

import numpy as np
import pytest

from models import card
from models.trust.grades import dichotomised_probability, expected_grade

P = np.array([0.1, 0.2, 0.4, 0.2, 0.1], np.float32)


def test_expected_grade():
    assert expected_grade(P) == pytest.approx(2.0)
    assert expected_grade(np.eye(5)[4]) == 4


def test_definite_from_grade_two():
    assert dichotomised_probability(P, card("knee-kl")) == pytest.approx(0.7)
    assert dichotomised_probability(P[:4], card("shoulder-implants")) is None
