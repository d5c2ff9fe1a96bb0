"""Ways to look at a measured sequence: curves of the joint, quality of each frame, comparison with a reference."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import kinematics_figures
from dashboard.components.states import plain
from dashboard.measured import Measured
from models.kinematics.export import differences
from models.kinematics.sequence import NAMES

AXES = ("x, mm", "y, mm", "z, mm", "about z, °", "about x, °", "about y, °")


def curves(measured: Measured) -> None:
    """Draw angles and translations with their bands, and where the condyles touch lowest."""
    motion = measured.motion
    st.plotly_chart(
        kinematics_figures.curves(motion, measured.t, measured.reference_joint, measured.reference_name),
        key="kinematics-curves", config={"displayModeBar": False}, alt="Angles and translations over the frames",
    )  # fmt: skip
    known = measured.reference_joint is not None
    dotted = f" The dotted line is the {measured.reference_name} motion." if known else ""
    st.caption(
        "Tibia against femur after Grood and Suntay, by frame; adduction and external rotation positive. Bands hold "
        f"95 % by the fit's own uncertainty.{dotted} Low points: purple towards the patient's left, green towards the "
        "right."
    )
    st.caption(plain(f"Axes taken from the CAD: femoral {motion.axes[0]}; tibial {motion.axes[1]}."))


def quality(measured: Measured) -> None:
    """Draw a row for each frame; a bad one is flagged and says why."""
    motion = measured.motion
    rows = []
    for t, said in enumerate(motion.notes):
        row: dict[str, object] = {"Frame": t + 1, "": "⚠" if said else "✓"}
        for name, track in zip(NAMES, measured.tracks, strict=True):
            title = name.capitalize()
            row[f"{title} overlap"] = _number(track.overlap[t], 3)
            row[f"{title} residual, px"] = _number(track.residual_px[t], 2)
            row[f"{title} ± depth, mm"] = _number(track.sigma[t][2], 2)
            row[f"{title} ± turn, °"] = _number(track.sigma[t][3:].max(), 2)
        rows.append(row | {"What to doubt": " ".join(said)})
    st.dataframe(rows, hide_index=True, width="stretch", height=min(36 * (len(rows) + 1) + 3, 420))
    flagged = [str(t + 1) for t in measured.flagged()]
    st.caption(f"Look at frame{'s' * (len(flagged) > 1)} {', '.join(flagged)}." if flagged else "No frame is flagged.")
    st.caption("± is one standard deviation from the fit's Hessian; depth is along the viewing ray, which sees least.")


def compare(measured: Measured) -> None:
    """Draw how far the poses are from the reference's, per axis."""
    references = measured.sequence.reference
    if all(reference is None for reference in references):
        st.caption("Drop fem.jts and tib.jts with the other files to compare with them.")
        return
    what = "the simulation's exact poses" if measured.sequence.simulated else "the reference poses"
    st.markdown(f"Differences from {what}, found less {measured.reference_name}.")
    overall, single = [], []
    for name, poses, reference in zip(NAMES, measured.poses, references, strict=True):
        if reference is None:
            continue
        apart = differences(poses, reference)
        known = apart[np.isfinite(apart).all(1)]
        if not len(known):
            continue
        rms = np.sqrt((known**2).mean(0))
        overall.append(
            {"RMS": name.capitalize()} | dict(zip(AXES, rms.round(3).tolist(), strict=True))
            | {"in plane, mm": round(float(np.hypot(rms[0], rms[1])), 3), "frames": len(known)}
        )  # fmt: skip
        single += [
            {"Frame": t + 1, "Component": name.capitalize()} | dict(zip(AXES, line.round(3).tolist(), strict=True))
            for t, line in enumerate(apart)
        ]
    st.dataframe(overall, hide_index=True, width="stretch")
    st.dataframe(sorted(single, key=lambda row: row["Frame"]), hide_index=True, width="stretch", height=240)
    st.caption("x and y lie in the picture's plane; z is the depth, which one view tells least well.")


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
