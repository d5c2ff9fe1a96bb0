"""How accuracy grows with the number of training images, with features of ImageNet and with features of nothing.

A linear probe (Alain and Bengio 2016, arXiv:1610.01644): the network stays frozen, and a ridge regression on its pooled
features learns the labels from n images. Draws take whole patients; all are measured on the validation split, never on
the test split. The same draws with a network of random weights show what the starting weights are worth.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve
from torch import nn

from models.cards import Card, card
from models.cards.writing import publish_metrics
from models.errors import UnknownCard
from models.nets.device import choose_device
from models.nets.frame import Frame, normalise
from models.nets.loading import build_classifier, fold_batch_norms
from models.nets.staged import StagedClassifier
from models.nets.starting import load_starting_weights
from models.progress import Progress
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.metrics import RESAMPLES

SIZES = (50, 100, 200, 400, 800, 1600, 3200)
"""Training images of each point."""
DRAWS = 8
SIDE_PX = 160
"""Side of the input: smaller than the cards', so that all features take minutes on one core."""
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the ridge, as a multiple of n; each draw chooses its own by cross-validation on its own patients."""
FOLDS = 3
BATCH = 32
STATISTICS = 256
"""Training images that give a random network's batch norms their mean and variance."""

STARTS: Mapping[str, str] = {"imagenet": "frozen ImageNet features", "random": "frozen random features"}
"""What the features come from, by key, and its name on the screen."""

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


def measure_learning_curves(card_id: str, progress: Progress) -> None:
    """Measure the learning curves of a card's set and write `<card>.curves.json`.

    Raises
    ------
    UnknownCard, Unreachable
        For a card whose set has no published validation split, or is not here.
    """
    began, chosen, data = time.perf_counter(), card(card_id), read_labelled_set(card_id)
    if not {"train", "val"} <= set(data.splits):
        raise UnknownCard(f"{card_id} has no validation split", fix="Choose a card with one, such as knee-kl.")
    learned, held_out = data.of("train"), data.of("val")
    groups, reference = np.array(data.groups), np.array([chosen.index(label) for label in data.labels])
    drawn = draw_training_orders(groups[learned], DRAWS)
    found = {}
    for start in STARTS:
        seen = compute_curve_features(
            build_curve_network(chosen, data, start), data, np.concatenate([learned, held_out]), start, progress
        )
        train, val = seen[: len(learned)], seen[len(learned) :]
        right = {}
        for n in SIZES:
            progress(f"{start}: probing with n = {n}", SIZES.index(n) / len(SIZES))
            own = [order[:n] for order in drawn]
            right[n] = np.stack(
                [
                    answer_by_ridge(train[i], reference[learned[i]], groups[learned[i]], val) == reference[held_out]
                    for i in own
                ]
            )
        found[start] = right
    counts = np.bincount(reference[held_out], minlength=len(chosen.labels))
    report: dict[str, Any] = {
        "how": (
            f"ridge regression on pooled features of a frozen {chosen.net.name} at {SIDE_PX} × {SIDE_PX} px, "
            f"{DRAWS} draws of whole patients from the training split, measured on the validation split"
        ),
        "seconds": round(time.perf_counter() - began),
        "n": len(held_out),
        "groups": len(np.unique(groups[held_out])),
        "draws": DRAWS,
        "resamples": RESAMPLES,
        "commonest": float(counts.max() / counts.sum()),
        "curves": {start: compute_curve_points(right, groups[held_out]) for start, right in found.items()},
    }
    publish_metrics(card_id, report, "curves")


def draw_training_orders(groups: NDArray[np.str_], count: int) -> list[Indices]:
    """Return orders of the pictures (N,) in which those of one patient follow one another; the first n are a draw."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    rng = np.random.default_rng(0)
    return [np.concatenate([members[i] for i in rng.permutation(len(members))]) for _ in range(count)]


def build_curve_network(chosen: Card, data: LabelledSet, start: str) -> StagedClassifier:
    """Return the card's network with ImageNet weights, or with random ones and batch norms that know the pictures."""
    torch.manual_seed(0)
    net = build_classifier(chosen).requires_grad_(False)
    if start == "imagenet":
        net.load_start(load_starting_weights(type(net)))
    else:
        norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # plain averages
        net.train()
        known = data.of("train")[:STATISTICS]
        for first in range(0, len(known), BATCH):
            net.trunk(_input(data.pixels[known[first : first + BATCH]]))
    net.eval()
    fold_batch_norms(net)
    return net.to(memory_format=torch.channels_last)


