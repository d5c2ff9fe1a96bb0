"""Agreement by hand and against scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from models import card
from models.trust.agreement import FEWEST, Reading, compute_weighted_kappa, count_reader_agreement

KNEE = card("knee-kl")


def readings(reader: str, model: str) -> list[Reading]:
    one = Reading("0" * 64, 0, KNEE.id, "0", None, "0", 0.9, False, "2026-01-01T00:00:00+00:00")
    return [replace(one, reader=a, model=b) for a, b in zip(reader, model, strict=True)]


def test_by_hand():
    found = count_reader_agreement(readings("00112", "00122"), KNEE)
    assert (found.n, found.agreed, found.share) == (5, 4, 0.8)
    # chance: rows 2/5, 2/5, 1/5 · columns 2/5, 1/5, 2/5 → 4/25 + 2/25 + 2/25 = 8/25; (4/5 - 8/25) / (1 - 8/25)
    assert found.kappa == pytest.approx(12 / 17)


def test_as_scikit_learn_says():
    a, b = np.random.default_rng(0).integers(0, 5, (2, 200)).astype(str)
    found = count_reader_agreement(readings("".join(a), "".join(b)), KNEE)
    assert found.kappa == pytest.approx(cohen_kappa_score(a, b))
    assert found.quadratic_kappa == pytest.approx(cohen_kappa_score(a, b, weights="quadratic"))


def test_too_few_for_kappa():
    found = count_reader_agreement(readings("0" * (FEWEST - 1), "01" * 2), KNEE)
    assert found.share == 0.5
    assert found.kappa is found.quadratic_kappa is None


def test_one_label_alone_has_no_kappa():
    assert count_reader_agreement(readings("0" * 6, "0" * 6), KNEE).kappa is None
    assert compute_weighted_kappa(np.array([[6, 0], [0, 0]]), 1 - np.eye(2)) is None


def test_none_yet():
    found = count_reader_agreement([], KNEE)
    assert (found.n, found.share, found.kappa) == (0, None, None)


def test_unanswered_and_foreign_readings_are_left_out():
    mine, refused, foreign = readings("000", "000")
    found = count_reader_agreement([mine, replace(refused, abstained=True), replace(foreign, card="other")], KNEE)
    assert found.n == 1
    assert replace(refused, abstained=True).agreed is None
    assert mine.agreed is True
