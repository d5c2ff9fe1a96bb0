"""From a silhouette to the pose that made it: first guess, refinement, mirror poses, edges, and what is reported."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from models.geometry.render import place_points, render_silhouette
from models.simulation.motion import Scene
from models.tasks.kinematics.choice import choose_fits_of_sequence
from models.tasks.kinematics.locate import Answer, Component, Frame, list_mirror_poses, locate_component
from models.tasks.kinematics.observe import halve_observation, observe_component
from models.tasks.kinematics.register import COARSE, EDGES, FINE, assess_registration, move_pose, refine_pose
from models.tasks.kinematics.sequence import Options, follow_sequence
from models.tasks.kinematics.shape import (
    build_shape_library,
    measure_rotation_deg,
    propose_shape_poses,
    spread_shape_directions,
)

NO_EDGES = Options(edges=False)


def off(pose: np.ndarray, reference: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, float]:
    """Shift of the component's centre in mm, and angle in degrees."""
    return place_points(centre[None], pose)[0] - place_points(centre[None], reference)[0], measure_rotation_deg(
        pose, reference
    )


@pytest.fixture
def femoral(components: tuple[Component, Component]) -> Component:
    return components[0]


def test_a_few_hundred_directions_cover_the_sphere() -> None:
    spread = spread_shape_directions(500)
    assert np.allclose(np.linalg.norm(spread, axis=1), 1)
    nearest = np.sort(spread @ spread.T, axis=1)[:, -2]
    assert np.degrees(np.arccos(nearest)).max() < 12
    assert np.abs(spread.mean(0)).max() < 0.01


def test_the_first_guess_is_near_without_any_hint(lunge: Scene, shots: list[Frame], femoral: Component) -> None:
    found = propose_shape_poses(femoral.library, shots[1].masks[0], lunge.camera)
    shift, angle = off(found[0].pose, lunge.femoral_poses[1], lunge.femoral.centre)
    assert angle < 10
    assert np.abs(shift[:2]).max() < 3
    assert abs(shift[2]) < 40
    assert propose_shape_poses(femoral.library, np.zeros((50, 50), bool), lunge.camera) == []


def test_a_pose_is_found_from_its_silhouette_and_its_uncertainty_is_honest(
    lunge: Scene, shots: list[Frame], femoral: Component
) -> None:
    mask, other = shots[1].masks
    answer = locate_component(femoral, observe_component(mask, lunge.camera, other), [], NO_EDGES)
    fit = answer.fits[0]
    assert answer.anew
    shift, angle = off(fit.pose, lunge.femoral_poses[1], lunge.femoral.centre)
    assert np.abs(shift[:2]).max() < 0.1
    assert abs(shift[2]) < 2
    assert angle < 0.4
    assert fit.overlap > 0.98
    assert fit.residual_px < 0.6
    assert abs(shift[2]) < 4 * fit.sigma[2]


def test_the_other_component_does_not_pull(lunge: Scene, shots: list[Frame], femoral: Component) -> None:
    mask, _ = shots[1].masks
    rows, columns = np.nonzero(mask)
    blind = np.zeros_like(mask)
    blind[rows.max() - 14 : rows.max() + 20, columns.min() : columns.max()] = True  # hides the lowest part
    start = move_pose(lunge.femoral_poses[1], np.array([0.03, -0.02, 0.05, 1, -1, 8]), lunge.femoral.centre)
    seen = observe_component(mask & ~blind, lunge.camera, blind)
    pose = refine_pose(lunge.femoral, refine_pose(femoral.thin, start, halve_observation(seen), COARSE), seen, FINE)
    shift, angle = off(pose, lunge.femoral_poses[1], lunge.femoral.centre)
    assert np.abs(shift[:2]).max() < 0.2
    assert angle < 0.8
    assert assess_registration(lunge.femoral, pose, seen).overlap > 0.97


