"""Then and now: how the measures of a knee differ between two films, and whether by more than the network errs by.

The error is that of repetition: each film is answered again, turned, shifted, scaled and exposed a little otherwise,
and what is measured from the points that come back spreads. How the knee stood and how the beam fell is not in it, by
which two films of one day differ too: a difference beyond the smallest detectable one is none of the network's, and no
more is said.

Reference: H. C. W. de Vet et al., J Clin Epidemiol 2006, doi 10.1016/j.jclinepi.2005.10.015.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.progress import ProgressToken
from models.tasks.landmarks.edit import list_moved
from models.tasks.landmarks.measures import Measurement, Side, measure_knee
from models.types import Image, Landmarks
from models.words import DISCLAIMER

PLACEMENTS = (
    (-2.0, 0.99, -0.02, 0.01, 1.1), (-1.0, 1.01, 0.02, 0.02, 0.9), (-0.5, 1.02, 0.0, -0.02, 1.05),
    (0.5, 0.98, -0.01, 0.0, 0.85), (1.0, 1.0, 0.01, -0.01, 1.15), (1.5, 0.99, 0.02, -0.02, 0.95),
    (2.0, 1.01, -0.02, 0.02, 1.0), (-1.5, 1.0, 0.0, 0.0, 1.08),
)  # fmt: skip
"""How each repetition shows the film: degrees, scale, shift down and across as shares of the picture, and exposure, an
exponent of the grey values."""
CONFIDENT = 1.96
"""Standard deviations on either side that hold 95 %."""
ON_THE_FILM = frozenset({"condylar_tilt", "plateau_tilt"})
"""Measures against the picture's rows, which differ with how the film lay."""


@dataclass(frozen=True)
class Film:
    """One of two films that are compared: its points, its scale, the side of the knee, and its repeated answers.

    Attributes
    ----------
    spacing_mm
        (between rows, between columns); None: not calibrated.
    repeated
        What `repeat_answers` returned; empty where nothing was repeated.
    """

    answer: Landmarks
    spacing_mm: tuple[float, float] | None
    side: Side | None
    repeated: Sequence[Landmarks] = ()


@dataclass(frozen=True)
class Change:
    """One measure on both films.

    Attributes
    ----------
    before, after
        The same measure, in the same unit.
    detectable
        The smallest difference that repetition alone makes in no more than 5 % of cases; None: not known, since nothing
        was repeated or a point was set by hand.
    """

    before: Measurement
    after: Measurement
    detectable: float | None

    @property
    def difference(self) -> float:
        """The later film's value less the earlier one's."""
        return self.after.value - self.before.value

    @property
    def beyond_error(self) -> bool | None:
        """Whether the difference is more than repetition makes; None: not known."""
        return None if self.detectable is None else abs(self.difference) > self.detectable


def repeat_answers(
    place: Callable[[Image], Landmarks],
    image: Image,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Landmarks, ...]:
    """Return the answers to a film that lies and is exposed a little differently each time, back on its own pixels.

    Parameters
    ----------
    place
        Places the points on an image.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    token = ProgressToken(len(PLACEMENTS), progress, cancelled)
    answers = []
    for number, (turn_deg, scale, down, across, exposure) in enumerate(PLACEMENTS):
        shift = np.array([down, across]) * image.shape
        placed = _Placement(np.radians(turn_deg), scale, shift, (np.array(image.shape) - 1) / 2)
        pixels = np.clip(placed.show(image.pixels), 0, 1) ** np.float32(exposure)
        moved = replace(image, pixels=pixels, sha256=f"{image.sha256} placed {number}")
        answer = place(moved)
        answers.append(replace(answer, sha256=image.sha256, points=placed.points_to_source(answer.points)))
        token.step()
    return tuple(answers)


def estimate_errors(
    answers: Sequence[Landmarks], spacing_mm: tuple[float, float] | None, side: Side | None
) -> dict[str, float]:
    """Return the standard deviation of each measure over repeated answers, by the measure's key and in its unit."""
    found: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        for measurement in measure_knee(answer, spacing_mm, side):
            found[measurement.key].append(measurement.value)
    return {key: float(np.std(values, ddof=1)) for key, values in found.items()}


def export_changes_csv(changes: Sequence[Change]) -> bytes:
    """Write a row for each measure; which films they are of is not written."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("measure", "unit", "then", "now", "change", "smallest_detectable_change", "beyond_it", "note"))
    for one in changes:
        detectable = "" if one.detectable is None else f"{one.detectable:.3f}"
        beyond = "" if one.beyond_error is None else "yes" if one.beyond_error else "no"
        values = (f"{value:.3f}" for value in (one.before.value, one.after.value, one.difference))
        writer.writerow((one.before.key, one.before.unit, *values, detectable, beyond, DISCLAIMER))
    return out.getvalue().encode()


def compare_films(before: Film, after: Film) -> list[Change]:
    """Compare what both films measure: in mm where both are calibrated, else as shares of the plateau's width.

    Measures of the medial and the lateral side are compared where the side of both knees is known, which may be the
    right and the left one of a patient.
    """
    films = before, after
    calibrated = all(film.spacing_mm is not None for film in films)
    sided = all(film.side is not None for film in films)
    scales = [film.spacing_mm if calibrated else None for film in films]
    sides = [film.side if sided else None for film in films]
    measured = [
        {one.key: one for one in measure_knee(film.answer, scale, side)}
        for film, scale, side in zip(films, scales, sides, strict=True)
    ]
    errors = [
        estimate_errors(film.repeated, scale, side) for film, scale, side in zip(films, scales, sides, strict=True)
    ]
    known = all(film.repeated and not list_moved(film.answer) for film in films)
    changes = []
    for key, one in measured[0].items():
        if key in ON_THE_FILM or one.unit == "px" or key not in measured[1]:
            continue
        detectable = CONFIDENT * float(np.hypot(errors[0][key], errors[1][key])) if known else None
        changes.append(Change(one, measured[1][key], detectable))
    return changes


@dataclass(frozen=True)
class _Placement:
    """A film turned about its middle, scaled and shifted: placed = middle + shift + scale · R · (source − middle)."""

    turn: float
    scale: float
    shift: NDArray[np.float64]
    middle: NDArray[np.float64]

    @property
    def source_from_placed(self) -> NDArray[np.float64]:
        """(2, 2) on (row, column) from the middle."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.array([[cos, sin], [-sin, cos]]) / self.scale

    def show(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return every frame (T, H, W[, 3]) so placed; what lies beyond the film is its border's grey."""
        matrix = self.source_from_placed
        offset = self.middle - matrix @ (self.middle + self.shift)
        whole = np.eye(pixels.ndim)
        whole[1:3, 1:3] = matrix
        offsets = np.zeros(pixels.ndim)
        offsets[1:3] = offset
        return np.asarray(ndimage.affine_transform(pixels, whole, offsets, order=1, mode="nearest"), np.float32)

    def points_to_source(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return points (K, 2) x, y of the placed film on the film as it came."""
        placed = points[:, ::-1].astype(float) - self.middle - self.shift
        return np.asarray((placed @ self.source_from_placed.T + self.middle)[:, ::-1], np.float32)
