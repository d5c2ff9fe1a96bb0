"""Reading a classifier's logits: the probabilities are those of the card's temperature, by hand."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
import torch

from models.cards import Card
from models.tasks.classification.task import calibrate_logits


@pytest.mark.parametrize(("temperature", "expected"), [(1.0, 9 / 10), (2.0, 3 / 4), (0.5, 81 / 82)])
def test_probabilities_are_at_the_temperature_of_the_card(card_text: str, temperature: float, expected: float) -> None:
    """Odds of nine to one are of three to one at T = 2, and of eighty-one to one at T = 1/2."""
    raw = tomllib.loads(card_text)
    raw |= {"labels": raw["labels"][:2], "calibration": {"temperature": temperature, "n": 10}}
    found = calibrate_logits(torch.tensor([[0.0, np.log(9)], [np.log(9), 0.0]]), Card.model_validate(raw))
    np.testing.assert_allclose(found, [[1 - expected, expected], [expected, 1 - expected]], rtol=1e-5)
