"""Outlines of a segmentation as polygons with holes, and as GeoJSON that QuPath opens.

An outline runs midway between the centres of pixels inside and outside (marching squares), with pixels that touch only
by a corner kept apart. So rings never touch themselves or one another, every polygon is valid, and asking which pixel
centres lie inside gives back exactly the pixels it came from, single ones too.

References: W. E. Lorensen and H. E. Cline, Marching cubes, SIGGRAPH 1987 (in the plane: marching squares); RFC 7946,
The GeoJSON format; the properties are those that QuPath 0.4 and later writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.types import Segmentation

Ring = NDArray[np.float64]
"""(n, 2) corners as (row, column) in source pixels, centres at whole numbers; the last is the first again."""

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Okabe and Ito 2008, for classes without a colour of their own."""


@dataclass(frozen=True, eq=False)
class Contour:
    """One piece of a class.

    Attributes
    ----------
    label
        Index of the class.
    outer, holes
        Its rings.
    instance
        Number of the object, 0 where objects are not told apart.
    """

    label: int
    outer: Ring
    holes: tuple[Ring, ...] = ()
    instance: int = 0


def trace_contours(segmentation: Segmentation) -> tuple[Contour, ...]:
    """Outline every piece of every class but the background; where objects are told apart, every object."""
    mask, instances = segmentation.mask, segmentation.instances
    if instances is None:
        return tuple(
            Contour(index, rings[0], tuple(rings[1:]))
            for index in range(1, len(segmentation.labels))
            for rings in _pieces(mask == index)
        )
    found = []
    for number, place in enumerate(ndimage.find_objects(instances), start=1):
        if place is None:
            continue
        here = instances[place] == number
        label = int(np.bincount(mask[place][here]).argmax())
        offset = np.array([part.start for part in place])
        found += [
            Contour(label, rings[0] + offset, tuple(ring + offset for ring in rings[1:]), number)
            for rings in _pieces(here)
            if label
        ]
    return tuple(found)


def _pieces(inside: NDArray[np.bool_]) -> Iterator[list[Ring]]:
    """Rings of every piece of a mask, the outer one first."""
    from skimage.measure import find_contours

    numbered, _ = ndimage.label(inside)
    for number, place in enumerate(ndimage.find_objects(numbered), start=1):
        padded = np.pad(numbered[place] == number, 1).astype(np.float32)
        offset = np.array([part.start - 1 for part in place])
        rings = [_turned(ring) for ring in find_contours(padded, 0.5, fully_connected="low")]
        rings.sort(key=lambda ring: -abs(_doubled_area(ring)))
        yield [ring + offset for ring in rings]


def _turned(ring: Ring) -> Ring:
    """Leave out corners on a straight line between their neighbours; first and last stay the same point."""
    corners = ring[:-1]
    before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    bends = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    kept = corners[bends]
    return np.concatenate([kept, kept[:1]])


def _doubled_area(ring: Ring) -> float:
    """Twice the signed area: positive where (x right, y down) runs clockwise on the screen."""
    rows, columns = ring.T
    return float(columns[:-1] @ rows[1:] - columns[1:] @ rows[:-1])


def write_geojson(segmentation: Segmentation, colours: Mapping[int, str] | None = None) -> dict[str, Any]:
    """Return a FeatureCollection, one annotation a piece, for `json.dumps`.

    Coordinates are (x, y) as in QuPath: pixels of the whole image, whose top left corner (not centre) is (0, 0).

    Parameters
    ----------
    colours
        "#RRGGBB" for the index of a class, as `models.drawing.paint.find_class_colours` gives them for a card.
    """
    from models.words import DISCLAIMER

    chosen = {
        index: (colours or {}).get(index, COLOURS[(index - 1) % len(COLOURS)])
        for index in range(1, len(segmentation.labels))
    }
    return {
        "type": "FeatureCollection",
        "description": " ".join((f"OrthoLens, {segmentation.card}.", *segmentation.warnings, DISCLAIMER)),
        "features": [
            {
                "type": "Feature",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [
                        _coordinates(ring, clockwise=bool(hole))
                        for hole, ring in enumerate((piece.outer, *piece.holes))
                    ],
                },
                "properties": {
                    "objectType": "annotation",
                    "classification": {
                        "name": segmentation.labels[piece.label],
                        "color": list(bytes.fromhex(chosen[piece.label][1:])),
                    },
                    **({"name": f"{segmentation.labels[piece.label]} {piece.instance}"} if piece.instance else {}),
                },
            }
            for piece in trace_contours(segmentation)
        ],
    }


def _coordinates(ring: Ring, clockwise: bool) -> list[list[float]]:
    """(x, y) from the corner of the image; outer rings and holes run opposite ways (RFC 7946, 3.1.6)."""
    points = ring[:, ::-1] + 0.5
    if (_doubled_area(ring) < 0) != clockwise:
        points = points[::-1]
    return [[float(x), float(y)] for x, y in points]


def rasterise_contours(polygons: Iterable[Contour], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Mask (H, W) of labels of the pixels whose centres lie inside polygons; a later one lies over an earlier one."""
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        inside = fill_contour(polygon.outer, shape)
        for hole in polygon.holes:
            _clear(inside, fill_contour(hole, shape))
        rows, columns, chosen = inside
        mask[rows, columns][chosen] = polygon.label
    return mask


Filled = tuple[slice, slice, NDArray[np.bool_]]
"""Rows and columns of a part of the image, and which of its pixels are meant."""


def fill_contour(ring: Ring, shape: tuple[int, int]) -> Filled:
    """Pixels whose centres lie within a ring of (row, column) corners, cut at the edge of the image."""
    from skimage.draw import polygon

    corners = np.asarray(ring, float)
    low = np.clip(np.floor(corners.min(0)).astype(int), 0, shape)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + 1, low, shape)
    inside = np.zeros(high - low, bool)
    rows, columns = (corners - low).T
    inside[polygon(rows, columns, inside.shape)] = True
    return slice(low[0], high[0]), slice(low[1], high[1]), inside


def _clear(inside: Filled, hole: Filled) -> None:
    """Take a hole, which lies within, out of a filled ring."""
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start)
        for inner, outer in zip(hole[:2], inside[:2], strict=True)
    )
    inside[2][rows, columns] &= ~hole[2]
