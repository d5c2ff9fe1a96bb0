"""From points to heatmaps and back, from points to measures, and what a reader moves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import models
from models.cards import card, find_base_id
from models.cards.tables import Locating
from models.nets.frame import Frame
from models.tasks import task_of
from models.tasks.kind import Request, Why
from models.tasks.landmarks.account import LandmarksAccount
from models.tasks.landmarks.augmentation import draw_landmark_view
from models.tasks.landmarks.bone_regions import lay_bone_regions
from models.tasks.landmarks.edges import settle_on_edges
from models.tasks.landmarks.edit import Move, MovedLandmarks, list_moved, move_points
from models.tasks.landmarks.heatmaps import average_place, draw_heatmaps, mirror_order, read_heatmaps
from models.tasks.landmarks.landmark_set import LandmarkSet
from models.tasks.landmarks.measures import find_stated_side, measure_knee, name_compartment
from models.tasks.landmarks.metrics import calibrate_radii, compare_landmarks, compute_icc, list_metrics, summarise
from models.tasks.landmarks.predictor import Locator
from models.tasks.landmarks.sets import read_landmark_set
from models.tasks.landmarks.task import LandmarksTask, bring_points_to_source
from models.tasks.landmarks.training import LandmarkRun, draw_landmark_batch, measure_losses
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.types import Image, Landmarks

CPU = torch.device("cpu")
NAMES = (*(f"tibia_{i}" for i in range(9)), *(f"femur_{i}" for i in range(7)))
LEVEL = np.array(
    [
        *[(20, 120), (50, 120), (80, 120), (95, 105), (110, 110), (125, 105), (140, 120), (170, 120), (200, 120)],
        *[(25, 100), (50, 110), (75, 100), (110, 80), (145, 100), (170, 112), (195, 100)],
    ],
    np.float32,
)
"""A level plateau of 180 px, with spaces of 10 px on the left and of 8 px on the right."""


def answer(points: np.ndarray = LEVEL, **more: object) -> Landmarks:
    return Landmarks(
        task="landmarks", card="knee-landmarks", sha256="ab" * 32, seconds=0.1, names=NAMES,
        points=points.astype(np.float32), radius_px=np.full(16, 3, np.float32), **more,
    )  # fmt: skip


def values(found: Landmarks, spacing: tuple[float, float] | None = None, side: object = None) -> dict[str, float]:
    return {one.key: one.value for one in measure_knee(found, spacing, side)}  # type: ignore[arg-type]


def test_landmarks_are_found_as_a_task() -> None:
    assert isinstance(task_of("landmarks"), LandmarksTask)


@pytest.mark.parametrize("place", [(40.0, 33.0), (41.3, 30.7), (100.9, 60.2)])
def test_a_point_is_read_from_its_heatmap_to_a_fraction_of_a_cell(place: tuple[float, float]) -> None:
    maps = draw_heatmaps(torch.tensor([[place]]), (96, 128), 1.0)
    assert maps.shape == (1, 1, 24, 32)
    assert float(maps.sum()) == pytest.approx(1, abs=1e-4)
    points, spread = read_heatmaps(maps)
    np.testing.assert_allclose(points[0, 0], place, atol=0.1)
    np.testing.assert_allclose(average_place(maps)[0, 0], place, atol=0.1)
    assert float(spread[0, 0]) == pytest.approx(4 * 2**0.5, rel=0.05)  # one cell each way


def test_a_second_peak_widens_a_point_and_does_not_move_it() -> None:
    one, other = (draw_heatmaps(torch.tensor([[(x, 40.0)]]), (96, 256), 1.0) for x in (30.0, 200.0))
    points, spread = read_heatmaps(0.8 * one + 0.2 * other)
    np.testing.assert_allclose(points[0, 0], (30, 40), atol=0.1)
    assert float(spread[0, 0]) > 50


def test_a_point_outside_has_no_heatmap() -> None:
    assert not draw_heatmaps(torch.tensor([[(-30.0, 10.0)]]), (64, 64), 1.0).any()


def test_a_mirrored_picture_has_its_points_in_the_other_order_within_a_bone() -> None:
    order = mirror_order(NAMES)
    assert order[:9] == list(range(8, -1, -1))
    assert order[9:] == list(range(15, 8, -1))


def test_points_come_back_to_the_pixels_that_were_fitted() -> None:
    frame = Frame((300, 100), (64, 64), (100, 0, 100, 100))
    found, scale = bring_points_to_source(np.array([[-0.5, -0.5], [63.5, 63.5]], np.float32), frame)
    np.testing.assert_allclose(found, [[-0.5, 99.5], [99.5, 199.5]], atol=1e-4)
    assert scale == pytest.approx(100 / 64)


@pytest.mark.parametrize("seed", range(4))
def test_a_view_shows_its_points_where_they_are_said_to_be(seed: int) -> None:
    points = torch.tensor([[60.0, 90.0], [150.0, 100.0], [100.0, 130.0]])
    picture = torch.zeros(1, 224, 224, dtype=torch.uint8)
    for x, y in points.int().tolist():
        picture[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    still = DenseAugmentation(
        rotation_deg=15, scale=0.15, shift=0.1, contrast=0, brightness=0, gamma=0, noise=0, blur=0
    )
    view, found, _ = draw_landmark_view(picture, points, (160, 256), still, torch.Generator().manual_seed(seed))
    assert view.shape == (1, 160, 256)
    for x, y in found.round().int().tolist():
        assert view[0, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max() > 0.5


def test_spaces_angles_and_width_of_a_level_knee() -> None:
    found = values(answer(), (0.5, 0.5), "right")
    assert found["plateau_width"] == pytest.approx(90)
    assert found["minimum_space_lateral"] == pytest.approx(5, abs=0.02)  # the picture's left
    assert found["minimum_space_medial"] == found["minimum_space"] == pytest.approx(4, abs=0.02)
    assert found["plateau_tilt"] == pytest.approx(0, abs=1e-6)
    assert found["condylar_tilt"] == pytest.approx(np.degrees(np.arctan2(2, 120)), abs=0.05)
    assert found["convergence_angle"] == pytest.approx(np.degrees(np.arctan2(2, 120)), abs=0.05)  # wider laterally
    assert found["fixed_space_lateral"] == pytest.approx(6.8, abs=0.05)  # 45 px in, between femur_1 and femur_2
    shares = values(answer())
    assert shares["minimum_space"] == pytest.approx(100 * 8 / 180, abs=0.02)
    assert shares["minimum_space_left"] == pytest.approx(100 * 10 / 180, abs=0.02)
    assert shares["plateau_width"] == pytest.approx(180)


def test_measures_do_not_hang_on_the_side_that_a_picture_is_mirrored_to() -> None:
    turned = LEVEL[mirror_order(NAMES)] * (-1, 1) + (223, 0)
    right, left = values(answer(), (0.5, 0.5), "right"), values(answer(turned), (0.5, 0.5), "left")
    for key in ("minimum_space_medial", "minimum_space_lateral", "fixed_space_medial", "convergence_angle"):
        assert left[key] == pytest.approx(right[key], abs=1e-3)
    assert name_compartment("left", "left") == "medial"
    assert name_compartment("left", None) == "left"


def test_measures_turn_with_the_knee() -> None:
    angle = np.radians(12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    still, turned = values(answer(), (1, 1), "right"), values(answer(LEVEL @ turn.T + 60), (1, 1), "right")
    assert turned["plateau_tilt"] == pytest.approx(12, abs=0.01)
    for key in set(still) - {"plateau_tilt", "condylar_tilt"}:
        assert turned[key] == pytest.approx(still[key], abs=0.15), key


def test_pixels_that_are_not_square_are_measured_in_mm() -> None:
    flat = LEVEL * (1, 0.5)
    flat_found, found = values(answer(flat), (2.0, 1.0)), values(answer(), (1.0, 1.0))
    assert flat_found["minimum_space"] == pytest.approx(found["minimum_space"], abs=1e-4)


def test_bones_that_touch_leave_no_space_and_points_on_one_place_no_error() -> None:
    touching = LEVEL.copy()
    touching[9:] += (0, 25)
    assert values(answer(touching))["minimum_space"] == 0
    assert all(np.isfinite(list(values(answer(np.zeros((16, 2)))).values())))


def test_a_moved_point_is_measured_and_remembered_and_the_answer_kept() -> None:
    own = answer()
    moved = move_points(own, [Move("femur_5", 170, 100), Move("femur_5", 170.0, 105.0)])
    assert isinstance(moved, MovedLandmarks)
    assert moved.moved == list_moved(moved) == ("femur_5",)
    np.testing.assert_array_equal(moved.point("femur_5"), (170, 105))
    np.testing.assert_array_equal(own.point("femur_5"), (170, 112))
    assert np.isnan(moved.radius_px[NAMES.index("femur_5")])
    assert moved.warnings[-1] == "1 point moved by hand"
    assert values(moved)["minimum_space"] > values(own)["minimum_space"]
    assert move_points(moved, []) is own
    with pytest.raises(models.OrthoLensError, match="no point 'patella'"):
        move_points(own, [Move("patella", 0, 0)])


def test_the_record_tells_points_in_order_and_who_moved_them() -> None:
    told = LandmarksAccount().fields(move_points(answer(side="right"), [Move("tibia_0", 21, 120)]))
    assert [point["name"] for point in told["landmarks"]] == list(NAMES)
    assert told["landmarks"][0] == {"name": "tibia_0", "x": 21.0, "y": 120.0, "radius_px": None}
    assert (told["moved_by_hand"], told["side"]) == (["tibia_0"], "right")
    assert {one["unit"] for one in told["measurements"]} == {"%", "°", "px"}
    assert {one["compartment"] for one in told["measurements"]} == {"", "medial", "lateral"}


def test_the_side_is_what_the_file_states() -> None:
    image = Image(np.zeros((1, 8, 8), np.float32), name="", sha256="")
    assert find_stated_side(image) is None
    assert find_stated_side(replace(image, tags={"ImageLaterality": "L"})) == "left"


def test_circles_hold_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    scale = np.linspace(1, 3, 16)
    spread = rng.uniform(2, 6, (400, 16))
    error = np.abs(rng.normal(size=(400, 16))) * scale * spread
    fitted = calibrate_radii(error[:200], spread[:200])
    inside = error[200:] <= spread[200:] * np.array(fitted.factors)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)
    assert inside.mean(0).min() > 0.8
    assert fitted.n == 200


def test_agreement_is_one_for_equal_and_less_for_shifted_measurements() -> None:
    lengths = np.random.default_rng(0).uniform(2, 6, 50)
    assert compute_icc(np.stack([lengths, lengths], 1)) == pytest.approx(1)
    assert compute_icc(np.stack([lengths, lengths + 1], 1)) < 0.9


def test_figures_of_points_a_millimetre_off() -> None:
    reference = np.stack([LEVEL] * 6)
    found = [answer(LEVEL + np.array((2, 0))) for _ in range(6)]
    compared = compare_landmarks(found, reference, np.full(6, 0.5, np.float32))
    told = summarise(list_metrics(compared), ["a", "a", "b", "c", "d", "e"])
    assert (told["n"], told["groups"]) == (6, 5)
    assert told["metrics"]["median point error mm"]["value"] == pytest.approx(1)
    assert told["metrics"]["points within 4 mm"]["value"] == 1
    assert told["metrics"]["90 % radii cover"]["value"] == 1
    assert told["metrics"]["minimum joint space MAE mm"]["value"] == pytest.approx(0, abs=1e-3)


def test_a_step_of_training_learns_points(tmp_path: Path) -> None:
    chosen = card("knee-landmarks")
    rng = np.random.default_rng(0)
    data = LandmarkSet(
        pictures=rng.integers(0, 255, (3, 224, 224), np.uint8), names=NAMES, points=np.stack([LEVEL] * 3),
        fit=np.array([0.5, 0.3, 0.6], np.float32), mm_per_px=np.full(3, 0.45, np.float32), splits=("train",) * 3,
        patients=("a", "b", "c"), sides=("right",) * 3, grades=("0",) * 3,
    )  # fmt: skip
    run = LandmarkRun("x", 0, tmp_path, np.array([1.0, 0.0, 1.0]))
    net = LandmarksTask(models.tasks.question_of("landmarks")).build(chosen)
    pictures, points, trust = draw_landmark_batch(chosen, data, run, 0)
    assert points.shape == (len(pictures), 16, 2)
    torch.testing.assert_close(points, draw_landmark_batch(chosen, data, run, 0)[1])
    losses = measure_losses(net, chosen, pictures, points, trust)
    assert set(losses) == {"cross-entropy", "places", "spaces"}
    sum(losses.values(), torch.zeros(())).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


@pytest.fixture
def locator() -> Locator:
    torch.manual_seed(0)
    chosen = card("knee-landmarks").model_copy(
        update={"ood": None, "locating": Locating(coverage=0.9, factors=(2.0,) * 16, n=9)}
    )
    return Locator(chosen, CPU, [LandmarksTask(models.tasks.question_of("landmarks")).build(chosen).eval()])


def test_a_mirrored_image_has_mirrored_points(locator: Locator) -> None:
    pixels = np.random.default_rng(0).random((1, 64, 64), np.float32).repeat(4, 1).repeat(4, 2)
    image = Image(pixels, name="", sha256="")
    found = locator.predict(image)
    turned = locator.predict(replace(image, pixels=np.ascontiguousarray(pixels[:, :, ::-1])))
    there = turned.points[mirror_order(NAMES)] * (-1, 1) + (255, 0)
    np.testing.assert_allclose(found.points, there, atol=0.05)
    assert (found.radius_px > 0).all()


@pytest.mark.parametrize("method", ["heatmap", "grad-cam", "hirescam"])
def test_a_point_is_explained(locator: Locator, method: str) -> None:
    image = Image(np.random.default_rng(0).random((1, 120, 100), np.float32), name="", sha256="")
    why = locator.explain(image, Why(method, "femur_3"))
    assert (why.heat.shape, why.target, why.method) == ((120, 100), "femur_3", method)
    assert locator.predict(image, asked=Request(explain=method, label="tibia_1")).explanation is not None
    with pytest.raises(models.OrthoLensError, match="not offered"):
        locator.explain(image, Why("occlusion", "femur_3"))


def test_the_set_has_the_points_of_the_card_and_no_patient_in_two_splits(packed) -> None:
    packed("knee_landmarks.csv")
    data = read_landmark_set(card("knee-landmarks"))
    assert len(data) == 578
    assert [len(data.of(split, 0.45)) for split in ("train", "val", "test")] == [288, 34, 95]
    of = {split: {data.patients[i] for i in data.of(split)} for split in ("train", "val", "test")}
    assert not of["train"] & of["test"]
    assert not of["train"] & of["val"]


def test_alternatives_are_of_the_same_base() -> None:
    assert find_base_id("knee-landmarks-unet") == "knee-landmarks"


def test_a_point_near_the_edge_of_its_bone_settles_on_it_and_others_stay() -> None:
    picture = np.full((200, 224), 0.8, np.float32)
    picture[100:120] = 0.2  # the joint space
    near = LEVEL.copy()
    near[:, 1] = [117] * 9 + [103] * 7
    found = settle_on_edges(near, NAMES, picture)
    for name in ("tibia_0", "tibia_1", "tibia_7"):
        assert found[NAMES.index(name), 1] == pytest.approx(119.5, abs=0.5)
    for name in ("femur_0", "femur_5"):
        assert found[NAMES.index(name), 1] == pytest.approx(99.5, abs=0.6)
    for name in ("tibia_3", "tibia_4", "femur_3"):  # spines and notch
        np.testing.assert_array_equal(found[NAMES.index(name)], near[NAMES.index(name)])
    np.testing.assert_allclose(settle_on_edges(near, NAMES, np.full((200, 224), 0.5, np.float32)), near)


def test_the_grade_comes_before_the_measures_of_the_same_knee() -> None:
    kinds = {name: models.tasks.kind_of(name) for name in ("pathology", "landmarks")}
    assert [kinds[name].adds for name in ("pathology", "landmarks")] == [False, True]  # type: ignore[attr-defined]


def test_the_command_line_writes_points_and_measurements_of_a_knee(tmp_path: Path) -> None:
    import json

    from typer.testing import CliRunner

    from models.cases import CASES_DIR
    from models.cli import app

    knee, out = CASES_DIR / "generated_knee_0.png", tmp_path / "answers.jsonl"
    asked = ("predict", "landmarks", str(knee), "--card", "knee-landmarks", "--out", str(out), "--save", str(tmp_path))
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    line = json.loads(out.read_text())
    assert [point["name"] for point in line["landmarks"]] == list(NAMES)
    assert not line["abstained"]
    columns = [point["x"] for point in line["landmarks"]]
    assert columns[:9] == sorted(columns[:9])
    assert columns[9:] == sorted(columns[9:])
    assert all(0 < point["radius_px"] < 60 for point in line["landmarks"])
    measured = {one["key"]: one["value"] for one in line["measurements"]}
    assert 1 < measured["minimum_space"] < 12  # in % of the plateau's width: the picture has no scale
    assert len(list(tmp_path.glob("*-knee-landmarks-landmarks.png"))) == 1


def test_regions_of_bone_lie_clear_below_each_half_of_the_plateau() -> None:
    for spacing in (None, (0.4, 0.4)):
        found = lay_bone_regions(replace(answer(), spacing_mm=spacing), (224, 224))
        np.testing.assert_allclose(found["left"], [(32, 127.2), (68, 163.2)], atol=1e-3)  # a fifth of 180 px
        np.testing.assert_allclose(found["right"], [(152, 127.2), (188, 163.2)], atol=1e-3)
    assert set(lay_bone_regions(answer(), (150, 224))) == set()  # they would reach beyond the film
    fallen = LEVEL + np.stack([0 * LEVEL[:, 0], 0.15 * LEVEL[:, 0]], 1)
    tilted = lay_bone_regions(answer(fallen), (224, 224))
    for (x0, top), (x1, bottom) in tilted.values():
        assert top > 120 + 0.15 * x1 + 7  # the lowest place of the plateau above it
        assert x1 - x0 == pytest.approx(bottom - top)
    flat = replace(answer(), spacing_mm=(0.8, 0.4))  # a pixel twice as high as wide: a square in mm
    (x0, top), (x1, bottom) = lay_bone_regions(flat, (224, 224))["left"]
    assert x1 - x0 == pytest.approx(2 * (bottom - top))
    names = tuple(f"point_{i}" for i in range(16))
    assert lay_bone_regions(replace(answer(), names=names), (224, 224)) == {}
