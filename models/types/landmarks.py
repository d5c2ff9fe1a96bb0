"""Named points of an image, each with how far off it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.types.answers import Judged


@dataclass(frozen=True, eq=False, kw_only=True)
class Landmarks(Judged):
    """K named points.

    Attributes
    ----------
    names
        Keys of the points, in the card's order.
    points
        (K, 2) float32 x, y in source pixels, pixel centres at whole numbers.
    radius_px
        (K,) float32 radius of the circle round each point that holds the true place with 90 % probability (conformal),
        in source pixels; not finite where a person set the point, or the card stores no radii.
    spacing_mm
        (between rows, between columns) of the image; None where it is not calibrated: then lengths are shares.
    side
        Of the patient, as the file or the reader says; None where nobody does.
    """

    names: tuple[str, ...]
    points: NDArray[np.float32]
    radius_px: NDArray[np.float32]
    spacing_mm: tuple[float, float] | None = None
    side: Literal["right", "left"] | None = None

    def point(self, name: str) -> NDArray[np.float32]:
        """Return one point, (2,) x, y.

        Raises
        ------
        ValueError
            When there is none of that name.
        """
        found: NDArray[np.float32] = self.points[self.names.index(name)]
        return found
