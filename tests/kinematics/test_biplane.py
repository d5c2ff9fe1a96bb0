"""Two views solved as one: depth from the other's plane, mirror poses told apart, and rigs that cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.cli import main
from models.errors import InputError
from models.geometry.camera import write_calibration
from models.geometry.rig import compute_second_from_first, parse_source_from_room, write_placed_camera
from models.simulation.motion import Scene, render_motion_masks, turn_view, write_motion_case
from models.tasks.kinematics import biplane, motion
from models.tasks.kinematics.biplane import Plane, check_frame_count, join_views
from models.tasks.kinematics.edges import EdgeModel
from models.tasks.kinematics.evidence import Evidence, add_evidence
from models.tasks.kinematics.locate import Answer, Component, Frame, list_mirror_poses
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.register import assess_registration, move_pose
from models.tasks.kinematics.shape import measure_rotation_deg

DEEP_MM = 4.0
"""By which a view's own pose is off along its ray."""


@pytest.fixture(scope="module")
def knee(lunge: Scene) -> Scene:
    """One frame of the lunge, in pixels twice as wide."""
    poses = {"femoral_poses": lunge.femoral_poses[1:2], "tibial_poses": lunge.tibial_poses[1:2]}
    return replace(lunge, camera=lunge.camera.scaled(0.5), **poses)


def answer_alone(case: Scene) -> list[tuple[Answer, Answer]]:
    """What one view might find: its best pose is the mirror pose, the right one is off in depth."""
    masks = render_motion_masks(case, 0)
    found = []
    for side, (mesh, poses) in enumerate(((case.femoral, case.femoral_poses), (case.tibial, case.tibial_poses))):
        seen = observe_component(masks[side], case.camera, masks[1 - side])
        off = move_pose(poses[0], np.array([0, 0.01, 0, 0, 0, DEEP_MM]), mesh.centre)
        mirror = list_mirror_poses(off, mesh.centre)[0]
        fits = [assess_registration(mesh, pose, seen) for pose in (mirror, off)]
        found.append(Answer((replace(fits[0], overlap=0.97), fits[1])))
    return [(found[0], found[1])]


def join(knee: Scene, other: Scene, from_first: np.ndarray) -> list[tuple[Answer, Answer]]:
    planes = (
        Plane(knee.camera, [Frame(render_motion_masks(knee, 0))]),
        Plane(other.camera, [Frame(render_motion_masks(other, 0))], from_first),
    )
    components = Component(knee.femoral), Component(knee.tibial)
    return join_views(planes, (answer_alone(knee), answer_alone(other)), components)


def test_depth_is_as_good_as_the_plane_and_no_mirror_pose_is_left(knee: Scene) -> None:
    other, from_first = turn_view(knee, 75.0)
    (both,) = join(knee, other, from_first)
    for answer, truth in zip(both, (knee.femoral_poses[0], knee.tibial_poses[0]), strict=True):
        best = answer.fits[0]
        assert np.abs(best.pose[:3, 3] - truth[:3, 3]).max() < 0.15
        assert measure_rotation_deg(best.pose, truth) < 1.2
        assert best.sigma[2] < 0.5
        assert all(fit.residual_px > 2 * best.residual_px for fit in answer.fits[1:])


@pytest.mark.parametrize("wrong", ["inverted", "exchanged"])
def test_views_that_are_not_of_one_rig_are_refused(knee: Scene, wrong: str) -> None:
    other, from_first = turn_view(knee, 75.0)
    given = (knee, other, np.linalg.inv(from_first)) if wrong == "inverted" else (other, knee, from_first)
    with pytest.raises(InputError, match="no pose fits both views"):
        join(*given)


def test_evidence_of_two_views_is_told_in_the_axes_of_the_first() -> None:
    """A view from the side that knows all but its own depth tells the first one's."""
    blind = Evidence(np.diag([1e6] * 3 + [1e2, 1e2, 1e-4, 1e-9]), np.zeros(7), 0.2)
    turn = np.kron(np.eye(2), np.array([[0, 0, -1.0], [0, 1, 0], [1, 0, 0]]))
    sigma = add_evidence([(blind, np.eye(6)), (blind, turn)]).sigma
    assert sigma[:3] == pytest.approx([0.1, 0.0707, 0.1], rel=0.01)
    assert add_evidence([(blind, np.eye(6))]).sigma[2] == pytest.approx(100, rel=0.01)
    pulled = replace(blind, gradient=np.array([0, 0, 0, 10.0, 0, 0, 0]))
    assert add_evidence([(pulled, turn)]).gradient[3:6] == pytest.approx([0, 0, -10])


