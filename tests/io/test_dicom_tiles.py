"""Whole slides of DICOM are one picture: tiles in order, and tiles that say where they lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from models.errors import DamagedFile, TooLarge, UnsupportedFormat
from models.io import read
from models.tasks.segmentation.seg import check_seg_source

Make, Save = Callable[..., Dataset], Callable[[Dataset], bytes]
TILE = (16, 24)
WHOLE = np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8)
"""2.5 tiles down and across: the last ones hang over."""


def item(**attributes: Any) -> Dataset:
    one = Dataset()
    for keyword, value in attributes.items():
        setattr(one, keyword, value)
    return one


def cut(whole: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Return the tiles of a picture row by row, each with its first row and column; beyond the edge is 77."""
    high, wide = TILE
    found = []
    for top in range(0, whole.shape[0], high):
        for left in range(0, whole.shape[1], wide):
            tile = np.full((high, wide, *whole.shape[2:]), 77, whole.dtype)
            part = whole[top : top + high, left : left + wide]
            tile[: part.shape[0], : part.shape[1]] = part
            found.append((top, left, tile))
    return found


def slide(dicom: Make, tiles: list[np.ndarray], kind: str, **attributes: Any) -> Dataset:
    """Return a whole slide of these tiles."""
    dataset = dicom(tiles[0], SOPClassUID=VLWholeSlideMicroscopyImageStorage, Modality="SM", **attributes)
    dataset.PixelData, dataset.NumberOfFrames = np.stack(tiles).tobytes(), len(tiles)
    dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = WHOLE.shape[:2]
    dataset.DimensionOrganizationType = kind
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2"
    measures = item(PixelSpacing=[0.0005, 0.00025], SliceThickness=0.001)
    dataset.SharedFunctionalGroupsSequence = Sequence([item(PixelMeasuresSequence=Sequence([measures]))])
    return dataset


def placed(dataset: Dataset, places: list[tuple[int, int, float]]) -> Dataset:
    """Say where each tile lies: first row and column from 0, and depth."""
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        item(
            PlanePositionSlideSequence=Sequence(
                [
                    item(
                        RowPositionInTotalImagePixelMatrix=top + 1,
                        ColumnPositionInTotalImagePixelMatrix=left + 1,
                        ZOffsetInSlideCoordinateSystem=depth,
                    )
                ]
            )
        )
        for top, left, depth in places
    )
    return dataset


def test_tiles_in_order(dicom: Make, saved: Save) -> None:
    image = read(saved(slide(dicom, [tile for _, _, tile in cut(WHOLE)], "TILED_FULL")), "x")
    assert image.pixels.shape == (1, *WHOLE.shape)
    assert np.abs(image.pixels[0] * 255 - WHOLE).max() < 1e-3
    assert image.spacing_mm == (0.0005, 0.00025)


def test_focal_planes_are_pictures(dicom: Make, saved: Save) -> None:
    tiles = [tile for whole in (WHOLE, 255 - WHOLE) for _, _, tile in cut(whole)]
    image = read(saved(slide(dicom, tiles, "TILED_FULL")), "x")
    assert np.abs(image.pixels * 255 - np.stack([WHOLE, 255 - WHOLE])).max() < 1e-3


def test_tiles_that_say_where_they_lie(dicom: Make, saved: Save) -> None:
    tiles = cut(WHOLE)[::-1]
    dataset = placed(slide(dicom, [one[2] for one in tiles], "TILED_SPARSE"), [(*one[:2], 0.0) for one in tiles])
    assert np.abs(read(saved(dataset), "x").pixels[0] * 255 - WHOLE).max() < 1e-3
    few = tiles[2:]  # the last two of the picture are not there: glass
    dataset = placed(slide(dicom, [one[2] for one in few], "TILED_SPARSE"), [(*one[:2], 0.0) for one in few])
    right = WHOLE.copy()
    right[32:, 24:] = 255
    assert np.abs(read(saved(dataset), "x").pixels[0] * 255 - right).max() < 1e-3
    deep = [(0, 0, 0.0), (0, 0, 0.002), (16, 24, 0.002)]
    dataset = placed(slide(dicom, [one[2] for one in tiles[:3]], "TILED_SPARSE"), deep)
    image = read(saved(dataset), "x")
    assert image.frames == 2
    assert np.abs(image.pixels[1, 16:32, 24:48] * 255 - tiles[2][2]).max() < 1e-3


def test_what_has_no_place_or_no_end_is_refused(dicom: Make, saved: Save, limited: Callable[..., None]) -> None:
    tiles = [tile for _, _, tile in cut(WHOLE)]
    with pytest.raises(DamagedFile, match="no place"):
        read(saved(placed(slide(dicom, tiles[:1], "TILED_SPARSE"), [(-5, 0, 0.0)])), "x")
    with pytest.raises(DamagedFile):
        read(saved(placed(slide(dicom, tiles[:2], "TILED_SPARSE"), [(0, 0, 0.0)])), "x")
    large = slide(dicom, tiles, "TILED_FULL")
    large.TotalPixelMatrixColumns = 30_000
    large.TotalPixelMatrixRows = 30_000
    limited(max_decoded_mb=500)
    with pytest.raises(TooLarge):
        read(saved(large), "x")


def test_no_object_is_written_of_a_whole_slide(dicom: Make, saved: Save) -> None:
    with pytest.raises(UnsupportedFormat, match="whole slide"):
        check_seg_source(saved(slide(dicom, [tile for _, _, tile in cut(WHOLE)], "TILED_FULL")))
