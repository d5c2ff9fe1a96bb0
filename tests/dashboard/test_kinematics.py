"""The kinematics page: the simulated case from frames to files, a pose moved by hand, and what is said of bad files."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import plotly.graph_objects as go
import pytest
import streamlit as st
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import models
from dashboard.views.kinematics import downloads, figures, fluoroscopy, replay, source, tracking
from dashboard.views.kinematics.case import MotionCase
from dashboard.views.kinematics.figures import Placed
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from dashboard.views.kinematics.tracking import EXACT, NETWORK, Tracking
from models import DISCLAIMER
from models.cases import lunge
from models.drawing.plate import LEAST_PX
from models.errors import Cancelled, InputError
from models.geometry import jts
from models.geometry.camera import write_calibration
from models.geometry.mesh import Mesh, write_stl
from models.i18n import Language
from models.jobs import Job
from models.simulation.knee_designs import build_design
from models.simulation.motion import (
    BETWEEN_BEAMS_DEG,
    DISTANCE_MM,
    PITCH_MM,
    render_motion_masks,
    simulate_motion,
    turn_view,
    write_biplane_case,
)
from models.tasks.kinematics import study
from models.tasks.kinematics.axes import Axes
from models.tasks.kinematics.locate import Frame
from models.tasks.kinematics.motion import Study
from models.tasks.kinematics.opensim import find_frame_rate
from models.tasks.kinematics.study import File
from models.types import AcceptanceLimits, Motion
from tests.kinematics.test_films import RATE, write_run

FRAMES, SIDE_PX = 3, 256


class Done:
    """A job that nobody stops."""

    said: list[str]

    def __init__(self) -> None:
        self.said, self.share, self.doing = [], 0.0, ""

    def report(self, done: float, total: float = 1.0, doing: str = "") -> None:
        self.share, self.doing = done / total, doing
        self.said.append(doing)

    def stopped(self) -> bool:
        return False


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """A simulated case of three small frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fluoroscopy, "SIMULATED_FRAMES", FRAMES)
        patch.setattr(lunge, "SIDE_PX", SIDE_PX)
        yield


@pytest.fixture(scope="module")
def sequence(small: None) -> Fluoroscopy:
    return fluoroscopy.simulate()


@pytest.fixture(scope="module")
def run(sequence: Fluoroscopy) -> tuple[Tracking, Motion, Done]:
    """The whole pipeline once, as the thread of the page runs it."""
    tracked, job = Tracking(sequence, EXACT, "right"), Done()
    return tracked, tracked.run(job), job  # type: ignore[arg-type]


@pytest.fixture
def measured(sequence: Fluoroscopy, run: tuple[Tracking, Motion, Done]) -> MotionCase:
    st.session_state.clear()
    return MotionCase("test", sequence, run[0], run[1])


@pytest.fixture
def page(home: AppTest, sequence: Fluoroscopy, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page of a new session, with the case of this module."""
    monkeypatch.setattr(fluoroscopy, "simulate", lambda: sequence)
    return opened(home)


def opened(home: AppTest) -> AppTest:
    page = home.switch_page("views/kinematics/kinematics.py").run()
    assert not page.exception
    return page


@pytest.fixture
def answered(page: AppTest, run: tuple[Tracking, Motion, Done], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with the motion of this module on it."""

    def known(self: Tracking, job: object) -> Motion:
        self.frames, self.found = run[0].frames, run[0].found
        return run[1]

    monkeypatch.setattr(Tracking, "run", known)
    page.button(key="kinematics-start").click().run()
    return settled(page)


def settled(page: AppTest) -> AppTest:
    jobs = [page.session_state[f"job-{name}"] for name in page.session_state["jobs"]]
    while any(job.running for job in jobs):
        time.sleep(0.05)
    page.run()
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption, *page.subheader)).replace("\\", "")


def look(page: AppTest, name: str) -> AppTest:
    next(group for group in page.segmented_control if group.label == "Look at").set_value(name).run()
    assert not page.exception
    return page


