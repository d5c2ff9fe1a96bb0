"""The simulated cases of `models.cases` as files: radiographs, also of horses, stained sections, fluoroscopy frames."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image as Pillow

from models.cases import lunge
from models.simulation import motion
from models.simulation.files import write_simulated_dicom, write_simulated_png
from models.simulation.joint_section import simulate_joint_section
from models.simulation.knee_designs import build_design
from models.simulation.knee_films import View, simulate_knee_film
from models.simulation.phantom import write_radiographs
from models.simulation.stifle_phantom import simulate_stifle
from models.tasks.segmentation.section_files import write_section

SECTIONS = {"section_worn": (4, 0.5), "section_early": (2, 0.1)}
"""Name → seed and damage."""
FRAMES = {"arthroplasty_lunge": 0, "arthroplasty_bent": 4, "arthroplasty_deep": 8}
"""Name → frame of the lunge."""
STIFLES = {"stifle_osteochondrosis": 400_057, "stifle_cyst": 400_014}
"""Name → seed, which no set has."""
KNEES: dict[str, tuple[str, int, View]] = {
    "knee_implant_front": ("posterior-stabilised", 46_000_003, "front"),
    "knee_implant_side": ("stemmed-revision", 46_000_022, "side"),
    "knee_implant_pivot": ("medial-pivot", 46_000_043, "side"),
}
"""Name → design of the library, seed of the film, which no set has, and view."""
STIFLE_MM = 1.0
"""Pixel of a stifle's film, which keeps the file small."""
QUALITY = 90
"""Of a section's JPEG: a quarter of the PNG, and painted alike."""


def write_cases(folder: Path) -> tuple[Path, ...]:
    """Make every simulated case again, in `folder`, with the masks; return the paths of the pictures."""
    return (*write_radiographs(folder), *_stifles(folder), *_knees(folder), *_sections(folder), *_frames(folder))


def _stifles(folder: Path) -> list[Path]:
    paths = []
    for name, seed in STIFLES.items():
        paths.append(folder / f"{name}.png")
        write_simulated_png(simulate_stifle(seed, pixel_mm=STIFLE_MM)[0], paths[-1])
    return paths


def _knees(folder: Path) -> list[Path]:
    """Write films of knee implants; the first as DICOM with the spacing of its pixels, so that its size is told."""
    paths = []
    for name, (design, seed, view) in KNEES.items():
        shot = simulate_knee_film(seed, build_design(design).build_meshes(), view, bright=True).radiograph
        if name == "knee_implant_front":
            paths.append(folder / f"{name}.dcm")
            write_simulated_dicom(shot, paths[-1], ("KNEE", "72696002", "Knee region"))
        else:
            paths.append(folder / f"{name}.png")
            write_simulated_png(shot, paths[-1])
    return paths


def _sections(folder: Path) -> list[Path]:
    paths = []
    for name, (seed, damage) in SECTIONS.items():
        with TemporaryDirectory() as beside:
            whole = Path(beside) / "section.png"
            write_section(simulate_joint_section(seed, damage=damage), whole, folder / f"{name}.mask.png")
            with Pillow.open(whole) as picture:
                paths.append(folder / f"{name}.jpg")
                picture.save(paths[-1], quality=QUALITY, subsampling=0, dpi=picture.info["dpi"])
    return paths


def _frames(folder: Path) -> list[Path]:
    case, paths = lunge.simulate_lunge(), []
    for name, t in FRAMES.items():
        paths.append(folder / f"{name}.png")
        Pillow.fromarray(motion.render_motion_picture(case, t)).save(paths[-1], optimize=True)
        femoral, tibial = motion.render_motion_masks(case, t)
        mask = np.where(tibial, 2, np.where(femoral, 1, 0)).astype(np.uint8)
        if name == "arthroplasty_lunge":
            Pillow.fromarray(mask).save(folder / f"{name}.mask.png", optimize=True)
    return paths
