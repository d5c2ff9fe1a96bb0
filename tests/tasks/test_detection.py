"""Where a picture lies in a detector's input, and what becomes of raw scores."""

import numpy as np
import pytest
import torch

from models.cards import Card
from models.cards.tables import Detecting, OodStatistics, OperatingPoint, Platt
from models.errors import UnknownCard
from models.tasks import task_of
from models.tasks.detection.task import (
    LISTED,
    DetectionTask,
    DetectorOutput,
    Scaled,
    calibrate_scores,
    find_operating_point,
    fit_detector_input,
)
from models.trust.ood import Verdict
from models.types import Image

POINTS = tuple(
    OperatingPoint(key=key, name=name, threshold=threshold, sensitivity=0.9, specificity=0.5)
    for key, name, threshold in (("sensitive", "Sensitivity 0.90", 0.2), ("balanced", "Balanced", 0.5))
)


@pytest.fixture
def measured(detection_card: Card) -> Card:
    """The card with scores calibrated: their odds are squared."""
    calibration = Platt(slope=2, intercept=0, n=9)
    return detection_card.model_copy(update={"detecting": Detecting(boxes=calibration, points=POINTS)})


def seen(scores: list[float]) -> DetectorOutput:
    count = len(scores)
    boxes = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    return DetectorOutput(
        boxes=boxes,
        scores=np.array(scores, np.float32),
        classes=np.arange(count) % 2,
        places=np.arange(count) + 7,
        pooled=torch.ones(3),
        strongest=torch.zeros(2),
        seconds=0.5,
    )


def image(rows: int = 60, columns: int = 100) -> Image:
    return Image(np.zeros((1, rows, columns), np.float32), name="", sha256="5" * 64, warnings=("dim",))


@pytest.mark.parametrize(
    ("shape", "longest", "inside", "network"),
    [
        ((2880, 2304), 768, (768, 614), (768, 640)),
        ((100, 100), 128, (128, 128), (128, 128)),
        ((20, 300), 150, (10, 150), (32, 160)),
        ((1, 900), 64, (1, 64), (32, 64)),
    ],
)
def test_the_longest_side_is_the_cards_and_the_rest_is_whole_cells(
    shape: tuple[int, int], longest: int, inside: tuple[int, int], network: tuple[int, int]
) -> None:
    view = Scaled.of(shape, longest)
    assert (view.fitted, view.network, view.corner) == (inside, network, (0, 0))
    assert view.to_network(torch.zeros(1, 1, *shape)).shape == (1, 1, *network)
    assert view.to_source(torch.zeros(1, 1, *network)).shape == (1, 1, *shape)


def test_a_box_round_the_first_pixel_starts_half_a_pixel_before_its_centre() -> None:
    view = Scaled.of((50, 100), 200)  # twice as large
    np.testing.assert_array_equal(view.boxes_to_source(np.array([[0, 0, 2, 2.0]])), [[-0.5, -0.5, 1, 1]])
    np.testing.assert_array_equal(view.boxes_to_source(np.array([[0, 0, 200, 100.0]])), [[-0.5, -0.5, 100, 50]])


def test_boxes_there_and_back_are_the_same_whatever_the_scale_and_the_borders() -> None:
    boxes = np.random.default_rng(0).uniform(0, 300, (50, 4)).astype(np.float32)
    for view in (Scaled.of((333, 517), 768), Scaled.of((2000, 1111), 768), Scaled.of((90, 80), 64, (3, 5, 70, 61))):
        np.testing.assert_allclose(view.boxes_to_source(view.boxes_to_network(boxes)), boxes, atol=1e-3)


def test_a_trimmed_card_starts_where_the_film_was_exposed(detection_card: Card) -> None:
    pixels = np.zeros((1, 200, 100), np.float32)
    pixels[:, 50:150, 20:80] = 0.8
    trimmed = detection_card.model_copy(update={"input": detection_card.input.model_copy(update={"trim": True})})
    view = task_of("detection").frame(Image(pixels, name="", sha256=""), trimmed)
    assert view.part == (50, 20, 100, 60)
    assert view.fitted == (128, 77)
    np.testing.assert_allclose(view.boxes_to_source(np.zeros((1, 4)))[0, :2], [19.5, 49.5])


