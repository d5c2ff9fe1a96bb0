"""Edges where they are to be expected, what a frame is worth, and the joint solved as one: against what was put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from models.geometry.render import render_rim, render_thickness_mm
from models.simulation.motion import Scene
from models.tasks.kinematics.certainty import judge_risk, split_sigmas, widen_covariance
from models.tasks.kinematics.edges import EdgeModel, View, calibrate_edges, expect_edges
from models.tasks.kinematics.evidence import Evidence, weigh_evidence
from models.tasks.kinematics.joint import OWN_SIDE_MM, SIDE_MM, Placed, solve_joint
from models.tasks.kinematics.locate import Frame
from models.tasks.kinematics.observe import Seen, observe_component
from models.tasks.kinematics.register import measure_rim_motion, move_pose
from models.types import AcceptanceLimits

RIGHT = np.array([1.0, 0, 0])


def draw(seen: Seen, thickness: np.ndarray, model: EdgeModel) -> Seen:
    """The picture that a model expects."""
    grey = ndimage.gaussian_filter(np.exp(-model.attenuation * thickness), float(np.hypot(model.blur_px, 1.0)))
    return replace(seen, grey=grey, dark=True)


@pytest.fixture
def view(lunge: Scene, shots: list[Frame]) -> View:
    seen = observe_component(shots[1].masks[0], lunge.camera, shots[1].masks[1], shots[1].grey)
    return View(lunge.femoral, lunge.femoral_poses[1], seen)


def test_an_edge_lies_inside_the_rim_the_more_the_thinner_the_metal_attenuates(view: View) -> None:
    rim = render_rim(view.mesh, view.pose, view.seen.camera)
    thickness = render_thickness_mm(view.mesh, view.pose, view.seen.camera)
    offsets = [
        float(np.median(expect_edges(rim, thickness, view.seen, EdgeModel(mu, 0.8)).offsets))
        for mu in (1.0, 0.25, 0.06)
    ]
    assert 0 > offsets[0] > offsets[1] > offsets[2] > -1.5
    # in the simulated picture itself they are found where the model says
    found, use = view.seen.edges_along(rim.pixels, rim.normals, 2.5)
    expected = expect_edges(rim, thickness, view.seen, EdgeModel()).offsets
    assert np.median(np.abs(found - expected)[use]) < 0.6 * np.median(np.abs(found)[use])


@pytest.mark.parametrize("model", [EdgeModel(0.12, 0.6), EdgeModel(0.5, 1.3)])
def test_a_model_is_learned_again_from_what_it_drew_though_poses_are_off(view: View, model: EdgeModel) -> None:
    thickness = render_thickness_mm(view.mesh, view.pose, view.seen.camera)
    pose = move_pose(view.pose, np.array([0.001, -0.001, 0.001, 0.02, 0.02, 1.0]), view.mesh.centre)
    drawn = View(view.mesh, pose, draw(view.seen, thickness, model))
    assert calibrate_edges([drawn], measure_rim_motion) == model
    assert calibrate_edges([], measure_rim_motion) == EdgeModel()


def test_neighbours_that_err_together_are_few_witnesses() -> None:
    rng = np.random.default_rng(4)
    angle = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
    pixels = 200 + 120 * np.stack([np.cos(angle), np.sin(angle)], 1)
    along = np.stack([np.cos(angle), np.sin(angle), *(np.cos(k * angle) for k in (2, 3, 4, 5))], 1)
    alone = rng.normal(0, 0.2, 1500)
    cell = (angle / (2 * np.pi) * 32).astype(int)
    errors = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        together = rng.normal(0, 0.19, 32)[cell] + rng.normal(0, 0.06, 1500)
        said = weigh_evidence(together, along, pixels)
        wide = said.hessian + np.diag([0] * 6 + [1 / 0.15**2])
        errors.append(-np.linalg.solve(wide, said.gradient)[0] / np.sqrt(np.linalg.inv(wide)[0, 0]))
    independent = weigh_evidence(alone, along, pixels)
    assert (
        0.7 < np.std(errors) < 1.6
    )  # the stated deviation is near the one that is seen; certainty.FACTORS is beside it
    assert independent.sigma[3] < 0.5 * said.sigma[3]
    doubted = weigh_evidence(alone, along, pixels, clean_px=independent.scatter_px / 3)
    np.testing.assert_allclose(doubted.sigma[4:], 3 * independent.sigma[4:], rtol=0.01)
    assert weigh_evidence(alone, along, pixels, clean_px=1.0).sigma[4] == independent.sigma[4]
    assert np.isnan(weigh_evidence(alone[:5], along[:5], pixels[:5]).sigma).all()


def known(depth_mm: float) -> Evidence:
    """A frame that tells all but the depth to a hundredth of a millimetre or radian, and that with an error."""
    return Evidence(np.diag([1e8, 1e8, 1e8, 1e4, 1e4, 1 / depth_mm**2, 1e-6]), np.zeros(7), 0.2)


def knee(lunge: Scene, offset_mm: np.ndarray, tibial_mm: np.ndarray, depth_mm: float) -> tuple[Placed, Placed]:
    """Frames of the lunge's first pose, whose tibia is off in depth by so much."""
    count = len(offset_mm)
    femoral, tibial = np.tile(lunge.femoral_poses[0], (count, 1, 1)), np.tile(lunge.tibial_poses[0], (count, 1, 1))
    tibial[:, 2, 3] += tibial_mm
    side = lunge.femoral_poses[0][:3, 0] * np.sign(lunge.femoral_poses[0][2, 0])
    femoral[:, :3, 3] -= offset_mm[:, None] * side
    return (
        Placed(lunge.femoral, femoral, [known(0.1)] * count),
        Placed(lunge.tibial, tibial, [known(depth_mm)] * count),
    )


