"""What is said of an implant: which designs of the library fit its outlines, how well, and whether any does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.types import Judged

Contour = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FittedDesign:
    """A design of the library, laid over a film.

    Attributes
    ----------
    key, maker, model
        As in the library.
    generated
        Whether it is a design of this program's, and so no product.
    residual_px
        What is left between its contour and the outlines, at the scale of the comparison; less is better.
    contours
        (N, 2) column and row in the film's pixels, of the femoral and of the tibial component; None for one that the
        film or the design does not have.
    size
        Its maker's name of the size that fits best; "" where the film does not tell sizes, or the design has none.
    width_mm
        Of the femoral component, as large as the film shows it; None where the film is not calibrated.
    """

    key: str
    maker: str
    model: str
    generated: bool
    residual_px: float
    contours: tuple[Contour | None, Contour | None]
    size: str = ""
    width_mm: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Identification(Judged):
    """Which design it is.

    Attributes
    ----------
    mask
        (H, W) uint8 outlines that were compared: 0 background, 1 femoral, 2 tibial component.
    fits
        The designs that fit best, the best first; of a series one.
    limit_px
        Residual over which a design is not the one on the film.
    compared
        Designs in the library.
    """

    mask: NDArray[np.uint8]
    fits: tuple[FittedDesign, ...]
    limit_px: float
    compared: int

    @property
    def best(self) -> FittedDesign | None:
        """The design that it is; None where none of the library fits."""
        return self.fits[0] if self.fits and self.fits[0].residual_px <= self.limit_px else None
