"""Points of an implant as landmarks: pairs by their place in the picture, a second look, and nothing measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import models
from models.answers.record import write_headline, write_record
from models.cards import card
from models.cards.tables import Locating
from models.geometry.implant_points import POINTS
from models.nets.frame import Frame
from models.simulation.knee_designs import build_design
from models.simulation.knee_films import simulate_knee_film
from models.tasks.kind import Why
from models.tasks.landmarks.account import LandmarksAccount, PointsOutcome
from models.tasks.landmarks.augmentation import draw_closer_view
from models.tasks.landmarks.edges import settle_on_edges
from models.tasks.landmarks.heatmaps import mirror_order, order_pairs, read_heatmaps
from models.tasks.landmarks.implant_set import SEEDS, project_points
from models.tasks.landmarks.landmark_set import LandmarkSet
from models.tasks.landmarks.marks import draw_landmarks, export_landmarks_png
from models.tasks.landmarks.measures import measure_knee
from models.tasks.landmarks.metrics import calibrate_radii, list_point_metrics, summarise
from models.tasks.landmarks.predictor import Locator
from models.tasks.landmarks.task import LandmarksTask, bring_points_to_source, frame_closer
from models.tasks.landmarks.training import ABSENT, LandmarkRun, draw_landmark_batch, measure_losses
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.types import Image, Landmarks

CPU = torch.device("cpu")
STILL = DenseAugmentation(
    rotation_deg=40, shift=0.05, flip=True, contrast=0, brightness=0, gamma=0, noise=0, blur=0, invert=0
)


def answer(**more: object) -> Landmarks:
    points = np.random.default_rng(0).uniform(20, 100, (len(POINTS), 2)).astype(np.float32)
    return Landmarks(
        task="landmarks", card="tka-landmarks", sha256="ab" * 32, seconds=0.1, names=POINTS, points=points,
        radius_px=np.full(len(POINTS), 3, np.float32), **more,
    )  # fmt: skip


def test_the_card_names_the_points_in_their_order() -> None:
    assert card("tka-landmarks").keys == POINTS


def test_of_a_pair_the_first_is_further_left() -> None:
    points = torch.tensor([[5.0, 1], [9, 2], [3, 3], [4, 4], [8, 5]])
    names = ("femur_flange_0", "femur_peg_0", "femur_peg_1", "femur_tip_0", "femur_tip_1")
    assert order_pairs(points, names)[:, 0].tolist() == [5, 3, 9, 4, 8]
    three = ("tibia_0", "tibia_1", "tibia_2")  # numbered from the left by whoever placed them
    assert torch.equal(order_pairs(points[:3], three), points[:3])
    mirrored = points.clone()
    mirrored[:, 0] *= -1
    at = order_pairs(points, names)[mirror_order(names)] * torch.tensor([-1.0, 1.0])
    assert torch.equal(order_pairs(mirrored, names), at)


def test_a_film_knows_where_its_points_are() -> None:
    meshes = build_design("cruciate-retaining", 1).build_meshes()
    film = simulate_knee_film(5, meshes, "side", bright=False)
    known = np.full((len(POINTS), 3), np.nan)
    mesh = meshes[0]
    lowest = mesh.vertices[mesh.vertices[:, 2].argmin()] * ([-1, 1, 1] if film.side == "L" else [1, 1, 1])
    known[0] = lowest
    seen = project_points(known, film.poses, film.camera)
    column, row = seen[0].round().astype(int)
    assert film.scene.mask[row - 4 : row + 5, column - 4 : column + 5].max() > 0
    assert np.isnan(seen[1:]).all()


def test_what_is_measured_with_was_never_learned_from() -> None:
    learned = set(SEEDS["train"])
    assert all(not learned & set(seeds) for split, seeds in SEEDS.items() if split != "train")
    assert all(0 not in seeds for seeds in SEEDS.values())


@pytest.mark.parametrize("seed", range(8))
def test_a_view_shows_its_points_where_they_lie(seed: int) -> None:
    picture = torch.zeros(1, 400, 500, dtype=torch.uint8)
    points = torch.tensor([[160.0, 200.0], [260.0, 250.0], [float("nan")] * 2, [330.0, 280.0]])  # its dot in the middle
    picture[0, 245:256, 255:266] = 255
    view, found = draw_closer_view(picture, points, (96, 128), STILL, torch.Generator().manual_seed(seed))
    assert view.shape == (1, 96, 128)
    weights = view[0] - view[0].min()
    centre = [(weights * at).sum() / weights.sum() for at in (torch.arange(128.0), torch.arange(96.0)[:, None])]
    assert [float(c) for c in centre] == pytest.approx(found[1].tolist(), abs=0.6)
    assert torch.isnan(found[2]).all()


def test_a_second_look_holds_the_points_and_some_more() -> None:
    whole = Frame((1000, 800), (256, 256))
    points = np.array([[300, 400], [500, 420], [420, 560]], np.float32)
    placed = frame_closer(points, whole, 1.5)
    assert placed.content == (330, 250, 301, 301)
    corner = frame_closer(np.array([[2, 3], [60, 40]], np.float32), whole, 2.0)
    assert corner.content is not None
    assert corner.content[:2] == (0, 0)
    one = frame_closer(np.array([[100, 100], [101, 100]], np.float32), whole, 1.5)  # all in one place
    assert min(one.part[2:]) >= 64


@pytest.fixture
def locator() -> Locator:
    torch.manual_seed(0)
    chosen = card("tka-landmarks").model_copy(
        update={"ood": None, "locating": Locating(coverage=0.9, factors=(2.0,) * len(POINTS), n=9)}
    )
    return Locator(chosen, CPU, [LandmarksTask(models.tasks.question_of("landmarks")).build(chosen).eval()])


def test_a_card_may_look_twice(locator: Locator) -> None:
    image = Image(np.random.default_rng(0).random((1, 300, 340), np.float32), name="", sha256="")
    output = locator.locate(image)
    first = read_heatmaps(locator.shares(locator.task.prepare(image, locator.card), mirrored=False)[0])[0][0].numpy()
    whole = locator.task.frame(image, locator.card)
    assert output.frame == frame_closer(bring_points_to_source(first, whole)[0], whole, locator.card.input.closer)
    found = locator.predict(image)
    assert np.isfinite(found.points).all()
    assert found.points.shape == (15, 2)
    assert locator.explain(image, Why("heatmap", "femur_peg_1")).heat.shape == (300, 340)


def test_a_step_of_training_passes_over_points_that_are_not_there(tmp_path: Path) -> None:
    chosen = card("tka-landmarks")
    rng = np.random.default_rng(0)
    points = rng.uniform(100, 300, (2, len(POINTS), 2)).astype(np.float32)
    points[:, POINTS.index("femur_peg_0")] = np.nan
    data = LandmarkSet(
        pictures=[rng.integers(0, 255, (400, 400), np.uint8), rng.integers(0, 255, (500, 420), np.uint8)],
        names=POINTS, points=points, fit=np.ones(2, np.float32), mm_per_px=np.ones(2, np.float32),
        splits=("train",) * 2, patients=("a", "b"), sides=("",) * 2, grades=("",) * 2,
    )  # fmt: skip
    run = LandmarkRun("x", 0, tmp_path, np.ones(2))
    net = LandmarksTask(models.tasks.question_of("landmarks")).build(chosen)
    pictures, drawn, trust = draw_landmark_batch(chosen, data, run, 0)
    assert (drawn[:, POINTS.index("femur_peg_0")] == ABSENT).all()
    losses = measure_losses(net, chosen, pictures, drawn, trust)
    assert set(losses) == {"cross-entropy", "places"}
    sum(losses.values(), torch.zeros(())).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_figures_leave_out_points_that_are_not_there() -> None:
    error = np.array([[1.0, 3.0, np.nan], [2.0, 30.0, 5.0]])
    names = ("femur_flange_0", "tibia_keel_0", "tibia_front_0")
    told = summarise(list_point_metrics(error, names, np.array([[1.0, 1, 0], [1, 0, 1]])), ["a", "b"])["metrics"]
    assert told["median point error px at 1024"]["value"] == 3
    assert told["median point error, femoral px at 1024"]["value"] == 1.5
    assert told["median point error, tibial px at 1024"]["value"] == 5
    assert told["points within 10 px at 1024"]["value"] == pytest.approx(0.8)
    assert told["90 % radii cover"]["value"] == pytest.approx(0.8)
    spread = np.ones((50, 2))
    errors = np.random.default_rng(0).uniform(0, 1, (50, 2))
    errors[::2, 1] = np.nan
    assert calibrate_radii(errors, spread).factors == pytest.approx((0.9, 0.9), abs=0.12)


def test_nothing_is_measured_between_points_of_an_implant() -> None:
    seen = answer()
    assert measure_knee(seen, (0.3, 0.3)) == ()
    np.testing.assert_array_equal(settle_on_edges(seen.points, POINTS, np.zeros((128, 128), np.float32)), seen.points)
    assert write_headline(seen) == "15 points placed"
    told = write_record(seen)
    assert told["measurements"] == []
    assert [point["name"] for point in told["landmarks"]] == list(POINTS)
    outcome = LandmarksAccount().outcome(seen)
    assert isinstance(outcome, PointsOutcome)
    assert outcome.cell == "15 points"


def test_points_of_an_implant_are_drawn_and_exported() -> None:
    image = Image(np.zeros((1, 128, 128), np.float32), name="", sha256="ab" * 32)
    assert np.ptp(draw_landmarks(image, answer())) > 0
    assert export_landmarks_png(image, answer()).startswith(b"\x89PNG")