def test_the_images_edges_mend_a_mask_drawn_too_wide(lunge: Scene, shots: list[Frame]) -> None:
    wide = ndimage.binary_dilation(shots[0].masks[0], iterations=2)
    seen = observe_component(wide, lunge.camera, shots[0].masks[1], shots[0].grey)
    by_mask = refine_pose(lunge.femoral, lunge.femoral_poses[0], seen, FINE)
    by_edge = refine_pose(lunge.femoral, by_mask, seen, EDGES)
    before, after = (off(p, lunge.femoral_poses[0], lunge.femoral.centre)[0] for p in (by_mask, by_edge))
    assert before[2] > 8  # two pixels more all round: the mask alone says that the component is nearer
    assert abs(after[2]) < before[2] / 2


def test_a_step_turns_about_the_components_centre() -> None:
    pose, centre = np.eye(4), np.array([5.0, 0, 0])
    stepped = move_pose(pose, np.array([0, 0, np.pi / 2, 1, 2, 3]), centre)
    assert np.allclose(place_points(centre[None], stepped)[0], [6, 2, 3])
    assert np.allclose(stepped[:3, :3] @ [1, 0, 0], [0, 1, 0])


def test_mirror_poses_are_rotations_with_the_same_centre_and_nearly_the_same_silhouette(lunge: Scene) -> None:
    reference, mesh = lunge.tibial_poses[0], lunge.tibial
    mask = render_silhouette(mesh, reference, lunge.camera) > 0
    overlaps = []
    for pose in list_mirror_poses(reference, mesh.centre):
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3))
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
        assert np.allclose(off(pose, reference, mesh.centre)[0], 0, atol=1e-9)
        drawn = render_silhouette(mesh, pose, lunge.camera) > 0
        overlaps.append((mask & drawn).sum() / (mask | drawn).sum())
    assert overlaps[0] > 0.9  # left and right exchanged in depth: the tray deceives


def test_a_sequence_is_followed_and_chosen_right(
    lunge: Scene, shots: list[Frame], components: tuple[Component, Component]
) -> None:
    heard: list[float] = []
    answers = follow_sequence(shots[:2], components, lunge.camera, NO_EDGES, heard.append)
    choice = choose_fits_of_sequence(answers, lambda *_: 0.0)
    assert heard == [0.5, 1.0]
    for t, (both, at) in enumerate(zip(answers, choice.path, strict=True)):
        for side, reference in enumerate((lunge.femoral_poses[t], lunge.tibial_poses[t])):
            mesh = components[side].mesh
            shift, angle = off(both[side].fits[at[side]].pose, reference, mesh.centre)
            assert angle < 1.0 or choice.find_rival(t, side) >= 0
            assert np.abs(shift[:2]).max() < 0.3


def fit(angle: float, residual: float):
    from models.geometry.jts import pose_from_jts_row
    from models.tasks.kinematics.register import Fit

    return Fit(pose_from_jts_row(np.array([0, 0, -1000, 0, angle, 0.0])), residual, 0.99, depth_mm=1000)


def test_the_path_prefers_a_steady_pose_to_one_that_fits_a_little_better_once() -> None:
    true, mirrored = (lambda px: fit(5, px)), (lambda px: fit(-25, px))
    frames = [(true(0.3), mirrored(0.5)), (mirrored(0.30), true(0.32)), (true(0.3), mirrored(0.5))]
    answers = [(Answer(fits), Answer(())) for fits in frames]
    assert choose_fits_of_sequence(answers, lambda *_: 0.0).path == ((0, -1), (1, -1), (0, -1))


def test_the_other_component_decides_between_poses_that_fit_alike() -> None:
    answers = [(Answer((fit(0, 0.3),)), Answer((fit(-25, 0.30), fit(5, 0.31))))]
    assert choose_fits_of_sequence(answers, lambda _, tibial: 4.0 if tibial[2, 1] < 0 else 0.0).path == ((0, 1),)


def test_a_library_looks_from_all_sides(femoral: Component) -> None:
    library = build_shape_library(femoral.mesh, 60)
    assert library.rotations.shape == (60, 3, 3)
    assert np.allclose(np.linalg.norm(library.spectra, axis=1), 1)