def figure(page: AppTest, number: int) -> go.Figure:
    return go.Figure(json.loads(page.get("plotly_chart")[number].proto.spec))


# The measurement


def test_the_simulated_motion_is_found_again(sequence: Fluoroscopy, run: tuple[Tracking, Motion, Done]) -> None:
    for track, exact in zip((run[1].femoral, run[1].tibial), sequence.reference, strict=True):
        assert np.abs(track.pose[:, :2, 3] - exact[:, :2, 3]).max() < 0.5  # mm, in the picture's plane
    assert len(run[0].found) == FRAMES
    assert run[1].card == tracking.GIVEN
    assert "Simulated frames and implants." in run[1].warnings


def test_progress_is_told_in_words(run: tuple[Tracking, Motion, Done]) -> None:
    said = " ".join(run[2].said)
    assert f"Finding the poses, frame 2 of {FRAMES}" in said
    assert "Choosing between poses that look alike" in said


def test_frames_are_outlined_one_by_one_and_kept_as_bits(sequence: Fluoroscopy) -> None:
    asked: list[int] = []

    def outline(t: int) -> Frame:
        asked.append(t)
        return Frame(sequence.exact[t], abstention=f"{t}")

    frames = study.OutlinedFrames(sequence.images, outline)
    assert len(frames) == FRAMES
    assert asked == []  # the first pose waits for no other frame
    assert [frame.abstention for frame in frames[1:]] == ["1", "2"]
    assert frames[2].abstention == "2"
    assert asked == [1, 2]
    for mask, exact in zip(frames[1].masks, sequence.exact[1], strict=True):
        assert np.array_equal(mask, exact)
    assert np.array_equal(frames[1].grey, sequence.images[1].grey())


