"""What OpenSim gets, read by strict readers written after its own: every number where it belongs, and what it means."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from models.simulation.motion import Scene, render_motion_masks
from models.tasks.kinematics import angles, opensim
from models.tasks.kinematics.axes import guess_femoral_axes, guess_tibial_axes
from models.tasks.kinematics.export import export_angles_csv
from models.types import Image, Motion, Track
from tests.kinematics.solutions import solve_as

POINTS = 14
SIMM = ("name", "nr", "nRows", "datarows", "nc", "nColumns", "datacolumns", "units", "version", "inDegrees", "range")
"""Words at the beginning of a line that `Storage::parseHeaders` takes for keys."""


@pytest.fixture(scope="module")
def motion(lunge: Scene) -> Motion:
    """The exact poses of the lunge, a left knee; in frame 3 no femoral component was found."""
    poses = [poses.copy() for poses in (lunge.femoral_poses, lunge.tibial_poses)]
    poses[0][2] = np.nan
    axes = guess_femoral_axes(lunge.femoral), guess_tibial_axes(lunge.tibial)
    one = np.ones(len(poses[0]))
    tracks = [
        Track(
            pose=pose, other_pose=pose * np.nan, overlap=one, residual_px=one, edge_px=one, sigma=np.ones((len(one), 6))
        )
        for pose in poses
    ]
    joint = angles.compute_joint_angles(*poses, axes, "left")
    return Motion(
        task="kinematics", card="x", sha256="", seconds=0, femoral=tracks[0], tibial=tracks[1], joint=joint,
        joint_sigma=joint * 0, joint_columns=angles.COLUMNS, side="left", notes=((),) * len(one),
        low_points_mm=angles.find_low_points(lunge.femoral, *poses, axes), axes=(str(axes[0]), str(axes[1])),
        **solve_as(*poses),
    )  # fmt: skip


def read_mot(text: str) -> tuple[dict[str, str], list[str], list[str], np.ndarray]:
    """Read as `Storage::parseHeaders` and `DelimFileAdapter::extendRead` do → keys, comments, labels, table."""
    lines = text.split("\n")
    assert lines.pop() == ""
    end = next(number for number, line in enumerate(lines) if re.fullmatch(r"[ \t]*endheader[ \t]*", line))
    keys: dict[str, str] = {"name": lines[0]}
    comments = []
    for line in lines[1:end]:
        if not line:
            continue
        if line.startswith("#"):
            comments.append(line)
            assert "=" not in line  # it would be taken for a key and its value
            continue
        key, value = re.fullmatch(r"(\w+)=(.*)", line).groups()
        assert key in SIMM
        assert key not in keys
        keys[key] = value
    labels = lines[end + 1].split("\t")
    rows = [line.split("\t") for line in lines[end + 2 :]]
    assert labels[0] == "time"
    assert len(set(labels)) == len(labels) == int(keys["nColumns"])
    assert len(rows) == int(keys["nRows"])
    assert {len(row) for row in rows} == {len(labels)}
    return keys, comments, labels, np.array(rows, float)


def read_trc(text: str) -> tuple[dict[str, str], str, dict[str, np.ndarray], np.ndarray]:
    """Read as `TRCFileAdapter::extendRead` does → metadata, first line, points (T, 3) by name, times."""
    lines = text.split("\n")
    assert lines.pop() == ""
    assert re.split(r"[ \t\r]", lines[0])[:3] == ["PathFileType", "4", "(X/Y/Z)"]
    names = ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"]
    names += ["OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"]
    assert lines[1].split("\t") == names
    about = dict(zip(names, lines[2].split("\t"), strict=True))
    labels = [label for label in lines[3].split("\t") if label]
    assert labels[:2] == ["Frame#", "Time"]
    count = int(about["NumMarkers"])
    assert len(labels) == len(set(labels)) == count + 2
    assert [label for label in lines[4].split("\t") if label] == [f"{a}{i}" for i in range(1, count + 1) for a in "XYZ"]
    assert lines[5] == ""
    rows = [line.split("\t") for line in lines[6:]]
    assert {len(row) for row in rows} == {2 + 3 * count}
    assert [int(row[0]) for row in rows] == list(range(1, int(about["NumFrames"]) + 1))
    table = np.array([row[1:] for row in rows], float)
    points = {label: table[:, 1 + 3 * i : 4 + 3 * i] for i, label in enumerate(labels[2:])}
    return about, lines[0], points, table[:, 0]


def test_a_mot_holds_the_joint_in_degrees_and_metres_by_time(motion: Motion) -> None:
    keys, _, labels, table = read_mot(opensim.export_mot(motion, 12.5))
    assert (keys["inDegrees"], keys["version"]) == ("yes", "1")
    assert labels[1:] == [
        "knee_flexion_l", "knee_adduction_l", "knee_external_rotation_l",
        "knee_lateral_l", "knee_anterior_l", "knee_proximal_l",
    ]  # fmt: skip
    assert table[:, 0] == pytest.approx([0, 0.08, 0.16, 0.24])
    known = [0, 1, 3]
    assert table[known, 1:4] == pytest.approx(motion.joint[known, :3], abs=1e-6)
    assert table[known, 4:] == pytest.approx(motion.joint[known, 3:] / 1000, abs=1e-7)
    assert np.isnan(table[2, 1:]).all()


def test_without_a_frame_rate_the_times_are_numbers_of_frames_and_say_so(motion: Motion, lunge: Scene) -> None:
    _, comments, _, table = read_mot(opensim.export_mot(motion))
    assert table[:, 0] == pytest.approx([0, 1, 2, 3])
    about, first, _, times = read_trc(opensim.export_trc(motion, (lunge.femoral, lunge.tibial), "a.trc"))
    assert (about["DataRate"], *times) == ("1", 0, 1, 2, 3)
    for said in ("\n".join(comments), first):
        assert "frame rate is not known: time is the number of frames" in said


def test_every_file_says_what_its_angles_mean_where_readers_skip_it(motion: Motion, lunge: Scene) -> None:
    _, comments, _, _ = read_mot(opensim.export_mot(motion, 12.5))
    _, first, _, _ = read_trc(opensim.export_trc(motion, (lunge.femoral, lunge.tibial), "a.trc", 12.5))
    rows = list(csv.DictReader(export_angles_csv(motion, list("abcd")).splitlines()))
    for said in ("\n".join(comments), first, rows[0]["convention"], rows[3]["convention"]):
        for word in (
            "Grood and Suntay 1983", "tibial component moves", "Order: flexion", "floating axis", "Origins",
            "lateral, anterior and proximal positive", "Left knee", "right +x, anterior +y, proximal +z",
        ):  # fmt: skip
            assert word in said
    assert all("12.5 frames a second" in said for said in ("\n".join(comments), first))
    assert first.split("\t")[3] == "a.trc"


def test_the_points_rebuild_the_angles(motion: Motion, lunge: Scene) -> None:
    """Axes from points alone, and scipy's own Euler angles, give what the .mot says."""
    about, _, points, times = read_trc(opensim.export_trc(motion, (lunge.femoral, lunge.tibial), "a.trc", 12.5))
    assert (about["Units"], about["DataRate"], len(points)) == ("mm", "12.5", POINTS)
    assert times == pytest.approx([0, 0.08, 0.16, 0.24])
    frames = []
    for bone in ("femur", "tibia"):
        ends = [points[f"{bone}_{axis}_50mm"] - points[f"{bone}_origin"] for axis in ("right", "anterior", "proximal")]
        assert np.linalg.norm(ends[0][[0, 1, 3]], axis=1) == pytest.approx([50] * 3, abs=1e-3)
        frames.append(np.stack(ends, 2) / 50)
    known = [0, 1, 3]
    relative = np.swapaxes(frames[0][known], 1, 2) @ frames[1][known]
    x, y, z = Rotation.from_matrix(relative).as_euler("XYZ", degrees=True).T
    _, _, _, table = read_mot(opensim.export_mot(motion, 12.5))
    assert np.stack([-x, -y, z], 1) == pytest.approx(table[known, 1:4], abs=0.01)  # a left knee
    apart = points["tibia_origin"] - points["femur_origin"]
    lateral = -np.einsum("ti,ti->t", apart, frames[0][:, :, 0])
    assert lateral[known] == pytest.approx(1000 * table[known, 4], abs=0.01)
    assert np.isnan(points["femur_origin"][2]).all()
    assert np.isfinite(points["tibia_origin"]).all()


