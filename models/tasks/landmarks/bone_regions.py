"""Regions of trabecular bone below the tibial plateau, laid out by its landmarks: one in each half of the knee.

A square of a fixed share of the plateau's width, under the middle of each half and clear of the subchondral plate, as
the regions of fractal studies of the knee are laid (J. A. Lynch et al., Med Phys 1991, doi 10.1118/1.596599). Where
exactly such a region lies changes its texture, so it follows from the points and not from a hand.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.tasks.landmarks.joint_line import HALVES, Half, find_joint_line, has_joint_line
from models.types import Landmarks

SIDE = 0.2
"""Of a region, as a share of the plateau's width: about 15 mm of 75."""
CLEAR = 0.04
"""From the plateau to a region, likewise: the subchondral plate, about 3 mm, is no trabecular bone."""

Corners = tuple[tuple[float, float], tuple[float, float]]


def lay_bone_regions(answer: Landmarks, shape: tuple[int, int]) -> Mapping[Half, Corners]:
    """Return the upright region (x, y of two corners, in source pixels) under each half of the plateau.

    Parameters
    ----------
    shape
        (rows, columns) of the image.

    Returns
    -------
    Mapping
        Without a half whose region does not lie inside the image whole, as on a tight crop; empty where the points are
        not those of a joint line.
    """
    if not has_joint_line(answer.names):
        return {}
    knee = find_joint_line(answer, answer.spacing_mm)
    side, (across, down) = SIDE * knee.width, knee.scale
    found: dict[Half, Corners] = {}
    for half in HALVES:
        curve = knee.plateau[half]
        left = float((curve[0, 0] + curve[-1, 0]) / 2) - side / 2
        above = curve[(curve[:, 0] >= left) & (curve[:, 0] <= left + side)]
        top = float(np.max(above[:, 1], initial=curve[:, 1].min())) + CLEAR * knee.width  # y runs down
        corners = (left / across, top / down), ((left + side) / across, (top + side) / down)
        (x0, y0), (x1, y1) = corners
        if x0 >= 0 and y0 >= 0 and x1 <= shape[1] - 1 and y1 <= shape[0] - 1:
            found[half] = (float(x0), float(y0)), (float(x1), float(y1))
    return found
