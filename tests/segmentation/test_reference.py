"""Truths read from every kind of file, and agreement worked out by hand."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image as Pillow

from models.errors import DamagedFile, InputError, UnsupportedFormat
from models.tasks.segmentation.reference import (
    GREEN,
    PINK,
    ReferenceMask,
    compare_class_masks,
    compare_with_reference_mask,
    compute_aggregated_jaccard,
    compute_hausdorff95,
    draw_jaccard_picture,
    read_reference_mask,
)

LABELS = ("background", "bone", "articular-cartilage", "cartilage")
MAP = np.array([[0, 1, 1], [2, 2, 0]], np.uint8)


def png(values: np.ndarray, mode: str | None = None) -> bytes:
    out = io.BytesIO()
    picture = Pillow.fromarray(values)
    if mode == "P":
        picture = Pillow.frombytes("P", values.shape[::-1], values.tobytes())
        picture.putpalette(bytes(range(256)) * 3)
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("mode", [None, "P"])
def test_a_label_map(mode: str | None) -> None:
    reference = read_reference_mask([("truth.png", png(MAP, mode))], LABELS, (2, 3))
    np.testing.assert_array_equal(reference.mask, MAP)
    assert reference.given == (1, 2, 3)


def test_a_grey_label_map_saved_as_rgb() -> None:
    reference = read_reference_mask([("truth.png", png(np.repeat(MAP[..., None], 3, 2)))], LABELS, (2, 3))
    np.testing.assert_array_equal(reference.mask, MAP)


def test_masks_named_by_class_the_longest_name_first() -> None:
    files = [
        ("Patient-Bone.PNG", png((MAP == 1).astype(np.uint8) * 255)),
        ("articular_cartilage.png", png((MAP == 2).astype(np.uint8))),
    ]
    reference = read_reference_mask(files, LABELS, (2, 3))
    np.testing.assert_array_equal(reference.mask, MAP)
    assert reference.given == (1, 2)  # the third class cannot be judged
    assert reference.instances is None


def test_one_mask_of_the_only_class() -> None:
    reference = read_reference_mask(
        [("anything.png", png((MAP == 1).astype(np.uint8) * 255))], ("background", "nucleus"), (2, 3)
    )
    np.testing.assert_array_equal(reference.mask, MAP == 1)
    assert reference.instances is None


def test_one_mask_an_object() -> None:
    files = [(f"{n}.png", png((n == MAP).astype(np.uint8) * 255)) for n in (1, 2)]
    reference = read_reference_mask(files, ("background", "nucleus"), (2, 3))
    np.testing.assert_array_equal(reference.mask, MAP > 0)
    np.testing.assert_array_equal(reference.instances, MAP)


def test_a_map_of_objects_with_gaps_in_its_numbers() -> None:
    numbers = np.array([[0, 700, 700], [3, 3, 0]], np.uint16)
    reference = read_reference_mask([("objects.png", png(numbers))], ("background", "nucleus"), (2, 3))
    np.testing.assert_array_equal(reference.instances, [[0, 2, 2], [1, 1, 0]])


def test_a_dicom_seg_by_the_names_of_its_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    seg = pytest.importorskip("models.tasks.segmentation.seg")
    monkeypatch.setattr(seg, "read_seg", lambda data: (MAP[:, ::-1].copy(), ("background", "Bone", "something else")))
    reference = read_reference_mask([("a.dcm", bytes(128) + b"DICM")], LABELS, (2, 3))
    np.testing.assert_array_equal(reference.mask, np.where(MAP[:, ::-1] == 1, 1, 0))
    assert reference.given == (1,)


@pytest.mark.parametrize(
    ("files", "labels", "kind", "message"),
    [
        ([("a.png", png(MAP * 40))], LABELS, InputError, "holds the value 80"),
        ([("a.png", png(np.zeros((3, 2), np.uint8)))], LABELS, InputError, "has 3 × 2 pixels and the image 2 × 3"),
        ([("meniscus.png", png((MAP == 1).astype(np.uint8) * 255))], LABELS, InputError, "which class"),
        ([("a.png", b"no picture")], LABELS, UnsupportedFormat, "no picture"),
        ([("a.png", png(MAP)[:-30])], LABELS, DamagedFile, "cannot be read"),
        ([("a.png", png(np.eye(3, dtype=np.uint8)[MAP] * 200))], LABELS, UnsupportedFormat, "coloured"),
        ([], LABELS, InputError, "no reference standard"),
    ],
)
def test_what_is_no_truth_is_a_sentence(
    files: list[tuple[str, bytes]], labels: tuple[str, ...], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        read_reference_mask(files, labels, (2, 3))


def test_figures_by_hand() -> None:
    found, true = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    found[0:4, 0:3] = True  # 12 pixels
    true[1:5, 0:4] = True  # 16 pixels, 9 in common
    got = compare_class_masks("bone", found, true, (0.5, 0.5))
    assert got.jaccard == pytest.approx(9 / 19)
    assert got.dice == pytest.approx(18 / 28)
    assert got.precision == pytest.approx(9 / 12)
    assert got.recall == pytest.approx(9 / 16)
    assert got.unit == "mm"


def test_hausdorff_of_two_squares() -> None:
    a, b = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    a[5:15, 5:15], b[5:15, 8:18] = True, True  # one is three columns on
    assert compute_hausdorff95(a, b) == pytest.approx(3)
    assert compute_hausdorff95(a, b, (1.0, 0.1)) == pytest.approx(0.3)
    assert compute_hausdorff95(a, a) == 0


def test_classes_that_are_absent_have_no_figures() -> None:
    nothing, something = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    absent = compare_class_masks("bone", nothing, nothing)
    assert (absent.jaccard, absent.dice, absent.precision, absent.recall, absent.hausdorff95) == (None,) * 5
    missed = compare_class_masks("bone", nothing, something)
    assert (missed.jaccard, missed.dice, missed.precision, missed.recall, missed.hausdorff95) == (0, 0, None, 0, None)


def test_only_classes_of_the_truth_are_compared() -> None:
    reference = ReferenceMask(np.where(MAP == 1, 1, 0).astype(np.uint8), (1,))
    (bone,) = compare_with_reference_mask(MAP, reference, LABELS)
    assert (bone.key, bone.dice, bone.unit) == ("bone", 1, "px")


def test_the_jaccard_picture_colours_only_errors() -> None:
    shown = np.full((1, 4), 0.5, np.float32)
    found, true = np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 1, 0]], bool)
    picture = draw_jaccard_picture(shown, found, true, opacity=1)
    assert picture.shape == (1, 4, 3)
    assert [tuple(pixel) for pixel in picture[0].tolist()] == [(128,) * 3, GREEN, PINK, (128,) * 3]
    half = draw_jaccard_picture(shown, found, true, opacity=0.5)[0, 2]
    np.testing.assert_allclose(half, (127.5 + np.array(PINK)) / 2, atol=1)


def test_aggregated_jaccard_by_hand() -> None:
    true, found = np.zeros((4, 10), np.int32), np.zeros((4, 10), np.int32)
    true[0, 0:4], true[2, 0:4] = 7, 9
    found[0, 0:3], found[3, 5:10] = 2, 4  # matches 3 of 4; the other is nowhere
    assert compute_aggregated_jaccard(found, true) == pytest.approx(3 / (4 + 4 + 5))
    assert compute_aggregated_jaccard(true, true) == 1
    assert compute_aggregated_jaccard(np.zeros((4, 10), np.int32), true) == 0
    assert compute_aggregated_jaccard(found, np.zeros((4, 10), np.int32)) == 0
    assert compute_aggregated_jaccard(np.zeros((2, 2), np.int32), np.zeros((2, 2), np.int32)) is None


def test_merging_two_objects_costs_more_than_missing_a_rim() -> None:
    true = np.zeros((10, 21), np.int32)
    true[1:9, 1:10], true[1:9, 11:20] = 1, 2
    merged, rim = np.zeros(true.shape, np.int32), true.copy()
    merged[1:9, 1:20] = 1
    rim[1], rim[8] = 0, 0
    values = [compute_aggregated_jaccard(found, true) for found in (merged, rim)]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0] < values[1]
    assert not math.isclose(values[1], 1)
