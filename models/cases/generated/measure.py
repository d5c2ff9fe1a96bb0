"""How near the committed pictures come to those that the generator learned from: `ortholens evaluate` measures it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from models.cards import Card
from models.cards import card as card_of
from models.cases import Case, cases
from models.cases.generated import FIGURES, load_generator_card
from models.cases.generated.families import FAMILIES, Frames
from models.cases.generated.memorisation import (
    NEAR,
    compare_by_shifts,
    compare_features,
    find_near_limit,
    find_nearest_distance,
)
from models.cases.generated.nets import ENLARGED
from models.nets.loading import load_classifier
from models.tasks.classification.final import compute_pooled_features
from models.tasks.detection.predictor import Detector
from models.training.ood_detector import make_ood_image

Grey = NDArray[np.uint8]
Features = NDArray[np.float32]
Progress = Callable[[str, float], None]

PAIRED = 500
"""Training pictures, at most, whose nearest of another patient set the limits."""


def measure_memorisation(progress: Progress) -> None:
    """Measure every committed picture against all pictures of its kind, and write the figures beside the card.

    Raises
    ------
    Unreachable
        When a public set is not here.
    """
    found: dict[str, dict[str, Any]] = {}
    for card_id, frames in FAMILIES.items():
        chosen = card_of(card_id)
        drawn = [case for case in cases() if case.kind == "generated" and case.card == card_id]
        progress(f"laying the pictures of {card_id} over each other", 0.0)
        known = frames()
        progress(f"comparing them with {len(drawn)} that were generated", 0.0)
        found |= measure_nearness(chosen, drawn, known)
    figures = {**load_generator_card().figures, "memorisation": {"percentile": NEAR, "cases": found}}
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    load_generator_card.cache_clear()


def measure_nearness(chosen: Card, drawn: Sequence[Case], frames: Frames) -> dict[str, dict[str, Any]]:
    """Return by file how near each case comes to its nearest picture, and how near two patients come to each other."""
    pictures = np.stack([np.asarray(Pillow.open(case.path).convert("L")) for case in drawn])
    paired = np.random.default_rng(0).permutation(len(frames.pictures))[:PAIRED]
    of_paired = [frames.groups[i] for i in paired]
    small, known = _small(pictures), _small(frames.pictures)
    features, theirs = (_features(chosen, of) for of in (pictures, frames.pictures))
    by = {
        "correlation": (compare_by_shifts(small, known), compare_by_shifts(known[paired], known)),
        "features": (compare_features(features, theirs), compare_features(theirs[paired], theirs)),
    }
    rows: dict[str, dict[str, Any]] = {case.file: {"n": len(known), "paired": len(paired)} for case in drawn}
    for name, (to_all, between) in by.items():
        least = find_near_limit(between, frames.groups, of_paired)
        for case, distance in zip(drawn, find_nearest_distance(to_all, frames.groups, [""] * len(drawn)), strict=True):
            rows[case.file] |= {name: round(float(distance), 4), f"{name}_limit": round(least, 4)}
    return rows


def _small(pictures: Grey) -> NDArray[np.float32]:
    """Return pictures (N, H, W) as the generator draws them first: `ENLARGED` times smaller."""
    n, height, width = pictures.shape
    cells = pictures.reshape(n, height // ENLARGED, ENLARGED, width // ENLARGED, ENLARGED)
    return np.asarray(cells.mean((2, 4)), np.float32)


def _features(chosen: Card, pictures: Grey) -> Features:
    """Return what the card's own out-of-distribution detector looks at, (N, D)."""
    if chosen.task != "detection":
        return compute_pooled_features(load_classifier(chosen, chosen.members[0]), chosen, pictures)[0]
    detector = Detector(chosen, torch.device("cpu"))
    seen = [detector.detect(make_ood_image(picture.astype(np.float32) / 255)) for picture in pictures]
    return np.stack([of.pooled.numpy() for of in seen])
