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
