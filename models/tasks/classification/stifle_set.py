"""The set of `equine-stifle`: simulated films, and some of a second simulation that stands in for another clinic.

Findings and views come evenly; each film is a horse of its own, and so a group of its own. The films of the second
simulation have the split `ELSEWHERE`, which nothing is learned or chosen from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from models.nets.frame import find_exposed_part
from models.simulation import (
    bodies,
    phantom,
    stifle_caudocranial,
    stifle_joint,
    stifle_lateromedial,
    stifle_phantom,
    xray,
)
from models.simulation.stifle_joint import Stifle
from models.simulation.stifle_phantom import Clinic
from models.tasks.classification.labelled import ELSEWHERE, LabelledSet
from models.training.drawn_set import locate_drawn_set

SPLITS: dict[str, tuple[int, int, Clinic]] = {
    "train": (0, 800, stifle_phantom.HOME),
    "val": (100_000, 320, stifle_phantom.HOME),
    "test": (200_000, 400, stifle_phantom.HOME),
    ELSEWHERE: (300_000, 400, stifle_phantom.ELSEWHERE),
}
"""First seed of each split, how many films it has, and whose they are."""
SUBGROUPS = {"view": "view", "severity": "severity", "growth plates": "plates"}
"""Attributes that figures are reported by, and their columns."""
PIXEL_MM, SIDE_PX = 1.6, 224
"""Of a film, and what is kept of it without its black border."""


def equine_stifle() -> LabelledSet:
    """Simulate the set, or read what was simulated before."""
    parts = [_part(split) for split in SPLITS]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    splits = tuple(split for split, (_, count, _) in SPLITS.items() for _ in range(count))
    return LabelledSet(
        pixels=columns["pixels"],
        labels=tuple(columns["label"].tolist()),
        groups=tuple(f"stifle {seed}" for seed in columns["seed"].tolist()),
        splits=splits,
        subgroups={name: tuple(columns[key].tolist()) for name, key in SUBGROUPS.items()},
    )


def _part(split: str) -> dict[str, np.ndarray]:
    """Return the columns of a split, kept on disk once drawn."""
    kept = _kept(split)
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        first, count, clinic = SPLITS[split]
        drawn = [stifle_phantom.simulate_stifle(first + i, clinic=clinic, pixel_mm=PIXEL_MM) for i in range(count)]
        stifles = [stifle for _, stifle in drawn]
        np.savez_compressed(
            kept,
            pixels=np.stack([fitted(shot.pixels) for shot, _ in drawn]),
            seed=np.arange(first, first + count),
            label=np.array([stifle.finding for stifle in stifles]),
            view=np.array([stifle.view for stifle in stifles]),
            severity=np.array([_degree(stifle) for stifle in stifles]),
            plates=np.array(["open" if stifle.open_mm() else "closed" for stifle in stifles]),
        )
    with np.load(kept) as columns:
        return dict(columns)


def fitted(pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return a film (H, W) of 12 bits as the set keeps it: 8 bits, without its black border, in a square."""
    grey = np.asarray(np.round(pixels / xray.WHITE * 255), np.uint8)
    top, left, height, width = find_exposed_part(grey.astype(np.float32) / np.float32(255))
    part = Pillow.fromarray(grey[top : top + height, left : left + width])
    return np.asarray(ImageOps.pad(part, (SIDE_PX, SIDE_PX), Pillow.Resampling.BILINEAR))


def _degree(stifle: Stifle) -> str:
    if stifle.finding == "normal":
        return "none"
    return "mild" if stifle.severity < 0.4 else "moderate" if stifle.severity < 0.7 else "severe"


def _kept(split: str) -> Path:
    """Return where drawn films are kept."""
    sources = (bodies, phantom, stifle_caudocranial, stifle_joint, stifle_lateromedial, stifle_phantom, xray)
    choices = f"{split} {SPLITS[split][:2]} {PIXEL_MM} {SIDE_PX}"
    return locate_drawn_set(f"equine-stifle-{split}", sources, choices)
