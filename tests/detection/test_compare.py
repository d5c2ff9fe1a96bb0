"""Matching, average precision and FROC: worked by hand, and against a slow and plain second implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.tasks.detection.froc import (
    Found,
    compute_average_precision,
    compute_box_overlaps,
    compute_froc,
    compute_precision_area,
    find_hits,
    match_boxes,
)

NONE = np.zeros((0, 4))


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_overlap_of_boxes_worked_by_hand() -> None:
    a = boxes((0, 0, 10, 10), (-0.5, -0.5, 1, 1))
    b = boxes((5, 0, 10, 10), (0, 0, 10, 10), (20, 20, 1, 1), (2, 2, 5, 4))
    assert compute_box_overlaps(a, b)[0] == pytest.approx([50 / 150, 1, 0, 20 / 100])
    assert compute_box_overlaps(a, b)[1, 1] == pytest.approx(0.25 / 100.75)
    assert compute_box_overlaps(NONE, b).shape == (0, 4)
    assert compute_box_overlaps(boxes((3, 3, 0, 0)), boxes((3, 3, 0, 0)))[0, 0] == 0


def test_the_most_certain_box_takes_a_true_one_and_none_is_hit_twice() -> None:
    found = boxes((0, 0, 10, 10), (1, 0, 10, 10), (50, 50, 4, 4))
    reference = boxes((0, 0, 10, 10), (30, 30, 5, 5))
    assert list(match_boxes(found, np.array([0.5, 0.9, 0.7]), reference)) == [-1, 0, -1]
    assert list(match_boxes(found, np.array([0.95, 0.9, 0.7]), reference)) == [0, -1, -1]


def test_a_box_takes_the_best_true_box_that_is_free() -> None:
    reference = boxes((0, 0, 10, 10), (3, 0, 10, 10))
    found = boxes((1, 0, 10, 10), (0, 0, 10, 10))
    assert list(match_boxes(found, np.array([0.9, 0.8]), reference)) == [0, 1]
    assert list(match_boxes(found, np.array([0.8, 0.9]), reference)) == [1, 0]


def test_half_overlap_is_enough_and_less_is_not() -> None:
    reference = boxes((0, 0, 10, 10))
    assert list(match_boxes(boxes((0, 0, 10, 5)), np.array([1.0]), reference)) == [0]
    assert list(match_boxes(boxes((0, 0, 10, 4.9)), np.array([1.0]), reference)) == [-1]
    assert list(match_boxes(boxes((0, 0, 10, 5)), np.array([1.0]), reference, iou=0.75)) == [-1]


def test_average_precision_worked_by_hand() -> None:
    """Ranked hit, miss, hit, miss over three true boxes: recall 1/3 at precision 1, 2/3 at 2/3, the rest never."""
    reference = boxes((0, 0, 10, 10), (100, 0, 10, 10))
    other = boxes((0, 0, 10, 10))
    one: Found = (boxes((0, 0, 10, 10), (50, 50, 9, 9)), np.array([0.9, 0.8]), reference)
    two: Found = (boxes((0, 0, 10, 10), (70, 0, 9, 9)), np.array([0.7, 0.6]), other)
    assert compute_average_precision([one, two]) == pytest.approx((1 + 2 / 3) / 3)


def test_precision_is_made_to_fall() -> None:
    """Miss, hit, hit: precision 0, 1/2, 2/3 becomes 2/3 everywhere."""
    assert compute_precision_area(np.array([0.9, 0.8, 0.7]), np.array([False, True, True]), 2) == pytest.approx(2 / 3)


def test_boxes_of_one_score_have_no_order() -> None:
    scores = np.full(4, 0.5)
    areas = {
        compute_precision_area(scores, np.array(hit, bool), 2) for hit in ([1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1])
    }
    assert areas == {0.5}


def test_a_perfect_an_empty_and_a_truthless_answer() -> None:
    reference = boxes((0, 0, 10, 10))
    assert compute_average_precision([(reference, np.array([0.3]), reference)]) == 1
    assert compute_average_precision([(NONE, np.zeros(0), reference)]) == 0
    assert math.isnan(compute_average_precision([(reference, np.array([0.3]), NONE)]))
    assert math.isnan(compute_average_precision([]))


def test_froc_worked_by_hand() -> None:
    reference = boxes((0, 0, 10, 10))
    images: list[Found] = [
        (boxes((0, 0, 10, 10), (40, 40, 5, 5)), np.array([0.9, 0.8]), reference),
        (boxes((40, 40, 5, 5), (60, 60, 5, 5)), np.array([0.8, 0.4]), NONE),
        (boxes((0, 0, 10, 10)), np.array([0.3]), reference),
        (NONE, np.zeros(0), NONE),
    ]
    curve = compute_froc(images)
    assert curve.threshold == pytest.approx([0.9, 0.8, 0.4, 0.3])
    assert curve.sensitivity == pytest.approx([0.5, 0.5, 0.5, 1])
    assert curve.false_positives == pytest.approx([0, 0.5, 0.75, 0.75])
    assert curve.sensitivity_at(0.5) == 0.5
    assert curve.sensitivity_at(1) == 1
    assert curve.at(0.95) == (0, 0)
    assert curve.at(0.8) == (0.5, 0.5)
    assert curve.at(0.41) == (0.5, 0.5)
    assert curve.at(0.0) == (1, 0.75)


def test_froc_without_anything() -> None:
    assert len(compute_froc([]).threshold) == 0
    assert compute_froc([]).at(0.5) == (0, 0)
    assert np.isnan(compute_froc([(boxes((0, 0, 1, 1)), np.array([0.5]), NONE)]).sensitivity).all()


def plainly(found: list[Found], iou: float) -> float:
    """Average precision step by step, after the text of Everingham et al. 2010."""
    every = [(float(s), image, box) for image, one in enumerate(found) for box, s in zip(*one[:2], strict=True)]
    ranked = sorted(every, key=lambda one: -one[0])
    taken: set[tuple[int, int]] = set()
    total, right, points = sum(len(reference) for _, _, reference in found), 0, []
    for shown, (_, image, box) in enumerate(ranked, 1):
        best, overlap = -1, 0.0
        for index, true in enumerate(found[image][2]):
            width = min(box[0] + box[2], true[0] + true[2]) - max(box[0], true[0])
            height = min(box[1] + box[3], true[1] + true[3]) - max(box[1], true[1])
            common = max(width, 0) * max(height, 0)
            share = common / (box[2] * box[3] + true[2] * true[3] - common)
            if share >= iou and share > overlap and (image, index) not in taken:
                best, overlap = index, share
        if best >= 0:
            taken.add((image, best))
            right += 1
        points.append((right / total, right / shown))
    area, before = 0.0, 0.0
    for at, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[at:])
        before = recall
    return area


@pytest.mark.parametrize("iou", [0.5, 0.75])
def test_many_images_agree_with_a_plain_implementation(iou: float) -> None:
    rng = np.random.default_rng(3)
    found: list[Found] = []
    for _ in range(60):
        count = int(rng.integers(0, 4))
        reference = np.concatenate([rng.uniform(0, 200, (count, 2)), rng.uniform(15, 60, (count, 2))], 1)
        near = reference + rng.normal(0, 2, reference.shape)
        far = np.concatenate([rng.uniform(0, 200, (3, 2)), rng.uniform(15, 60, (3, 2))], 1)
        shown = np.concatenate([near, near + rng.normal(0, 3, near.shape), far])
        shown[:, 2:] = shown[:, 2:].clip(2)
        found.append((shown, rng.random(len(shown)), reference))
    area = compute_average_precision(found, iou)
    assert area == pytest.approx(plainly(found, iou), abs=1e-12)
    assert 0.05 < area < 0.95
    assert compute_precision_area(*find_hits(found, iou)) == area
