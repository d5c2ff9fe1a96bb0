"""Whole slides of DICOM: frames that are the tiles of one picture, put in their places.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (C.7.6.17.3 TILED_FULL and TILED_SPARSE,
C.8.12.14 positions of planes on a slide, counted from 1)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from models.errors import DamagedFile
from models.io.dicom_form import count_frames, find_functional_group
from models.words import later

ROW, COLUMN, DEPTH = (
    "RowPositionInTotalImagePixelMatrix", "ColumnPositionInTotalImagePixelMatrix", "ZOffsetInSlideCoordinateSystem",
)  # fmt: skip
GLASS = 255
"""Of a tile of colour that is not in the file; of one of grey it is 0."""


def is_tiled(dataset: Dataset) -> bool:
    """Whether the frames are tiles of a larger picture."""
    return bool(dataset.get("TotalPixelMatrixRows")) and bool(dataset.get("TotalPixelMatrixColumns"))


def read_tiled_extent(dataset: Dataset) -> tuple[int, int, int]:
    """Return rows, columns and number of the pictures that a file holds, by its header alone."""
    if not is_tiled(dataset):
        return int(dataset.Rows), int(dataset.Columns), count_frames(dataset)
    rows, columns = int(dataset.TotalPixelMatrixRows), int(dataset.TotalPixelMatrixColumns)
    if _says_places(dataset):
        return rows, columns, 1 + max(picture for picture, _, _ in _places(dataset))
    across, down = _tiles(dataset)
    return rows, columns, -(-count_frames(dataset) // (across * down))


def put_tiles_together(dataset: Dataset, tiles: NDArray[Any]) -> NDArray[Any]:
    """Return the pictures (T, H, W[, 3]) of tiles (N, h, w[, 3]); other frames as they are.

    Several optical paths or focal planes are several pictures. What lies beyond the picture is cut off.
    """
    if not is_tiled(dataset):
        return tiles
    rows, columns, count = read_tiled_extent(dataset)
    places = _places(dataset)
    if len(places) != len(tiles):
        problem = later("is damaged: its content does not fit its header")
        raise DamagedFile(problem, fix=later("Copy or export it again."))
    colour = tiles.ndim == 4
    whole = np.full((count, rows, columns, *tiles.shape[3:]), GLASS if colour else 0, tiles.dtype)
    for (picture, top, left), tile in zip(places, tiles, strict=True):
        seen = tile[: max(0, rows - top), : max(0, columns - left)]
        whole[picture, top : top + len(seen), left : left + seen.shape[1]] = seen
    return whole


def _places(dataset: Dataset) -> list[tuple[int, int, int]]:
    """Return the picture that each frame belongs to, and its first row and column there.

    Raises
    ------
    DamagedFile
        Where a tile has no place in the picture.
    """
    if not _says_places(dataset):
        return _in_order(dataset)
    pictures: dict[tuple[str, float], int] = {}
    found = []
    for frame in range(count_frames(dataset)):
        where = find_functional_group(dataset, "PlanePositionSlideSequence", frame)
        path = find_functional_group(dataset, "OpticalPathIdentificationSequence", frame)
        key = (str(path.get("OpticalPathIdentifier", "")), float(where.get(DEPTH) or 0))
        place = (pictures.setdefault(key, len(pictures)), int(where.get(ROW) or 0) - 1, int(where.get(COLUMN) or 0) - 1)
        if min(place) < 0:
            problem = later("is a whole slide with a tile that has no place in it")
            raise DamagedFile(problem, fix=later("Copy or export it again from its source."))
        found.append(place)
    return found


def _says_places(dataset: Dataset) -> bool:
    """Whether each tile says where it lies; else they come row by row, picture by picture."""
    sparse = str(dataset.get("DimensionOrganizationType") or "") == "TILED_SPARSE"
    return sparse or bool(find_functional_group(dataset, "PlanePositionSlideSequence"))


def _tiles(dataset: Dataset) -> tuple[int, int]:
    """Return how many tiles a whole picture has across and down."""
    return (
        -(-int(dataset.TotalPixelMatrixColumns) // int(dataset.Columns)),
        -(-int(dataset.TotalPixelMatrixRows) // int(dataset.Rows)),
    )


def _in_order(dataset: Dataset) -> list[tuple[int, int, int]]:
    across, down = _tiles(dataset)
    height, width = int(dataset.Rows), int(dataset.Columns)
    return [
        (frame // (across * down), frame % (across * down) // across * height, frame % across * width)
        for frame in range(count_frames(dataset))
    ]
