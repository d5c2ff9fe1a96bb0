"""Pose files: the order of rotations by hand, and there and back again to 1e-4."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from models.errors import InputError
from models.geometry import jts
from models.tasks.kinematics.export import compute_pose_differences

ANGLE = st.floats(-179.9, 179.9)


def test_rotations_are_applied_y_then_x_then_z() -> None:
    pose = jts.pose_from_jts_row(np.array([1.0, 2.0, 3.0, 90.0, 90.0, 0.0]))
    # y of the CAD: Ry leaves it, Rx(90°) makes it z, Rz leaves that
    assert np.allclose(pose @ [0, 1, 0, 1], [1, 2, 4, 1])
    # x of the CAD: Rx leaves it, Rz(90°) makes it y
    assert np.allclose(pose @ [1, 0, 0, 1], [1, 3, 3, 1])


@given(st.lists(st.floats(-2000, 2000), min_size=3, max_size=3), ANGLE, st.floats(-90, 90), ANGLE)
def test_written_and_read_again_is_the_same(place: list[float], z: float, x: float, y: float) -> None:
    poses = jts.pose_from_jts_row(np.array([*place, z, x, y]))[None]
    assert np.abs(jts.parse_jts(jts.write_jts(poses)) - poses).max() < 1e-4


def test_every_column_is_what_its_name_says() -> None:
    """Of a frame of the public example, whose rotation scipy makes of its body-fixed 3-1-2 angles."""
    names = "x_tran, y_tran, z_tran, z_rot, x_rot, y_rot"
    values = [18.52191, 19.69514, -1027.713, -26.69708, -7.419319, 40.2587041]
    (pose,) = jts.parse_jts(f"JT_EULER_312\n{names}\n{','.join(map(str, values))}\n")
    np.testing.assert_allclose(pose[:3, :3], Rotation.from_euler("ZXY", values[3:], degrees=True).as_matrix())
    np.testing.assert_allclose(pose[:, 3], [*values[:3], 1])
    _, header, row = jts.write_jts(pose[None]).splitlines()
    assert [name.strip() for name in header.split(",")] == names.split(", ")
    assert [float(value) for value in row.split(",")] == pytest.approx(values)


def test_a_file_of_joint_tracks_own_scores_zero_against_itself(kneel) -> None:
    poses = jts.read_jts(kneel.bytes("fem.jts"))
    assert poses.shape == (3, 4, 4)
    assert np.allclose(
        jts.jts_row_from_pose(poses[0]), [18.52191, 19.69514, -1027.713, -26.69708, -7.419319, -0.2587041], atol=1e-9
    )
    assert np.abs(compute_pose_differences(jts.parse_jts(jts.write_jts(poses)), poses)).max() < 1e-4


def test_a_frame_without_a_pose_is_a_row_of_zeros() -> None:
    assert np.allclose(jts.parse_jts(jts.write_jts(np.full((1, 4, 4), np.nan)))[0], np.eye(4))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no pose file"),
        ("JT_INTCALIB\n1\n2\n3\n4", "no pose file"),
        ("JT_EULER_312\nx,y\n", "holds no pose"),
        ("JT_EULER_312\nnames\n1,2,3,4,5", "six finite numbers for frame 1"),
        ("JT_EULER_312\nnames\n1,2,3,4,5,six", "text where the pose of frame 1"),
    ],
)
def test_what_is_no_pose_file_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says.replace("no pose file", "not a pose file")):
        jts.read_jts(text.encode(), "x.jts")


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_a_rotation_is_right_handed_about_its_own_axis(turn: int) -> None:
    by = Rotation.from_euler("xyz"[turn], 25, degrees=True).as_matrix()
    assert jts.rotate_about_axis(turn, 25) == pytest.approx(by)


@pytest.mark.parametrize("x", [90.0, -90.0])
def test_where_two_axes_fall_together_one_turn_takes_it_all(x: float) -> None:
    pose = jts.pose_from_jts_row(np.array([1.0, 2.0, 3.0, 20.0, x, 30.0]))
    values = jts.jts_row_from_pose(pose)
    assert values[[0, 1, 2, 4, 5]] == pytest.approx([1, 2, 3, x, 0])
    assert values[3] == pytest.approx(20 + np.sign(x) * 30)
    assert jts.pose_from_jts_row(values) == pytest.approx(pose)
    near = jts.jts_row_from_pose(jts.pose_from_jts_row(np.array([0, 0, 0, 20.0, np.sign(x) * 89.9, 30.0])))
    assert near[3:] == pytest.approx([20, np.sign(x) * 89.9, 30])


def test_as_many_poses_as_allowed_are_read_and_the_odd_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jts, "MOST_FRAMES", 3)
    lines = ["jt_euler_312", "names", *["1,2,3,0,0,0"] * 3]
    poses = jts.parse_jts("\ufeff" + "\n\n".join(lines))
    assert poses.shape == (3, 4, 4)
    for text, says in (
        ([*lines, "1,2,3,0,0,0"], "holds 4 poses, more than 3"),
        ([*lines[:4], "a,b"], "text where the pose of frame 3"),
        ([*lines[:3], "1,2,3,4,5"], "no six finite numbers for frame 2"),
        ([*lines[:3], "1,2,3,4,5,nan"], "no six finite numbers for frame 2"),
        ([*lines[:3], "1,2,3,4,5,6,7"], "no six finite numbers for frame 2"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            jts.parse_jts("\n".join(text), "x.jts")
        assert (caught.value.file, bool(caught.value.fix)) == ("x.jts", True)


def test_a_pose_that_is_missing_in_part_is_written_as_none() -> None:
    poses = np.stack([jts.pose_from_jts_row(np.array([1.0, 2, 3, 4, 5, 6]))] * 2)
    poses[1, 0, 3] = np.nan
    _, names, first, second = jts.write_jts(poses).splitlines()
    assert [float(value) for value in first.split(",")] == pytest.approx([1, 2, 3, 4, 5, 6])
    assert {float(value) for value in second.split(",")} == {0}
    assert {len(line) for line in (names, first, second)} == {6 * 16 + 5}  # columns stand below each other
    assert jts.write_jts(poses).endswith("\n")
