"""The page of a fluoroscopy sequence: what is measured, the measurement as it goes, and every way to look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import card_summary, states
from dashboard.case.panels import choose_panel
from dashboard.case.places import lay_out_places
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import later, t
from dashboard.views.kinematics import downloads, hand, measuring, panels, source
from dashboard.views.kinematics import replay as kinematics_replay
from dashboard.views.kinematics.acceptance import show_acceptance, take_acceptance
from dashboard.views.kinematics.case import MotionCase
from dashboard.views.kinematics.drawing import (
    PICTURE,
    choose_frame,
    describe_fit,
    draw_frame,
    draw_space,
    find_frame,
    name_frame,
)
from dashboard.views.kinematics.figures import Compass, Placed
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from dashboard.views.kinematics.tracking import EXACT, NETWORK, Tracking
from models import OrthoLensError
from models.cases.lunge import CARD
from models.jobs import Job
from models.tasks.kinematics.account import word_acceptance, word_flexion
from models.tasks.kinematics.locate import NAMES
from models.tasks.kinematics.points import CARD as POINTS_CARD
from models.types import Landmarks, Motion

SHOWN = (later("Femoral"), later("Tibial"), later("Other pose"))
POINTS = later("Points")
"""Drawn where they are asked for: what the network of points sees, which a first pose may come from."""
PANELS: dict[str, Callable[[MotionCase], Placed | None]] = {
    later("Curves"): panels.draw_angles_panel,
    later("Quality"): panels.draw_quality_panel,
    later("Move by hand"): hand.show_pose_fields,
    later("Compare"): panels.draw_pose_differences,
}
"""What a reader can do with a measured sequence; each may put a component elsewhere on the frame."""
VIEWS = (later("First view"), later("Second view"))


def show_kinematics_page() -> None:
    """Draw the page."""
    with st.container(key="heading", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(t("Knee implant motion from fluoroscopy"), anchor=False, width="content")
        if CARD in models.cards():
            card_summary.show_card_summary(models.card(CARD))
    try:
        choice = source.choose_motion_source()
    except OrthoLensError as problem:
        states.show_error(problem)
        return
    if (sequence := choice.sequence) is None:
        _invite()
        return
    name = f"kinematics-{sequence.key}-{choice.masks}-{choice.side}"
    job: Job[Motion] | None = session.find_job(name)
    if job and job.running:
        measuring.follow(name, session.get(f"{name}-tracking"))
    elif job and job.result:
        run = session.get(f"{name}-tracking")
        _workspace(MotionCase(name, sequence, run, job.result))
    elif job is None and choice.masks == NETWORK and (replay := sequence.replay):
        run = session.compute_once(lambda: Tracking.beforehand(sequence, replay), "replay", name)
        _workspace(MotionCase(name, sequence, run, replay.motion))
    else:
        measuring.offer(name, sequence, choice, job)


def _invite() -> None:
    st.caption(
        t(
            "Each component is found in every frame without a hint, then refined on the image's own edges. "
            "Nothing leaves this machine."
        )
    )


@st.fragment
def _workspace(measured: MotionCase) -> None:
    """Draw the result and every control of it; a control reruns only this."""
    sequence, measured = measured.sequence, take_acceptance(measured)  # and a pose may have been moved since then
    if session.find_stage() is not None:
        _staged(measured)
        return
    _headline(measured)
    picture, controls, right = lay_out_places(PICTURE)
    with controls:
        films = len(sequence.images) > 1 and st.toggle(
            t("Play the frames"), key="kinematics-film", persist_state="session",
            help=t("A film with loop, speed and steps; where it stops is the frame that is looked at."),
        )  # fmt: skip
        frame = find_frame(sequence, measured.name) if films else choose_frame(sequence, measured.name)
        second = sequence.second is not None and not films and _choose_view() == VIEWS[1]
        shown, opacity = (SHOWN, 0.0) if films else _controls()
    measured = measured.at(frame)
    with right:
        space = st.container()
        held = st.toggle(t("Hold the tibia still"), key="kinematics-held", persist_state="session")
        _show_warnings(measured)
    tried = choose_panel(PANELS, "kinematics-panel")(measured)
    placed = _placed(measured, shown, tried)
    with picture:
        if films:
            kinematics_replay.show_film(measured, name_frame(measured.name))
        else:
            seen, there = (sequence.other, _move_to_second(sequence, placed)) if second else (sequence, placed)
            draw_frame(seen, frame, there, opacity, _points(seen, frame) if POINTS in shown else None)
    with space:
        tibia = measured.poses[1][frame]
        still = tibia if held and np.isfinite(tibia).all() else None
        draw_space(sequence, placed, measured.poses, Compass(measured.axes, measured.motion.side, still))
    downloads.show_kinematics_downloads(measured)


def _choose_view() -> str:
    """Let the reader choose which of two views is shown."""
    return st.segmented_control(
        t("View"), VIEWS, format_func=t, default=VIEWS[0], key="kinematics-view", required=True,
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip


def _move_to_second(sequence: Fluoroscopy, placed: Sequence[Placed]) -> list[Placed]:
    """Return components as the second view has them."""
    assert sequence.second is not None
    return [replace(one, pose=sequence.second.from_first @ one.pose) for one in placed]


def _controls() -> tuple[Sequence[str], float]:
    """Let the reader choose what is drawn on the frame, and how opaque."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        shown = st.pills(
            t("Shown"), (*SHOWN, POINTS), selection_mode="multi", key="kinematics-shown",
            default=SHOWN, format_func=t, persist_state="session", label_visibility="collapsed",
            help=t("Where two poses fit almost equally, the other one is dotted."),
        )  # fmt: skip
        opacity = st.slider(
            t("Opacity"), 0.0, 1.0, 0.25, 0.05, key="kinematics-opacity", format="percent", persist_state="session"
        )
    return shown, opacity


