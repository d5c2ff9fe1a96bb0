"""What a measured motion says in a report: frames with both components, curves of the joint, a row a frame, doubts.

Angles and translations are Grood and Suntay's (J Biomech Eng 1983, doi 10.1115/1.3138397); bands and ± are one
standard deviation in tables and 95 % in curves, as on the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.kinematics.sequence import NAMES
from models.reporting import report_pictures
from models.reporting.report_case import Case
from models.reporting.report_model import sentence
from models.reporting.report_parts import Answer, Curve, Curves, Facts, Paragraph, Part, Pictures, Section, Table
from models.types import Motion

COLUMNS = (
    ("Flexion", "°"),
    ("Adduction", "°"),
    ("External rotation", "°"),
    ("Lateral", "mm"),
    ("Anterior", "mm"),
    ("Proximal", "mm"),
)
"""Names and units of the columns of `Motion.joint`."""
CONFIDENT = 1.96
"""Standard deviations on either side that a band covers."""
MOST_PICTURES = 3
NONE = "–"


def answered(prediction: Motion, case: Case) -> list[Section]:
    """Return the sections of a motion."""
    flagged = [t for t, said in enumerate(prediction.notes) if said]
    doubtful = f"{len(flagged)} of them flagged" if flagged else "none of them flagged"
    answer, sure = summary(prediction)
    parts: list[Part] = [
        Answer(answer, sure, "typical uncertainty of flexion, one standard deviation" if sure else "",
               f"{prediction.frames} frames, {doubtful}; {prediction.side} knee."),
    ]  # fmt: skip
    if case.film:
        drawn = "Femoral component orange, tibial blue"
        parts.append(
            Pictures(
                tuple(
                    report_pictures.picture(picture, f"{sentence(name)}. {drawn}", sentence(name))
                    for name, picture in case.film[:MOST_PICTURES]
                )
            )
        )
        parts.append(Paragraph(f"Outlines of the measured poses: {drawn.lower()}.", "note"))
    return [
        Section("", tuple(parts)),
        Section("Motion", (_curves(prediction),)),
        Section("Measurements", (_frames(prediction), Paragraph(_reads(prediction), "note"))),
        _doubts(prediction, flagged),
    ]


def summary(prediction: Motion) -> tuple[str, str]:
    """Return the range of flexion, and its typical uncertainty."""
    flexion = prediction.joint[:, 0]
    if not np.isfinite(flexion).any():
        return "No frame shows both components", ""
    sigma = prediction.joint_sigma[:, 0]
    sure = f"± {np.nanmedian(sigma):.1f}°" if np.isfinite(sigma).any() else ""
    return f"Flexion from {np.nanmin(flexion):.0f}° to {np.nanmax(flexion):.0f}°", sure


def motion_facts(case: Case) -> Section:
    """Say what was measured: the frames, and where the millimetres come from."""
    motion = case.prediction
    assert isinstance(motion, Motion)  # by the kind of report
    rows, columns = case.image.shape
    facts = [
        ("Frames", f"{motion.frames} of {columns:,} × {rows:,} pixels"),
        ("Calibration", case.calibration or "as given with the frames"),
        ("Axes", f"femoral {motion.axes[0]}; tibial {motion.axes[1]}"),
    ]
    if case.origin:
        facts.append(("Origin", case.origin))
    facts.append(("SHA-256 of outlines and frames", motion.sha256))
    return Section("The sequence", (Facts(tuple(facts)),))


def _curves(motion: Motion) -> Curves:
    curves = tuple(
        Curve(name, unit, motion.joint[:, column], CONFIDENT * motion.joint_sigma[:, column])
        for column, (name, unit) in enumerate(COLUMNS)
    )
    ranges = ", ".join(f"{curve.title.lower()} {_range(curve.values)} {curve.unit}" for curve in curves)
    caption = "Tibia against femur, over the frames; the band covers 95 % of the uncertainty."
    return Curves(curves, f"Curves over {motion.frames} frames: {ranges}", caption)


def _range(values: NDArray[np.float64]) -> str:
    return f"{np.nanmin(values):.1f} to {np.nanmax(values):.1f}" if np.isfinite(values).any() else "not measured"


def _frames(motion: Motion) -> Table:
    rows = []
    for t in range(motion.frames):
        joint = [
            f"{value:.1f} ± {sigma:.1f}" if np.isfinite(value) else NONE
            for value, sigma in zip(motion.joint[t], motion.joint_sigma[t], strict=True)
        ]
        overlaps = [_number(track.overlap[t]) for track in (motion.femoral, motion.tibial)]
        rows.append((f"{t + 1}{' *' if motion.notes[t] else ''}", *joint, *overlaps))
    titles = [f"{name},\u00a0{unit}" for name, unit in COLUMNS]
    overlaps = [f"{name.capitalize()} overlap" for name in NAMES]
    return Table(("Frame", *titles, *overlaps), tuple(rows))


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else NONE


def _reads(motion: Motion) -> str:
    flagged = " A star marks a frame to doubt." if any(motion.notes) else ""
    return f"Value ± one standard deviation; overlap is the intersection over union with the outline.{flagged}"


def _doubts(motion: Motion, flagged: Sequence[int]) -> Section:
    parts: list[Part] = [Paragraph(sentence(said), "warning") for said in motion.warnings]
    parts += [Paragraph(f"Frame {t + 1}: {' '.join(motion.notes[t])}", "note") for t in flagged]
    if not parts:
        parts = [Paragraph("No frame was flagged: one pose fits each frame, and both components meet their outlines.")]
    return Section("What to doubt", tuple(parts))
