"""Training of detectors: sets, views, a run that finds discs and goes on where it was stopped, and the figures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import logit

from models.cards import Card
from models.errors import UnknownCard
from models.nets.fcos import FCOSMobileNetV2
from models.tasks.detection import trials
from models.tasks.detection.augmentation import BoxAugmentation, Samples, Seen, draw_detection_views
from models.tasks.detection.dataset import BoxSet, read_box_set
from models.tasks.detection.froc import compute_average_precision, match_boxes
from models.tasks.detection.metrics import (
    Answered,
    calibrate_detections,
    choose_operating_points,
    describe_detection_metrics,
    fit_platt,
    thin_froc_curve,
)
from models.tasks.detection.metrics import apply_platt as probability
from models.tasks.detection.recipe import BoxRecipe
from models.tasks.detection.training import BoxRun, draw_detection_batch, fit_detector, prepare_detection_samples
from models.tasks.segmentation.dataset import Grey
from models.training.views import Resident

STILL = BoxAugmentation(0.0, 0.0, 0.0, False, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0)


def quiet(step: str, share: float) -> None:
    assert step
    assert 0 <= share <= 1


@pytest.fixture
def squares() -> BoxSet:
    """Twelve pictures (96, 64), two of three with a bright square of 20 pixels, in six groups."""
    rng = np.random.default_rng(0)
    pictures, boxes = [], []
    for i in range(12):
        picture = rng.integers(0, 30, (96, 64)).astype(np.uint8)
        top, left = int(rng.integers(4, 70)), int(rng.integers(4, 40))
        if i % 3:
            picture[top : top + 20, left : left + 20] = 220
        pictures.append(picture)
        boxes.append(np.float32([[left - 0.5, top - 0.5, 20, 20]] if i % 3 else []).reshape(-1, 4))
    return BoxSet(
        pictures=tuple(pictures),
        boxes=tuple(boxes),
        classes=tuple(np.zeros(len(of), np.intp) for of in boxes),
        groups=tuple(f"g{i // 2}" for i in range(12)),
        splits=("",) * 12,
        facts=("",) * 12,
    )


@pytest.fixture
def card(segmentation_card: Card) -> Card:
    changed = {
        "id": "squares",
        "task": "detection",
        "labels": [{"key": "square", "name": "Square"}],
        "input": {"size": (96, 96)},
        "net": {"name": "fcos_mobilenet_v2", "stage": "stage4", "shape": {"width": 32}},
        "training": {
            "steps": 40,
            "batch": 4,
            "view_size": (64, 64),
            "learning_rate": 0.01,
            "trunk_rate": 0.3,
            "average": 0.8,
            "augmentation": {"rotation_deg": 5.0, "scale": 0.1},
        },
    }
    return Card.model_validate(segmentation_card.model_dump(exclude={"detecting", "calibration"}) | changed)


def test_a_fitted_set_keeps_its_boxes_round_what_they_are_round(squares: BoxSet) -> None:
    larger = squares.fitted(192)
    assert larger.pictures[1].shape == (192, 128)
    np.testing.assert_allclose(larger.boxes[1], squares.boxes[1] * 2 + [0.5, 0.5, 0, 0])
    assert filled(larger.pictures[1], larger.boxes[1][0]) > 0.95


def filled(picture: Grey, box: np.ndarray) -> float:
    """Share of a box's pixels that are bright."""
    left, top, width, height = (round(float(of)) for of in box + np.float32([0.5, 0.5, 0, 0]))
    return float((picture[top : top + height, left : left + width] > 120).mean())


def view(
    squares: BoxSet, centre: tuple[float, float], size: tuple[int, int], how: BoxAugmentation, dice: torch.Generator
) -> Seen:
    """One view of the second picture, which has a square."""
    picture, boxes = torch.from_numpy(squares.pictures[1]), torch.from_numpy(squares.boxes[1])
    samples = Samples(
        Resident.of([picture[None]], torch.device("cpu")), [boxes], [torch.zeros(1, dtype=torch.long)],
        [torch.tensor([64.0, 96.0])],
    )  # fmt: skip
    return draw_detection_views(samples, torch.tensor([0]), torch.tensor([centre]), size, how, dice)


