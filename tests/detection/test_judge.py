"""One answer against its reference standard, and boxes drawn and deleted by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from models.errors import InputError, UnknownCard
from models.tasks.detection.edit import DrawnBox, EditedDetections, Edits, apply_box_edits, mark_by_hand
from models.tasks.detection.judge import judge_detections
from models.tasks.detection.reference import ReferenceBoxes
from models.types import Detections

NAMES = {"femoral": "Femoral component", "tibial": "Tibial component"}


def answer(labels: tuple[str, ...] = ("femoral", "tibial"), threshold: float = 0.5) -> Detections:
    """Three boxes, certain, likely and unlikely."""
    return Detections(
        task="detection", card="x", sha256="0" * 64, seconds=0.1, labels=labels,
        boxes=np.array([[0, 0, 10, 10], [50, 0, 10, 10], [0, 50, 10, 10]], np.float32),
        classes=np.array([0, len(labels) - 1, 0]), scores=np.array([0.9, 0.6, 0.2], np.float32),
        places=np.array([5, 6, 7]), operating_point="Balanced", threshold=threshold,
    )  # fmt: skip


def reference(*rows: tuple[float, ...], labels: tuple[str, ...] = ()) -> ReferenceBoxes:
    return ReferenceBoxes(np.array(rows, np.float32).reshape(-1, 4), labels or ("fracture",) * len(rows))


def test_hits_misses_and_false_positives_at_the_threshold() -> None:
    verdict = judge_detections(answer(("fracture",)), reference((0, 0, 10, 10), (0, 50, 10, 10)), {})
    assert list(verdict.reference_of_box) == [0, -1]
    assert (verdict.hits, verdict.missed, verdict.false_positives) == (1, (1,), 1)
    assert verdict.ap50 == pytest.approx((1 + 2 / 3) / 2)  # over all thresholds: hit, false, hit
    low = judge_detections(answer(("fracture",), 0.1), reference((0, 0, 10, 10), (0, 50, 10, 10)), {})
    assert (low.hits, low.missed, low.false_positives) == (2, (), 1)


def test_labels_count_where_truth_and_model_name_the_same() -> None:
    theirs = reference((0, 0, 10, 10), (50, 0, 10, 10), labels=("femoral component", "FEMORAL"))
    named = judge_detections(answer(), theirs, NAMES)
    assert named.by_label
    assert list(named.reference_of_box) == [0, -1]
    assert named.missed == (1,)
    other = judge_detections(answer(), replace(theirs, labels=("1", "2")), NAMES)
    assert not other.by_label
    assert list(other.reference_of_box) == [0, 1]


def test_an_image_without_a_true_box_has_only_false_positives() -> None:
    verdict = judge_detections(answer(), reference(), NAMES)
    assert (verdict.hits, verdict.missed, verdict.false_positives, verdict.ap50) == (0, (), 2, None)


def test_a_drawn_box_comes_first_a_deleted_one_goes_and_the_original_stays() -> None:
    found = answer()
    changed = apply_box_edits(found, Edits((DrawnBox(20, 20, 5, 6, "tibial"),), (0,)))
    assert isinstance(changed, EditedDetections)
    assert changed.boxes.tolist() == [[20, 20, 5, 6], [50, 0, 10, 10], [0, 50, 10, 10]]
    assert list(changed.classes) == [1, 1, 0]
    assert list(changed.by_hand) == [True, False, False]
    assert list(changed.places) == [-1, 6, 7]
    assert list(changed.shown) == [0, 1]
    assert changed.warnings == ("changed by hand: 1 box drawn and 1 box deleted",)
    assert changed.original is found
    assert len(found.boxes) == 3
    assert apply_box_edits(found, Edits()) is found


def test_what_is_no_box_is_refused() -> None:
    with pytest.raises(InputError, match="smaller than a pixel"):
        apply_box_edits(answer(), Edits((DrawnBox(0, 0, 0.5, 5, "tibial"),)))
    with pytest.raises(UnknownCard, match="no label 'hip'"):
        apply_box_edits(answer(), Edits((DrawnBox(0, 0, 5, 5, "hip"),)))


def test_a_file_marks_what_was_drawn_and_gives_it_no_score() -> None:
    changed = apply_box_edits(answer(), Edits((DrawnBox(20, 20, 5, 6, "tibial"),)))
    shown = [{"bbox": changed.boxes[row].tolist(), "score": float(changed.scores[row])} for row in changed.shown]
    marked = json.loads(mark_by_hand(json.dumps({"annotations": shown}), changed))["annotations"]
    assert [one["source"] for one in marked] == ["drawn by hand", "model", "model"]
    assert ["score" in one for one in marked] == [False, True, True]
    assert mark_by_hand("{}", answer()) == "{}"
