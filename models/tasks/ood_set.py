"""Images that a model was not made for: the other public sets, noise and photographs, to measure its OOD detector on.

Pictures are in [0, 1] and of any size: grey, (H, W), or with their colours, (H, W, 3), where they have any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.random import Generator

from models.cards import cards, find_base_id
from models.io import read
from models.tasks.classification.dataset import PUBLIC
from models.training.public_set import open_set_zip
from models.types import Image, Pixels

EACH = 300
"""Pictures taken of each set, evenly spread over it."""

OWN: Mapping[str, str] = {
    "fracture": "fracture_detection.zip",
    "histology-nuclei": "histology_nuclei.zip",
    "knee-implants": "tka_fluoroscopy.zip",
    "knee-mri-bone": "knee_mri_bone.zip",
    "tka-components": "tka_fluoroscopy.zip",
    "tka-fluoroscopy": "tka_fluoroscopy.zip",
    "tka-landmarks": "tka_fluoroscopy.zip",
}
"""Zips that are of a card's own kind, by its base id."""
ZIPS: Mapping[str, tuple[str, str]] = {
    "fracture set (hand, leg, hip, shoulder)": ("fracture_detection.zip", "images/"),
    "histology": ("histology_nuclei.zip", "images/"),
    "knee MR slices": ("knee_mri_bone.zip", "slices/"),
    "knee arthroplasty in fluoroscopy": ("tka_fluoroscopy.zip", "deep_flexion_cam1/frames/"),
}


def read_ood_sets(card_id: str, *, colour: bool = False) -> Iterator[tuple[str, list[Pixels]]]:
    """Yield each set that the card was not made for, with its name; needs scikit-learn (the extra `train`).

    Of a card from outside nobody knows which public sets are of its kind, so none of them is yielded.

    Parameters
    ----------
    colour
        Whether pictures keep their colours.
    """

    def shown(image: Image) -> Pixels:
        return image.shown() if colour else image.grey()

    ours = card_id not in cards() or cards()[card_id].folder is None
    for other, load in PUBLIC.items() if ours else ():
        if other != card_id:
            pixels = load().pixels
            yield f"{other} radiographs", [pixels[i].astype(np.float32) / 255 for i in _spread(len(pixels))]
    for name, (file, folder) in ZIPS.items() if ours else ():
        if file == OWN.get(find_base_id(card_id)):
            continue
        with open_set_zip(file) as archive:
            members = [member for member in archive.namelist() if member.startswith(folder)]
            yield name, [shown(read(archive.read(members[i]), members[i])) for i in _spread(len(members))]
    rng = np.random.default_rng(0)
    yield "noise", [_noise(rng) for _ in range(EACH)]
    yield "photographs", [photograph if colour else photograph.mean(2) for photograph in _photographs(rng)]


def _spread(n: int) -> list[int]:
    return [round(i) for i in np.linspace(0, n - 1, min(EACH, n))]


def _noise(rng: Generator) -> Pixels:
    """Grey noise of a random grain: white at one end, clouds at the other."""
    grain = int(rng.choice([1, 2, 4, 8, 16, 32]))
    coarse = rng.random((256 // grain, 256 // grain), dtype=np.float32)
    return np.kron(coarse, np.ones((grain, grain), np.float32))


def _photographs(rng: Generator) -> Iterator[Pixels]:
    """Random crops, of a third to the whole, of the two photographs that scikit-learn carries (a flower, a temple)."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    for i in range(EACH):
        photograph = photographs[i % len(photographs)]
        side = int(rng.uniform(0.33, 1.0) * min(photograph.shape[:2]))
        top, left = (int(rng.integers(length - side + 1)) for length in photograph.shape[:2])
        yield photograph[top : top + side, left : left + side].astype(np.float32) / 255
