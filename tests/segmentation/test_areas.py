"""Areas counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.tasks.segmentation.areas import measure_areas
from models.types import Image, Segmentation

Made = Callable[..., Segmentation]

MASK = np.array([
    [1, 1, 0, 0, 2],
    [1, 0, 0, 2, 0],
    [0, 0, 0, 0, 1],
    [0, 1, 1, 0, 1],
])  # fmt: skip


def image(shape: tuple[int, int], spacing_mm: tuple[float, float] | None) -> Image:
    return Image(np.zeros((1, *shape), np.float32), "a.png", "0" * 64, spacing_mm=spacing_mm)


def test_pixels_shares_pieces_and_square_millimetres(segmented: Made) -> None:
    background, bone, cartilage = measure_areas(segmented(MASK), image((4, 5), (0.5, 0.2)))
    assert (bone.key, bone.pixels, bone.share, bone.components) == ("bone", 7, 0.35, 3)
    assert bone.area_mm2 == pytest.approx(0.7)
    assert (cartilage.pixels, cartilage.components) == (2, 2)  # they touch only by a corner
    assert (background.key, background.pixels) == ("background", 11)
    assert bone.objects is None


def test_without_calibration_there_are_no_millimetres(segmented: Made) -> None:
    instances = np.where(MASK == 1, 1, 0)
    for area in measure_areas(segmented(MASK, instances=instances), image((4, 5), None)):
        assert area.area_mm2 is None
        assert area.objects is None or (area.objects.density_per_mm2, area.objects.unit) == (None, "px")


def test_a_class_that_is_not_there_is_a_row_of_zeros(segmented: Made) -> None:
    absent = measure_areas(segmented(np.zeros((3, 3))), image((3, 3), (1, 1)))[2]
    assert (absent.key, absent.pixels, absent.components, absent.area_mm2) == ("cartilage", 0, 0, 0)


def test_objects_are_counted_and_their_sizes_known(segmented: Made) -> None:
    mask = np.zeros((10, 20), np.uint8)
    instances = np.zeros(mask.shape, np.int32)
    for row, (number, width) in enumerate(((3, 1), (4, 2), (9, 3), (12, 4), (40, 5))):  # numbers with gaps
        instances[2 * row, :width] = number
    mask[instances > 0] = 1
    rows = measure_areas(segmented(mask, ("background", "nucleus"), instances), image(mask.shape, (0.001, 0.002)))
    assert rows[0].objects is None
    objects = rows[1].objects
    assert objects is not None
    assert objects.count == 5
    assert objects.density_per_mm2 == pytest.approx(5 / (200 * 2e-6))
    assert objects.unit == "µm²"
    assert objects.sizes == pytest.approx((2.8, 4, 6, 8, 9.2))  # 1 to 5 pixels of 2 µm²


def test_an_object_belongs_to_the_class_of_most_of_it(segmented: Made) -> None:
    mask = np.array([[1, 1, 2, 0], [0, 0, 2, 2]])
    instances = np.array([[1, 1, 1, 0], [0, 0, 2, 2]])
    _, bone, cartilage = measure_areas(segmented(mask, instances=instances), image((2, 4), None))
    assert bone.objects is not None
    assert cartilage.objects is not None
    assert (bone.objects.count, bone.objects.sizes[2]) == (1, 3)
    assert (cartilage.objects.count, cartilage.objects.sizes[2]) == (1, 2)


def test_no_object_at_all(segmented: Made) -> None:
    rows = measure_areas(
        segmented(np.zeros((4, 4)), ("background", "nucleus"), np.zeros((4, 4))), image((4, 4), (1, 1))
    )
    assert rows[1].objects is not None
    assert (rows[1].objects.count, rows[1].objects.sizes) == (0, (0, 0, 0, 0, 0))
