"""Pictures of every kind that a card was made for, to learn the look from and, of other groups, to measure it on.

What is held out is never learned from: the published validation split of the knees, three in ten groups of the
shoulders and of the histology, one in five of the limbs, the last third of the MR slices, the held-out blocks of one
fluoroscopy study and all of the other, and sections simulated from other seeds.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image as Pillow

from models.simulation import components, motion
from models.simulation.joint_section import simulate_joint_section
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.segmentation.datasets import read_histology_nuclei, read_knee_mri_bone
from models.training.public_set import open_labelled_zip, open_set_zip
from models.types import Pixels

SECTIONS, HELD_OUT_SECTIONS, HELD_OUT_SEED = 50, 20, 200_000
"""Simulated sections to learn from and to measure on, and the first seed of the latter."""
SIMULATED_FRAMES, SIMULATED_SEED = 4, 301
"""Of each simulated design and movement in fluoroscopy, and the first seed, which no page and no other set has."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture (H, W) or (H, W, 3) in [0, 1], its kind and group, and whether a film is known to show metal."""

    kind: str
    group: str
    held_out: bool
    picture: Pixels
    metal: bool | None = None


def draw_kind_samples(held_out: bool) -> Iterator[Sample]:
    """Yield pictures to learn from, or those that are held out.

    Raises
    ------
    Unreachable
        When a set is not in the data folder.
    """
    for of in (_knees, _shoulders, _limbs, _histology, _mri, _sections, _fluoroscopy):
        yield from (sample for sample in of(held_out) if sample.held_out == held_out)


def choose_held_out_groups(groups: Sequence[str], share: float) -> set[str]:
    """Return the groups that are held out, the same on every machine."""
    names = sorted(set(groups))
    return {names[i] for i in np.random.default_rng(1).permutation(len(names))[: int(share * len(names))]}


def _unit(picture: np.ndarray) -> Pixels:
    return picture.astype(np.float32) / np.float32(255)


def _opened(archive: zipfile.ZipFile, name: str) -> Pixels:
    return _unit(np.asarray(Pillow.open(archive.open(name)).convert("L")))


def _knees(held_out: bool) -> Iterator[Sample]:
    data = read_labelled_set("knee-kl")
    for i in data.of("val")[5::12] if held_out else data.of("train")[::24]:
        yield Sample("knee", data.groups[i], held_out, _unit(data.pixels[i]), metal=False)


def _shoulders(held_out: bool) -> Iterator[Sample]:
    data = read_labelled_set("shoulder-implants")
    rows, archive = open_labelled_zip("shoulder_implants.zip")
    apart = choose_held_out_groups(data.groups, 0.3)
    with archive:
        for row, group in list(zip(rows, data.groups, strict=True))[held_out::2]:
            if (group in apart) == held_out:
                yield Sample("shoulder", group, held_out, _opened(archive, row["file"]), metal=True)


def _limbs(held_out: bool) -> Iterator[Sample]:
    """Yield all films with hardware, and one in ten of the others."""
    rows, archive = open_labelled_zip("fracture_detection.zip")
    apart = choose_held_out_groups([row["group"] for row in rows], 0.2)
    with archive:
        for i, row in enumerate(rows):
            metal = row["hardware"] == "1"
            if (row["group"] in apart) == held_out and (metal or i % 10 == (5 if held_out else 0)):
                yield Sample("limb", row["group"], held_out, _opened(archive, row["file"]), metal)


def _histology(held_out: bool) -> Iterator[Sample]:
    data = read_histology_nuclei()
    apart = choose_held_out_groups(data.groups, 0.3)
    for picture, group in zip(data.pictures, data.groups, strict=True):
        yield Sample("histology", group, group in apart, _unit(picture))


def _mri(held_out: bool) -> Iterator[Sample]:
    data = read_knee_mri_bone()
    for picture, group, split in zip(data.pictures, data.groups, data.splits, strict=True):
        yield Sample("mri", group, split != "train", _unit(picture))


def _sections(held_out: bool) -> Iterator[Sample]:
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + HELD_OUT_SECTIONS) if held_out else range(SECTIONS)
    for seed in seeds:
        yield Sample("section", f"section {seed}", held_out, simulate_joint_section(seed).pixels)


def _fluoroscopy(held_out: bool) -> Iterator[Sample]:
    with open_set_zip("tka_fluoroscopy.zip") as archive:
        names = [name for name in sorted(archive.namelist()) if "/frames/" in name and not name.endswith("/")]
        deep = [name for name in names if name.startswith("deep")]
        for name in names:
            block = deep.index(name) // 10 if name in deep else None
            group = "kneel_right" if block is None else f"deep_flexion_cam1 block {block}"
            apart = block is None or block % 5 == 2
            if apart == held_out:
                yield Sample("fluoroscopy", group, held_out, _opened(archive, name), metal=True)
    if not held_out:
        yield from _simulated_fluoroscopy()


def _simulated_fluoroscopy() -> Iterator[Sample]:
    """Yield frames of every simulated design and movement: of real ones, one study is known."""
    for seed, (design, movement) in enumerate(product(components.DESIGNS, motion.MOVEMENTS), SIMULATED_SEED):
        case = motion.simulate_motion(design, movement, SIMULATED_FRAMES, 512, seed)
        for frame in range(SIMULATED_FRAMES):
            picture = _unit(np.asarray(motion.render_motion_picture(case, frame, seed)))
            yield Sample("fluoroscopy", f"simulated {design} {movement}", False, picture, metal=True)
