"""Grood and Suntay's angles on knees bent by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.geometry import jts
from models.simulation.motion import Scene
from models.tasks.kinematics.account import word_flexion
from models.tasks.kinematics.angles import (
    compute_joint_angles,
    face_tibial_axes,
    find_low_points,
    join_sigmas,
    propagate_joint_sigma,
    score_joint_oddness,
)
from models.tasks.kinematics.axes import Axes, guess_femoral_axes, guess_tibial_axes

PLAIN = (Axes(np.eye(3)), Axes(np.eye(3)))


def knee(*turns: tuple[int, float], shift: tuple[float, float, float] = (0, 0, 0)) -> tuple[np.ndarray, np.ndarray]:
    """A femur at rest and a tibia turned about right (0), anterior (1) and proximal (2), then shifted."""
    tibia = np.eye(4)
    for axis, angle in turns:
        tibia[:3, :3] = tibia[:3, :3] @ jts.rotate_about_axis(axis, angle)
    tibia[:3, 3] = shift
    return np.eye(4)[None], tibia[None]


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((0, -30), [30, 0, 0]),  # the shin's lower end goes backwards
        ((1, 10), [0, 10, 0]),  # and towards the middle, of a right knee: -z turns to -x
        ((2, -15), [0, 0, 15]),  # the toes turn to the right
    ],
)
def test_one_angle_at_a_time(turn: tuple[int, float], expected: list[float]) -> None:
    poses = knee(turn)
    assert np.allclose(compute_joint_angles(*poses, PLAIN)[0, :3], expected)
    assert np.allclose(compute_joint_angles(*poses, PLAIN, "left")[0, :3], [expected[0], -expected[1], -expected[2]])


@given(st.floats(-20, 140), st.floats(-20, 20), st.floats(-40, 40))
def test_three_angles_together_are_found_again(flexion: float, adduction: float, external: float) -> None:
    poses = knee((0, -flexion), (1, adduction), (2, -external))
    assert np.allclose(compute_joint_angles(*poses, PLAIN)[0, :3], [flexion, adduction, external], atol=1e-6)


def test_translations_are_along_the_joints_axes() -> None:
    found = compute_joint_angles(*knee((0, -90), shift=(3, 4, 5)), PLAIN)[0]
    # bent by 90°, the tibia's proximal axis is the femur's anterior, and its anterior is the femur's distal
    assert np.allclose(found[3:], [3, -5, 4])


def test_the_simulated_flexion_is_found(lunge: Scene) -> None:
    axes = guess_femoral_axes(lunge.femoral), guess_tibial_axes(lunge.tibial)
    flexion = compute_joint_angles(lunge.femoral_poses, lunge.tibial_poses, axes)[:, 0]
    time = np.linspace(0, 1, 4)
    assert np.allclose(flexion, 12 + 103 * np.sin(np.pi * time * 0.95) ** 2)


def test_a_tray_that_would_bend_backwards_is_turned() -> None:
    poses = knee((0, -100))
    backwards = Axes(np.diag([-1.0, -1.0, 1.0]))
    assert np.allclose(face_tibial_axes(*poses, (PLAIN[0], backwards)).component_from_axes, np.eye(3))
    assert face_tibial_axes(*poses, PLAIN) is PLAIN[1]


def test_uncertainty_is_carried_over() -> None:
    poses = knee((0, -40))
    origins = np.zeros(3), np.zeros(3)
    apart = join_sigmas(np.zeros((1, 6)), np.array([[0, 0, 0, 0.5, 0, 0]]))
    sigma = propagate_joint_sigma(poses, apart, PLAIN, origins)
    assert sigma[0, 0] == pytest.approx(0.5, rel=1e-3)  # flexion turns about x
    assert np.allclose(sigma[0, 1:], 0, atol=1e-3)
    # about a middle 20 mm beside its origin, a turn moves the origin too
    off = propagate_joint_sigma(poses, apart, PLAIN, (np.zeros(3), np.array([0, 0, 20.0])))
    assert off[0, 3:].max() == pytest.approx(20 * np.radians(0.5), rel=0.02)


def test_components_that_err_together_keep_their_distance() -> None:
    poses = knee((0, -40))
    covariance = join_sigmas(np.array([[0.0, 0, 3, 0, 0, 0]]), np.array([[0.0, 0, 3, 0, 0, 0]]))
    origins = np.zeros(3), np.zeros(3)
    apart = propagate_joint_sigma(poses, covariance, PLAIN, origins)
    covariance[0, 2, 8] = covariance[0, 8, 2] = 9.0
    together = propagate_joint_sigma(poses, covariance, PLAIN, origins)
    assert np.linalg.norm(apart[0, 3:]) == pytest.approx(3 * np.sqrt(2), rel=1e-3)
    assert np.linalg.norm(together[0, 3:]) == pytest.approx(0, abs=1e-3)


def test_a_knee_is_likelier_than_a_mirrored_tray() -> None:
    assert score_joint_oddness(*(p[0] for p in knee((0, -60), (2, -10))), PLAIN) == 0
    assert score_joint_oddness(*(p[0] for p in knee((1, 40))), PLAIN) == 4


def test_the_low_points_lie_left_and_right_above_the_tray(lunge: Scene) -> None:
    axes = guess_femoral_axes(lunge.femoral), guess_tibial_axes(lunge.tibial)
    points = find_low_points(lunge.femoral, lunge.femoral_poses, lunge.tibial_poses, axes)
    assert points.shape == (4, 2, 3)
    assert (points[:, 0, 0] < -8).all()
    assert (points[:, 1, 0] > 8).all()
    assert (points[:, :, 2] > 0).all()
    assert (np.abs(points[:, :, 1]) < 25).all()


@pytest.mark.parametrize(
    ("degrees", "said"),
    [
        ([108.2, 107.9, np.nan], "Flexion 108°"),
        ([10.4, 60.6], "Flexion from 10° to 61°"),
        ([-3.2, -2.8], "Flexion -3°"),
    ],
)
def test_the_range_of_flexion_is_one_number_where_its_ends_are_the_same(degrees: list[float], said: str) -> None:
    joint = np.zeros((len(degrees), 6))
    joint[:, 0] = degrees
    motion = SimpleNamespace(joint=joint)
    assert word_flexion(motion) == said
