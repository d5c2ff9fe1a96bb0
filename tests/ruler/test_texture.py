"""Density and texture of a region as a measurement by hand, and what its reader is told of them."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import InputError
from models.geometry.measure import HandMeasurement, measure_by_hand
from models.geometry.ruler import Ruler, write_ruler_record
from models.geometry.texture import COARSE, RELATIVE, UNKNOWN, list_texture_notes, measure_texture
from models.types import Image

REGION = HandMeasurement("region", ((90, 70), (20, 10)))


def test_a_region_has_the_numbers_of_its_texture_from_whatever_corner() -> None:
    grey = np.random.default_rng(0).random((1, 120, 150), np.float32)
    image = Image(grey, "", "0" * 64, spacing_mm=(0.1, 0.1), spacing_source="PixelSpacing")
    found = measure_texture(grey[0], ((20, 10), (90, 70)), (0.1, 0.1))
    assert [(one.key, one.value, one.unit) for one in measure_by_hand(REGION, image)] == [
        ("density", found.brightness, "%"),
        ("texture_rows", found.along_rows, ""),
        ("texture_columns", found.along_columns, ""),
    ]


def test_a_picture_in_colour_has_no_density() -> None:
    with pytest.raises(InputError, match="in colour"):
        measure_by_hand(REGION, Image(np.zeros((1, 120, 150, 3), np.float32), "", "0" * 64))


@pytest.mark.parametrize(
    ("spacing", "notes"), [(None, (RELATIVE, UNKNOWN)), ((0.4, 0.4), (RELATIVE, COARSE)), ((0.1, 0.1), (RELATIVE,))]
)
def test_a_reader_is_told_that_it_is_relative(spacing: tuple[float, float] | None, notes: tuple[str, ...]) -> None:
    assert list_texture_notes(spacing) == notes
    image = Image(np.zeros((1, 120, 150), np.float32), "", "0" * 64, spacing_mm=spacing)
    assert write_ruler_record(Ruler().add("region", REGION.points), image)["notes"] == list(notes)
    assert write_ruler_record(Ruler().add("length", REGION.points), image)["notes"] == []
