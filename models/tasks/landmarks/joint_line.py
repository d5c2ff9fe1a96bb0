"""The joint line of a knee seen from the front: curves of plateau and condyles through points, and where they meet.

Fast and without torch: what a point that is dragged changes is computed anew while it moves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.types import Landmarks

Points = NDArray[np.float64]
Half = Literal["left", "right"]
HALVES: tuple[Half, Half] = ("left", "right")
Segment = tuple[tuple[float, float], tuple[float, float]]
"""From (x, y) to (x, y) in source pixels."""

PLATEAU: Mapping[Half, tuple[str, ...]] = {
    "left": ("tibia_0", "tibia_1", "tibia_2"),
    "right": ("tibia_6", "tibia_7", "tibia_8"),
}
"""Points of the tibial plateau in each half of the picture; tibia_3 to tibia_5 are the spines."""
CONDYLE: Mapping[Half, tuple[str, ...]] = {
    "left": ("femur_0", "femur_1", "femur_2"),
    "right": ("femur_4", "femur_5", "femur_6"),
}
"""Points of the femoral condyles; femur_3 is the notch."""
SAMPLES = 81
"""Points of a curve that are compared."""


def has_joint_line(names: Collection[str]) -> bool:
    """Whether points of these names are those of a joint line."""
    wanted = {name for part in (PLATEAU, CONDYLE) for half in part.values() for name in half}
    return wanted <= set(names)


@dataclass(frozen=True)
class JointLine:
    """Curves of a knee in square units: mm, or pixels where the image is not calibrated.

    Attributes
    ----------
    plateau, condyle
        (SAMPLES, 2) curve in each half of the picture, x to the right and y down, from the picture's left.
    margins
        (2, 2) ends of the plateau, from the picture's left.
    scale
        (2,) units of a pixel across and down.
    """

    plateau: Mapping[Half, Points]
    condyle: Mapping[Half, Points]
    margins: Points
    scale: Points
    calibrated: bool

    @property
    def width(self) -> float:
        """Width of the plateau."""
        return float(np.linalg.norm(self.margins[1] - self.margins[0]))

    def length(self, value: float) -> tuple[float, str]:
        """Return a length with its unit."""
        return (value, "mm") if self.calibrated else (100 * value / max(self.width, 1e-9), "%")

    def segment(self, start: Points, end: Points) -> Segment:
        """Return a segment in source pixels."""
        (x0, y0), (x1, y1) = start / self.scale, end / self.scale
        return (float(x0), float(y0)), (float(x1), float(y1))


def find_joint_line(answer: Landmarks, spacing_mm: tuple[float, float] | None) -> JointLine:
    """Return the curves of a knee with the points tibia_0 to tibia_8 and femur_0 to femur_6."""
    scale = np.array((spacing_mm or (1.0, 1.0))[::-1], float)
    at = {name: point * scale for name, point in zip(answer.names, answer.points.astype(float), strict=True)}
    return JointLine(
        plateau={half: fit_curve(np.array([at[name] for name in names])) for half, names in PLATEAU.items()},
        condyle={half: fit_curve(np.array([at[name] for name in names])) for half, names in CONDYLE.items()},
        margins=np.array([at["tibia_0"], at["tibia_8"]]),
        scale=scale,
        calibrated=spacing_mm is not None,
    )


def fit_curve(points: Points) -> Points:
    """Return the parabola through three points, by their distance along it: (3, 2) → (SAMPLES, 2)."""
    apart = np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=1), 1e-6)
    middle = apart[0] / apart.sum()
    t = np.linspace(0, 1, SAMPLES)[:, None]
    first = (t - middle) * (t - 1) / middle
    second = t * (t - 1) / (middle * (middle - 1))
    third = t * (t - middle) / (1 - middle)
    found: Points = first * points[0] + second * points[1] + third * points[2]
    return found


def find_narrowest(knee: JointLine, half: Half) -> tuple[Points, Points]:
    """Return where condyle and plateau are nearest to each other: a point of each, the same one where they overlap."""
    above, below = knee.condyle[half], knee.plateau[half]
    depth = _interpolate(below, above[:, 0]) - above[:, 1]
    if depth.min() <= 0:
        deepest = above[int(depth.argmin())]
        return deepest, deepest
    apart = np.linalg.norm(above[:, None] - below[None], axis=-1)
    i, j = np.unravel_index(int(apart.argmin()), apart.shape)
    return above[i], below[j]


def _interpolate(curve: Points, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the height of a curve at places across the picture; infinitely low beyond its ends."""
    order = np.argsort(curve[:, 0])
    found: NDArray[np.float64] = np.interp(x, curve[order, 0], curve[order, 1], np.inf, np.inf)
    return found


def find_height(curve: Points, start: Points, along: Points, down: Points, place: float) -> float:
    """Return how far below the line of the plateau's margins a curve runs at a place of that line."""
    across, depth = (curve - start) @ along, (curve - start) @ down
    order = np.argsort(across)
    return float(np.interp(place, across[order], depth[order]))


def touch_condyles(knee: JointLine) -> tuple[Points, Points]:
    """Return where the line that touches both condyles from below meets them."""
    left, right = knee.condyle["left"], knee.condyle["right"]
    down = np.array([0.0, 1.0])
    for _ in range(8):
        start, end = left[int((left @ down).argmax())], right[int((right @ down).argmax())]
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
        down = np.array([-along[1], along[0]])
    return start, end


def fit_plateau(knee: JointLine) -> tuple[Points, Points]:
    """Return the ends of the straight line that fits the plateau best, square to itself."""
    points = np.concatenate([knee.plateau["left"], knee.plateau["right"]])
    middle = points.mean(0)
    along = np.linalg.svd(points - middle, full_matrices=False)[2][0]
    along = along if along[0] > 0 else -along
    start, end = (middle + ((margin - middle) @ along) * along for margin in knee.margins)
    return start, end


def measure_tilt(line: tuple[Points, Points]) -> float:
    """Return the angle of a line with the rows of the picture, positive where it falls to the right."""
    across, down = line[1] - line[0]
    return float(np.degrees(np.arctan2(down, across)))
