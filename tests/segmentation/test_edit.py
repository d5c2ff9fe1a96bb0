"""Corrections by hand: what changes, what stays, and what is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.errors import InputError, UnknownCard
from models.tasks.segmentation.edit import ERASE, Correction, apply_corrections, correct_areas
from models.types import Segmentation

Made = Callable[..., Segmentation]

SQUARE = ((1.5, 1.5), (1.5, 4.5), (4.5, 4.5), (4.5, 1.5))  # rows and columns 2 to 4


def test_an_area_becomes_a_class_and_the_original_stays(segmented: Made) -> None:
    answer = segmented(np.zeros((8, 8)))
    changed = correct_areas(answer, [("cartilage", SQUARE)])
    expected = np.zeros((8, 8))
    expected[2:5, 2:5] = 2
    np.testing.assert_array_equal(changed.mask, expected)
    np.testing.assert_array_equal(changed.certainty, np.where(expected, 255, 100))
    assert not answer.mask.any()
    assert changed.original is answer
    assert changed.corrected_px == 9
    assert changed.corrections == (Correction("cartilage", SQUARE),)
    assert changed.warnings == ("a warning", "corrected by hand in 1 place")


def test_erasing_gives_background(segmented: Made) -> None:
    changed = correct_areas(segmented(np.ones((8, 8))), [(ERASE, SQUARE)])
    assert (changed.mask[2:5, 2:5] == 0).all()
    assert changed.mask.sum() == 64 - 9


def test_corrections_add_up_in_their_order(segmented: Made) -> None:
    first = correct_areas(segmented(np.zeros((8, 8))), [("bone", SQUARE)])
    second = apply_corrections(first, [Correction(ERASE, SQUARE), Correction("cartilage", SQUARE[:3])])
    assert second.original is first.original
    assert [each.label for each in second.corrections] == ["bone", ERASE, "cartilage"]
    assert second.warnings[-1] == "corrected by hand in 3 places"
    assert len(second.warnings) == 2
    together = apply_corrections(first.original, second.corrections)
    np.testing.assert_array_equal(second.mask, together.mask)


def test_an_area_is_cut_at_the_edge_of_the_image(segmented: Made) -> None:
    changed = correct_areas(segmented(np.zeros((4, 4))), [("bone", ((-9, -9), (-9, 1.5), (1.5, 1.5), (1.5, -9)))])
    assert changed.mask.sum() == 4
    assert correct_areas(segmented(np.zeros((4, 4))), [("bone", ((-9, -9), (-9, -2), (-3, -2)))]).corrected_px == 0


def test_objects_are_added_cut_and_erased(segmented: Made) -> None:
    mask, instances = np.zeros((7, 12)), np.zeros((7, 12))
    mask[3, 0:9], instances[3, 0:9] = 1, 1
    mask[6, 0:2], instances[6, 0:2] = 1, 2
    answer = segmented(mask, ("background", "nucleus"), instances)
    strip = ((-0.5, 3.5), (-0.5, 4.5), (4.5, 4.5), (4.5, 3.5))  # column 4 of rows 0 to 4
    cut = correct_areas(answer, [(ERASE, strip)])
    assert cut.instances is not None
    np.testing.assert_array_equal(cut.instances[3], [1, 1, 1, 1, 0, 3, 3, 3, 3, 0, 0, 0])
    np.testing.assert_array_equal(cut.instances[6], instances[6])
    added = correct_areas(answer, [("nucleus", ((-0.5, 9.5), (-0.5, 11.5), (1.5, 11.5), (1.5, 9.5)))])
    assert added.instances is not None
    assert set(np.unique(added.instances)) == {0, 1, 2, 3}
    assert (added.instances == 3).sum() == 4


def test_nothing_to_correct(segmented: Made) -> None:
    same = apply_corrections(segmented(np.zeros((4, 4))), [])
    assert same.warnings == ("a warning",)
    assert same.corrected_px == 0


def test_wrong_corrections_are_sentences(segmented: Made) -> None:
    with pytest.raises(UnknownCard, match="Choose one of background, bone, cartilage"):
        correct_areas(segmented(np.zeros((8, 8))), [("tendon", SQUARE)])
    with pytest.raises(InputError, match="2 corners"):
        correct_areas(segmented(np.zeros((8, 8))), [("bone", SQUARE[:2])])
