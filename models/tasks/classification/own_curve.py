"""Would more pictures help? How accuracy grows with their number, on the set of a user's own card.

A linear probe, as in `models.tasks.classification.curves`: the network that training began with stays frozen, and a
ridge regression on its pooled features learns from a quarter, a half and all of the pictures. As a rule it is worse
than the card, but how it grows tells what the card could gain. Each picture is answered by a probe that never saw its
group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import Card, card
from models.cards.writing import update_metrics
from models.nets.loading import fold_batch_norms
from models.progress import Progress
from models.tasks.classification.curves import answer_by_ridge, compute_curve_features, compute_curve_points
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.classification.labelled import LabelledSet, assign_folds
from models.tasks.classification.metrics import RESAMPLES
from models.tasks.classification.training import start_classifier
from models.training.own_set import FOLDS
from models.words import later

CURVE = later("Measuring whether more pictures would help")
SHARES = (0.25, 0.5, 1.0)
"""Of the pictures that a probe learns from."""
DRAWS = 6
FEWEST = 8
"""Pictures that a probe learns from at least; with fewer a point says nothing."""

Right = Mapping[int, NDArray[np.bool_]]
"""(draws, N) whether each picture was answered rightly, by the number that was learned from."""


def measure_own_curve(card_id: str, progress: Progress) -> None:
    """Measure the learning curve of a user's own card, and write it into its figures.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set or starting weights that are not here.
    """
    chosen, data = card(card_id), read_labelled_set(card_id)
    net = start_classifier(chosen, data).eval()
    fold_batch_norms(net)
    seen = compute_curve_features(net, data, np.arange(len(data)), "", lambda _, share: progress(CURVE, share))
    right = probe(seen, chosen, data)
    owner = np.array(data.groups)
    found: dict[str, Any] = {
        "how": (
            f"ridge regression on pooled features of the frozen start, {DRAWS} draws of whole groups, "
            f"cross-validated in {FOLDS} parts by group"
        ),
        "points": compute_curve_points(right, owner),
    }
    if len(right) > 1:
        found["gain"] = bootstrap_gain(right, owner)
    update_metrics(card_id, "learning", found)


def probe(seen: NDArray[np.float64], chosen: Card, data: LabelledSet) -> Right:
    """Return, for each share of the pictures, whether those that are held out were answered rightly."""
    y, groups = np.array([chosen.index(label) for label in data.labels]), np.array(data.groups)
    fold = assign_folds(data, FOLDS)
    learned = [np.flatnonzero(fold != i) for i in range(FOLDS)]
    orders = [draw_even_orders(groups[of], y[of], DRAWS) for of in learned]
    right = {}
    for share in SHARES:
        n = round(share * float(np.mean([len(of) for of in learned])))
        if n < FEWEST:
            continue
        hits = np.zeros((DRAWS, len(y)), bool)
        for i, of in enumerate(learned):
            out = fold == i
            for draw, order in enumerate(orders[i]):
                own = of[order[: max(FEWEST, round(share * len(of)))]]
                hits[draw, out] = answer_by_ridge(seen[own], y[own], groups[own], seen[out]) == y[out]
        right[n] = hits
    return right


def draw_even_orders(groups: NDArray[np.str_], y: NDArray[np.intp], count: int) -> list[NDArray[np.intp]]:
    """Return orders of pictures (N,) whose beginnings hold whole groups and about the shares of labels of all."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    label = np.array([np.bincount(y[of]).argmax() for of in members])
    rng, orders = np.random.default_rng(0), []
    for _ in range(count):
        place = np.empty(len(members))
        for k in np.unique(label):
            of = rng.permutation(np.flatnonzero(label == k))
            place[of] = (np.arange(len(of)) + rng.random(len(of))) / len(of)
        orders.append(np.concatenate([members[i] for i in np.argsort(place)]))
    return orders


def bootstrap_gain(right: Right, groups: NDArray[np.str_]) -> dict[str, float]:
    """Return by how much the last doubling raised accuracy, with its 95 % interval over draws and groups at once."""
    half, whole = list(right)[-2:]
    more = right[whole].astype(float) - right[half]
    owner = np.unique(groups, return_inverse=True)[1]
    size = np.bincount(owner)
    won = np.stack([np.bincount(owner, weights=row) for row in more])  # (draws, groups)
    rng, sampled = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        chosen, drawn = rng.integers(len(size), size=len(size)), rng.integers(len(won), size=len(won))
        sampled.append(won[drawn][:, chosen].sum() / (len(won) * size[chosen].sum()))
    low, high = np.quantile(sampled, [0.025, 0.975])
    return {"from": half, "to": whole, "value": float(more.mean()), "low": float(low), "high": float(high)}
