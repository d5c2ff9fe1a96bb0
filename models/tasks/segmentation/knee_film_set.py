"""The set of `knee-implants`: simulated films of generated designs from every side, and some real fluoroscopy frames.

The network learns what metal of a knee looks like, and no design by name: none of the library's own (seed 0) is in it,
nor any member that identification is calibrated or measured on (`FIRST_KEPT_SEED` and up).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.simulation import fluoroscopy, knee_designs, knee_femoral, knee_films, knee_solids, knee_tibial, metal
from models.simulation.knee_designs import FAMILIES, build_design
from models.simulation.knee_films import simulate_knee_film
from models.tasks.segmentation.dataset import TRAIN, DenseSet, Grey
from models.tasks.segmentation.fluoroscopy_set import read_deep_flexion_training_frames
from models.training.drawn_set import locate_drawn_set

MEMBERS = 12
"""Of each family, seeds from 1."""
FILMS_OF_EACH = 11
"""Films of each member."""
FIRST_KEPT_SEED = 601
"""Members from here on are never learned from."""
MEASURED_MEMBERS = 6
"""Of each family, seeds from `FIRST_KEPT_SEED`, with one film each, on which outlines are measured."""
REAL_SHARE = 8.0
"""Times a real frame is drawn against a simulated film."""


def read_knee_films() -> DenseSet:
    """Simulate the films, or read what was simulated before, and read the real frames; all are for training.

    Raises
    ------
    Unreachable
        When the fluoroscopy set is not in the data folder.
    """
    films, names = _draw_films(range(1, 1 + MEMBERS), FILMS_OF_EACH)
    real = read_deep_flexion_training_frames()[::8]
    every = [*films, *real]
    return DenseSet(
        pictures=tuple(picture for picture, _ in every),
        masks=tuple(mask for _, mask in every),
        groups=(*names, *(f"deep_flexion_cam1 frame {i}" for i in range(len(real)))),
        splits=(TRAIN,) * len(every),
        shares=(*[1.0] * len(films), *[REAL_SHARE] * len(real)),
        sources=(*names, *["deep_flexion_cam1"] * len(real)),
    )


def read_measured_knee_films() -> DenseSet:
    """Simulate films of members that nothing is learned from, or read them, to measure outlines on."""
    films, names = _draw_films(range(FIRST_KEPT_SEED, FIRST_KEPT_SEED + MEASURED_MEMBERS), 1)
    pictures, masks = zip(*films, strict=True)
    return DenseSet(pictures=pictures, masks=masks, groups=tuple(names), splits=("",) * len(names))


def _draw_films(seeds: range, each: int) -> tuple[list[tuple[Grey, Grey]], list[str]]:
    """Return films of members of all families, picture and classes, and the design of each; kept once drawn."""
    names = [f"{family} {seed}" for family in FAMILIES for seed in seeds for _ in range(each)]
    sources = (fluoroscopy, knee_designs, knee_femoral, knee_films, knee_solids, knee_tibial, metal)
    kept: Path = locate_drawn_set("knee-films", sources, f"{seeds} {each}")
    if not kept.exists():
        drawn = []
        for number, family in enumerate(FAMILIES):
            for seed in seeds:
                meshes = build_design(family, seed).build_meshes()
                drawn += [simulate_knee_film((number * 1000 + seed) * 100 + i, meshes).scene for i in range(each)]
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(kept, pixels=[one.pixels for one in drawn], masks=[one.mask for one in drawn])
    with np.load(kept) as films:
        return list(zip(films["pixels"], films["masks"], strict=True)), names