@torch.no_grad()
def compute_curve_features(
    net: StagedClassifier, data: LabelledSet, indices: Indices, start: str, progress: Progress
) -> Array:
    """Return what the last stage makes of pictures, averaged over each: (N, C)."""
    found, device = [], choose_device()
    net = net.to(device)
    for first in range(0, len(indices), BATCH):
        progress(f"{start}: features", first / len(indices))
        found.append(net.trunk(_input(data.pixels[indices[first : first + BATCH]]).to(device)).mean((2, 3)))
    pooled: Array = torch.cat(found).double().cpu().numpy()
    return pooled


def _input(pixels: NDArray[np.uint8]) -> torch.Tensor:
    frame = Frame((pixels.shape[1], pixels.shape[2]), (SIDE_PX, SIDE_PX))
    return normalise(frame.to_network(torch.from_numpy(pixels)[:, None].float() / 255))


def answer_by_ridge(train: Array, labels: Indices, groups: NDArray[np.str_], val: Array) -> Indices:
    """Return the labels (M,) that a ridge on features (N, C) gives to other features (M, C).

    Its penalty is the one whose answers on patients left out of the draw are right most often.
    """
    fold = np.random.default_rng(0).permutation(len(np.unique(groups)))[np.unique(groups, return_inverse=True)[1]]
    right = np.zeros(len(PENALTIES))
    for i in range(FOLDS):
        out = fold % FOLDS == i
        scores = fit_ridge(train[~out], labels[~out], train[out], PENALTIES)
        right += [(score.argmax(1) == labels[out]).sum() for score in scores]
    best: Indices = fit_ridge(train, labels, val, [PENALTIES[int(right.argmax())]])[0].argmax(1)
    return best


def fit_ridge(train: Array, labels: Indices, val: Array, penalties: Sequence[float]) -> list[Array]:
    """Return, for each penalty, scores (M, K) of features (M, C) by a ridge fitted to features (N, C) and labels (N,).

    Solved in the smaller of the two spaces, of pictures or of features (Hastie et al. 2009, ch. 18.3.5).
    """
    centre, spread = train.mean(0), train.std(0) + 1e-6
    x, z = (train - centre) / spread, (val - centre) / spread
    wanted = np.eye(int(labels.max()) + 1)[labels]
    y = wanted - wanted.mean(0)
    few = len(x) < x.shape[1]
    products, right = (x @ x.T, y) if few else (x.T @ x, x.T @ y)
    seen = z @ x.T if few else z
    scores = []
    for penalty in penalties:
        damped = products + penalty * len(x) * np.eye(len(products))
        scores.append(seen @ solve(damped, right, assume_a="pos") + wanted.mean(0))
    return scores


def compute_curve_points(right: Mapping[int, NDArray[np.bool_]], groups: NDArray[np.str_]) -> list[dict[str, float]]:
    """Return the accuracy at each n with its 95 % interval, by a bootstrap over draws and over patients at once.

    Parameters
    ----------
    right
        (draws, N) whether each held-out picture was answered rightly, by n.
    groups
        (N,) patient of each.
    """
    owner = np.unique(groups, return_inverse=True)[1]
    size = np.bincount(owner)
    found = []
    for n, hits in right.items():
        rng = np.random.default_rng(0)
        won = np.stack([np.bincount(owner, weights=row) for row in hits])  # (draws, patients)
        sampled = []
        for _ in range(RESAMPLES):
            patients, drawn = rng.integers(len(size), size=len(size)), rng.integers(len(won), size=len(won))
            sampled.append(won[drawn][:, patients].sum() / (len(won) * size[patients].sum()))
        low, high = np.quantile(sampled, [0.025, 0.975])
        found.append({"n": n, "value": float(hits.mean()), "low": float(low), "high": float(high)})
    return found