def test_a_leap_of_one_frame_in_depth_is_taken_back(lunge: Scene) -> None:
    leap = np.zeros(9)
    leap[4] = 6.0
    both = knee(lunge, np.zeros(9), leap, 3.0)
    solved = solve_joint(*both, RIGHT)
    alone = solve_joint(*both, RIGHT, priors=False)
    assert np.allclose(alone.tibial, both[1].poses, atol=1e-6)
    left = solved.tibial[:, 2, 3] - lunge.tibial_poses[0][2, 3]
    assert abs(left[4] - left[[3, 5]].mean()) < 1.0
    sigmas = [split_sigmas(one.covariance)[1][4, 2] for one in (alone, solved)]
    assert sigmas[0] == pytest.approx(3.0, rel=0.05)
    assert sigmas[1] < 1.2
    assert np.abs(solved.femoral - both[0].poses).max() < 0.3  # the one that is known holds still


def test_what_is_seen_well_is_not_talked_away(lunge: Scene) -> None:
    """A knee whose components truly lie 8 mm apart keeps that, where pictures say so."""
    both = knee(lunge, np.full(9, 8.0), np.zeros(9), 0.3)
    solved = solve_joint(*both, RIGHT)
    assert np.abs(solved.tibial[:, 2, 3] - both[1].poses[:, 2, 3]).max() < 0.3
    unsure = solve_joint(*knee(lunge, np.full(9, 8.0), np.zeros(9), 30.0), RIGHT)
    moved = np.abs(unsure.tibial[:, 2, 3] - both[1].poses[:, 2, 3])
    assert 8 - np.hypot(SIDE_MM, OWN_SIDE_MM) < moved.mean() < 8.5


def test_a_frame_without_a_component_has_no_certainty_and_holds_none_up(lunge: Scene) -> None:
    femoral, tibial = knee(lunge, np.zeros(4), np.zeros(4), 2.0)
    poses = tibial.poses.copy()
    poses[1] = np.nan
    solved = solve_joint(femoral, replace(tibial, poses=poses), RIGHT)
    assert np.isnan(solved.tibial[1]).all()
    assert np.isfinite(solved.tibial[[0, 2, 3]]).all()
    first, second = split_sigmas(solved.covariance)
    assert np.isfinite(first).all()
    assert np.isnan(second[1]).all()
    assert np.isfinite(second[[0, 2, 3]]).all()


def test_risk_follows_from_limits() -> None:
    sigma = np.array([[0.1, 0.1, 2.5, 0.1, 0.1, 0.1], [0.1, 0.1, 0.5, 0.1, 0.1, 0.1], [np.nan] * 6])
    risk = judge_risk(sigma, AcceptanceLimits())
    assert risk[0] == pytest.approx(0.0455, abs=1e-3)  # two deviations
    assert risk[1] < 1e-6
    assert np.isnan(risk[2])
    assert judge_risk(sigma, AcceptanceLimits(depth_mm=2.5))[0] > 0.3


def test_bands_are_never_narrower_than_the_least_squares_say() -> None:
    covariance = np.eye(12)[None] * np.array([0.01, 1.0])[:, None, None]
    wide = widen_covariance(covariance)
    assert (np.diagonal(wide, axis1=1, axis2=2) > np.diagonal(covariance, axis1=1, axis2=2)).all()
    assert (np.linalg.eigvalsh(wide) > 0).all()
