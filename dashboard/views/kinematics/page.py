"""The page of a fluoroscopy sequence: what is measured, the measurement as it goes, and every way to look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import card_summary, progress, states
from dashboard.case.panels import choose_panel
from dashboard.case.places import places
from dashboard.case.polling import polled
from dashboard.case.staged import staged
from dashboard.case.states import plain, sentence
from dashboard.i18n import later, t
from dashboard.session.jobs import Job
from dashboard.views.kinematics import downloads, figures, hand, panels, source, tracking
from dashboard.views.kinematics import replay as kinematics_replay
from dashboard.views.kinematics.case import MotionCase
from dashboard.views.kinematics.figures import Placed
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from dashboard.views.kinematics.source import Choice
from dashboard.views.kinematics.tracking import EXACT, NETWORK, Tracking
from models import OrthoLensError
from models.cases.lunge import CARD
from models.tasks.kinematics.sequence import NAMES
from models.types import Motion

HEIGHT_PX = 520
PICTURE = 1.35
"""How many times as wide as what stands beside it a frame is."""
SHOWN = (later("Femoral"), later("Tibial"), later("Other pose"))
PANELS: dict[str, Callable[[MotionCase], Placed | None]] = {
    later("Curves"): panels.curves,
    later("Quality"): panels.quality,
    later("Move by hand"): hand.show,
    later("Compare"): panels.compare,
}
"""What a reader can do with a measured sequence; each may put a component elsewhere on the frame."""
CHART = {"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage"]}
BARE = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage", "resetCameraLastSave3d", "tableRotation"]}


def show() -> None:
    """Draw the page."""
    with st.container(key="heading", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(t("Knee implant motion from fluoroscopy"), anchor=False, width="content")
        if CARD in models.cards():
            card_summary.show(models.card(CARD))
    try:
        choice = source.choose()
    except OrthoLensError as problem:
        states.error(problem)
        return
    if (sequence := choice.sequence) is None:
        _invite()
        return
    name = f"kinematics-{sequence.key}-{choice.masks}-{choice.side}"
    job: Job[Motion] | None = session.job(name)
    if job and job.running:
        _live(name, session.get(f"{name}-tracking"))
    elif job and job.result:
        run = session.get(f"{name}-tracking")
        _workspace(MotionCase(name, sequence, run, job.result))
    elif job is None and choice.masks == NETWORK and (replay := sequence.replay):
        run = session.once(lambda: Tracking.beforehand(sequence, replay), "replay", name)
        _workspace(MotionCase(name, sequence, run, replay.motion))
    else:
        _offer(name, sequence, choice, job)


def _invite() -> None:
    st.caption(
        t(
            "Each component is found in every frame without a hint, then refined on the image's own edges. "
            "Nothing leaves this machine."
        )
    )


def _offer(name: str, sequence: Fluoroscopy, choice: Choice, job: Job[Motion] | None) -> None:
    """Draw the frames, and the button that starts the measurement."""
    picture, controls, right = places(PICTURE)
    with controls:
        frame = _scrubber(sequence, name)
    with picture:
        _picture(sequence, frame, [], 0.0)
    with right:
        rows, columns = sequence.camera.shape
        if sequence.simulated:
            st.badge(t("simulated"), icon=":material/science:", color="gray")
        st.markdown(
            t(
                "**{total} frames** of {columns} × {rows} px, one camera, two components. For every frame: position "
                "and rotation of both components, the joint's angles, and how far to trust them.",
                total=len(sequence.images),
                columns=columns,
                rows=rows,
            )
        )
        startable = choice.masks == EXACT or source.trained()
        if choice.masks == EXACT:
            st.markdown(f":material/info: {plain(_outlined(sequence))}")
        elif not startable:
            st.markdown(
                t(
                    ":material/error: **Real frames cannot be measured yet.** The network that outlines the "
                    "components ({card}) has no weights here. Train it with `ortholens train {card}`, or look at the "
                    "simulated case.",
                    card=CARD,
                )
            )
        run = Tracking(sequence, choice.masks, choice.side)
        st.button(
            t("Measure the motion"), icon=":material/play_arrow:", type="primary", key="kinematics-start",
            disabled=not startable, on_click=_start, args=(name, run),
        )  # fmt: skip
        if job and job.error:
            st.markdown(f":material/error: {plain(f'{sentence(t(job.error.problem))}. {t(job.error.fix)}')}")


def _outlined(sequence: Fluoroscopy) -> str:
    """Say that no network outlined the components."""
    why = (
        "" if source.trained() else t("The network that outlines components ({card}) has no weights here. ", card=CARD)
    )
    return why + t("The outlines are the simulation's own exact masks: this shows the geometry, not the network.")


def _start(name: str, run: Tracking) -> None:
    session.put(f"{name}-tracking", run)
    session.put(f"{name}-edits", {})
    session.start(name, run.run)


@polled(1.5)
def _live(name: str, run: Tracking) -> None:
    """Draw how far the measurement is, and the frame that was found last."""
    progress.of(name, "kinematics-cancel")
    poses = tracking.so_far(run)
    last = min(len(poses[0]), len(poses[1])) - 1
    left, _, right = places(PICTURE)
    placed = [Placed(i, poses[i][last]) for i in (0, 1) if last >= 0 and np.isfinite(poses[i][last]).all()]
    with left:
        _picture(run.sequence, max(last, 0), placed, 0.25)
        st.caption(
            t("Frame {frame} of {total}, as found first.", frame=max(last, 0) + 1, total=len(run.sequence.images))
        )
    with right:
        if last >= 0:
            _space(run.sequence, placed, (np.array(poses[0]), np.array(poses[1])))
        for one in placed:
            fit = run.found[last][one.component].fits[0]
            st.caption(
                t(
                    "{name}: overlap {overlap:.3f}, residual {residual_px:.2f} px",
                    name=t(NAMES[one.component].capitalize()),
                    overlap=fit.overlap,
                    residual_px=fit.residual_px,
                )
            )


@st.fragment
def _workspace(measured: MotionCase) -> None:
    """Draw the result and every control of it; a control reruns only this."""
    sequence, measured = measured.sequence, measured.at(measured.t)  # a pose may have been moved since the last run
    if session.on_stage() is not None:
        _staged(measured)
        return
    _headline(measured)
    picture, controls, right = places(PICTURE)
    with controls:
        frame = _scrubber(sequence, measured.name)
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            shown = st.pills(
                t("Shown"), SHOWN, selection_mode="multi", key="kinematics-shown",
                default=SHOWN, format_func=t, persist_state="session", label_visibility="collapsed",
                help=t("Where two poses fit almost equally, the other one is dotted."),
            )  # fmt: skip
            opacity = st.slider(
                t("Opacity"), 0.0, 1.0, 0.25, 0.05, key="kinematics-opacity", format="percent", persist_state="session"
            )
    measured = measured.at(frame)
    with right:
        space = st.container()
        held = st.toggle(t("Hold the tibia still"), key="kinematics-held", persist_state="session")
        _show_warnings(measured)
    tried = choose_panel(PANELS, "kinematics-panel")(measured)
    placed = _placed(measured, shown, tried)
    with picture:
        _picture(sequence, frame, placed, opacity)
    with space:
        tibia = measured.poses[1][frame]
        _space(sequence, placed, measured.poses, tibia if held and np.isfinite(tibia).all() else None)
    downloads.show(measured)


def _staged(measured: MotionCase) -> None:
    """Draw the result for a hall: the motion in a loop, and what was measured beside it."""
    picture, _, right = places(PICTURE)
    with picture:
        kinematics_replay.show(measured)
    with right:
        _headline(measured)
        placed = _placed(measured, SHOWN, None)
        _space(measured.sequence, placed, measured.poses)


def _headline(measured: MotionCase) -> None:
    """Say in one line what was measured, and what holds for all of it."""
    motion = measured.motion
    flagged, beforehand = sum(map(bool, motion.notes)), session.job(measured.name) is None
    with st.container(border=True, key="answer"):
        with st.container(horizontal=True, vertical_alignment="center"):
            low, high = np.nanmin(motion.joint[:, 0]), np.nanmax(motion.joint[:, 0])
            st.subheader(t("Flexion from {low:.0f}° to {high:.0f}°", low=low, high=high), anchor=False, width="content")
            if measured.sequence.simulated:
                st.badge(t("simulated"), icon=":material/science:", color="gray")
            if beforehand:
                run = Tracking(measured.sequence, measured.run.masks, measured.run.side)
                st.button(
                    t("Measure it now"), icon=":material/play_arrow:", type="tertiary", key="kinematics-start",
                    on_click=_start, args=(measured.name, run), help=t("Frame by frame, as one looks."),
                )  # fmt: skip
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
        if measured.run.masks == EXACT:
            st.caption(f":material/info: {plain(_outlined(measured.sequence))}")
        states.notes(tuple(w for w in motion.warnings if not w.startswith(("Simulated", "Outlined"))))


def _show_warnings(measured: MotionCase) -> None:
    """Say what a reader must know of the frame that is looked at."""
    for index, name in enumerate(NAMES):
        track = measured.tracks[index]
        if np.isfinite(track.overlap[measured.t]):
            overlap, residual = track.overlap[measured.t], track.residual_px[measured.t]
            st.caption(
                t(
                    "{name}: overlap {overlap:.3f}, residual {residual:.2f} px",
                    name=t(name.capitalize()),
                    overlap=overlap,
                    residual=residual,
                )
            )
    for said in measured.motion.notes[measured.t]:
        st.markdown(f":material/warning: {plain(sentence(t(said)))}")


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


def _scrubber(sequence: Fluoroscopy, name: str) -> int:
    if len(sequence.images) == 1:
        return 0
    total = len(sequence.images)
    chosen = st.slider(t("Frame"), 1, total, key=f"{name}-frame", format=f"%d / {total}", persist_state="session")
    return int(chosen) - 1


def _picture(sequence: Fluoroscopy, frame: int, placed: list[Placed], opacity: float) -> None:
    st.plotly_chart(
        figures.overlay(sequence, frame, placed, opacity),
        key="viewer-kinematics",
        height=HEIGHT_PX,
        theme=None,
        config=CHART,
        alt=t(
            "Frame {frame} of {total} with the contours of both components", frame=frame + 1, total=len(sequence.images)
        ),
    )


def _space(
    sequence: Fluoroscopy, placed: list[Placed], poses: tuple[np.ndarray, np.ndarray], hold: np.ndarray | None = None
) -> None:
    """Draw both components in space; `hold` is the pose of a tibia that is held still."""
    femoral, tibial = sequence.meshes
    thin = session.once(lambda: (femoral.coarse(figures.THIN_MM), tibial.coarse(figures.THIN_MM)), "thin", sequence.key)
    reach = figures.reach_of(thin, poses, hold is not None)
    st.plotly_chart(
        staged(figures.scene(sequence, placed, thin, reach, hold)), key="viewer-space",
        height=HEIGHT_PX - 90, theme=None, config=BARE, alt=t("Both components in space"),
    )  # fmt: skip
