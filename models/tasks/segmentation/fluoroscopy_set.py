"""The set of `tka-fluoroscopy`: two real studies with hand-drawn masks, and simulated frames of both implants."""

from __future__ import annotations

import zipfile
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from models.simulation import components, fluoroscopy, metal, motion
from models.simulation.fluoroscopy import Implant, cover_metal, simulate_fluoroscopy
from models.simulation.metal import SIDE, Component
from models.tasks.segmentation.dataset import TUNING, DenseSet, Grey
from models.training.drawn_set import locate_drawn_set
from models.training.public_set import open_set_zip


def read_tka_fluoroscopy() -> DenseSet:
    """Read both fluoroscopy studies of JTML, and simulate their companions.

    `deep_flexion_cam1` is cut into blocks of ten frames, every fifth of which is held out with the frame at either end
    left out of training; all of `kneel_right` is held out. What is simulated knows the CAD of both and the frames of
    the training blocks, and nothing else of `kneel_right`; simulated knees that kneel join in the second cycle.
    """
    with open_set_zip("tka_fluoroscopy.zip") as archive:
        real = {study: read_study_frames(archive, study) for study in ("deep_flexion_cam1", "kneel_right")}
        implants = [_implant(archive, study) for study in real]
    deep = real["deep_flexion_cam1"]
    split = [find_deep_split(i, len(deep)) for i in range(len(deep))]
    kept = [i for i, of in enumerate(split) if of]
    scenes = _scenes(implants, [deep[i] for i, of in enumerate(split) if of == "train"][::8])
    every = [*(deep[i] for i in kept), *real["kneel_right"], *scenes]
    kneeling = len(real["kneel_right"])
    return DenseSet(
        pictures=tuple(picture for picture, _ in every),
        masks=tuple(mask for _, mask in every),
        groups=(
            *(f"deep_flexion_cam1 block {i // 10}" for i in kept),
            *(f"kneel_right {i}" for i in range(kneeling)),
            *(f"simulated {i}" for i in range(len(scenes))),
        ),
        splits=(
            *(split[i] for i in kept),
            *["kneel_right"] * kneeling,
            *["train"] * (len(scenes) - KNEELING),
            *[TUNING] * KNEELING,
        ),
        folded="kneel_right",
        sources=(
            *["deep_flexion_cam1"] * len(kept),
            *["kneel_right"] * kneeling,
            *(f"simulated {i}" for i in range(len(scenes))),
        ),
        shares=(*[1.0] * (len(kept) + kneeling), *[SIMULATED_SHARE] * len(scenes)),
    )


def read_deep_flexion_training_frames() -> list[tuple[Grey, Grey]]:
    """Return the frames of `deep_flexion_cam1` that are for training, picture and classes each.

    Raises
    ------
    Unreachable
        When the set is not in the data folder.
    """
    with open_set_zip("tka_fluoroscopy.zip") as archive:
        frames = read_study_frames(archive, "deep_flexion_cam1")
    return [frame for i, frame in enumerate(frames) if find_deep_split(i, len(frames)) == "train"]


def find_deep_split(i: int, count: int) -> str:
    """Return what frame i of deep_flexion_cam1 serves for; "" next to a held-out block."""
    if i // 10 % 5 == 2:
        return "held-out blocks of deep_flexion_cam1"
    beside = any(0 <= j < count and j // 10 % 5 == 2 for j in (i - 1, i + 1))
    return "" if beside else "train"


def read_study_frames(archive: zipfile.ZipFile, study: str) -> list[tuple[Grey, Grey]]:
    """Return pictures and classes, 1 femoral, 2 tibial; where both are drawn, the femoral one lies in front."""
    found = []
    for name in sorted(name for name in archive.namelist() if name.startswith(f"{study}/frames/")):
        number = name.rpartition("/")[2].partition(".")[0]
        mask = np.zeros((1024, 1024), np.uint8)
        for part, value in (("tib", 2), ("fem", 1)):
            drawn = np.asarray(Picture.open(archive.open(f"{study}/masks/{part}/{number}.png")).convert("L"))
            mask[drawn > 127] = value
        found.append((np.asarray(Picture.open(archive.open(name)).convert("L")), mask))
    return found


AXES = {
    "kneel_right": np.diag([-1.0, 1.0, -1.0]),
    "deep_flexion_cam1": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
}
"""Anatomical axes (anterior, proximal, to the side) from those of each study's CAD."""
SCENES = 1200
"""Simulated frames of the studies' own implants."""
KNEELING = 240
"""More of them, whose knees kneel."""
SIMULATED_SHARE = 0.3
"""Times a simulated frame is drawn against a real one: many of them, each seldom, teach more than few."""


def _implant(archive: zipfile.ZipFile, study: str) -> Implant:
    parts = [Component.from_stl(archive.read(f"{study}/{name}.stl"), AXES[study]) for name in ("femoral", "tibial")]
    return Implant(parts[0], parts[1], gap_mm=34.0)


def _scenes(implants: list[Implant], frames: list[tuple[Grey, Grey]]) -> list[tuple[Grey, Grey]]:
    backgrounds = []
    for picture, mask in frames:
        small = np.asarray(Picture.fromarray(picture).resize((SIDE, SIDE), Picture.Resampling.BOX))
        covering = np.asarray(Picture.fromarray(mask).resize((SIDE, SIDE), Picture.Resampling.NEAREST)) > 0
        rows, columns = np.nonzero(covering)
        backgrounds.append((cover_metal(small, covering), (int(rows.mean()), int(columns.mean()))))
    kept = _kept(len(backgrounds))
    if not kept.exists():
        scenes = [simulate_fluoroscopy(seed, implants, backgrounds) for seed in range(SCENES)]
        kneeling = [simulate_fluoroscopy(seed, implants, kneeling=True) for seed in range(SCENES, SCENES + KNEELING)]
        pairs = [[(one.pixels, one.mask) for one in some] for some in (scenes, kneeling)]
        pixels, masks = zip(*pairs[0], *_movements(), *pairs[1], strict=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(kept, pixels=pixels, masks=masks)
    with np.load(kept) as drawn:
        return list(zip(drawn["pixels"], drawn["masks"], strict=True))


MOVEMENT_FRAMES, MOVEMENT_SEEDS = 10, (101, 102)
"""Of each movement of each simulated design that the kinematics page shows; its own cases have other seeds."""


def _movements() -> list[tuple[Grey, Grey]]:
    """Simulate the designs and movements of `models.simulation.motion`, whose trays the scenes above do not have."""
    found = []
    for design, movement, seed in product(components.DESIGNS, motion.MOVEMENTS, MOVEMENT_SEEDS):
        case = motion.simulate_motion(design, movement, MOVEMENT_FRAMES, SIDE, seed)
        for frame in range(MOVEMENT_FRAMES):
            femoral, tibial = motion.render_motion_masks(case, frame)
            mask = np.where(femoral, 1, np.where(tibial, 2, 0)).astype(np.uint8)
            found.append((motion.render_motion_picture(case, frame, seed), mask))
    return found


def _kept(backgrounds: int) -> Path:
    """Return where drawn scenes are kept."""
    choices = f"{SCENES} {KNEELING} {backgrounds} {AXES} {MOVEMENT_FRAMES} {MOVEMENT_SEEDS}"
    return locate_drawn_set("fluoroscopy-scenes", (fluoroscopy, metal, motion, components), choices)
