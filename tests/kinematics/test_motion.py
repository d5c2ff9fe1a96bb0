"""Simulated fluoroscopy and `ortholens kinematics` from end to end, and every wrong input with its sentence."""

from __future__ import annotations

import csv
import shutil
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.cli import main
from models.errors import InputError
from models.geometry import jts
from models.geometry.camera import read_calibration
from models.geometry.mesh import Mesh, write_stl
from models.simulation.components import DESIGNS
from models.simulation.motion import Scene, simulate_motion
from models.tasks.kinematics import angles
from models.tasks.kinematics.axes import guess_femoral_axes
from models.tasks.kinematics.export import LIMITS, POINTS, compute_pose_differences, export_angles_csv
from models.tasks.kinematics.flags import flag_frames
from models.tasks.kinematics.locate import Answer, Component, Frame
from models.tasks.kinematics.motion import Study, _other_side, find_motion
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.register import FINE, assess_registration, refine_pose
from models.tasks.kinematics.sequence import Options
from models.types import AcceptanceLimits, Motion, Track
from tests.kinematics.solutions import solve_as


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames of a stair climb as files."""
    folder = tmp_path_factory.mktemp("case")
    with pytest.raises(SystemExit) as left:
        main(["simulate", "fluoroscopy", "2", str(folder), "--seed", "1", "--size", "512"])
    assert left.value.code == 0
    return folder


def arguments(case: Path, out: Path, **changes: str | None) -> list[str]:
    options: dict[str, str | None] = {
        "femoral": str(case / "femoral.stl"),
        "tibial": str(case / "tibial.stl"),
        "calibration": str(case / "calibration.txt"),
        "masks-femoral": str(case / "masks" / "fem"),
        "masks-tibial": str(case / "masks" / "tib"),
        "out": str(out),
    } | changes
    given = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    return ["kinematics", *map(str, sorted((case / "frames").iterdir())), *given]


def test_a_simulated_case_is_written_whole_and_the_same_again(case: Path) -> None:
    files = sorted(str(path.relative_to(case)) for path in case.rglob("*") if path.is_file())
    assert files == [
        "calibration.txt", "fem.jts", "femoral.stl", "frames/0000.png", "frames/0001.png",
        "masks/fem/0000.png", "masks/fem/0001.png", "masks/tib/0000.png", "masks/tib/0001.png", "tib.jts", "tibial.stl",
    ]  # fmt: skip
    assert b"simulated" in (case / "femoral.stl").read_bytes()[:80]
    again = simulate_motion(DESIGNS[1], "stair", 2, 512, 1)
    assert np.abs(jts.read_jts((case / "fem.jts").read_bytes()) - again.femoral_poses).max() < 1e-4
    picture = np.asarray(Pillow.open(case / "frames" / "0000.png"))
    mask = np.asarray(Pillow.open(case / "masks" / "fem" / "0000.png")) > 0
    assert np.median(picture[mask]) < 0.5 * np.median(picture[~mask])  # metal is dark


def test_the_command_finds_the_exact_poses_and_writes_every_file(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    references = {"reference-femoral": str(case / "fem.jts"), "reference-tibial": str(case / "tib.jts")}
    with pytest.raises(SystemExit) as left:
        main([*arguments(case, tmp_path, **references), "--frame-rate", "25"])
    assert left.value.code == 0
    for name, reference in (("femoral", "fem"), ("tibial", "tib")):
        found, exact = (
            jts.read_jts(path.read_bytes()) for path in (tmp_path / f"{name}.jts", case / f"{reference}.jts")
        )
        apart = compute_pose_differences(found, exact)
        assert np.abs(apart[:, :2]).max() < 0.3, name
        assert np.abs(apart[:, 2]).max() < 4, name  # 2 mm on 1,024 pixels, and these are twice as large
        assert np.abs(apart[:, 3:]).max() < 1.5, name
    for name in ("angles.csv", "quality.csv"):
        rows = list(csv.DictReader((tmp_path / name).read_text().splitlines()))
        assert [row["file"] for row in rows] == ["0000.png", "0001.png"]
        assert "not a medical device" in rows[0]["note"]
    flexion = [float(row["flexion_deg"]) for row in csv.DictReader((tmp_path / "angles.csv").read_text().splitlines())]
    assert np.allclose(flexion, [86, 1], atol=1.5)
    rows = (tmp_path / "joint.mot").read_text().splitlines()
    assert [float(row.split("\t")[1]) for row in rows[-2:]] == pytest.approx(flexion, abs=1e-3)
    assert "\t".join(["25", "25", "2", "14", "mm", "25", "1", "2"]) in (tmp_path / "points.trc").read_text()
    assert (tmp_path / "differences.csv").read_text().count("RMS") == 2
    assert len(list((tmp_path / "overlay").glob("*.png"))) == 2
    assert "medical device" in capsys.readouterr().err
    check_that_limits_and_priors_register_nothing_anew(case, tmp_path, monkeypatch)


def check_that_limits_and_priors_register_nothing_anew(case: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = list(csv.DictReader((out / "quality.csv").read_text().splitlines()))
    assert {tuple(row[name] for name in ("priors", *LIMITS)) for row in usual} == {("yes", "1", "5", "2")}
    monkeypatch.setattr("models.tasks.kinematics.sequence.locate_component", None)
    with pytest.raises(SystemExit) as left:
        main([*arguments(case, out), "--no-priors", "--limit-depth", "0.05"])
    assert left.value.code == 0
    strict = list(csv.DictReader((out / "quality.csv").read_text().splitlines()))
    assert {tuple(row[name] for name in ("priors", *LIMITS)) for row in strict} == {("no", "1", "0.05", "2")}
    assert [row["flagged"] for row in strict] == ["yes", "yes"]
    assert all("against 1 mm, 0.05 mm and 2°" in row["warnings"] for row in strict)
    for name in ("femoral", "tibial"):  # both results are kept, whichever is stated
        for before, after in zip(usual, strict, strict=True):
            with_, without = f"{name}_depth_with_priors_mm", f"{name}_depth_without_priors_mm"
            assert (before[with_], before[without]) == (after[with_], after[without])
            assert before[f"{name}_depth_mm"] == before[with_]
            assert after[f"{name}_depth_mm"] == after[without]
            assert before[with_] != before[without]


def spoil_metres(case: Path) -> dict[str, str | None]:
    from models.geometry.mesh import read_mesh

    mesh = read_mesh((case / "femoral.stl").read_bytes())
    (case / "metres.stl").write_bytes(write_stl(Mesh(mesh.vertices / 1000, mesh.faces)))
    return {"femoral": str(case / "metres.stl")}


def spoil_open(case: Path) -> dict[str, str | None]:
    from models.geometry.mesh import read_mesh

    mesh = read_mesh((case / "femoral.stl").read_bytes())
    (case / "open.stl").write_bytes(write_stl(Mesh(mesh.vertices, mesh.faces[: len(mesh.faces) // 2])))
    return {"femoral": str(case / "open.stl")}


def spoil_empty(case: Path) -> dict[str, str | None]:
    (case / "empty.stl").write_bytes(b"\0" * 84)
    return {"tibial": str(case / "empty.stl")}


def spoil_calibration(case: Path) -> dict[str, str | None]:
    (case / "camera.txt").write_text("image size\n1024,1024\ncamera matrix\n4000,0,512\n0,4000,512\n0,0,1\n")
    return {"calibration": str(case / "camera.txt")}


def spoil_size(case: Path) -> dict[str, str | None]:
    Pillow.new("L", (200, 100)).save(case / "frames" / "0001.png")
    return {}


def spoil_content(case: Path) -> dict[str, str | None]:
    for path in (case / "masks" / "tib").iterdir():
        Pillow.new("L", (512, 512)).save(path)
    return {}


def spoil_mask(case: Path) -> dict[str, str | None]:
    (case / "masks" / "fem" / "0001.png").unlink()
    return {}


def spoil_poses(case: Path) -> dict[str, str | None]:
    """Take the pose of the second frame away, and let nothing be computed in vain."""
    poses = case / "fem.jts"
    poses.write_text("".join(poses.read_text().splitlines(keepends=True)[:-1]))
    return {"reference-femoral": str(poses)}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda case: {"tibial": str(case / "nowhere.stl")}, "nowhere.stl: cannot be opened. Name an existing file"),
        (spoil_metres, "metres.stl: measures 0.07 across, which looks like metres. Export the STL in millimetres"),
        (spoil_open, "open.stl: is an open mesh"),
        (spoil_empty, "empty.stl: is an empty mesh"),
        (spoil_calibration, "camera.txt: is not for frames of 512 × 512 pixels"),
        (lambda case: {"calibration": str(case / "fem.jts")}, "fem.jts: is neither a JT_INTCALIB calibration nor"),
        (lambda case: {"calibration": None}, "there is no calibration yet. Give calibration.txt"),
        (spoil_size, "0001.png: has 200 × 100 pixels and not 512 × 512"),
        (spoil_content, "no frame shows a tibial component"),
        (spoil_mask, "0001.png: has no mask in fem"),
        (lambda case: {"reference-femoral": str(case / "calibration.txt")}, "calibration.txt: is not a pose file"),
        (spoil_poses, "fem.jts: has 1 poses for 2 frames. Give the poses of these frames"),
    ],
    ids=["stl missing", "metres", "open", "empty", "camera", "other format", "no calibration", "sizes", "no implant",
         "no mask", "reference", "poses"],
)  # fmt: skip
def test_a_wrong_input_is_one_sentence(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, spoil, says: str
) -> None:
    own = tmp_path / "case"
    shutil.copytree(case, own)
    changes = spoil(own)
    with pytest.raises(SystemExit) as left:
        main(arguments(own, tmp_path / "out", **changes))
    assert left.value.code == 1
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_without_both_masks_or_a_card_the_command_says_so(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], product
) -> None:
    for changes in ({"masks-tibial": None}, {"masks-femoral": None, "masks-tibial": None}):
        with pytest.raises(SystemExit) as left:
            main(arguments(case, tmp_path, **changes))
        assert left.value.code == 2
        assert "masks" in capsys.readouterr().err


def test_a_left_implant_with_a_right_image_is_noticed(lunge: Scene, shots: list[Frame]) -> None:
    frame, reference = shots[0], lunge.femoral_poses[0]
    seen = observe_component(frame.masks[0], lunge.camera, frame.masks[1])

    def verdict(mesh: Mesh) -> str | None:
        fit = assess_registration(mesh, refine_pose(mesh, reference, seen, FINE), seen)
        return _other_side(Component(mesh), 0, [(Answer((fit,)), 0)], [frame], lunge.camera)

    assert verdict(lunge.femoral) is None
    assert "left implant with a right image" in (verdict(lunge.femoral.mirrored(0)) or "")


def test_a_frame_without_an_implant_has_no_pose_and_its_notes_say_so(
    lunge: Scene, shots: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "models.tasks.kinematics.motion._other_side", lambda component, side, *_: f"mirror image {side}"
    )
    empty = Frame((np.zeros((512, 512), bool), shots[1].masks[1]), abstention="this is a cat")
    odd = replace(lunge.tibial, warnings=("its STL is odd",))
    study = Study(lunge.femoral, odd, lunge.camera, options=Options(edges=False, mirrors=False))
    found = find_motion(study, [replace(shots[0], grey=None), empty])
    assert found.frames == 2
    assert found.warnings == (
        "Tibial component: its STL is odd.", "mirror image 0", "mirror image 1",
        "The network is not certain of its outlines in 1 of 2 frames.",
    )  # fmt: skip
    assert found.notes[1][0] == "No femoral component was found in this frame."
    assert not found.notes[0]
    assert np.isnan(found.femoral.pose[1]).all()
    assert np.isfinite(found.tibial.pose).all()
    assert np.isnan(found.joint[1]).all()
    assert np.isfinite(found.joint[0]).all()
    assert len(found.sha256) == 64


def test_frames_of_another_size_than_the_camera_are_refused(lunge: Scene) -> None:
    small = np.zeros((100, 100), bool)
    study = Study(lunge.femoral, lunge.tibial, lunge.camera)
    with pytest.raises(InputError, match="frame 1: has 100 × 100 pixels and not 512 × 512"):
        find_motion(study, [Frame((small, small))])


@pytest.mark.slow
def test_the_public_example_is_matched_without_a_hint(kneel) -> None:
    """Every axis within what is asked of `kneel_right`, from the hand-made masks alone."""
    from models.geometry.mesh import read_mesh
    from models.tasks.kinematics.locate import locate_component

    camera = read_calibration(kneel.bytes("calibration.txt"), (1024, 1024))
    picture = Pillow.open(BytesIO(kneel.bytes(f"frames/{kneel.names[0]}.png"))).convert("L")
    grey = np.asarray(picture, np.float32) / 255
    masks = kneel.mask("fem", 0), kneel.mask("tib", 0)
    for side, (component, short, degrees) in enumerate((("femoral", "fem", 1.7), ("tibial", "tib", 4.0))):
        mesh = read_mesh(kneel.bytes(f"{component}.stl"))
        fit = locate_component(
            Component(mesh), observe_component(masks[side], camera, masks[1 - side], grey), [], Options()
        ).fits[0]
        apart = compute_pose_differences(fit.pose[None], jts.read_jts(kneel.bytes(f"{short}.jts"))[:1])[0]
        assert np.abs(apart[:2]).max() < 0.7
        assert np.abs(apart[3:]).max() < degrees
        assert fit.overlap > 0.97


def track(sigma: tuple[float, ...] = (0.1, 0.1, 1, 0.2, 0.2, 0.2), **changes: np.ndarray) -> Track:
    """One frame that is well known."""
    pose = jts.pose_from_jts_row(np.array([0, 0, -900, 0, 5, 0.0]))[None]
    parts = {"pose": pose, "other_pose": np.full((1, 4, 4), np.nan), "overlap": np.array([0.97])}
    parts |= {"residual_px": np.array([0.3]), "edge_px": np.array([0.5]), "sigma": np.array([sigma])}
    return Track(**(parts | changes))


def flag(lunge: Scene, femoral: Track, tibial: Track, **limits: float) -> list[str]:
    (notes,) = flag_frames((femoral, tibial), (lunge.femoral, lunge.tibial), lunge.camera, AcceptanceLimits(**limits))
    return [str(note) for note in notes]


def test_a_frame_is_flagged_for_what_its_user_does_not_accept(lunge: Scene) -> None:
    unsure = track(sigma=(0.1, 0.1, 4, 0.2, 0.2, 0.2))
    assert flag(lunge, track(), track()) == []
    assert flag(lunge, track(), unsure) == [
        "The tibial pose may be off by more than you accept: ± 0.2 mm in the plane, ± 7.8 mm in depth, ± 0.4° (95 %), "
        "against 1 mm, 5 mm and 2°."
    ]
    assert flag(lunge, track(), unsure, depth_mm=20) == []
    assert len(flag(lunge, track(), unsure, turn_deg=0.3)) == 2


def test_a_pose_of_unknown_certainty_a_rival_and_a_poor_overlap_are_told(lunge: Scene) -> None:
    mirrored = jts.pose_from_jts_row(np.array([0, 0, -900, 0, -25, 0.0]))[None]
    odd = track(other_pose=mirrored, overlap=np.array([0.8]), sigma=(np.nan,) * 6)
    femoral = flag(lunge, odd, track())
    assert femoral[0] == "Another pose of the femoral component, 30° and 0 mm of depth away, fits almost as well."
    assert femoral[1] == "The femoral component overlaps its mask by 0.80 only."
    assert "may be off" in femoral[2]
    assert flag(lunge, track(overlap=np.array([0.8]), edge_px=np.array([0.1])), track()) == []  # its mask is wrong
    near = track().pose.copy()
    near[:, 2, 3] -= 4.5
    assert flag(lunge, track(other_pose=near), track()) == []  # a rival that its user accepts as the same
    assert "0° and 4 mm of depth away" in flag(lunge, track(other_pose=near), track(), depth_mm=4)[0]


def test_a_frame_unlike_the_others_is_told(lunge: Scene) -> None:
    def three(**changes: np.ndarray) -> Track:
        one = track()
        parts = {part.name: np.repeat(getattr(one, part.name), 3, axis=0) for part in fields(Track)}
        return Track(**(parts | changes))

    femur, tibia = three().pose, three().pose
    right = guess_femoral_axes(lunge.femoral).component_from_axes[:, 0]
    tibia[1, :3, 3] += 7 * femur[1, :3, :3] @ right
    femur[2, :3, 3] -= 9 * np.cross(femur[2, :3, :3] @ right, (1, 0, 0))  # rolled back, which knees do
    cases = (lunge.femoral, lunge.tibial), lunge.camera, AcceptanceLimits()
    beyond = flag_frames((three(pose=femur), three(pose=tibia)), *cases)
    assert [len(notes) for notes in beyond] == [0, 1, 0]
    assert "lie 7 mm from where they lie to each other in most frames" in str(beyond[1][0])
    uneven = flag_frames((three(edge_px=np.array([0.1, 0.45, 0.12])), three(edge_px=np.full(3, 0.45))), *cases)
    assert [[str(note) for note in notes] for notes in uneven] == [
        [], ["The picture's edges do not run along the femoral component."], [],
    ]  # fmt: skip


def test_each_condyle_stands_in_its_own_columns(lunge: Scene) -> None:
    columns = len(angles.COLUMNS)
    poses, one = np.zeros((1, 4, 4)), np.zeros(1)
    still = Track(pose=poses, other_pose=poses, overlap=one, residual_px=one, edge_px=one, sigma=np.zeros((1, 6)))
    found = Motion(
        task="kinematics", card="x", sha256="", seconds=0, femoral=still, tibial=still,
        joint=np.zeros((1, columns)), joint_sigma=np.zeros((1, columns)), joint_columns=angles.COLUMNS,
        low_points_mm=np.array([[[-21.0, 4.0, 1.5], [23.0, -6.0, 2.5]]]), axes=("", ""), side="right", notes=((),),
        **solve_as(poses, poses),
    )  # fmt: skip
    (row,) = csv.DictReader(export_angles_csv(found, ["a.png"]).splitlines())
    named = {
        f"{side}_condyle_{axis}_mm": value
        for side, point in (("left", (-21, 4, 1.5)), ("right", (23, -6, 2.5)))
        for axis, value in zip(("right", "anterior", "proximal"), point, strict=True)
    }
    assert set(named) == set(POINTS)
    assert {name: float(row[name]) for name in named} == named