def test_a_pose_waits_for_its_own_outline_alone(
    sequence: Fluoroscopy, run: tuple[Tracking, Motion, Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked, job, found_before = Tracking(sequence, NETWORK, "right"), Done(), list[int]()
    masks = iter(sequence.exact)

    def follow(given: Study, frames: Sequence[Frame], *rest: object) -> Motion:
        for _ in frames:
            given.options.found((), ())
        return run[1]

    monkeypatch.setattr(models, "predict", lambda image, card: found_before.append(len(tracked.found)))
    monkeypatch.setattr(tracking, "outline", lambda image, *_: Frame(next(masks), image.grey()))
    monkeypatch.setattr(tracking, "find_motion", follow)
    tracked.run(job)  # type: ignore[arg-type]
    assert found_before == [0, 1, 2]


def test_a_pose_moved_by_hand_comes_back_and_says_so(measured: MotionCase) -> None:
    found = measured.result.femoral.pose[1]
    off = found.copy()
    off[:3, 3] += (2.0, -1.5, 4.0)
    fit = measured.run.refine(1, 0, off)
    assert np.abs(fit.pose[:2, 3] - found[:2, 3]).max() < 0.3
    after = tracking.apply_pose_edits(measured.result, measured.sequence, {(1, 0): fit})
    assert "The femoral pose was started by hand." in after.notes[1]
    assert not any("by hand" in note for t in (0, 2) for note in after.notes[t])
    assert np.array_equal(after.femoral.pose[1], fit.pose)
    assert np.array_equal(after.femoral.pose[0], measured.result.femoral.pose[0])
    assert np.array_equal(measured.result.femoral.pose[1], found)  # what was found is kept
    assert np.abs(after.joint[1] - measured.result.joint[1]).max() < 2


def test_another_limit_flags_anew_and_keeps_the_poses(measured: MotionCase) -> None:
    assert measured.motion is measured.result
    strict = replace(measured, limits=AcceptanceLimits(depth_mm=0.01)).motion
    assert all(any("against 1 mm, 0.01 mm and 2°" in said for said in notes) for notes in strict.notes)
    assert strict.femoral is measured.result.femoral
    fit = measured.run.refine(1, 0, measured.result.femoral.pose[1])
    moved = tracking.apply_pose_edits(strict, measured.sequence, {(1, 0): fit})
    assert "against 1 mm, 0.01 mm and 2°" in moved.notes[1][0]
    assert moved.notes[1][-1] == "The femoral pose was started by hand."
    assert (moved.femoral.sigma[1] > fit.sigma).all()  # as wide as every stated one


def test_without_priors_each_frame_stands_for_itself(measured: MotionCase) -> None:
    alone = replace(measured, priors=False).motion
    assert not alone.priors
    for track, together, pose in zip(alone.tracks, measured.result.tracks, alone.alone.poses, strict=True):
        assert np.array_equal(track.pose, pose)
        assert (track.sigma[:, 2] > together.sigma[:, 2]).all()  # what is known of knees narrows the depth
    assert np.abs(alone.joint - measured.result.joint).max() > 0
    again = replace(measured, result=alone).motion
    for field in ("joint", "joint_sigma", "low_points_mm"):
        assert np.allclose(getattr(again, field), getattr(measured.result, field))


def test_a_pose_off_the_picture_is_refused_in_words(measured: MotionCase) -> None:
    off = measured.result.femoral.pose[0].copy()
    off[0, 3] += 400
    with pytest.raises(InputError, match="does not come back to the outline"):
        measured.run.refine(0, 0, off)


# Figures


def test_contours_lie_on_the_masks_border(measured: MotionCase) -> None:
    fig = figures.draw_component_contours(measured.sequence, 0, [Placed(0, measured.sequence.reference[0][0])], 0.3)
    line = fig.data[-1]
    rows, columns = np.nonzero(measured.sequence.exact[0][0])
    assert np.nanmin(line.y) == rows.min() - 0.5
    assert np.nanmax(line.x) == columns.max() + 0.5


def test_a_held_tibia_stands_at_its_own_origin(measured: MotionCase) -> None:
    tibia = measured.result.tibial.pose[2]
    own = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    assert np.allclose(figures.place_in_scene(own, tibia, tibia), own)


def test_a_held_tibia_lies_as_a_reader_thinks_of_it(measured: MotionCase) -> None:
    """Right, anterior and proximal are the scene's axes, whatever the file's are."""
    turned = Axes(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]]))  # anterior +x, proximal −y
    compass = figures.Compass((measured.axes[0], turned), "right", measured.result.tibial.pose[2])
    frame = compass.frame(measured.result.tibial.pose[2])
    for way, axis in (((0, 0, -5), 0), ((5, 0, 0), 1), ((0, -5, 0), 2)):
        (placed,) = figures.place_in_scene(np.array([way], float), measured.result.tibial.pose[2], frame)
        assert placed == pytest.approx(5 * np.eye(3)[axis], abs=1e-9)


@pytest.mark.parametrize(("side", "sign"), [("right", 1), ("left", -1)])
def test_arrows_go_the_ways_that_they_name_and_nothing_hides_their_words(
    measured: MotionCase, side: str, sign: int
) -> None:
    poses = measured.result.femoral.pose, measured.result.tibial.pose
    compass = figures.Compass(measured.axes, side, poses[1][0])
    thin = measured.sequence.meshes
    scene = figures.Scene(thin, figures.find_reach_of_scene(thin, poses, compass), compass)
    fig = figures.draw_components_in_space(measured.sequence, [Placed(1, poses[1][0])], scene)
    arrows = {trace.name: trace for trace in fig.data if trace.type == "scatter3d"}
    assert set(arrows) == {"anterior", "proximal", "lateral"}
    for name, axis, way in (("lateral", "x", sign), ("anterior", "y", 1), ("proximal", "z", 1)):
        start, end = arrows[name][axis]
        assert (end - start) * way > 20
    words = {word.text: (word.x, word.y, word.z) for word in fig.layout.scene.annotations}  # HTML over the scene
    assert words == {name: tuple(arrow[axis][1] for axis in "xyz") for name, arrow in arrows.items()}
    assert [getattr(fig.layout.scene, f"{a}axis").title.text for a in "xyz"] == [
        "to the patient's right, mm", "anterior, mm", "proximal, mm"
    ]  # fmt: skip


