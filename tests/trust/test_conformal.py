from itertools import pairwise

import numpy as np
import pytest

from models.cards import Card
from models.trust.conformal import (
    COVERAGES,
    calibrate_conformal,
    list_set_members,
    make_prediction_set,
    score_conformity,
    sum_mass_before,
)


def simulated(n: int, k: int, seed: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Overconfident probabilities of images whose labels follow softer ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, k))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (true.cumsum(1) > rng.random((n, 1))).argmax(1)
    said = np.exp(logits * sharpness)
    return (said / said.sum(1, keepdims=True)).astype(np.float32), labels


def carded(model_of, conformal=None, ordinal: bool = False) -> Card:
    return model_of().card.model_copy(update={"conformal": conformal, "ordinal": ordinal})


def test_the_mass_before_each_label_by_hand() -> None:
    np.testing.assert_allclose(sum_mass_before(np.array([[0.1, 0.6, 0.3]])), [[0.9, 0, 0.6]])
    # Ordinal: from grade 1, the more probable neighbour is 2, then 3, and 0 comes last, though it beats 3.
    p = np.array([[0.12, 0.5, 0.3, 0.08]])
    np.testing.assert_allclose(sum_mass_before(p), [[0.8, 0, 0.5, 0.92]])
    np.testing.assert_allclose(sum_mass_before(np.array([[0.2, 0.1, 0.5, 0.2]]), ordinal=True), [[0.8, 0.7, 0, 0.5]])
    np.testing.assert_allclose(score_conformity(p, np.array([2])), [0.5])


@pytest.mark.parametrize("ordinal", [False, True])
@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_the_truth_is_in_the_set_as_often_as_promised(ordinal: bool, sharpness: float) -> None:
    held_out, test = simulated(20_000, 5, 1, sharpness), simulated(20_000, 5, 2, sharpness)
    conformal = calibrate_conformal(*held_out, ordinal=ordinal)
    for coverage in (0.8, 0.855, 0.9, 0.95, 0.99):
        inside = list_set_members(test[0], conformal, coverage, ordinal)
        assert inside[np.arange(20_000), test[1]].mean() == pytest.approx(coverage, abs=0.01)
        assert inside.any(1).all()


def test_coverage_holds_on_average_for_small_calibration_sets() -> None:
    covered = []
    for seed in range(300):
        probabilities, labels = simulated(280, 4, seed)
        conformal = calibrate_conformal(probabilities[:80], labels[:80], (0.9,))
        covered.append(list_set_members(probabilities[80:], conformal, 0.9)[np.arange(200), labels[80:]].mean())
    assert np.mean(covered) == pytest.approx(0.9 + 0.5 / 81, abs=0.01)  # between c and c + 1/(n + 1)


def test_too_few_images_for_a_promise_give_every_label(model_of) -> None:
    conformal = calibrate_conformal(*simulated(20, 3, 0))
    assert conformal.quantiles[-1] == 1.0
    assert make_prediction_set(np.array([0.98, 0.01, 0.01]), carded(model_of, conformal), 0.99) == ("0", "1", "2")


def test_sets_grow_with_coverage_and_ordinal_ones_have_no_gap(model_of) -> None:
    probabilities, labels = simulated(5_000, 3, 3)
    card = carded(model_of, calibrate_conformal(probabilities, labels, ordinal=True), ordinal=True)
    for p in probabilities[:40]:
        sets = [make_prediction_set(p, card, coverage) for coverage in COVERAGES]
        assert all(set(small) <= set(large) for small, large in pairwise(sets))
        assert sets[0]
        for found in sets:
            assert np.ptp([int(key) for key in found]) == len(found) - 1


def test_a_card_without_quantiles_has_no_set(model_of) -> None:
    assert make_prediction_set(np.array([0.5, 0.3, 0.2]), carded(model_of), 0.9) == ()
