"""Make the weights that ship: members of the ensemble on everything they may see, and the OOD detector beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.cards import WEIGHTS_DIR, Card, card
from models.cards.tables import Member, OodStatistics
from models.cards.writing import write_card
from models.nets.device import choose_device
from models.nets.frame import Frame, normalise
from models.nets.loading import load_classifier, write_tensors
from models.nets.staged import StagedClassifier
from models.progress import Progress, tell_part
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.classification.labelled import LabelledSet, assign_folds
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.training import Run, fit_classifier, prepare_views
from models.training.runs import locate_runs
from models.trust import ood
from models.trust.perturbations import perturb_picture
from models.words import later

TITLE = later("Training the model")
VIEWS = 0.1
"""About the share of a training run that drawing the views takes."""
OOD_FOLDS = 5
PERTURBED = 2
"""Perturbed copies of each picture that the out-of-distribution detector learns from."""
ENOUGH = 1500
"""Pictures from which the out-of-distribution detector learns; a distance in 128 dimensions needs no more."""

Pictures = Sequence[NDArray[np.float32]] | NDArray[np.uint8]
"""Grey pictures: (H, W) of any size in [0, 1], or (N, H, W) in [0, 255]."""


def train(card_id: str, progress: Progress) -> None:
    """Train every member on the set's `train` split, or on all of a set without splits, and inscribe them in the card.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    chosen, data = card(card_id), read_labelled_set(card_id)
    learned = data.only(_learned(data))
    members, views, count = [], None, Recipe.of(chosen).members
    for i in range(count):
        file = f"{card_id}-{i}.safetensors"
        run = Run(f"shipped-{i}", i, locate_runs(chosen), np.arange(len(learned)), title=TITLE)
        done = run.folder / f"{run.name}.sha256"
        if not done.exists():
            views = prepare_views(chosen, learned, tell_part(progress, 0, VIEWS)) if views is None else views
            whole = (1 - VIEWS) / count
            net = fit_classifier(
                chosen, learned, views, run, tell_part(progress, VIEWS + i * whole, VIEWS + (i + 1) * whole)
            )
            done.write_text(write_tensors(net.state_dict(), (chosen.folder or WEIGHTS_DIR) / file))
            run.finished.unlink(missing_ok=True)
        members.append(Member(file=file, sha256=done.read_text()))
    write_card(card_id, {"members": members, "calibration": None, "conformal": None})
    progress(later("Fitting the out-of-distribution detector"), 1.0)
    write_card(card_id, {"ood": _fit_ood(card(card_id), data)})


def _learned(data: LabelledSet) -> NDArray[np.intp]:
    return data.of("train") if "train" in data.splits else np.arange(len(data))


def _fit_ood(chosen: Card, data: LabelledSet) -> OodStatistics:
    """Fit the out-of-distribution detector on what the first member makes of the pictures, and write it.

    Its threshold keeps 95 % of pictures that the statistics have not seen (`measure_held_out_distances`).
    """
    net = load_classifier(chosen, chosen.members[0])
    learned = _learned(data)
    pictures = data.pixels[learned[:: max(1, len(learned) // ENOUGH)]]
    plain, logits = compute_pooled_features(net, chosen, pictures)
    if "val" in data.splits:
        logits = compute_pooled_features(net, chosen, data.pixels[data.of("val")])[1]
    fitted = ood.fit_ood_statistics(np.concatenate([plain, *_pool_perturbed(net, chosen, pictures)]), logits)
    file = f"{chosen.id}.ood.safetensors"
    sha256 = write_tensors(dict(fitted.tensors), (chosen.folder or WEIGHTS_DIR) / file)
    known = measure_held_out_distances(chosen, data, net, fitted)
    threshold = float(np.quantile(known, ood.KEPT))
    return OodStatistics(file=file, sha256=sha256, threshold=threshold, kept=ood.KEPT, n=len(known))


def measure_held_out_distances(
    chosen: Card, data: LabelledSet, net: StagedClassifier, fitted: ood.OodDetector, split: str = "val"
) -> NDArray[np.float32]:
    """Return the distances (N,) of pictures that the detector's statistics have not seen.

    They are those of a split, or, in a set without splits, each picture's under statistics of the other groups.
    """
    if split in data.splits:
        return fitted.distance(compute_pooled_features(net, chosen, data.pixels[data.of(split)])[0])
    plain, logits = compute_pooled_features(net, chosen, data.pixels)
    copies = [plain, *_pool_perturbed(net, chosen, data.pixels)]
    fold, distance = assign_folds(data, OOD_FOLDS), np.empty(len(data), np.float32)
    for i in range(OOD_FOLDS):
        part = ood.fit_ood_statistics(np.concatenate([copy[fold != i] for copy in copies]), logits[fold != i])
        distance[fold == i] = part.distance(plain[fold == i])
    return distance


def _pool_perturbed(net: StagedClassifier, chosen: Card, pixels: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return [
        compute_pooled_features(
            net, chosen, [perturb_picture(picture.astype(np.float32) / 255, rng) for picture in pixels]
        )[0]
        for _ in range(PERTURBED)
    ]


@torch.no_grad()
def compute_pooled_features(
    net: StagedClassifier, chosen: Card, pictures: Pictures
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the out-of-distribution detector looks at, (N, D), and the logits (N, K)."""
    found, logits, device = [], [], choose_device()
    net = net.to(device)
    for start in range(0, len(pictures), 32):
        fitted = []
        for picture in pictures[start : start + 32]:
            grey = torch.from_numpy(picture)[None, None].float() / (255 if picture.dtype == np.uint8 else 1)
            fitted.append(Frame.around(grey[0, 0].numpy(), chosen).to_network(grey))
        features = net.pyramid(normalise(torch.cat(fitted).to(device)))
        found.append(ood.pool_features(features))
        logits.append(net.head(features["stage5"]))
    return torch.cat(found).cpu().numpy(), torch.cat(logits).cpu().numpy()
