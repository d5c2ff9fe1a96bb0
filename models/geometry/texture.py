"""The texture of bone in a rectangle of a radiograph: how rough it is, and how bright against its film.

Roughness is the fractal dimension that the differences of grey tell: the faster the variance of the difference between
two pixels grows with their distance, the smoother. Along the rows it answers to trabeculae that stand, along the
columns to those that lie. It depends on sharpness, noise and exposure, and no number here is a bone mineral density:
compare regions of one film, or films of one machine at one setting.

Reference: M. Wolski et al., Proc Inst Mech Eng H 2009, doi 10.1243/09544119JEIM436, variances of differences by
direction in knees; after J. A. Lynch et al., Med Phys 1991, doi 10.1118/1.596599.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.words import later

RELATIVE = later(
    "Density and texture of a region are relative to this very film: no bone mineral density (BMD), and not to be "
    "compared with other films."
)
COARSE = later("Its pixels are larger than trabeculae, about 0.2 mm: the texture is not theirs.")
UNKNOWN = later("Without a scale nobody knows whether its pixels show trabeculae, about 0.2 mm thick.")
FINEST_MM = 0.2

Grey = NDArray[np.floating]
Place = tuple[float, float]

LEAST_PX = 24
"""Of a side: three distances must fit well."""
SIZES_MM = (0.4, 1.6)
"""Between which the roughness is averaged where millimetres are known; trabeculae and the spaces between them."""
SIZES_PX = (2, 6)
"""The same where they are not."""
ENDS = (0.02, 0.98)
"""Quantiles of the film between which brightness counts from 0 to 100 %."""


@dataclass(frozen=True)
class Texture:
    """What was measured in a region.

    Attributes
    ----------
    along_rows, along_columns
        Fractal dimension, 2 (smooth) to 3 (rough), from pixel to pixel along the rows and along the columns.
    brightness
        Mean grey value in per cent between the darkest and the brightest of the film; denser bone is brighter.
    sizes_px
        Least and largest distance in pixels over which the dimension holds.
    sizes_mm
        The same in millimetres; None where the film is not calibrated.
    """

    along_rows: float
    along_columns: float
    brightness: float
    sizes_px: tuple[int, int]
    sizes_mm: tuple[float, float] | None


def measure_texture(grey: Grey, corners: tuple[Place, Place], spacing_mm: tuple[float, float] | None = None) -> Texture:
    """Measure the texture in a rectangle.

    Parameters
    ----------
    grey
        (H, W) the whole film, bright where dense.
    corners
        Two opposite (x, y) of the rectangle, in pixels.
    spacing_mm
        (between rows, between columns); None: not calibrated.

    Raises
    ------
    InputError
        For a rectangle that is too small, or wholly of one grey.
    """
    (x0, y0), (x1, y1) = corners
    rows = slice(max(0, round(min(y0, y1))), min(grey.shape[0], round(max(y0, y1)) + 1))
    columns = slice(max(0, round(min(x0, x1))), min(grey.shape[1], round(max(x0, x1)) + 1))
    part = np.asarray(grey[rows, columns], np.float64)
    if min(part.shape) < LEAST_PX:
        fix = later("Draw it at least {least} pixels wide and high.", least=LEAST_PX)
        raise InputError(later("the region is too small for its texture"), fix=fix)
    if np.ptp(part) <= 0:
        raise InputError(later("the region has one grey only"), fix=later("Draw it where bone is."))
    sizes = _choose_sizes(spacing_mm, min(part.shape))
    low, high = np.quantile(grey[::4, ::4], ENDS)
    pixel = None if spacing_mm is None else float(np.sqrt(np.prod(spacing_mm)))
    return Texture(
        along_rows=_measure_dimension(part, sizes, axis=1),
        along_columns=_measure_dimension(part, sizes, axis=0),
        brightness=float(100 * np.clip((part.mean() - low) / max(high - low, 1e-9), 0, 1)),
        sizes_px=sizes,
        sizes_mm=None if pixel is None else (sizes[0] * pixel, sizes[1] * pixel),
    )


def list_texture_notes(spacing_mm: tuple[float, float] | None) -> tuple[str, ...]:
    """Return what a reader of a texture must know: that it is relative, and whether its pixels show trabeculae."""
    if spacing_mm is None:
        return RELATIVE, UNKNOWN
    return (RELATIVE, COARSE) if max(spacing_mm) > FINEST_MM else (RELATIVE,)


def _choose_sizes(spacing_mm: tuple[float, float] | None, side_px: int) -> tuple[int, int]:
    """Return the least and largest distance; at least two apart, and none longer than a quarter of the side."""
    least, most = SIZES_PX
    if spacing_mm is not None:
        pixel = float(np.sqrt(np.prod(spacing_mm)))
        least, most = (round(size / pixel) for size in SIZES_MM)
    least = max(1, min(least, side_px // 8))
    return least, max(least + 2, min(most, side_px // 4))


def _measure_dimension(part: Grey, sizes: tuple[int, int], axis: int) -> float:
    """Return 3 minus half the slope of log variance by log distance."""
    apart = np.arange(sizes[0], sizes[1] + 1)
    lines = np.moveaxis(part, axis, 0)
    variance = [float(np.mean((lines[step:] - lines[:-step]) ** 2)) for step in apart]
    slope = np.polyfit(np.log(apart), np.log(np.maximum(variance, 1e-15)), 1)[0]
    return float(3 - slope / 2)