def test_frames_have_whole_numbers(measured: MotionCase) -> None:
    for frames, step in ((3, 1), (6, 1), (7, 2), (60, 12), (261, 52)):
        found = measured.motion
        joint, sigma = (np.resize(values, (frames, 6)) for values in (found.joint, found.joint_sigma))
        low = np.resize(found.low_points_mm, (frames, 2, 3))
        longer = replace(found, joint=joint, joint_sigma=sigma, low_points_mm=low, notes=((),) * frames)
        angles, shifts = figures.draw_motion_curves(longer, 1, None, "")
        for axis in (angles.layout.xaxis, angles.layout.xaxis4, shifts.layout.xaxis3):
            assert (axis.tick0, axis.dtick, axis.tickformat) == (1, step, "d")
        assert shifts.layout.xaxis4.dtick is None  # millimetres


def test_curves_draw_every_frame_the_band_and_the_exact_motion(measured: MotionCase) -> None:
    angles, shifts = figures.draw_motion_curves(measured.motion, 1, measured.reference_joint, "exact")
    for fig, name, column in ((angles, "Flexion", 0), (shifts, "Lateral", 3)):
        (line,) = [trace for trace in fig.data if trace.name == name]
        assert np.allclose(line.y, measured.motion.joint[:, column])
        assert sum(trace.name == "exact" for trace in fig.data) == 3
        assert {shape.x0 for shape in fig.layout.shapes} == {2}
        titles = [title.text for title in fig.layout.annotations]
        assert len(titles) == 4


# Files


def test_every_file_says_simulated_and_what_it_is_not(measured: MotionCase) -> None:
    for text in (downloads.export_angles(measured), downloads.export_quality(measured)):
        rows = list(csv.DictReader(io.StringIO(text.decode())))
        assert [row["file"] for row in rows] == ["simulated frame 1", "simulated frame 2", "simulated frame 3"]
        assert {row["note"] for row in rows} == {DISCLAIMER}


def test_poses_are_read_again_as_they_are_on_the_screen(measured: MotionCase) -> None:
    again = jts.read_jts(downloads.export_poses(measured, 1))
    assert np.allclose(again, measured.poses[1], atol=1e-4)


def test_the_film_has_every_frame_with_a_margin(measured: MotionCase) -> None:
    film = Pillow.open(io.BytesIO(downloads.export_motion_gif(measured, Language())))
    assert film.n_frames == FRAMES
    assert film.height > film.width == LEAST_PX


# The page


def test_the_page_opens_with_the_simulated_case_and_says_whose_outlines(page: AppTest) -> None:
    said = texts(page)
    assert "3 frames" in said
    assert "the simulation's own exact masks" in said
    assert not page.button(key="kinematics-start").disabled


