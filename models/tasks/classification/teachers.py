"""Teachers: large and different networks answer every picture beforehand, and one small network learns what they say.

A soft answer tells more of a picture than its label: which other labels it looks like, and how clear it is. Each
teacher is a frozen network with ImageNet's weights and a linear probe on what it makes of a picture; the mean of their
log probabilities counts, since networks that err in different ways are right together more often. A probe has seen no
picture of the group that it answers, or it would only repeat the labels. What the networks make of the pictures is kept
in the folder of the run, so that every fold, member and later run asks again at no cost.

Reference: G. Hinton, O. Vinyals, J. Dean, Distilling the knowledge in a neural network, 2015, arXiv:1503.02531.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from models.cards import Card
from models.nets.device import choose_device
from models.nets.frame import Frame, normalise
from models.nets.loading import build_classifier
from models.nets.starting import load_starting_weights
from models.progress import Progress
from models.tasks.classification.labelled import LabelledSet, assign_folds
from models.tasks.classification.probe import fit_probe
from models.tasks.classification.recipe import Recipe
from models.words import later

FOLDS = 5
BATCH = 16


def ask_teachers(
    card: Card, data: LabelledSet, indices: NDArray[np.intp], recipe: Recipe, folder: Path, progress: Progress
) -> NDArray[np.float32]:
    """Return what the recipe's teachers say of some pictures (n,): probabilities (n, K).

    Parameters
    ----------
    indices
        Pictures that are learned from: teachers have seen no others.
    folder
        Where features are kept.

    Raises
    ------
    Unreachable
        Without the starting weights of a teacher.
    """
    learned = data.only(indices)
    reference, fold = np.array([card.index(label) for label in learned.labels]), assign_folds(learned, FOLDS)
    said = np.zeros((len(indices), len(card.keys)))
    for name, side in recipe.teachers.items():
        seen = compute_teacher_features(card, data, name, side, folder, progress)[:, indices].astype(np.float64)
        for i in range(FOLDS):
            own, out = np.flatnonzero(fold != i), np.flatnonzero(fold == i)
            weight, bias, present = fit_probe(
                np.concatenate(seen[:, own]), np.tile(reference[own], len(seen)), balanced=False
            )
            scores = np.full((len(seen), len(out), len(card.keys)), -np.inf)
            scores[..., present] = seen[:, out] @ weight.T + bias
            said[out] += log_softmax(scores, -1).clip(LEAST).mean(0) / len(recipe.teachers)
    shares: NDArray[np.float32] = np.exp(log_softmax(said, -1)).astype(np.float32)
    return shares


LEAST = -20.0
"""Log probability of a label that a probe has not seen."""


@torch.no_grad()
def compute_teacher_features(
    card: Card, data: LabelledSet, name: str, side: int, folder: Path, progress: Progress
) -> NDArray[np.float32]:
    """Return what a network with ImageNet's weights makes of each picture and of its mirror image: (2, N, C), pooled.

    Read from the folder where it was computed before, for the same pictures.
    """
    kept = folder / f"{name}-{side}-{hashlib.sha256(data.pixels.tobytes()).hexdigest()[:16]}.npy"
    if kept.exists():
        found: NDArray[np.float32] = np.load(kept)
        return found
    device = choose_device()
    net = build_classifier(card.model_copy(update={"net": card.net.model_copy(update={"name": name})}))
    net.load_start(load_starting_weights(type(net)))
    net = net.to(device).to(memory_format=torch.channels_last).eval()
    frame = Frame((data.pixels.shape[1], data.pixels.shape[2]), (side, side))
    parts = []
    for first in range(0, len(data), BATCH):
        progress(later("A teacher looks at the pictures: {name}", name=name), first / len(data))
        grey = torch.from_numpy(data.pixels[first : first + BATCH]).to(device)[:, None].float() / 255
        x = normalise(frame.to_network(grey))
        parts.append(torch.stack([net.trunk(view).mean((2, 3)) for view in (x, x.flip(3))]).cpu())
    seen: NDArray[np.float32] = torch.cat(parts, 1).numpy()
    folder.mkdir(parents=True, exist_ok=True)
    np.save(kept, seen)
    return seen
