"""What a measured motion says in a report: frames with both components, curves of the joint, a row a frame, warnings.

Angles and translations are Grood and Suntay's (J Biomech Eng 1983, doi 10.1115/1.3138397); bands and ± are one
standard deviation in tables and 95 % in curves, as on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.drawing.draw import RGB
from models.i18n import Language
from models.reporting import pictures
from models.reporting.account import Account
from models.reporting.case import Case
from models.reporting.finding import Finding
from models.reporting.model import write_as_sentence
from models.reporting.parts import Answer, Curve, Curves, Facts, Paragraph, Part, Pictures, Section, Table
from models.tasks.kinematics.prior_account import CONFIDENT, account_for_priors
from models.types import Image, Motion
from models.words import later

COLUMNS = (
    (later("Flexion"), "°"),
    (later("Adduction"), "°"),
    (later("External rotation"), "°"),
    (later("Lateral"), "mm"),
    (later("Anterior"), "mm"),
    (later("Proximal"), "mm"),
)
"""Names and units of the columns of `Motion.joint`."""
MOST_PICTURES = 3
NONE = "–"


def word_flexion(motion: Motion) -> str:
    """Say how far the knee was bent, in whole degrees; at least one frame shows both components."""
    low, high = (float(end) for end in (np.nanmin(motion.joint[:, 0]), np.nanmax(motion.joint[:, 0])))
    if round(low) == round(high):
        return later("Flexion {low:.0f}°", low=low)
    return later("Flexion from {low:.0f}° to {high:.0f}°", low=low, high=high)


def word_acceptance(motion: Motion) -> str:
    """Say by which limits frames are flagged, and whether what is known of knees helped."""
    limits = motion.limits
    helped = later("depth with what is known of knees")
    if not motion.priors:
        helped = later("each frame for itself, without what is known of knees")
    return later(
        "Flagged where an error beyond {plane:g} mm in the plane, {depth:g} mm in depth or {turn:g}° of rotation is "
        "likely; {helped}.",
        plane=limits.plane_mm,
        depth=limits.depth_mm,
        turn=limits.turn_deg,
        helped=helped,
    )


def word_axes(axes: str, side: str) -> str:
    """Say which ways of a component's file are anterior, proximal and lateral: "anterior +y, proximal +z, lateral +x".

    Parameters
    ----------
    axes
        One of `Motion.axes`.
    side
        Of the patient, to whose right the file's axes go.
    """
    ways = dict(part.split() for part in axes.split(", "))
    right = ways["right"]
    lateral = right if side == "right" else right.translate(str.maketrans("+-", "-+"))
    return later(
        "anterior {anterior}, proximal {proximal}, lateral {lateral}",
        anterior=ways["anterior"],
        proximal=ways["proximal"],
        lateral=lateral,
    )


@dataclass(frozen=True, eq=False)
class Filmed:
    """What a report of a motion has beside it, as `Case.beside`.

    Attributes
    ----------
    film
        Frames with the components drawn, each with its caption.
    calibration
        Where the millimetres come from.
    """

    film: Sequence[tuple[str, RGB]] = ()
    calibration: str = ""


class KinematicsAccount(Account[Motion]):
    """Tells a motion frame by frame."""

    of = Motion

    def title(self, task: str, card: Card | None, say: Language) -> str:
        """Return what was measured, whoever outlined the components."""
        return say(later("Knee implant motion from fluoroscopy"))

    def summary(self, answer: Motion, say: Language) -> tuple[str, str]:
        """Return the range of flexion, and its typical uncertainty."""
        flexion = answer.joint[:, 0]
        if not np.isfinite(flexion).any():
            return say(later("No frame shows both components")), ""
        sigma = answer.joint_sigma[:, 0]
        sure = f"± {say.number(float(np.nanmedian(sigma)), '.1f')}°" if np.isfinite(sigma).any() else ""
        return say(word_flexion(answer)), sure

    def findings(self, answer: Motion, image: Image) -> list[Finding]:
        """Return the joint's angles and translations of every frame in which both components were found."""
        return [
            Finding(key, str(name), float(value), unit, frame=frame)
            for frame, row in enumerate(answer.joint)
            for key, (name, unit), value in zip(answer.joint_columns, COLUMNS, row, strict=True)
            if np.isfinite(value)
        ]

    def sections(self, answer: Motion, case: Case) -> list[Section]:
        """Return the frames with both components, the curves, a row a frame, and what is uncertain."""
        say = case.say
        flagged = [t for t, said in enumerate(answer.notes) if said]
        told = later("{frames} frames, {n} of them flagged; {side} knee.")
        if not flagged:
            told = later("{frames} frames, none of them flagged; {side} knee.")
        meaning = say(told, frames=answer.frames, n=len(flagged), side=later(answer.side))
        flexion, sure = self.summary(answer, say)
        typical = say(later("typical uncertainty of flexion, one standard deviation"))
        parts: list[Part] = [Answer(flexion, sure, typical if sure else "", meaning)]
        if film := _filmed(case).film:
            drawn = say(later("Femoral component orange, tibial blue"))
            parts.append(
                Pictures(
                    tuple(
                        pictures.make_report_picture(
                            picture, f"{write_as_sentence(name)}. {drawn}", write_as_sentence(name)
                        )
                        for name, picture in film[:MOST_PICTURES]
                    )
                )
            )
            outlined = later("Outlines of the measured poses: femoral component orange, tibial blue.")
            parts.append(Paragraph(say(outlined), "note"))
        priors = account_for_priors(answer, say)
        return [
            Section("", tuple(parts)),
            Section(say(later("Motion")), (_curves(answer, say),)),
            *([priors] if priors else []),
            Section(say(later("Measurements")), (_frames(answer, say), Paragraph(_reads(answer, say), "note"))),
            _list_warnings(answer, flagged, say),
        ]

    def about(self, case: Case) -> Section:
        """Say what was measured: the frames, and where the millimetres come from."""
        motion, say = case.prediction, case.say
        assert isinstance(motion, Motion)  # by the kind of report
        rows, columns = case.image.shape
        frames = later("{frames} of {columns:,} × {rows:,} pixels")
        if motion.views > 1:
            frames = later("{frames} of {columns:,} × {rows:,} pixels, in two views that were solved together")
        axes = later("femoral {femoral}; tibial {tibial} (ways of the two STL files)")
        femoral, tibial = (word_axes(one, motion.side) for one in motion.axes)
        facts = [
            (say(later("Frames")), say(frames, frames=motion.frames, columns=columns, rows=rows)),
            (say(later("Calibration")), say(_filmed(case).calibration or later("as given with the frames"))),
            (say(later("Axes")), say(axes, femoral=femoral, tibial=tibial)),
        ]
        if case.origin:
            facts.append((say(later("Origin")), say(case.origin)))
        facts.append((say(later("SHA-256 of outlines and frames")), motion.sha256))
        return Section(say(later("The sequence")), (Facts(tuple(facts)),))


