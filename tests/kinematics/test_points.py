"""Points of an implant on its CAD, and a first pose from where they are seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.errors import BadWeights
from models.geometry.implant_points import (
    FEMORAL_POINTS,
    POINTS,
    TIBIAL_POINTS,
    find_femoral_points,
    find_implant_points,
    find_tibial_points,
)
from models.geometry.mesh import Mesh
from models.simulation.components import DESIGNS
from models.simulation.motion import Scene
from models.tasks.kinematics import locate, sequence
from models.tasks.kinematics.locate import Component, Frame, locate_component
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.points import propose_frame_poses, propose_point_poses, solve_pose
from models.tasks.kinematics.sequence import Options
from models.tasks.kinematics.shape import measure_rotation_deg
from models.tasks.landmarks.implant_set import project_points
from models.types import Landmarks

UPRIGHT = np.eye(3)


def see(case: Scene, frame: int, noise_px: float = 0.0, **more: object) -> Landmarks:
    """Points as a network would see them that errs by so much."""
    known = find_implant_points([(case.femoral, UPRIGHT), (case.tibial, UPRIGHT)])
    points = project_points(known, (case.femoral_poses[frame], case.tibial_poses[frame]), case.camera)
    points = points + np.random.default_rng(frame).normal(0, noise_px, points.shape)
    return Landmarks(
        task="landmarks", card="tka-landmarks", sha256="", seconds=0, names=POINTS,
        points=points.astype(np.float32), radius_px=np.full(len(POINTS), 4, np.float32), **more,
    )  # fmt: skip


def test_points_lie_where_the_numbers_of_a_design_put_them(lunge: Scene) -> None:
    design = DESIGNS[0]
    femoral = dict(zip(FEMORAL_POINTS, find_femoral_points(lunge.femoral, UPRIGHT), strict=True))
    assert femoral["femur_flange_0"][2] == pytest.approx(design.height_mm - 26, abs=1.5)
    assert femoral["femur_posterior_0"][1] == pytest.approx(-design.depth_mm / 2, abs=1)
    assert femoral["femur_distal_1"][2] == pytest.approx(-26, abs=1)
    for side, name in ((-1, "femur_peg_0"), (1, "femur_peg_1")):
        assert femoral[name] == pytest.approx((side * 0.55 * design.width_mm / 2, -2, 4), abs=1.5)
    tibial = dict(zip(TIBIAL_POINTS, find_tibial_points(lunge.tibial, UPRIGHT), strict=True))
    assert tibial["tibia_keel_0"][2] == pytest.approx(-design.keel_mm - 1, abs=1.5)
    assert tibial["tibia_front_0"] == pytest.approx((0, design.tray_mm[1] / 2, 0), abs=1.5)
    for name in TIBIAL_POINTS[1:5]:
        assert np.sign(tibial[name][:2]).tolist() == [2 * int(name[-1]) - 1, 1 if "anterior" in name else -1]


def test_a_file_may_lie_in_any_axes(lunge: Scene) -> None:
    turn = Rotation.from_euler("xyz", (90, 0, 90), degrees=True).as_matrix()
    for mesh, find in ((lunge.femoral, find_femoral_points), (lunge.tibial, find_tibial_points)):
        turned = Mesh(mesh.vertices @ turn.T, mesh.faces)
        np.testing.assert_allclose(find(turned, turn), find(mesh, UPRIGHT) @ turn.T, atol=1e-6)


def test_what_a_component_does_not_have_is_not_a_number(lunge: Scene) -> None:
    from models.simulation.components import build_femoral_component

    boxed = build_femoral_component(DESIGNS[1])
    there = np.isfinite(find_femoral_points(boxed, UPRIGHT)).all(1)
    assert [name for name, known in zip(FEMORAL_POINTS, there, strict=True) if not known] == [
        "femur_peg_0",
        "femur_peg_1",
    ]
    assert np.isnan(find_implant_points([(boxed, UPRIGHT), None])[len(FEMORAL_POINTS) :]).all()


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(("noise_px", "most_deg"), [(0.0, 0.3), (3.0, 5.0)])
def test_a_pose_is_found_from_points_alone(lunge: Scene, index: int, noise_px: float, most_deg: float) -> None:
    mesh, poses = ((lunge.femoral, lunge.femoral_poses), (lunge.tibial, lunge.tibial_poses))[index]
    found = propose_point_poses(see(lunge, 3, noise_px), mesh, index, lunge.camera)
    assert len(found) == 2  # one each way round
    assert min(measure_rotation_deg(pose, poses[3]) for pose in found) < most_deg


def test_one_point_may_be_far_off(lunge: Scene) -> None:
    known = find_tibial_points(lunge.tibial, UPRIGHT)
    pose = lunge.tibial_poses[0]
    pixels = lunge.camera.project(known @ pose[:3, :3].T + pose[:3, 3])
    pixels[5] += (60, -40)
    assert measure_rotation_deg(solve_pose(known, pixels, np.full(6, 2.0), lunge.camera)[1], pose) < 6


def test_no_pose_without_points_to_stand_on(lunge: Scene) -> None:
    seen = see(lunge, 0)
    assert propose_point_poses(see(lunge, 0, abstained=True), lunge.femoral, 0, lunge.camera) == []
    flat = Mesh(lunge.femoral.vertices * 0.1, lunge.femoral.faces)  # nothing of it lies to a side
    assert propose_point_poses(seen, flat, 0, lunge.camera) == []
    assert propose_frame_poses(None, lunge.femoral, 0, lunge.camera) == ()

    def fail() -> Landmarks:
        raise BadWeights("the weights are missing", fix="", file="x")

    assert propose_frame_poses(fail, lunge.femoral, 0, lunge.camera) == ()


def test_points_lead_to_the_pose_where_the_library_does_not(
    lunge: Scene, shots: Sequence[Frame], components: tuple[Component, Component], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "propose_shape_poses", lambda *_: [])
    mask, other = shots[0].masks
    seen = observe_component(mask, lunge.camera, other)
    options = Options(edges=False, mirrors=False)
    assert locate_component(components[0], seen, [], options).fits == ()
    more = propose_point_poses(see(lunge, 0, 2.0), lunge.femoral, 0, lunge.camera)
    found = locate_component(components[0], seen, [], options, more=lambda: more)
    assert found.anew
    assert found.fits[0].overlap > 0.97
    followed = sequence.follow_sequence(
        [Frame(shots[0].masks, points=lambda: see(lunge, 0, 2.0))], components, lunge.camera, options
    )
    assert all(answer.fits[0].overlap > 0.97 for answer in followed[0])
    held = locate_component(components[0], seen, [lunge.femoral_poses[0]], options, more=lambda: pytest.fail("asked"))
    assert not held.anew