def _staged(measured: MotionCase) -> None:
    """Draw the result for a hall: the motion in a loop, and what was measured beside it."""
    picture, _, right = lay_out_places(PICTURE)
    with picture:
        kinematics_replay.show_replay(measured)
    with right:
        _headline(measured)
        placed = _placed(measured, SHOWN, None)
        draw_space(measured.sequence, placed, measured.poses, Compass(measured.axes, measured.motion.side))


def _headline(measured: MotionCase) -> None:
    """Say in one line what was measured, and what holds for all of it."""
    motion = measured.motion
    flagged, beforehand = sum(map(bool, motion.notes)), session.find_job(measured.name) is None
    with st.container(border=True, key="answer"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(t(word_flexion(motion)), anchor=False, width="content")
            if measured.sequence.simulated:
                st.badge(t("simulated"), icon=":material/science:", color="gray")
            if beforehand:
                run = Tracking(measured.sequence, measured.run.masks, measured.run.side)
                st.button(
                    t("Measure it now"), icon=":material/play_arrow:", type="tertiary", key="kinematics-start",
                    on_click=measuring.start, args=(measured.name, run), help=t("Frame by frame, as one looks."),
                )  # fmt: skip
            if session.find_stage() is None:
                show_acceptance()
        flags = t("{flagged} of them flagged", flagged=flagged) if flagged else t("none of them flagged")
        measured_in = (
            later("{frames} frames, {doubtful} · measured beforehand, in {seconds:.0f} s · {side} knee")
            if beforehand
            else later("{frames} frames, {doubtful} · measured in {seconds:.0f} s · {side} knee")
        )
        st.caption(
            t(
                measured_in,
                frames=motion.frames,
                doubtful=flags,
                seconds=motion.seconds,
                side=t(motion.side),
            )
        )
        if motion.views > 1:
            st.caption(t("Two views, solved as one: depth comes from the other view's plane."))
        st.caption(t(word_acceptance(motion)))
        if measured.run.masks == EXACT:
            st.caption(f":material/info: {escape_markdown(measuring.describe_outlines(measured.sequence))}")
        states.show_notes(tuple(w for w in motion.warnings if not w.startswith(("Simulated", "Outlined"))))


def _show_warnings(measured: MotionCase) -> None:
    """Say what a reader must know of the frame that is looked at."""
    for index, track in enumerate(measured.tracks):
        if np.isfinite(track.overlap[measured.t]):
            describe_fit(index, track.overlap[measured.t], track.residual_px[measured.t])
    for said in measured.motion.notes[measured.t]:
        st.markdown(f":material/warning: {escape_markdown(write_as_sentence(t(said)))}")


def _points(sequence: Fluoroscopy, frame: int) -> Landmarks | None:
    """Return the implant's points on a frame; None where the network is not here, or abstains, which is said."""
    image = sequence.images[frame]
    try:
        found = session.predict_as(Landmarks, image, models.card(POINTS_CARD), image.first_frame)
    except OrthoLensError as problem:
        states.show_error(problem)
        return None
    if found.abstained:
        st.caption(escape_markdown(t("No points: {reason}.", reason=t(found.reason or ""))))
        return None
    return found


def _placed(measured: MotionCase, shown: Sequence[str], tried: Placed | None) -> list[Placed]:
    placed = []
    for index, track in enumerate(measured.tracks):
        if NAMES[index].capitalize() not in shown:
            continue
        moved = tried if tried is not None and tried.component == index else None
        pose = moved.pose if moved else track.pose[measured.t]
        if np.isfinite(pose).all():
            placed.append(Placed(index, pose))
        if SHOWN[2] in shown and not moved and np.isfinite(track.other_pose[measured.t]).all():
            placed.append(Placed(index, track.other_pose[measured.t], ghost=True))
    return placed