def test_tray_corners_and_low_points_lie_on_the_metal(motion: Motion, lunge: Scene) -> None:
    points = opensim.list_points(motion, (lunge.femoral, lunge.tibial))
    for t in (0, 3):
        tibia, femur = (
            cKDTree(mesh.vertices @ pose[:3, :3].T + pose[:3, 3])
            for mesh, pose in ((lunge.tibial, lunge.tibial_poses[t]), (lunge.femoral, lunge.femoral_poses[t]))
        )
        corners = np.array([points[name][t] for name in points if name.startswith("tray")])
        assert len(corners) == 4
        assert tibia.query(corners)[0].max() < 1e-6
        low = np.array([points[f"condyle_low_{side}"][t] for side in ("left", "right")])
        assert femur.query(low)[0].max() < 3
        to_right = points["tibia_right_50mm"][t] - points["tibia_origin"][t]
        assert (low[1] - low[0]) @ to_right > 0
        assert (points["tray_right_anterior"][t] - points["tray_left_anterior"][t]) @ to_right > 50 * 40
        to_front = points["tibia_anterior_50mm"][t] - points["tibia_origin"][t]
        assert (points["tray_left_anterior"][t] - points["tray_left_posterior"][t]) @ to_front > 50 * 20
        seen = lunge.camera.project(corners).round().astype(int)
        rows, columns = np.nonzero(render_motion_masks(lunge, t)[1])
        assert (seen >= (columns.min() - 2, rows.min() - 2)).all()
        assert (seen <= (columns.max() + 2, rows.max() + 2)).all()


@pytest.mark.parametrize(
    ("tags", "rate"),
    [
        ({"FrameTime": "40"}, 25),
        ({"CineRate": "15"}, 15),
        ({"FrameTime": "66.6667", "CineRate": "30"}, 15),
        ({"FrameTime": "0"}, None),
        ({"FrameTime": "0", "CineRate": "8"}, 8),
        ({"CineRate": "fast"}, None),
        ({"FrameTime": "1e9"}, None),
        ({}, None),
    ],
)
def test_the_frame_rate_is_what_the_header_says(tags: dict[str, str], rate: float | None) -> None:
    image = Image(np.zeros((1, 2, 2), np.float32), "a", "b", tags=tags)
    found = opensim.find_frame_rate([image, image])
    assert found == (None if rate is None else pytest.approx(rate, rel=1e-5))
    assert opensim.find_frame_rate([image, replace(image, tags={"CineRate": "7"})]) is None
    assert opensim.find_frame_rate([]) is None
