"""Weighted box fusion against cases worked out by hand."""

import numpy as np
import pytest

from models.tasks.detection.fusion import Pass, fuse_boxes


def said(*boxes: tuple[float, ...]) -> Pass:
    """One pass from rows of x, y, width, height, score, class."""
    rows = np.array(boxes, np.float64).reshape(-1, 6)
    return Pass(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.intp))


def test_two_passes_that_agree_move_the_edges_by_their_scores() -> None:
    found = fuse_boxes([said((0, 0, 10, 10, 0.9, 0)), said((2, 0, 10, 12, 0.3, 0))])
    np.testing.assert_allclose(found.boxes, [[0.5, 0, 10, 10.5]])  # three to one
    np.testing.assert_allclose(found.scores, [0.6])  # their mean; both saw it


def test_what_one_of_two_passes_saw_is_believed_half() -> None:
    found = fuse_boxes([said((0, 0, 10, 10, 0.8, 0)), said()])
    np.testing.assert_allclose(found.scores, [0.4])
    np.testing.assert_allclose(found.boxes, [[0, 0, 10, 10]])


def test_boxes_apart_and_boxes_of_another_class_stay_apart() -> None:
    a, b = (0, 0, 10, 10), (4, 0, 10, 10)  # overlap 60 / 140
    found = fuse_boxes([said((*a, 0.8, 0)), said((*b, 0.6, 0), (*a, 0.9, 1))])
    assert found.classes.tolist() == [1, 0, 0]
    np.testing.assert_allclose(found.scores, [0.45, 0.4, 0.3])
    assert len(fuse_boxes([said((*a, 0.8, 0)), said((*b, 0.6, 0))], overlap=0.4).boxes) == 1


def test_a_third_box_is_compared_with_the_fused_one() -> None:
    passes = [said((0, 0, 10, 10, 0.6, 0)), said((2, 0, 10, 10, 0.6, 0)), said((4, 0, 10, 10, 0.3, 0))]
    found = fuse_boxes(
        passes
    )  # the third overlaps the first by 6 / 14, but the two together, (1, 0, 10, 10), by 7 / 13
    np.testing.assert_allclose(found.scores, [0.4, 0.1])
    found = fuse_boxes(passes, overlap=0.5)
    np.testing.assert_allclose(found.boxes, [[(0.6 * 0 + 0.6 * 2 + 0.3 * 4) / 1.5, 0, 10, 10]])
    np.testing.assert_allclose(found.scores, [0.5])


def test_two_boxes_of_one_pass_are_no_second_opinion() -> None:
    found = fuse_boxes([said((0, 0, 10, 10, 0.8, 0), (0, 0, 10, 9, 0.4, 0)), said()])
    np.testing.assert_allclose(found.scores, [0.6])  # two boxes, two passes: the paper's min(boxes, passes) / passes
    assert len(found.boxes) == 1


def test_the_best_comes_first_and_nothing_is_nothing() -> None:
    found = fuse_boxes([said((0, 0, 5, 5, 0.2, 0), (50, 50, 5, 5, 0.7, 1))])
    assert found.scores.tolist() == [0.7, 0.2]
    none = fuse_boxes([said(), said()])
    assert (none.boxes.shape, none.scores.shape, none.classes.shape) == ((0, 4), (0,), (0,))


def test_the_mean_of_many_passes_is_nearer_to_the_truth_than_one() -> None:
    rng = np.random.default_rng(0)
    reference = np.array([20, 30, 40, 25])
    passes = [said((*(reference + rng.normal(0, 2, 4)), 0.5, 0)) for _ in range(16)]
    error = np.abs(fuse_boxes(passes).boxes[0] - reference).max()
    assert error < max(np.abs(one.boxes[0] - reference).max() for one in passes) / 2
    assert fuse_boxes(passes).scores[0] == pytest.approx(0.5)
