"""Fit the look that all cards share on pictures of every kind, and keep it beside the weights of the cards.

Its trunk has ImageNet weights and is not trained. What is fitted: the mean and spread of the pooled features, a
multinomial regression of the kinds, a Gaussian for each kind, whose threshold keeps 95 of 100 pictures of groups that
the Gaussian has not seen, and a logistic regression of metal, on knees with drawn hardware and limbs with real one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.cards import WEIGHTS_DIR
from models.nets.loading import write_tensors
from models.nets.mobilenet import StagedMobileNetV2
from models.nets.starting import load_starting_weights
from models.predictors.image_kinds_augmentation import make_augmented_copies
from models.predictors.image_kinds_set import draw_kind_samples
from models.progress import Progress
from models.trust import image_kinds as kinds
from models.trust.image_kinds import KINDS, NARROW, Look, load_kind_trunk, pool_kind_features
from models.trust.ood import KEPT

FOLDS = 5
PENALTY, METAL_PENALTY = 0.03, 0.01
"""Inverse weight of the squared coefficients in both regressions."""
SLACK = 4.0
"""Factor on the thresholds of kinds that hardly vary: another patient is farther than another group of the same is."""
WHOLE = ("plain", "grey")
"""Copies that are pictures as they come, and set the thresholds."""

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Table:
    """Pooled features (N, 3, D) of pictures and their copies; of each: kind, group, what copy it is, known metal."""

    features: Features
    kinds: NDArray[np.str_]
    groups: NDArray[np.str_]
    copies: NDArray[np.str_]
    metal: Sequence[bool | None]

    def of(self, kind: str) -> NDArray[np.bool_]:
        """Return which rows (N,) are of a kind."""
        return np.asarray(self.kinds == kind)


def trunk_state() -> dict[str, torch.Tensor]:
    """Return the weights of the trunk as the file of the look holds them.

    Raises
    ------
    Unreachable
        Where the ImageNet weights are not at hand and cannot be downloaded.
    """
    net = StagedMobileNetV2(1)
    net.load_start(load_starting_weights(StagedMobileNetV2))
    state = {name: part for name, part in net.stages.state_dict().items() if not name.startswith("stage5")}
    return {f"trunk.{name}": part for name, part in state.items() if not name.endswith("num_batches_tracked")}


def gather_image_kinds(progress: Progress) -> Table:
    """Look at every picture to learn from and at its copies."""
    stages, rows = load_kind_trunk(trunk_state()), []
    for i, sample in enumerate(draw_kind_samples(held_out=False)):
        for copy, picture, metal in make_augmented_copies(sample, np.random.default_rng(i)):
            rows.append((pool_kind_features(stages, picture), sample.kind, sample.group, copy, metal))
        if i % 50 == 0:
            progress(f"looked at {i} pictures, now {sample.kind}", 0.0)
    features, found, groups, what, shown = zip(*rows, strict=True)
    return Table(np.array(features), np.array(found), np.array(groups), np.array(what), shown)


def fit_image_kinds(table: Table) -> tuple[dict[str, Features], dict[str, float]]:
    """Return the tensors of a `Look` and its thresholds."""
    centre, scale = table.features.mean(0), table.features.std(0) + 1e-3
    whole = (table.features - centre) / scale
    x = whole[:, 0]
    weight, bias = _kinds_regression(x, table)
    metal, metal_bias = _metal_regression(whole, table)
    gaussians = [_gaussian(x[table.of(kind)]) for kind in KINDS]
    tensors = {
        "centre": centre, "scale": scale, "weight": weight, "bias": bias, "metal": metal, "metal_bias": metal_bias,
        "middle": np.stack([middle for middle, _ in gaussians]),
        "whiten": np.stack([whiten for _, whiten in gaussians]),
    }  # fmt: skip
    return {name: part.astype(np.float32) for name, part in tensors.items()}, {
        kind: (SLACK if kind in NARROW else 1)
        * _threshold(x[table.of(kind)], table.groups[table.of(kind)], table.copies[table.of(kind)])
        for kind in KINDS
    }


def _kinds_regression(x: Features, table: Table) -> tuple[Features, Features]:
    from sklearn.linear_model import LogisticRegression

    names = list(KINDS)
    numbers = np.array([names.index(kind) for kind in table.kinds])
    found = LogisticRegression(C=PENALTY, max_iter=500, class_weight="balanced").fit(x, numbers)
    return found.coef_, found.intercept_


def _metal_regression(x: Features, table: Table) -> tuple[Features, Features]:
    from sklearn.linear_model import LogisticRegression

    of = np.array([shown is not None for shown in table.metal]) & (table.of("knee") | table.of("limb"))
    shown = np.array([bool(shown) for shown in table.metal])[of]
    found = LogisticRegression(C=METAL_PENALTY, max_iter=500, class_weight="balanced").fit(
        x[of].reshape(len(shown), -1), shown
    )
    return found.coef_.reshape(x.shape[1:]), found.intercept_


def _gaussian(x: Features) -> tuple[Features, Features]:
    from sklearn.covariance import ledoit_wolf

    middle = x.mean(0)
    covariance, _ = ledoit_wolf(x - middle, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    return middle, (vectors / np.sqrt(values)).T


def _threshold(x: Features, groups: NDArray[np.str_], copies: NDArray[np.str_]) -> float:
    """Return the distance that keeps `KEPT` of the whole pictures under Gaussians of the other groups."""
    from sklearn.model_selection import GroupKFold

    away = np.empty(len(x))
    for learned, out in GroupKFold(min(FOLDS, len(set(groups)))).split(x, groups=groups):
        middle, whiten = _gaussian(x[learned])
        away[out] = np.linalg.norm((x[out] - middle) @ whiten.T, axis=1)
    return float(np.quantile(away[np.isin(copies, WHOLE)], KEPT))


def train_final_image_kinds(table: Table) -> Look:
    """Fit the look, write it, and return it as it will be read; figures measured on an older one are dropped."""
    tensors, thresholds = fit_image_kinds(table)
    state = trunk_state() | {name: torch.from_numpy(part) for name, part in tensors.items()}
    record: Mapping[str, Any] = {
        "sha256": write_tensors(state, WEIGHTS_DIR / kinds.FILE),
        "thresholds": thresholds,
        "learned": {kind: int((table.of(kind) & (table.copies == "plain")).sum()) for kind in KINDS},
    }
    kinds.RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    kinds.record_image_kinds.cache_clear()
    kinds.load_image_kinds.cache_clear()
    return kinds.load_image_kinds()
