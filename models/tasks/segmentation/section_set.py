"""The set of `joint-section`: simulated sections only, with held-out ones and some of a stain never trained on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from models.simulation import joint_anatomy, joint_layout, joint_section, joint_texture, stains
from models.tasks.segmentation.dataset import DenseSet
from models.training.drawn_set import locate_drawn_set

LEARNED, HELD_OUT, UNSEEN = 160, 200, 5
"""Sections to learn from, to measure on, and of a stain that is never trained on."""


def read_joint_section_set() -> DenseSet:
    """Simulate the set, or read what was simulated before; a group is a section, since each is an animal of its own."""
    kept = _kept()
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        drawn_now = _simulated()
        np.savez_compressed(
            kept,
            pictures=drawn_now["pictures"],
            masks=drawn_now["masks"],
            spacing_mm=drawn_now["spacing_mm"],
            known=drawn_now["known"],
        )
    with np.load(kept) as drawn:
        pictures, masks = tuple(drawn["pictures"]), tuple(drawn["masks"])
        spacing, known = drawn["spacing_mm"], drawn["known"]
    names = ("thickness", "area", "roughness")
    return DenseSet(
        pictures=pictures,
        masks=masks,
        groups=tuple(f"section {i}" for i in range(len(pictures))),
        splits=(
            *["train"] * LEARNED,
            *[f"{HELD_OUT} held-out simulated sections"] * HELD_OUT,
            *["stain never trained on"] * UNSEEN,
        ),
        spacing_mm=tuple(spacing.tolist()),
        known=tuple(dict(zip(names, row, strict=True)) for row in known.tolist()),
    )


def _simulated() -> dict[str, np.ndarray]:
    unseen = [stain for stain in stains.STAINS.values() if not stain.trained]
    seeds: Iterable[tuple[int, stains.Stain | None]] = (
        *((seed, None) for seed in range(LEARNED)),
        *((100_000 + seed, None) for seed in range(HELD_OUT)),
        *((200_000 + seed, unseen[seed % len(unseen)]) for seed in range(UNSEEN)),
    )
    drawn = [joint_section.simulate_joint_section(seed, stain=stain) for seed, stain in seeds]
    return {
        "pictures": np.stack([(one.pixels * 255).round().astype(np.uint8) for one in drawn]),
        "masks": np.stack([one.mask for one in drawn]),
        "spacing_mm": np.array([one.spacing_mm[0] for one in drawn]),
        "known": np.array(
            [(one.reference.thickness_mm, one.reference.cartilage_mm2, one.reference.roughness_mm) for one in drawn]
        ),
    }


def _kept() -> Path:
    """Return where drawn sections are kept."""
    sources = (joint_anatomy, joint_layout, joint_section, joint_texture, stains)
    return locate_drawn_set("joint-sections", sources, f"{LEARNED} {HELD_OUT} {UNSEEN}")
