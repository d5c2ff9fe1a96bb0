"""How much of each class there is: pixels, share, pieces, mm² where the image is calibrated, and objects counted.

Pieces hang together by the edges of their pixels, not by corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.types import Image, Segmentation


@dataclass(frozen=True)
class Objects:
    """The objects of one class.

    Attributes
    ----------
    count
        How many; an object at the edge of the image counts as a whole one.
    density_per_mm2
        Over the whole image; None where it is not calibrated.
    sizes
        10th, 25th, 50th, 75th and 90th percentile of their areas.
    unit
        Of the sizes: "µm²", or "px" where the image is not calibrated.
    """

    count: int
    density_per_mm2: float | None
    sizes: tuple[float, float, float, float, float]
    unit: str


@dataclass(frozen=True)
class ClassArea:
    """One row of the table of classes.

    Attributes
    ----------
    key
        Of the class.
    pixels, share
        How many, and their part of the whole image in [0, 1].
    components
        Pieces that do not touch.
    area_mm2
        None where the image is not calibrated.
    objects
        None where objects are not told apart, and for the background.
    """

    key: str
    pixels: int
    share: float
    components: int
    area_mm2: float | None
    objects: Objects | None = None


PERCENTILES = (10, 25, 50, 75, 90)


def measure_areas(segmentation: Segmentation, image: Image) -> tuple[ClassArea, ...]:
    """Measure every class, the background too, in the order of the labels; one without a pixel is a row of zeros."""
    mask, pixel_mm2 = segmentation.mask, _pixel_mm2(image)
    counts = np.bincount(mask.ravel(), minlength=len(segmentation.labels))
    sizes = _sizes(segmentation)
    return tuple(
        ClassArea(
            key=key,
            pixels=int(counts[index]),
            share=float(counts[index] / mask.size),
            components=int(ndimage.label(mask == index)[1]) if counts[index] else 0,
            area_mm2=None if pixel_mm2 is None else float(counts[index] * pixel_mm2),
            objects=None if sizes is None or not index else _objects(sizes[index], mask.size, pixel_mm2),
        )
        for index, key in enumerate(segmentation.labels)
    )


def _pixel_mm2(image: Image) -> float | None:
    return image.spacing_mm[0] * image.spacing_mm[1] if image.spacing_mm else None


def _sizes(segmentation: Segmentation) -> list[NDArray[np.intp]] | None:
    """Pixels of the objects of each class; an object belongs to the class of most of its pixels."""
    if segmentation.instances is None:
        return None
    classes, found = len(segmentation.labels), segmentation.instances > 0
    numbers = segmentation.instances[found].astype(np.intp)
    length = (int(numbers.max(initial=0)) + 1) * classes
    table = np.bincount(numbers * classes + segmentation.mask[found], minlength=length).reshape(-1, classes)
    whole, owner = table.sum(1), table.argmax(1)
    return [whole[(whole > 0) & (owner == index)] for index in range(classes)]


def _objects(sizes: NDArray[np.intp], pixels: int, pixel_mm2: float | None) -> Objects:
    scale, unit = (1.0, "px") if pixel_mm2 is None else (pixel_mm2 * 1e6, "µm²")
    low, lower, median, upper, high = np.percentile(sizes, PERCENTILES) * scale if len(sizes) else np.zeros(5)
    return Objects(
        count=len(sizes),
        density_per_mm2=None if pixel_mm2 is None else float(len(sizes) / (pixels * pixel_mm2)),
        sizes=(float(low), float(lower), float(median), float(upper), float(high)),
        unit=unit,
    )
