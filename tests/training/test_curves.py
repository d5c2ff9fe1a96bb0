"""Learning curves: whole patients, a ridge that is the ridge, and intervals that hold the figure."""

from __future__ import annotations

import json
import tomllib
from importlib import import_module

import numpy as np
import pytest
import torch

from models.cards import Card
from models.tasks.classification import curves
from models.tasks.classification.curves import answer_by_ridge, compute_curve_points, draw_training_orders, fit_ridge


def test_a_draw_takes_whole_patients() -> None:
    groups = np.array(["a", "b", "a", "c", "b", "c"])
    for order in draw_training_orders(groups, 4):
        assert sorted(order) == list(range(6))
        assert [len(set(groups[order[i : i + 2]])) for i in (0, 2, 4)] == [1, 1, 1]


@pytest.mark.parametrize(("n", "c"), [(12, 30), (60, 5)])
def test_both_spaces_give_the_same_ridge(n: int, c: int) -> None:
    rng = np.random.default_rng(0)
    train, val, labels = rng.normal(size=(n, c)), rng.normal(size=(7, c)), rng.integers(0, 3, n)
    labels[:3] = 0, 1, 2
    found = fit_ridge(train, labels, val, [0.5])[0]
    x, z = (train - train.mean(0)) / train.std(0), (val - train.mean(0)) / train.std(0)
    y = np.eye(3)[labels]
    by_hand = z @ np.linalg.solve(x.T @ x + 0.5 * n * np.eye(c), x.T @ (y - y.mean(0))) + y.mean(0)
    np.testing.assert_allclose(found, by_hand, atol=1e-4)


def test_the_probe_finds_what_features_say() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    train, val = rng.normal(size=(80, 6)), rng.normal(size=(40, 6))
    train[:, 0] += 4 * labels
    val[:20, 0] += 4
    groups = np.array([f"p{i // 2}" for i in range(80)])
    assert (answer_by_ridge(train, labels, groups, val) == (np.arange(40) < 20)).mean() > 0.9


def test_points_hold_the_accuracy_in_their_interval() -> None:
    groups = np.repeat([f"p{i}" for i in range(30)], 2)
    right = np.random.default_rng(0).random((4, 60)) < 0.7
    (row,) = compute_curve_points({50: right}, groups)
    assert row["n"] == 50
    assert row["value"] == pytest.approx(right.mean())
    assert row["low"] < row["value"] < row["high"]
    (sure,) = compute_curve_points({50: np.ones((4, 60), bool)}, groups)
    assert (sure["low"], sure["value"], sure["high"]) == (1, 1, 1)


def test_the_command_writes_curves_beside_the_card(card_text, tiny_set, tmp_path, monkeypatch) -> None:
    labels = tuple({"key": key, "name": key} for key in "AB")
    card = Card.model_validate(tomllib.loads(card_text) | {"id": "tiny", "labels": labels})
    splits = tuple("val" if i // 2 % 4 == 0 else "train" for i in range(len(tiny_set)))
    data = type(tiny_set)(tiny_set.pixels, tiny_set.labels, tuple(str(i) for i in range(len(tiny_set))), splits)
    for name, value in {
        "card": lambda id: card, "read_labelled_set": lambda id: data, "SIZES": (8, 32), "DRAWS": 2, "SIDE_PX": 64,
        "STATISTICS": 32, "STARTS": {"random": "random features"},
    }.items():  # fmt: skip
        monkeypatch.setattr(curves, name, value)
    monkeypatch.setattr(import_module("models.cards.writing"), "CARDS_DIR", tmp_path)
    curves.measure_learning_curves("tiny", lambda step, share: None)
    report = json.loads((tmp_path / "tiny.curves.json").read_text())
    assert [row["n"] for row in report["curves"]["random"]] == [8, 32]
    assert (report["n"], report["draws"], report["commonest"]) == (12, 2, 0.5)
    for row in report["curves"]["random"]:  # pooled features cannot tell left from right: no skill is asked for
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1


def test_random_features_keep_their_size(card_text, tiny_set) -> None:
    card = Card.model_validate(tomllib.loads(card_text))
    data = type(tiny_set)(tiny_set.pixels, tiny_set.labels, tiny_set.groups, ("train",) * len(tiny_set))
    net = curves.build_curve_network(card, data, "random")
    with torch.no_grad():
        found = net.trunk(torch.rand(2, 3, 64, 64))
    assert 0.01 < found.std() < 100
