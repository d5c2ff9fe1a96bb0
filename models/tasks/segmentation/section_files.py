"""Simulated sections as files: a picture that knows its scale, a label map in its pixels, a table of exact measures.

The scale stands in the PNG's pHYs chunk, whole pixels a metre, as scanners write it; every file says "simulated".
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from models.simulation.joint_section import CLASSES, Section, Stain, simulate_joint_section

COLOURS = ("#000000", "#D55E00", "#F0E442", "#0072B2", "#56B4E9", "#009E73", "#CC79A7", "#999999")
"""Of `CLASSES` in a label map (Okabe and Ito 2008, and grey)."""

COLUMNS = (
    "file", "mask", "seed", "stain", "damage", "spacing_mm",
    "cartilage_mm2", "thickness_mm", "thinnest_mm", "roughness_mm", "note",
)  # fmt: skip
NOTE = "simulated, not a patient"


def write_section(shot: Section, picture: Path, mask: Path) -> None:
    """Write the picture (RGB PNG) and its label map (palette PNG whose values are indices into `CLASSES`)."""
    notes = PngInfo()
    notes.add_text("Description", f"Simulated section of a joint, {shot.stain.name}, damage {shot.damage:.2f}. {NOTE}.")
    notes.add_text("Classes", ", ".join(f"{index} {key}" for index, key in enumerate(CLASSES)))
    per_inch = 25.4 / np.array(shot.spacing_mm)
    dpi = (float(per_inch[1]), float(per_inch[0]))
    pixels = (shot.pixels * 255 + 0.5).astype(np.uint8)
    Pillow.fromarray(pixels).save(picture, pnginfo=notes, dpi=dpi)
    labels = Pillow.fromarray(shot.mask, "P")
    labels.putpalette(b"".join(bytes.fromhex(colour[1:]) for colour in COLOURS))
    labels.save(mask, pnginfo=notes, dpi=dpi)


def write_sections(
    folder: Path,
    count: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = (512, 512),
    stain: Stain | None = None,
    damage: float | None = None,
) -> Iterator[Path]:
    """Write `section-0000.png` with its `.mask.png` and so on, and `truth.csv`; yield each path once it is written.

    Section k is the one of seed + k.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for number in range(count):
            shot = simulate_joint_section(seed + number, size=size, stain=stain, damage=damage)
            picture, mask = (folder / f"section-{number:04}{end}" for end in (".png", ".mask.png"))
            write_section(shot, picture, mask)
            table.writerow(_row(shot, picture.name, mask.name, seed + number))
            yield picture
    yield folder / "truth.csv"


def _row(shot: Section, picture: str, mask: str, seed: int) -> dict[str, object]:
    """One line of the table; figures in mm and mm²."""
    reference = {name: f"{getattr(shot.reference, name):.6f}" for name in COLUMNS if hasattr(shot.reference, name)}
    return {
        "file": picture,
        "mask": mask,
        "seed": seed,
        "stain": shot.stain.key,
        "damage": f"{shot.damage:.4f}",
        "spacing_mm": f"{shot.spacing_mm[0]:.8f}",
        **reference,
        "note": NOTE,
    }