def test_the_input_is_black_beyond_the_picture_and_mirrored_within_it() -> None:
    grey = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(20, 0)
    view = Scaled.of((20, 40), 40)
    plain, mirrored = fit_detector_input(grey, view), fit_detector_input(grey, view, mirrored=True)
    assert plain.shape == (1, 3, 32, 64)
    np.testing.assert_allclose(plain[0, 1, :20, :40], grey * 2 - 1, atol=1e-6)
    torch.testing.assert_close(mirrored[..., :40], plain[..., :40].flip(3))
    for x in (plain, mirrored):
        assert bool((x[..., 40:] == -1).all())
        assert bool((x[..., 20:, :] == -1).all())


def test_platt_by_hand() -> None:
    raw = np.array([0.0, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(calibrate_scores(raw, None), raw, rtol=1e-6)
    odds = 3 * (0.25) ** 2  # slope 2 squares the odds, the intercept trebles them
    found = calibrate_scores(raw, Platt(slope=2, intercept=np.log(3), n=1))
    np.testing.assert_allclose(found, [0, odds / (1 + odds), 0.75, 1], atol=1e-6)


def test_boxes_are_calibrated_and_listed_down_to_one_in_a_hundred(measured: Card) -> None:
    kind = task_of("detection")
    assert isinstance(kind, DetectionTask)
    raw = [0.8, 0.5, 0.2, 0.1, 0.05]  # odds 4, 1, 1/4, 1/9, 1/19; squared 16, 1, 1/16, 1/81, 1/361
    answer = kind.read(seen(raw), image(), measured)
    np.testing.assert_allclose(answer.scores, [16 / 17, 1 / 2, 1 / 17, 1 / 82], rtol=1e-4)
    assert answer.scores.min() >= LISTED
    assert answer.places.tolist() == [7, 8, 9, 10]
    assert answer.classes.tolist() == [0, 1, 0, 1]
    assert answer.score == answer.scores[0]
    assert (answer.operating_point, answer.threshold) == ("Sensitivity 0.90", 0.2)
    assert answer.shown.tolist() == [0, 1]
    assert (answer.task, answer.card, answer.warnings, answer.abstained) == ("detection", measured.id, ("dim",), False)


def test_an_image_without_a_box_scores_nothing(measured: Card) -> None:
    answer = task_of("detection").read(seen([]), image(), measured)  # type: ignore[attr-defined]
    assert answer.boxes.shape == (0, 4)
    assert (answer.score, answer.suspected) == (0, False)


def test_score_suspicion_and_boxes_agree_at_every_point(measured: Card) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        raw = np.sort(rng.uniform(0, 1, rng.integers(0, 6)))[::-1]
        for point in ("sensitive", "balanced"):
            answer = task_of("detection").read(seen(list(raw)), image(), measured, point)  # type: ignore[attr-defined]
            assert answer.suspected == (len(answer.shown) > 0) == (answer.score >= answer.threshold)
            assert answer.score == answer.scores.max(initial=0)


def test_operating_points_by_key(measured: Card, detection_card: Card) -> None:
    assert find_operating_point(measured).key == "sensitive"
    assert task_of("detection").read(seen([0.8]), image(), measured, "balanced").threshold == 0.5  # type: ignore[attr-defined]
    with pytest.raises(UnknownCard, match=r"no operating point 'no-such'.*Choose one of sensitive, balanced"):
        find_operating_point(measured, "no-such")
    assert find_operating_point(detection_card).name == "Uncalibrated"


def test_the_ood_detector_is_asked_about_features_and_the_strongest_logits(
    measured: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[np.ndarray, np.ndarray, str]] = []

    class Refusing:
        def judge(self, pooled: np.ndarray, logits: np.ndarray, shows: str) -> Verdict:
            asked.append((pooled, logits, shows))
            return Verdict(True, "this is a cat", 3.0)

    monkeypatch.setattr("models.tasks.detection.task.load_ood_detector", lambda card: Refusing())
    with_ood = measured.model_copy(
        update={"ood": OodStatistics(file="g.safetensors", sha256="0" * 64, threshold=1, kept=0.95, n=1)}
    )
    answer = task_of("detection").read(seen([0.8]), image(), with_ood)  # type: ignore[attr-defined]
    assert (answer.abstained, answer.reason, answer.ood_score) == (True, "this is a cat", 3.0)
    ((pooled, logits, shows),) = asked
    assert (pooled.shape, logits.shape, shows) == ((3,), (2,), measured.data.shows)
