"""Simulated stifles as the folder that a clinic would hand over: one folder a finding, and a table of what was drawn.

Every file says that it is simulated. Such a folder stands in for a clinic's own wherever one is needed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from models.simulation.stifle_phantom import ELSEWHERE, FIELD_MM, HOME, simulate_stifle

COLUMNS = ("file", "label", "view", "side", "severity", "age_years", "seed", "note")
NOTE = "simulated, not an animal"


def write_stifles(
    folder: Path, count: int, *, seed: int = 0, size: int = 512, elsewhere: bool = False
) -> Iterator[Path]:
    """Write `<finding>/stifle-<seed>.png` and `labels.csv`; yield each path once it is written.

    Parameters
    ----------
    seed
        Of the first film; the next have the next seeds, and findings take turns with them.
    size
        Pixels a side.
    elsewhere
        Whether the films are those of the second simulation, with other parameters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for number in range(seed, seed + count):
            clinic = ELSEWHERE if elsewhere else HOME
            shot, stifle = simulate_stifle(number, clinic=clinic, pixel_mm=FIELD_MM / size)
            path = folder / stifle.finding / f"stifle-{number:06}.png"
            path.parent.mkdir(exist_ok=True)
            notes = PngInfo()
            notes.add_text("Description", f"Simulated stifle of a horse, {stifle.finding}, {stifle.view}. {NOTE}.")
            Pillow.fromarray((shot.pixels >> 4).astype(np.uint8)).save(path, optimize=True, pnginfo=notes)
            severity = 0.0 if stifle.finding == "normal" else round(stifle.severity, 2)
            row = (path.relative_to(folder).as_posix(), stifle.finding, stifle.view, shot.side, severity)
            table.writerow(dict(zip(COLUMNS, (*row, round(stifle.age_years, 1), number, NOTE), strict=True)))
            yield path
