import tomllib

import numpy as np
import pytest

from models.cards import Card, card
from models.tasks.classification.metrics import (
    bootstrap_metric,
    describe_classification_metrics,
    list_classification_metrics,
)


@pytest.fixture
def answers():
    """Six ordinal answers out of three grades: four right, one off by one, one off by two."""
    y = np.array([0, 0, 1, 1, 2, 2])
    chosen = np.array([0, 0, 1, 2, 2, 0])
    p = np.full((6, 3), 0.1)
    p[np.arange(6), chosen] = 0.8
    return p, y


@pytest.fixture
def ordinal_card(card_text) -> Card:
    """Grades 0 to 2, dichotomised from 1."""
    labels = [{"key": str(grade), "name": f"grade {grade}"} for grade in range(3)]
    dichotomised = {"from_key": "1", "name": "dichotomised"}
    return Card.model_validate(
        tomllib.loads(card_text) | {"labels": labels, "ordinal": True, "dichotomised": dichotomised}
    )


def test_measures_by_hand(answers, ordinal_card):
    p, y = answers
    found = {name: measure(p, y) for name, measure in list_classification_metrics(ordinal_card).items()}
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["mae"] == pytest.approx((1 + 2) / 6)
    assert found["macro_recall"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert found["ece"] == pytest.approx(abs(0.8 - 4 / 6))
    assert found["auc_dichotomised"] == pytest.approx(7 / 8)  # eight pairs, two of them ties
    # kappa = 1 - Σ w·observed / Σ w·expected with w = d²: observed 1 + 4, expected 2·(3·0 + 1·1 + 2·4 ...) / 6
    expected = sum((a - b) ** 2 for a in y for b in p.argmax(1)) / 6
    assert found["quadratic_kappa"] == pytest.approx(1 - 5 / expected)


def test_an_interval_holds_its_value_and_narrows_with_more_groups():
    rng = np.random.default_rng(0)

    def interval(n: int) -> dict[str, float]:
        y = rng.integers(0, 2, n)
        p = np.eye(2)[np.where(rng.random(n) < 0.8, y, 1 - y)]
        return bootstrap_metric(list_classification_metrics(card("shoulder-implants"))["accuracy"], p, y, np.arange(n))

    few, many = interval(50), interval(2000)
    assert many["low"] < many["value"] < many["high"]
    assert many["high"] - many["low"] < (few["high"] - few["low"]) / 3


def test_groups_widen_the_interval():
    y = np.repeat([0, 1], 100)
    right = np.repeat(np.random.default_rng(0).random(20) < 0.7, 10)  # a group is right or wrong as a whole
    p = np.eye(2)[np.where(right, y, 1 - y)]
    accuracy = list_classification_metrics(card("shoulder-implants"))["accuracy"]
    whole = bootstrap_metric(accuracy, p, y, np.repeat(np.arange(20), 10))
    apart = bootstrap_metric(accuracy, p, y, np.arange(200))
    assert whole["high"] - whole["low"] > 2 * (apart["high"] - apart["low"])


def test_description_counts_every_answer_once(answers, ordinal_card):
    p, y = answers
    report = describe_classification_metrics(p, y, np.arange(6), ordinal_card)
    assert report["confusion"] == [[2, 0, 0], [0, 1, 1], [1, 0, 1]]
    assert [row["n"] for row in report["recall"].values()] == [2, 2, 2]
    assert {(row["truth"], row["answer"]) for row in report["worst"]} == {("1", "2"), ("2", "0")}
