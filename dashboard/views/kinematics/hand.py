"""A pose moved by hand in six numbers, and refined again from there."""

from __future__ import annotations

import hashlib

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import session
from dashboard.case import states
from dashboard.i18n import later, t
from dashboard.views.kinematics.case import MotionCase
from dashboard.views.kinematics.figures import Placed
from models import OrthoLensError
from models.geometry import jts
from models.tasks.kinematics.axes import Axes
from models.tasks.kinematics.locate import NAMES

FIELDS = (
    later("right, mm"), later("up, mm"), later("towards the source, mm"), later("in the picture, °"),
)  # fmt: skip
"""The first four of a .jts row; the other two turn about axes of the component's own file."""
TURNS = (later("mediolateral axis, °"), later("front-back axis, °"), later("long axis, °"))
"""Right, anterior, proximal."""
STEPS = (0.5, 0.5, 2.0, 1.0, 1.0, 1.0)


def show_pose_fields(measured: MotionCase) -> Placed | None:
    """Draw the six fields and what can be done with them; return the pose that they say where it is another."""
    st.markdown(
        t(
            "Frame {frame}: change the pose, see it on the frame, and refine it from there. The numbers are those of "
            "a .jts file: right, up, towards the source, then turns in the picture and about two axes of the CAD.",
            frame=measured.t + 1,
        )
    )
    name = st.segmented_control(
        t("Component"),
        NAMES,
        default=NAMES[0],
        required=True,
        key="hand-component",
        format_func=lambda name: t(name.capitalize()),
        persist_state="session",
        label_visibility="collapsed",
    )
    component = NAMES.index(name)
    pose = _start(measured, component)
    if pose is None:
        st.caption(t("It was found in no frame; there is nothing to start from."))
        return None
    values, tried = _fields(measured, component, pose)
    _buttons(measured, component, tried)
    if problem := session.get(_problem(measured)):
        states.show_error(problem)
    return Placed(component, tried) if values else None


def _start(measured: MotionCase, component: int) -> NDArray[np.float64] | None:
    """Return the pose of this frame, or of the nearest in which the component was found."""
    poses = measured.poses[component]
    known = np.flatnonzero(np.isfinite(poses).all((1, 2)))
    return poses[known[np.abs(known - measured.t).argmin()]] if len(known) else None


def _fields(measured: MotionCase, component: int, pose: NDArray[np.float64]) -> tuple[bool, NDArray[np.float64]]:
    """Draw the fields; return whether they were changed, and the pose that they say."""
    row = jts.jts_row_from_pose(pose).round(2) + 0.0
    mark = hashlib.sha256(row.tobytes()).hexdigest()[:10]
    values = []
    with st.container(horizontal=True, key="hand-fields", gap="small"):
        labels = (*FIELDS, *_name_turns(measured.axes[component]))
        for index, (label, step) in enumerate(zip(labels, STEPS, strict=True)):
            values.append(
                st.number_input(
                    t(label), value=float(row[index]), step=step, format="%.2f", width=138,
                    key=f"hand-{measured.name}-{measured.t}-{component}-{mark}-{index}",
                )
            )  # fmt: skip
    changed = not np.allclose(values, row, atol=1e-6)
    own = np.isfinite(measured.poses[component][measured.t]).all()
    return changed or not own, jts.pose_from_jts_row(np.array(values)) if changed else pose


def _name_turns(axes: Axes) -> tuple[str, str]:
    """Name the turns about x and about y of the component's file by the anatomical axis that lies there."""
    about_x, about_y = (TURNS[int(np.abs(axes.component_from_axes[row]).argmax())] for row in (0, 1))
    return about_x, about_y


def _buttons(measured: MotionCase, component: int, tried: NDArray[np.float64]) -> None:
    other = measured.tracks[component].other_pose[measured.t]
    two = bool(np.isfinite(other).all())
    with st.container(horizontal=True):
        st.button(
            t("Refine from here"), icon=":material/my_location:", type="primary", key="hand-refine",
            on_click=_refine, args=(measured, component, tried),
        )  # fmt: skip
        st.button(
            t("Take the other pose"), icon=":material/swap_horiz:", key="hand-other", disabled=not two,
            on_click=_refine, args=(measured, component, other),
            help=t("Where two poses fit almost equally: the dotted one."),
        )  # fmt: skip
        st.button(
            t("Back to the found pose"), icon=":material/undo:", key="hand-undo",
            disabled=(measured.t, component) not in measured.edits, on_click=_undo, args=(measured, component),
        )  # fmt: skip
    if fit := measured.edits.get((measured.t, component)):
        track = (measured.result.femoral, measured.result.tibial)[component]
        st.caption(
            t(
                "Started by hand: overlap {before:.3f} → {after:.3f}, residual {before_px:.2f} → {after_px:.2f} px.",
                before=track.overlap[measured.t],
                after=fit.overlap,
                before_px=track.residual_px[measured.t],
                after_px=fit.residual_px,
            )
        )


def _refine(measured: MotionCase, component: int, pose: NDArray[np.float64]) -> None:
    session.put(_problem(measured), None)
    try:
        fit = measured.run.refine(measured.t, component, pose)
    except OrthoLensError as problem:
        session.put(_problem(measured), problem)
    else:
        measured.edit({**measured.edits, (measured.t, component): fit})


def _undo(measured: MotionCase, component: int) -> None:
    measured.edit({at: fit for at, fit in measured.edits.items() if at != (measured.t, component)})


def _problem(measured: MotionCase) -> str:
    return f"{measured.name}-problem-{measured.t}"