def _filmed(case: Case) -> Filmed:
    return case.beside or Filmed()


def _curves(motion: Motion, say: Language) -> Curves:
    curves = tuple(
        Curve(say(name), unit, motion.joint[:, column], CONFIDENT * motion.joint_sigma[:, column], say)
        for column, (name, unit) in enumerate(COLUMNS)
    )
    ranges = ", ".join(f"{say.lowered(curve.title)} {_range(curve.values, say)} {curve.unit}" for curve in curves)
    caption = say(later("Tibia against femur, over the frames; the band covers 95 % of the uncertainty."))
    alt = say(later("Curves over {frames} frames: {ranges}"), frames=motion.frames, ranges=ranges)
    return Curves(curves, alt, caption)


def _range(values: NDArray[np.float64], say: Language) -> str:
    if not np.isfinite(values).any():
        return say(later("not measured"))
    return say(later("{low:.1f} to {high:.1f}"), low=float(np.nanmin(values)), high=float(np.nanmax(values)))


def _frames(motion: Motion, say: Language) -> Table:
    rows = []
    for t in range(motion.frames):
        joint = [
            f"{say.number(value, '.1f')} ± {say.number(sigma, '.1f')}" if np.isfinite(value) else NONE
            for value, sigma in zip(motion.joint[t], motion.joint_sigma[t], strict=True)
        ]
        overlaps = [_number(track.overlap[t], say) for track in (motion.femoral, motion.tibial)]
        rows.append((f"{t + 1}{' *' if motion.notes[t] else ''}", *joint, *overlaps))
    titles = [f"{say(name)},\u00a0{unit}" for name, unit in COLUMNS]
    overlaps = [say(later("Femoral overlap")), say(later("Tibial overlap"))]
    return Table((say(later("Frame")), *titles, *overlaps), tuple(rows))


def _number(value: float, say: Language) -> str:
    return say.number(value, ".3f") if np.isfinite(value) else NONE


def _reads(motion: Motion, say: Language) -> str:
    told = say(later("Value ± one standard deviation; overlap is the intersection over union with the outline."))
    return f"{told} {say(later('A star marks a frame to doubt.'))}" if any(motion.notes) else told


def _list_warnings(motion: Motion, flagged: Sequence[int], say: Language) -> Section:
    parts: list[Part] = [Paragraph(say(word_acceptance(motion)))]
    parts += [Paragraph(write_as_sentence(say(said)), "warning") for said in motion.warnings]
    for t in flagged:
        notes = " ".join(say(note) for note in motion.notes[t])
        parts.append(Paragraph(say(later("Frame {frame}: {notes}"), frame=t + 1, notes=notes), "note"))
    if not flagged:
        none = later("No frame was flagged: one pose fits each frame, and both components meet their outlines.")
        parts = [Paragraph(say(none))]
    return Section(say(later("What is uncertain")), tuple(parts))
