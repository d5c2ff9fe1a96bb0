"""Measure whether Grad-CAM points at the lesion on simulated stifles, of which it is known where the lesion lies.

    python -m tests.benchmarks.stifle_heat [--films 64]

Of validation films that `equine-stifle` answers right: the share of the heat inside the box of what the finding changes
in the picture, beside the share of the film that the box takes, and how often the hottest pixel lies in it.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np

import models
from models.simulation import stifle_phantom as phantom
from models.simulation.phantom import binned, finer
from models.simulation.stifle_joint import FINDINGS, VIEWS
from models.simulation.xray import WHITE
from models.tasks.classification.stifle_set import PIXEL_MM, SPLITS
from models.types import Box, Image

CHANGED = 0.15
"""Share of the largest change of optical depth from which a pixel belongs to the lesion."""


def film(seed: int) -> tuple[Image, Box | None, str]:
    """Return a film, the box of its lesion, None where there is none, and its finding."""
    finding, view = FINDINGS[seed % len(FINDINGS)], VIEWS[seed // len(FINDINGS) % len(VIEWS)]
    shot, _ = phantom.simulate_stifle(seed, pixel_mm=PIXEL_MM)
    image = Image((shot.pixels / np.float32(WHITE))[None].astype(np.float32), "", f"stifle {seed}")
    if finding == "normal":
        return image, None, finding
    taken = phantom.setting(np.random.default_rng(seed), finding, view, phantom.HOME, PIXEL_MM)
    sick, well = (
        binned(phantom.stifle_depth(one, finer(taken.beam), np.random.default_rng(0)))
        for one in (taken.stifle, replace(taken.stifle, finding="normal"))
    )
    change = np.abs(sick - well)
    if view == "caudocranial" and shot.side == "L":
        change = change[:, ::-1]
    inside = change > CHANGED * change.max()
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    sides = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    return image, Box(int(rows[0]), int(columns[0]), *sides), finding


def main() -> None:
    """Measure and print a line a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=64)
    count = parser.parse_args().films
    found: dict[str, list[tuple[float, float, bool]]] = defaultdict(list)
    for seed in range(SPLITS["val"][0], SPLITS["val"][0] + count):
        image, box, finding = film(seed)
        if box is None:
            continue
        answer = models.predict(image, "equine-stifle")
        if answer.abstained or getattr(answer, "label", "") != finding:
            continue
        heat = np.maximum(models.explain(image, "equine-stifle").heat, 0)
        here = np.zeros(heat.shape, bool)
        here[box.row : box.row + box.height, box.column : box.column + box.width] = True
        found[finding].append((heat[here].sum() / heat.sum(), here.mean(), here.flat[heat.argmax()]))
    for finding, rows in found.items():
        inside, area, peak = np.array(rows, float).mean(0)
        told = f"heat in the box {inside:.3f}, box of the film {area:.3f}, peak in it {peak:.2f}"
        sys.stdout.write(f"{finding}: n {len(rows)}, {told}\n")


if __name__ == "__main__":
    main()
