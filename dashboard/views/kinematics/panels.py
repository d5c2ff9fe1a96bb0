"""Ways to look at a measured sequence: curves of the joint, quality of each frame, comparison with a reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t, tn
from dashboard.views.kinematics import figures
from dashboard.views.kinematics.case import MotionCase
from models.tasks.kinematics.account import word_axes
from models.tasks.kinematics.export import compute_pose_differences
from models.tasks.kinematics.locate import NAMES

AXES = (
    later("right, mm"), later("up, mm"), later("depth, mm"),
    later("turn in the picture, °"), later("turn about the file's x, °"), later("turn about the file's y, °"),
)  # fmt: skip
"""Of a .jts row, in words."""


def draw_angles_panel(measured: MotionCase) -> None:
    """Draw angles and translations with their bands, and where the condyles touch lowest."""
    motion = measured.motion
    curves = figures.draw_motion_curves(motion, measured.t, measured.reference_joint, measured.reference_name)
    said = t("Angles over the frames"), t("Translations over the frames")
    columns = st.container(key="curves").columns(2)  # one below the other where there is little room
    for column, figure, alt, key in zip(columns, curves, said, ("angles", "translations"), strict=True):
        column.plotly_chart(figure, key=f"kinematics-{key}", config={"displayModeBar": False}, alt=alt)
    known = measured.reference_joint is not None
    dotted = (
        t(" The dotted line is the {reference_name} motion.", reference_name=t(measured.reference_name))
        if known
        else ""
    )
    st.caption(
        t(
            "Tibia against femur after Grood and Suntay, by frame; adduction and external rotation positive. Bands "
            "hold 95 % by the fit's own uncertainty.{dotted} Low points: purple towards the patient's left, green "
            "towards the right.",
            dotted=dotted,
        )
    )
    ways = [t(word_axes(axes, motion.side)) for axes in motion.axes]
    st.caption(
        t("Anterior, proximal and lateral follow the shape of each component; the arrows in space show them."),
        help=escape_markdown(
            t("In the STL files: femoral {femoral}; tibial {tibial}.", femoral=ways[0], tibial=ways[1])
        ),
    )


def draw_quality_panel(measured: MotionCase) -> None:
    """Draw a row for each frame; a bad one is flagged and says why."""
    motion = measured.motion
    rows = []
    for frame, said in enumerate(motion.notes):
        row: dict[str, object] = {t("Frame"): frame + 1, "": "⚠" if said else "✓"}
        for name, track in zip(NAMES, measured.tracks, strict=True):
            title = t(name.capitalize())
            row[t("{component} overlap", component=title)] = _number(track.overlap[frame], 3)
            row[t("{component} residual, px", component=title)] = _number(track.residual_px[frame], 2)
            row[t("{component} ± depth, mm", component=title)] = _number(track.sigma[frame][2], 2)
            row[t("{component} ± turn, °", component=title)] = _number(track.sigma[frame][3:].max(), 2)
        rows.append(row | {t("What is uncertain"): " ".join(map(t, said))})
    st.dataframe(rows, hide_index=True, width="stretch", height=min(36 * (len(rows) + 1) + 3, 420))
    flagged = [str(frame + 1) for frame in measured.flagged()]
    look = tn("Look at frame {frames}.", "Look at frames {frames}.", len(flagged), frames=", ".join(flagged))
    st.caption(look if flagged else t("No frame is flagged."))
    st.caption(
        t("± is one standard deviation from the fit's Hessian; depth is along the viewing ray, which sees least.")
    )


def draw_pose_differences(measured: MotionCase) -> None:
    """Draw how far the poses are from the reference's, per axis."""
    references = measured.sequence.reference
    if all(reference is None for reference in references):
        st.caption(t("Drop fem.jts and tib.jts with the other files to compare with them."))
        return
    what = t("the simulation's exact poses") if measured.sequence.simulated else t("the reference poses")
    st.markdown(
        t("Differences from {what}, found less {reference_name}.", what=what, reference_name=t(measured.reference_name))
    )
    overall: list[dict[str, Any]] = []
    single: list[dict[str, Any]] = []
    for name, poses, reference in zip(NAMES, measured.poses, references, strict=True):
        if reference is None:
            continue
        apart = compute_pose_differences(poses, reference)
        known = apart[np.isfinite(apart).all(1)]
        if not len(known):
            continue
        rms = np.sqrt((known**2).mean(0))
        overall.append(
            {t("RMS"): t(name.capitalize())} | dict(zip(map(t, AXES), rms.round(3).tolist(), strict=True))
            | {t("in plane, mm"): round(float(np.hypot(rms[0], rms[1])), 3), t("frames"): len(known)}
        )  # fmt: skip
        single += [
            {t("Frame"): frame + 1, t("Component"): t(name.capitalize())}
            | dict(zip(map(t, AXES), line.round(3).tolist(), strict=True))
            for frame, line in enumerate(apart)
        ]
    st.dataframe(overall, hide_index=True, width="stretch")
    st.dataframe(sorted(single, key=lambda row: row[t("Frame")]), hide_index=True, width="stretch", height=240)
    st.caption(
        t(
            "Right and up lie in the picture's plane; depth is what one view tells least well. The turns are those of "
            "a .jts file, in its order."
        )
    )


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