def test_a_view_without_change_is_the_picture(squares: BoxSet) -> None:
    seen = view(squares, (31.5, 47.5), (96, 64), STILL, torch.Generator())
    np.testing.assert_allclose(seen.pictures[0, 0].numpy() * 255, np.maximum(squares.pictures[1], 0.02), atol=0.6)
    left, top, width, height = squares.boxes[1][0].tolist()
    np.testing.assert_allclose(
        seen.boxes[0][0], [left + 0.5, top + 0.5, left + width + 0.5, top + height + 0.5], atol=1e-3
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_box_follows_its_square_through_every_view(squares: BoxSet, seed: int) -> None:
    how = BoxAugmentation(rotation_deg=0.0, scale=0.3, aspect=0.3, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0)
    generator = torch.Generator().manual_seed(seed)
    left, top = squares.boxes[1][0, :2].tolist()
    seen = view(squares, (left + 10, top + 10), (64, 64), how, generator)
    rows, columns = np.nonzero(seen.pictures[0, 0].numpy() > 0.5)
    bright = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(seen.boxes[0][0], bright, atol=1.0)


def test_a_box_that_is_hardly_seen_does_not_count(squares: BoxSet) -> None:
    left, top = squares.boxes[1][0, :2].tolist()
    seen = view(squares, (left - 25, top + 10), (64, 64), STILL, torch.Generator())
    assert len(seen.boxes[0]) == len(seen.classes[0]) == 0


def test_a_detector_learns_squares_and_a_stopped_run_ends_the_same(squares: BoxSet, card: Card, tmp_path: Path) -> None:
    drawn, learned = prepare_detection_samples(squares, card), np.arange(12)
    whole = fit_detector(card, drawn, BoxRun("whole", 1, tmp_path, learned), quiet)

    class Stopped(Exception):
        pass

    def stop(step: str, share: float) -> None:
        if share < 1:
            raise Stopped

    halved = BoxRun("halved", 1, tmp_path, learned)
    with pytest.raises(Stopped):
        fit_detector(card, drawn, halved, stop)
    again = fit_detector(card, drawn, halved, quiet)
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    held = trials.Answers(squares)
    from models.tasks.detection.predictor import Detector

    held.add(trials.BoxTrial(halved, learned, "all"), Detector(card, torch.device("cpu"), [whole]))
    answered = held.together()
    found = list(zip(answered.boxes, answered.scores, answered.reference, strict=True))
    assert compute_average_precision(found, 0.5) > 0.8


def test_batches_show_boxes_as_often_as_the_recipe_says(squares: BoxSet, card: Card, tmp_path: Path) -> None:
    drawn = prepare_detection_samples(squares, card)
    recipe = BoxRecipe.of(card).model_copy(update={"batch": 200, "clean": 0.25, "focus": 0.75})
    seen = draw_detection_batch(drawn, recipe, BoxRun("x", 0, tmp_path, np.arange(12)), 0)
    assert 0.6 < np.mean([len(boxes) > 0 for boxes in seen.boxes]) < 0.8


def answered(rng: np.random.Generator, images: int = 80) -> Answered:
    """Images half of which hold a box that is found with a high score; false positives score low."""
    boxes, scores, reference = [], [], []
    for i in range(images):
        box = np.float32([[*rng.uniform(0, 50, 2), 10, 10]])
        reference.append(box if i % 2 else np.empty((0, 4), np.float32))
        alarm = np.float32([[*rng.uniform(100, 150, 2), 10, 10]])
        boxes.append(np.concatenate([reference[-1], alarm]))
        scores.append(np.float32([*(rng.uniform(0.3, 0.9, len(reference[-1]))), rng.uniform(0.05, 0.5)]))
    return Answered(boxes, scores, reference, np.arange(images) // 2)


def test_the_figures_are_those_of_the_boxes_and_lie_in_their_intervals() -> None:
    found = answered(np.random.default_rng(0))
    report = describe_detection_metrics(found, resamples=60)
    assert (report["n"], report["groups"], report["boxes"], report["with a finding"]) == (80, 40, 40, 40)
    rows = list(zip(found.boxes, found.scores, found.reference, strict=True))
    metrics = report["metrics"]
    assert metrics["AP50 all"]["value"] == pytest.approx(compute_average_precision(rows))
    marked = [row for row in rows if len(row[2])]
    assert metrics["AP50 with a finding"]["value"] == pytest.approx(compute_average_precision(marked))
    expected = found.froc().sensitivity_at(0.5)
    assert metrics["sensitivity at 0.5 false positives an image"]["value"] == pytest.approx(expected)
    for row in metrics.values():
        assert row["low"] <= row["value"] <= row["high"]


def test_calibrated_scores_mean_what_they_say() -> None:
    rng = np.random.default_rng(1)
    raw = rng.uniform(0.01, 0.6, 4000)
    hit = rng.random(4000) < raw**2
    fitted = fit_platt(raw, hit)
    for low in (0.1, 0.3):
        of = (probability(raw, fitted) > low) & (probability(raw, fitted) < low + 0.1)
        assert abs(hit[of].mean() - probability(raw, fitted)[of].mean()) < 0.07


def test_operating_points_keep_what_they_promise() -> None:
    found = answered(np.random.default_rng(2), 400)
    detecting = calibrate_detections(found)
    points = {point.key: point for point in detecting.points}
    assert detecting.points[0].key == "balanced"
    assert points["sensitive"].sensitivity >= 0.9
    assert points["specific"].specificity >= 0.9
    assert points["sensitive"].threshold <= points["balanced"].threshold or points["balanced"].sensitivity >= 0.9
    highest = probability(found.highest, detecting.boxes)
    shown = (highest >= points["specific"].threshold)[~found.positive]
    assert 1 - shown.mean() == pytest.approx(points["specific"].specificity)
    kept = thin_froc_curve(found, detecting)
    assert sorted(kept["threshold"], reverse=True) == kept["threshold"]
    assert sorted(kept["sensitivity"]) == kept["sensitivity"]


def test_operating_points_by_hand() -> None:
    """Ten images with a finding at 0.1 to 1.0, ten without at 0.05 to 0.95: the ranks alternate."""
    there, absent = np.arange(1, 11) / 10, np.arange(1, 11) / 10 - 0.05
    box, none = np.float32([[0, 0, 10, 10]]), np.empty((0, 4), np.float32)
    found = Answered([box] * 20, [np.float32([0.5])] * 20, [box] * 10 + [none] * 10, np.arange(20))
    by_key = {point.key: point for point in choose_operating_points(np.concatenate([there, absent]), found)}
    sensitive, specific = by_key["sensitive"], by_key["specific"]
    assert (sensitive.threshold, sensitive.sensitivity, sensitive.specificity) == pytest.approx((0.2, 0.9, 0.2))
    assert (specific.threshold, specific.sensitivity, specific.specificity) == pytest.approx((0.9, 0.2, 0.9))


def test_figures_by_hand() -> None:
    """Ranked hit, miss, hit over three boxes in four images: AP (1 + 2/3) / 3; 1/3 found at 0, 2/3 at 1/4 an image."""
    box, none = np.float32([[0, 0, 10, 10]]), np.empty((0, 4), np.float32)
    scores = [np.float32([of]) for of in (0.9, 0.8, 0.7)]
    found = Answered([box, box + 50, box, none], [*scores, np.float32([])], [box, none, box, box], np.arange(4))
    metrics = describe_detection_metrics(found, resamples=10)["metrics"]
    assert metrics["AP50 all"]["value"] == pytest.approx(5 / 9)
    assert metrics["AP50 with a finding"]["value"] == pytest.approx(2 / 3)
    at = metrics["sensitivity at 0.5 false positives an image"]["value"]
    assert at == pytest.approx(2 / 3)


def test_where_every_image_has_a_box_the_best_agreement_is_the_point() -> None:
    whole = answered(np.random.default_rng(3), 200)
    rows = np.flatnonzero(whole.positive)
    found = Answered([whole.boxes[i] for i in rows], [whole.scores[i] for i in rows], [whole.reference[i] for i in
    rows],
                     np.arange(len(rows)))  # fmt: skip
    detecting = calibrate_detections(found)
    assert [(point.key, point.specificity) for point in detecting.points] == [("balanced", None)]
    assert detecting.points[0].sensitivity > 0.8
    scores = probability(np.concatenate(list(found.scores)), detecting.boxes)
    hit = np.concatenate(
        [match_boxes(*row) >= 0 for row in zip(found.boxes, found.scores, found.reference, strict=True)]
    )

    def f1(threshold: float) -> float:
        shown = scores >= threshold
        return float(2 * hit[shown].sum() / (shown.sum() + sum(map(len, found.reference))))

    threshold = detecting.points[0].threshold
    assert f1(threshold) == pytest.approx(max(map(f1, scores)))
    above, below = scores[scores > threshold].min(), scores[scores < threshold].max()
    assert below < threshold < above
    assert logit(above) - logit(threshold) == pytest.approx(logit(threshold) - logit(below), rel=1e-4)


def test_folds_hold_groups_together_and_every_image_out_once(squares: BoxSet, card: Card) -> None:
    found = trials.list_detection_trials(card, squares, 3)
    assert sorted(np.concatenate([trial.measured for trial in found])) == list(range(12))
    for trial in found:
        learned = {squares.groups[i] for i in trial.run.learned}
        assert learned.isdisjoint({squares.groups[i] for i in trial.measured})
    few = card.model_copy(update={"training": {**card.training, "measured_folds": 2}})
    assert [trial.name for trial in trials.list_detection_trials(few, squares, 3)] == ["2 of 3 folds by group"] * 2


def test_a_card_without_a_set_says_which_there_are() -> None:
    with pytest.raises(UnknownCard, match="fracture, tka-components"):
        read_box_set("knee-kl")


def test_every_place_begins_with_a_box_so_that_no_head_stays_silent() -> None:
    torch.manual_seed(0)
    net = FCOSMobileNetV2(1, width=32).eval()
    sides = net.head(list(net.trunk(torch.randn(1, 3, 64, 64)).values()))["bbox_regression"]
    assert (sides > 0).all()  # where the ReLU gives 0 there is no gradient, and nothing is ever learned
