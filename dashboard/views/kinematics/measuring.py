"""A sequence that is not measured yet: its frames, the button that starts the measurement, and how far it is."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.case import progress
from dashboard.case.places import lay_out_places
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import later, t
from dashboard.views.kinematics import replay, source, tracking
from dashboard.views.kinematics.drawing import PICTURE, choose_frame, describe_fit, draw_frame, draw_space
from dashboard.views.kinematics.figures import Placed
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from dashboard.views.kinematics.source import Choice
from dashboard.views.kinematics.tracking import EXACT, Tracking
from models.cases.lunge import CARD
from models.jobs import Job
from models.types import Motion


def offer(name: str, sequence: Fluoroscopy, choice: Choice, job: Job[Motion] | None) -> None:
    """Draw the frames, and the button that starts the measurement."""
    picture, controls, right = lay_out_places(PICTURE)
    with controls:
        frame = choose_frame(sequence, name)
    with picture:
        draw_frame(sequence, frame, [], 0.0)
    with right:
        rows, columns = sequence.camera.shape
        if sequence.simulated:
            st.badge(t("simulated"), icon=":material/science:", color="gray")
        what = (
            later(
                "**{total} frames** of {columns} × {rows} px in each of two views, two components. For every frame: "
                "position and rotation of both components, the joint's angles, and how far to trust them."
            )
            if sequence.second
            else later(
                "**{total} frames** of {columns} × {rows} px, one camera, two components. For every frame: position "
                "and rotation of both components, the joint's angles, and how far to trust them."
            )
        )
        st.markdown(t(what, total=len(sequence.images), columns=columns, rows=rows))
        startable = choice.masks == EXACT or source.is_outliner_trained()
        if choice.masks == EXACT:
            st.markdown(f":material/info: {escape_markdown(describe_outlines(sequence))}")
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
            disabled=not startable, on_click=start, args=(name, run),
        )  # fmt: skip
        if job and job.error:
            st.markdown(
                f":material/error: {escape_markdown(f'{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}')}"
            )


def describe_outlines(sequence: Fluoroscopy) -> str:
    """Return a sentence which says that no network outlined the components."""
    why = (
        ""
        if source.is_outliner_trained()
        else t("The network that outlines components ({card}) has no weights here. ", card=CARD)
    )
    return why + t("The outlines are the simulation's own exact masks: this shows the geometry, not the network.")


def start(name: str, run: Tracking) -> None:
    """Measure in the background once the line of the process allows, and forget what was moved by hand before."""
    session.put(f"{name}-tracking", run)
    session.put(f"{name}-edits", {})
    session.start_work(name, run.run, in_turn=True)


@poll_every(1.5)
def follow(name: str, run: Tracking) -> None:
    """Draw how far the measurement is, the film of what is found, and the components as they were found last."""
    progress.draw_progress(name, "kinematics-cancel")
    poses = tracking.find_poses_so_far(run)
    last = min(len(poses[0]), len(poses[1])) - 1
    left, _, right = lay_out_places(PICTURE)
    placed = [Placed(i, poses[i][last]) for i in (0, 1) if last >= 0 and np.isfinite(poses[i][last]).all()]
    with left:
        if last > 0:
            replay.show_film_so_far(run, poses)
            found = t(
                "{found} of {total} frames found, as found first.", found=last + 1, total=len(run.sequence.images)
            )
            st.caption(found)
        else:
            draw_frame(run.sequence, 0, placed, 0.25)
    with right:
        if last >= 0:
            draw_space(run.sequence, placed, (np.array(poses[0]), np.array(poses[1])))
        for one in placed:
            fit = run.found[last][one.component].fits[0]
            describe_fit(one.component, fit.overlap, fit.residual_px)
