"""The size of a series that was implanted, from outlines; and that what cannot be told is not claimed."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.commands.size_series import read_sizes, tell_sizes
from models.errors import InputError
from models.geometry.mesh import Mesh, write_stl
from models.simulation.components import DESIGNS, build_femoral_component, build_tibial_component
from models.simulation.motion import Scene
from models.tasks.kinematics import sizes
from models.tasks.kinematics.locate import Frame
from models.tasks.kinematics.sizes import SizeFit, compare_sizes, word_sizes
from models.tasks.kinematics.study import File
from models.types import Motion, Track
from tests.kinematics.solutions import solve_as

SMALL, LARGE = (replace(DESIGNS[0], width_mm=66 + w, depth_mm=62 + d, height_mm=56 + h, tray_mm=(72 + w, 47 + d))
                for w, d, h in ((-4, -3, -2), (4, 3, 2)))  # fmt: skip


def wrong(lunge: Scene, index: int, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact poses as another size would have been found: as large on the picture, and so elsewhere."""
    poses = [lunge.femoral_poses[:4].copy(), lunge.tibial_poses[:4].copy()]
    own = (lunge.femoral, lunge.tibial)[index]
    poses[index] = np.stack([sizes._moved(pose, own, mesh) for pose in poses[index]])
    return poses[0], poses[1]


@pytest.mark.parametrize(("index", "build"), [(0, build_femoral_component), (1, build_tibial_component)])
def test_the_size_that_was_filmed_fits_best_whichever_is_given(
    lunge: Scene, shots: list[Frame], index: int, build: object
) -> None:
    small, true, large = (build(design) for design in (SMALL, DESIGNS[0], LARGE))  # type: ignore[operator]
    for given, others in ((small, (true, large)), (true, (large, small)), (large, (small, true))):
        names = {id(small): "small", id(true): "true", id(large): "large"}
        series = [(names[id(mesh)], mesh) for mesh in (given, *others)]
        fits = compare_sizes(series, index, shots, lunge.camera, wrong(lunge, index, given))
        assert fits[0].name == "true"
        assert fits[0].behind == 0
        assert all(fit.told_apart for fit in fits[1:])
        nearer = {fit.name: fit.nearer_mm for fit in fits}
        assert abs(nearer["true"]) < 15
        assert nearer["small"] > nearer["true"] + 3  # smaller, and so nearer
        assert nearer["large"] < nearer["true"] - 3


def test_a_component_in_proportion_is_not_told_apart_but_lies_elsewhere(lunge: Scene, shots: list[Frame]) -> None:
    larger = Mesh(lunge.femoral.vertices * 1.04, lunge.femoral.faces)
    poses = wrong(lunge, 0, lunge.femoral)
    fits = compare_sizes([("own", lunge.femoral), ("larger", larger)], 0, shots, lunge.camera, poses)
    assert not any(fit.told_apart for fit in fits)
    nearer = {fit.name: fit.nearer_mm for fit in fits}
    depth = -poses[0][0, 2, 3]
    assert nearer["own"] - nearer["larger"] == pytest.approx(0.04 * depth, abs=6)


def test_a_larger_component_starts_where_it_has_the_same_outline(lunge: Scene) -> None:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).as_matrix(), (10, -20, -900)
    larger = Mesh(lunge.femoral.vertices * 1.25 + 3.0, lunge.femoral.faces)  # and another origin
    moved = sizes._moved(pose, lunge.femoral, larger)
    before, after = (
        lunge.camera.project(mesh.vertices @ at[:3, :3].T + at[:3, 3])
        for mesh, at in ((lunge.femoral, pose), (larger, moved))
    )
    assert np.abs(before - after).max() < 1e-6


def test_frames_without_the_component_are_left_out(lunge: Scene, shots: list[Frame]) -> None:
    poses = wrong(lunge, 0, lunge.femoral)
    poses[1][1] = np.nan
    fits = compare_sizes([("own", lunge.femoral)], 0, shots, lunge.camera, poses)
    assert len(fits[0].residual_px) == 3
    assert compare_sizes([("own", lunge.femoral)], 0, shots, lunge.camera, (poses[0] * np.nan, poses[1])) == []


def test_it_is_said_in_a_sentence() -> None:
    fits = [
        SizeFit("fem 4", np.array([0.2, 0.4]), 1.0, 0.0), SizeFit("fem 5", np.array([0.3, 0.4]), 20.0, 1.2),
        SizeFit("fem 6", np.array([0.6, 0.8]), 44.0, 7.5),
    ]  # fmt: skip
    said = word_sizes("Femoral component", fits, "fem 6")
    assert said == (
        "Femoral component: fem 4 fits best, residual 0.30 px against 0.70 px of fem 6, which is given (7.5 standard "
        "errors behind, and +44 mm nearer than the other component); not to be told from fem 5."
    )
    assert "given" not in word_sizes("Femoral component", fits, "fem 4")


@pytest.mark.parametrize(
    ("differences", "behind"), [([1, 1, 1], 2), ([0, 0], 0), ([1, 3], 2), ([-1, -3], -2), ([5], 2)]
)
def test_standard_errors_are_of_paired_differences(differences: list[float], behind: float) -> None:
    if differences == [1, 1, 1]:  # no scatter at all: far beyond chance
        assert sizes._behind(np.array(differences, float)) > 100
        return
    assert sizes._behind(np.array(differences, float)) == pytest.approx(behind)


def test_the_command_writes_a_row_for_each_size(lunge: Scene, shots: list[Frame], tmp_path: Path) -> None:
    given = File("femoral.stl", write_stl(lunge.femoral)), File("tibial.stl", write_stl(lunge.tibial))
    for name, mesh in (("fem_small.stl", build_femoral_component(SMALL)), ("fem_same.stl", lunge.femoral)):
        (tmp_path / name).write_bytes(write_stl(mesh))
    series = read_sizes([tmp_path / "fem_small.stl", tmp_path / "fem_same.stl"], given)
    assert [[name for name, _ in one] for one in series] == [["femoral.stl", "fem_small.stl"], ["tibial.stl"]]
    one = np.ones(4)
    tracks = [
        Track(pose=poses[:4], other_pose=poses[:4], overlap=one, residual_px=one, edge_px=one, sigma=np.ones((4, 6)))
        for poses in (lunge.femoral_poses, lunge.tibial_poses)
    ]
    motion = Motion(
        task="kinematics", card="x", sha256="", seconds=0, femoral=tracks[0], tibial=tracks[1], joint=np.ones((4, 6)),
        joint_sigma=np.ones((4, 6)), joint_columns=(), low_points_mm=np.ones((4, 2, 3)), axes=("", ""), side="right",
        notes=((),) * 4, **solve_as(*np.ones((2, 4, 4, 4))),
    )  # fmt: skip
    (said,) = tell_sizes(series, motion, shots, lunge.camera, tmp_path, named=False)
    assert said.startswith("Femoral component: size 1 fits best")
    rows = list(csv.DictReader((tmp_path / "sizes.csv").read_text().splitlines()))
    assert [(row["component"], row["file"], row["given"], row["told_apart"]) for row in rows] == [
        ("femoral", "size 1", "yes", "no"), ("femoral", "size 2", "no", "yes")
    ]  # fmt: skip
    assert {row["frames"] for row in rows} == {"4"}
    assert read_sizes([], given) == ([], [])
    with pytest.raises(InputError, match="either component"):
        read_sizes([tmp_path / "size 4.stl"], given)