def test_a_motion_that_was_measured_beforehand_stands_there_at_once(
    home: AppTest, sequence: Fluoroscopy, run: tuple[Tracking, Motion, Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = tuple(frame.masks for frame in run[0].frames)
    ready = replace(sequence, replay=lunge.Replay(run[1], masks))
    monkeypatch.setattr(fluoroscopy, "simulate", lambda: ready)
    monkeypatch.setattr(source, "is_outliner_trained", lambda: True)
    page = opened(home)
    assert "Flexion from" in texts(page)
    assert "measured beforehand" in texts(page)
    look(page, "Move by hand")
    page.button(key="hand-refine").click().run()
    assert "Started by hand: overlap" in texts(page)
    assert not page.button(key="kinematics-start").disabled  # and it can be watched being measured


def test_frames_are_scrubbed_moved_and_refined(answered: AppTest) -> None:
    page = answered
    assert "Flexion from" in texts(page)
    assert figure(page, 0).data[1].name == "Femoral"
    page.slider[0].set_value(2).run()
    look(page, "Move by hand")
    assert "Frame 2: change the pose" in texts(page)
    before = page.get("plotly_chart")[0].proto.spec
    field = next(field for field in page.number_input if field.label == "right, mm")
    field.set_value(field.value + 3).run()
    assert not page.exception
    assert page.get("plotly_chart")[0].proto.spec != before  # seen before it is refined
    page.button(key="hand-refine").click().run()
    assert "Started by hand: overlap" in texts(page)
    assert "The femoral pose was started by hand" in texts(page)
    page.button(key="hand-undo").click().run()
    assert "Started by hand" not in texts(page)
    assert not page.exception


def test_limits_and_the_switch_of_priors_stand_on_the_page(answered: AppTest) -> None:
    page = answered
    assert "Flagged where an error beyond 1 mm in the plane, 5 mm in depth or 2° of rotation is likely" in texts(page)
    jobs = len(page.session_state["jobs"])
    page.number_input(key="kinematics-limit-depth").set_value(0.02).run()
    assert not page.exception
    assert "3 frames, 3 of them flagged" in texts(page)
    assert "0.02 mm in depth" in texts(page)
    page.toggle(key="kinematics-priors").set_value(False).run()
    assert not page.exception
    assert "each frame for itself, without what is known of knees" in texts(page)
    assert len(page.session_state["jobs"]) == jobs  # nothing is registered anew


def test_a_film_stands_in_place_of_the_slider_and_says_where_it_stopped(answered: AppTest) -> None:
    page = answered
    film = next(toggle for toggle in page.toggle if toggle.label == "Play the frames")
    film.set_value(True).run()
    assert not page.exception
    assert "Frame" not in {slider.label for slider in page.slider}
    (name,) = page.session_state["jobs"]
    page.session_state[f"{name}-frame"] = 3  # as the player tells
    page.run()
    film.set_value(False).run()
    assert next(slider for slider in page.slider if slider.label == "Frame").value == 3


def test_a_frame_of_the_film_is_drawn_anew_only_with_another_pose(measured: MotionCase) -> None:
    poses = measured.poses
    first = replay._tell_film(measured.run, poses)["frames"]
    again = replay._tell_film(measured.run, poses)["frames"]
    assert all(a is b for a, b in zip(first, again, strict=True))
    moved = poses[0].copy()
    moved[1, 0, 3] += 2
    after = replay._tell_film(measured.run, (moved, poses[1]))["frames"]
    assert [a is b for a, b in zip(first, after, strict=True)] == [True, False, True]
    assert after[1]["outlines"][0]["path"] != first[1]["outlines"][0]["path"]
    assert after[1]["outlines"][1] == first[1]["outlines"][1]


@pytest.mark.parametrize(("done", "shown"), [(2, 2), (3, 3), (5, 5), (8, 8), (11, 10), (14, 12), (15, 15), (60, 51)])
def test_a_film_grows_by_a_quarter(
    done: int, shown: int, measured: MotionCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(replay, "_player", lambda: lambda **given: told.append(given["data"]))
    monkeypatch.setattr(replay, "_draw", lambda run, number, poses: number)
    monkeypatch.setattr(replay, "_words", dict)
    pose = [np.eye(4)] * done
    replay.show_film_so_far(measured.run, (pose, pose))
    assert told[0]["frames"] == list(range(shown))
    assert len(told[0]["says"]) == shown


def test_a_film_plays_as_fast_as_its_frames_were_taken(measured: MotionCase) -> None:
    assert replay._tell_film(measured.run, measured.poses)["ms"] == replay.FRAME_MS
    images = tuple(replace(image, tags={"FrameTime": "40"}) for image in measured.sequence.images)
    run = Tracking(replace(measured.sequence, images=images), tracking.EXACT, "right")
    assert replay._tell_film(run, measured.poses)["ms"] == 40


def test_quality_and_comparison_have_a_row_for_each_frame(answered: AppTest) -> None:
    assert list(look(answered, "Quality").dataframe[0].value["Frame"]) == [1, 2, 3]
    look(answered, "Compare")
    assert list(answered.dataframe[0].value["RMS"]) == ["Femoral", "Tibial"]
    assert answered.dataframe[0].value["in plane, mm"].max() < 0.5
    assert len(answered.dataframe[1].value) == 2 * FRAMES


def test_a_measurement_waits_for_its_turn_and_once_stopped_says_so(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = Event(), Event()

    def endless(self: Tracking, job: Job[Motion]) -> Motion:
        job.report(0.3, 1, "Finding the poses, frame 2 of 3")
        begun.set()
        while not job.stopped():
            time.sleep(0.05)
        raise Cancelled("the measurement was stopped", fix="Start it again to see its result.")

    monkeypatch.setattr(Tracking, "run", endless)
    another = Job(lambda job: go.wait(60), in_turn=True)
    while another.waiting:
        time.sleep(0.01)
    page.button(key="kinematics-start").click().run()
    assert page.get("progress")[0].proto.text == "Waiting: 1 piece of work is before it"
    go.set()
    assert begun.wait(60)
    page.run()
    assert "Finding the poses, frame 2 of 3 · 30%" in page.get("progress")[0].proto.text
    page.button(key="kinematics-cancel").click().run()
    assert "was stopped" in texts(settled(page))
    assert not page.button(key="kinematics-start").disabled


# A visitor's own files


def stl(mesh: Mesh) -> bytes:
    return write_stl(mesh)


def files(sequence: Fluoroscopy) -> dict[str, bytes]:
    out = io.BytesIO()
    Pillow.fromarray((sequence.images[0].grey() * 255).astype(np.uint8)).save(out, "PNG")
    pitch = PITCH_MM * 1024 / SIDE_PX
    return {
        "knee 2.png": out.getvalue(), "tib.stl": stl(sequence.tibial), "fem.stl": stl(sequence.femoral),
        "calibration.txt": write_calibration(DISTANCE_MM, pitch).encode(),
        "fem.jts": jts.write_jts(sequence.reference[0][:1]).encode(),
    }  # fmt: skip


def own(page: AppTest) -> AppTest:
    next(group for group in page.segmented_control if group.label == "Sequence").set_value("Your own sequence").run()
    return page


def test_own_files_find_their_places(page: AppTest, sequence: Fluoroscopy) -> None:
    own(page)
    for name, data in files(sequence).items():
        page.file_uploader[0].upload(name, data)
    page.run()
    assert not page.exception
    assert page.radio[0].options[page.radio[0].value] == "fem\\.stl"
    (folded,) = page.expander  # all is in
    assert "1 file of frames, in the order of their names · calibration calibration\\.txt" in folded.label
    assert not folded.proto.expanded
    assert "Real frames cannot be measured yet" in texts(page)
    assert page.button(key="kinematics-start").disabled


def test_axes_that_a_shape_does_not_tell_are_asked_for(page: AppTest, sequence: Fluoroscopy) -> None:
    own(page)
    given = files(sequence) | {"fem.stl": stl(build_design("unicompartmental", 0).build_meshes()[0])}
    del given["fem.jts"]
    page.session_state["kinematics-files"] = tuple(File(name, data) for name, data in given.items())
    page.run()
    assert "The shape of the femoral component does not tell which ways" in texts(page)
    assert "tibial component does not tell" not in texts(page)
    assert not any(button.key == "kinematics-start" for button in page.button)
    fields = {group.label: group.key for group in page.segmented_control}
    for label, way in (("Anterior", "+y"), ("Proximal", "-y")):
        page.segmented_control(key=fields[label]).set_value(way).run()
    assert "Anterior and proximal are at right angles" in texts(page)
    page.segmented_control(key=fields["Proximal"]).set_value("+z").run()
    assert not page.exception
    assert any(button.key == "kinematics-start" for button in page.button)


WRONG: dict[str, Callable[[dict[str, bytes]], object]] = {
    "two STL files are needed, and there is one (fem.stl)": lambda given: given.pop("tib.stl"),
    "both STL files hold the same component": lambda given: given.update({"tib.stl": given["fem.stl"]}),
    "there is no calibration yet": lambda given: given.pop("calibration.txt"),
    "there is no frame yet": lambda given: given.pop("knee 2.png"),
    "is neither a JT_INTCALIB": lambda given: given.update({"calibration.txt": b"1 2 3"}),
    "is no text file": lambda given: given.update({"calibration.txt": b"\xff\xfe\x00"}),
    "knee 3.png": lambda given: given.update({"knee 3.png": given["tib.stl"]}),
}
"""What is said, and what is wrong with the files."""


def test_wrong_files_get_a_sentence(page: AppTest, sequence: Fluoroscopy) -> None:
    own(page)
    for said, change in WRONG.items():
        given = files(sequence)
        change(given)
        page.session_state["kinematics-files"] = tuple(File(name, data) for name, data in given.items())
        page.run()
        assert not page.exception
        assert said.lower() in texts(page).lower()
        assert not any(button.key == "kinematics-start" for button in page.button)


@pytest.mark.parametrize("kind", ["RF", "video"])  # XA by the command
def test_a_run_in_one_file_is_dropped_and_measured(
    kind: str, page: AppTest, sequence: Fluoroscopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every frame of it, by the page's own course; what outlines is the simulation in the network's place."""
    pitch = PITCH_MM * 1024 / SIDE_PX
    pictures = np.stack([(image.grey() * 255).round().astype(np.uint8) for image in sequence.images])
    given = files(sequence) | {"run": write_run(tmp_path, pictures, kind, pitch)}
    unwanted = {"knee 2.png", "fem.jts"} | ({"calibration.txt"} if kind != "video" else set())
    masks = iter(sequence.exact)
    monkeypatch.setattr(tracking, "outline", lambda image, *_: Frame(next(masks), image.grey()))
    monkeypatch.setattr(models, "predict", lambda image, card: None)
    monkeypatch.setattr(source, "is_outliner_trained", lambda: True)
    own(page)
    page.session_state["kinematics-files"] = tuple(
        File(name, data) for name, data in given.items() if name not in unwanted
    )
    page.run()
    assert f"{FRAMES} frames" in texts(page)
    page.button(key="kinematics-start").click().run()
    settled(page)
    assert "Flexion from" in texts(page)
    (name,) = page.session_state["jobs"]
    found = page.session_state[f"job-{name}"].result
    assert np.abs(found.tibial.pose[:, :2, 3] - sequence.reference[1][:, :2, 3]).max() < 1
    assert find_frame_rate(page.session_state[f"{name}-tracking"].sequence.images) == pytest.approx(RATE, rel=1e-3)


def test_a_biplane_study_is_dropped_as_a_folder_and_solved_as_one(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = simulate_motion(frames=2, side_px=SIDE_PX)
    write_biplane_case(case, tmp_path)
    masks = iter([render_motion_masks(one, t) for one in (case, turn_view(case, BETWEEN_BEAMS_DEG)[0]) for t in (0, 1)])
    monkeypatch.setattr(tracking, "outline", lambda image, *_: Frame(next(masks), image.grey()))
    monkeypatch.setattr(models, "predict", lambda image, card: None)
    monkeypatch.setattr(source, "is_outliner_trained", lambda: True)
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        page.file_uploader[0].upload(str(path.relative_to(tmp_path)), path.read_bytes())
    page.run()
    assert not page.exception
    assert "Second view: 2 files of frames" in texts(page)
    whole = page.session_state["kinematics-second-files"]
    own = next(file for file in page.session_state["kinematics-files"] if file.role == "calibration")
    for given, said in (
        (
            [file for file in whole if file.role == "frame"],
            "has no calibration file, which two views need",
        ),
        (whole[1:], "has 1 frames, and the first view 2"),
        ([file for file in whole if file.role == "frame"] + [own], "has a beam only 0° from the line"),
    ):
        page.session_state["kinematics-second-files"] = given
        page.run()
        assert said in texts(page).lower()
    page.session_state["kinematics-second-files"] = whole
    page.run()

    page.button(key="kinematics-start").click().run()
    settled(page)
    assert "Two views, solved as one" in texts(page)
    (name,) = page.session_state["jobs"]
    found = page.session_state[f"job-{name}"].result
    for track, exact in ((found.femoral, case.femoral_poses), (found.tibial, case.tibial_poses)):
        assert np.abs(track.pose[:, :3, 3] - exact[:, :3, 3]).max() < 0.5  # mm, depth too
    contours = [str(trace.x) for trace in figure(page, 0).data if trace.type == "scatter"]
    page.segmented_control(key="kinematics-view").set_value("Second view").run()
    assert not page.exception
    assert [str(trace.x) for trace in figure(page, 0).data if trace.type == "scatter"] != contours

    look(page, "Move by hand")
    page.button(key="hand-refine").click().run()
    assert not page.exception
    (fit,) = page.session_state[f"{name}-edits"].values()
    assert fit.overlap > 0.95


def test_poses_that_do_not_fit_cost_the_comparison_alone(page: AppTest, sequence: Fluoroscopy) -> None:
    own(page)
    given = files(sequence)
    given |= {"fem.jts": given["fem.jts"] + b"0,0,-900,0,0,0\n", "poses.jts": given["fem.jts"], "tib.jts": b"1 2 3"}
    page.session_state["kinematics-files"] = tuple(File(name, data) for name, data in given.items())
    page.run()
    assert not page.exception
    said = texts(page)
    assert "fem.jts: has 2 poses for 1 frames. Nothing is compared with it. Drop the .jts of these frames" in said
    assert "poses.jts: could be of either component" in said
    assert "tib.jts: is not a pose file" in said
    assert any(button.key == "kinematics-start" for button in page.button)


def test_hundreds_of_frames_are_read_and_more_than_memory_holds_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    Pillow.fromarray(np.zeros((64, 64), np.uint8)).save(out, "PNG")
    files = [File(f"{number}.png", out.getvalue()) for number in range(70)]
    assert len(study.read_frames(files)) == 70
    monkeypatch.setattr(study, "MOST_PIXELS", 3 * 64 * 64)
    with pytest.raises(InputError, match="makes more than 3 frames"):
        study.read_frames(files)


def test_of_two_files_for_one_component_the_first_is_compared_with(sequence: Fluoroscopy) -> None:
    first, second = (jts.write_jts(poses).encode() for poses in sequence.reference)
    found, left_out = study.read_references([File("fem.jts", first), File("Femur.JTS", second)], FRAMES)
    assert np.allclose(found[0], sequence.reference[0], atol=1e-5)
    assert found[1] is None
    assert ["Femur.JTS: is a second one of the same component" in str(problem) for problem in left_out] == [True]


def test_frames_come_in_the_order_of_their_numbers() -> None:
    named = [File(name, b"") for name in ("k10.png", "k9.png", "k1.png")]
    assert [file.name for file in study.order_files(named)] == ["k1.png", "k9.png", "k10.png"]


@pytest.mark.parametrize(
    ("names", "femoral"), [(("a.stl", "b.stl"), 0), (("tib.stl", "x.stl"), 1), (("x.stl", "FEM.stl"), 1)]
)
def test_components_are_told_apart_by_name(names: tuple[str, str], femoral: int) -> None:
    assert study.guess_femoral([File(name, b"") for name in names]) == femoral


def test_frames_of_unlike_sizes_are_refused(sequence: Fluoroscopy) -> None:
    odd = replace(sequence.images[0], pixels=np.zeros((1, 60, 80), np.float32), name="odd.png")
    calibration = File("c.txt", write_calibration(DISTANCE_MM, PITCH_MM).encode())
    with pytest.raises(InputError, match=r"odd\.png"):
        study.find_camera([sequence.images[0], odd], calibration)