def find_room() -> np.ndarray:
    """Return source_from_room of a first camera that stands anyhow in it."""
    room = np.eye(4)
    room[:3, :3], room[:3, 3] = [[0, 0, -1], [1, 0, 0], [0, -1, 0]], [30, -20, -1000]
    return room


def test_a_point_is_seen_where_both_calibrations_say(knee: Scene) -> None:
    """X_camera = R·X + t with y down, as OpenCV and so XMALab have it."""
    text = "rotation\n0,0,1\n1,0,0\n0,1,0\ntranslation\n5\n-7\n900\n"
    source = parse_source_from_room(text) @ [1.0, 2, 3, 1]
    assert source[:3] == pytest.approx([3 + 5, -(1 - 7), -(2 + 900)])
    _, from_first = turn_view(knee, 75.0)
    room = find_room()
    read = [parse_source_from_room(write_placed_camera(knee.camera, pose)) for pose in (room, from_first @ room)]
    assert compute_second_from_first(read[0], read[1]) == pytest.approx(from_first, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("JT_INTCALIB\n1198\n0\n0\n0.373\n", "does not state where its camera stood"),
        ("rotation\n1,0,0\n0,1,0\n0,0,1\n", "does not state where its camera stood"),
        ("rotation\n1,0,0\n0,1,0\n0,0,1\ntranslation\n0\n0\n", "does not state where its camera stood"),
        ("rotation\n1,0,0\n0,1,0\n0,0,-1\ntranslation\n0\n0\n900", "has a rotation that is none"),
        ("rotation\n1,0,0\n0,2,0\n0,0,1\ntranslation\n0\n0\n900", "has a rotation that is none"),
    ],
)
def test_a_calibration_that_places_no_camera_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_source_from_room(text, "b.txt")
    assert (caught.value.file, bool(caught.value.fix)) == ("b.txt", True)


def test_one_calibration_for_both_views_is_refused() -> None:
    with pytest.raises(InputError, match="only 0° from the line"):
        compute_second_from_first(np.eye(4), np.eye(4))
    with pytest.raises(InputError, match="has 3 frames, and the first view 4"):
        check_frame_count(4, 3)


def test_the_command_solves_both_views(knee: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From files to files; only what each view finds by itself, and how its edges look, is put in."""
    other, from_first = turn_view(knee, 75.0)
    room = find_room()
    for name, case, pose in (("a", knee, room), ("b", other, from_first @ room)):
        write_motion_case(case, tmp_path / name, pose)
    views = iter((knee, other))
    monkeypatch.setattr(motion, "follow_sequence", lambda *given: answer_alone(next(views)))
    monkeypatch.setattr(biplane, "calibrate_edges", lambda *given: EdgeModel())

    def run(out: str, *more: str) -> int:
        a, b = tmp_path / "a", tmp_path / "b"
        given = ["--femoral", a / "femoral.stl", "--tibial", a / "tibial.stl", "--out", tmp_path / out]
        given += ["--masks-femoral", a / "masks" / "fem", "--masks-tibial", a / "masks" / "tib"]
        given += ["--second-masks", b / "masks" / "fem", b / "masks" / "tib", "--second-view", b / "frames"]
        with pytest.raises(SystemExit) as left:
            main(["kinematics", str(a / "frames" / "0000.png"), *map(str, given), *more])
        return int(left.value.code or 0)

    intrinsic = tmp_path / "calibration.txt"
    intrinsic.write_text(write_calibration(1198, 0.373))
    cameras = ["--calibration", str(tmp_path / "a" / "camera.txt")]
    assert run("out", *cameras, "--second-calibration", str(tmp_path / "b" / "camera.txt")) == 0
    depth = -float((tmp_path / "out" / "femoral.jts").read_text().splitlines()[2].split(",")[2])
    assert depth == pytest.approx(-knee.femoral_poses[0, 2, 3], abs=0.15)
    header, row = (line.split(",") for line in (tmp_path / "out" / "quality.csv").read_text().splitlines())
    assert row[header.index("views")] == "2"
    assert (tmp_path / "out" / "overlay_second" / "0001.png").is_file()
    assert run("none", *cameras, "--second-calibration", str(intrinsic)) == 1
    assert run("none", *cameras) == 2
