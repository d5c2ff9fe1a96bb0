"""From points to measures of a knee seen from the front: joint space, angles and width, each with its definition.

Fast and without torch, so that every measure follows a point that is dragged. Lengths are in mm where the image is
calibrated and else in per cent of the tibial plateau's width, which needs no scale (the width itself is then in
pixels). The picture's two halves become the medial and the lateral compartment where the side of the knee is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.tasks.landmarks.joint_line import (
    HALVES,
    Half,
    JointLine,
    Points,
    Segment,
    find_height,
    find_joint_line,
    find_narrowest,
    fit_plateau,
    has_joint_line,
    measure_tilt,
    touch_condyles,
)
from models.types import Image, Landmarks
from models.words import later

Side = Literal["right", "left"]
FIXED = 0.25
"""Share of the plateau's width, from its margin, at which the joint space is measured at a fixed place."""
MINIMUM_SOURCE = "Buckland-Wright 1994, Semin Arthritis Rheum 23(6 Suppl 2):48, and Duryea et al. 2000, Med Phys 27:580"
FIXED_SOURCE = "Neumann et al. 2009, doi 10.1016/j.joca.2008.11.001"
ANGLE_SOURCE = "Paley 2002, Principles of Deformity Correction, chapter 1"


@dataclass(frozen=True)
class Measurement:
    """One measure.

    Attributes
    ----------
    key, name
        In files, and on the screen.
    value, unit
        "mm", "%" (of the plateau's width), "°" or "px".
    definition, source
        What it is, in a sentence, and after whom.
    lines
        Segments that show it on the picture, in source pixels.
    compartment
        "medial", "lateral", "left" or "right" (of the picture, where the side is not known), or "" for the whole knee.
    """

    key: str
    name: str
    value: float
    unit: str
    definition: str
    source: str
    lines: tuple[Segment, ...]
    compartment: str = ""


def measure_knee(
    answer: Landmarks, spacing_mm: tuple[float, float] | None, side: Side | None = None
) -> tuple[Measurement, ...]:
    """Return every measure of a knee seen from the front.

    Parameters
    ----------
    answer
        With the points tibia_0 to tibia_8 and femur_0 to femur_6, each from the picture's left to its right.
    spacing_mm
        (between rows, between columns) of the image; None: not calibrated.
    side
        Of the knee, as the patient has it, in a picture that is shown as usual: the right knee's fibula on the
        picture's left. None: not known, and the compartments are called after the picture's halves.

    Returns
    -------
    tuple
        Empty where the points are not those of a joint line: of an implant nothing is measured.
    """
    if not has_joint_line(answer.names):
        return ()
    knee = find_joint_line(answer, spacing_mm)
    halves = {half: name_compartment(half, side) for half in HALVES}
    spaces = {half: find_narrowest(knee, half) for half in halves}
    smallest = min(spaces, key=lambda half: float(np.linalg.norm(spaces[half][1] - spaces[half][0])))
    found = [_minimum(knee, spaces[smallest], "")]
    for half in sorted(halves, key=lambda half: halves[half] in ("lateral", "right")):
        found.append(_minimum(knee, spaces[half], halves[half]))
        found.append(_fixed(knee, half, halves[half]))
    return (*found, *_angles(knee, side), _width(knee))


def find_stated_side(image: Image) -> Side | None:
    """Return which knee the file says that it shows; None where it says nothing."""
    stated = {image.tags.get(tag) for tag in ("Laterality", "ImageLaterality")}
    return "right" if stated & {"R"} else "left" if stated & {"L"} else None


def name_compartment(half: Half, side: Side | None) -> str:
    """Return which compartment lies in a half of the picture: the lateral one of a right knee lies in its left."""
    if side is None:
        return half
    return "lateral" if half == _lateral_half(side) else "medial"


def _lateral_half(side: Side) -> Half:
    return "left" if side == "right" else "right"


def _minimum(knee: JointLine, ends: tuple[Points, Points], compartment: str) -> Measurement:
    value, unit = knee.length(float(np.linalg.norm(ends[1] - ends[0])))
    return Measurement(
        key=f"minimum_space_{compartment}".rstrip("_"),
        name=MINIMUM_NAMES[compartment],
        value=value,
        unit=unit,
        definition=later("The smallest distance between the curve of the femoral condyle and that of the plateau."),
        source=MINIMUM_SOURCE,
        lines=(knee.segment(*ends),),
        compartment=compartment,
    )


MINIMUM_NAMES: Mapping[str, str] = {
    "": later("Minimum joint space"),
    "medial": later("Minimum joint space, medial"),
    "lateral": later("Minimum joint space, lateral"),
    "left": later("Minimum joint space, left in the picture"),
    "right": later("Minimum joint space, right in the picture"),
}
FIXED_NAMES: Mapping[str, str] = {
    "medial": later("Joint space at a quarter, medial"),
    "lateral": later("Joint space at a quarter, lateral"),
    "left": later("Joint space at a quarter, left in the picture"),
    "right": later("Joint space at a quarter, right in the picture"),
}


def _fixed(knee: JointLine, half: Half, compartment: str) -> Measurement:
    """Measure square to the plateau's width, at a quarter of it from the margin."""
    start, end = knee.margins if half == "left" else knee.margins[::-1]
    along = (end - start) / max(knee.width, 1e-9)
    down = np.array([-along[1], along[0]]) * (1 if along[0] > 0 else -1)
    place = FIXED * knee.width
    femur, tibia = (find_height(curve, start, along, down, place) for curve in (knee.condyle[half], knee.plateau[half]))
    ends = (start + place * along + femur * down, start + place * along + tibia * down)
    value, unit = knee.length(max(tibia - femur, 0.0))
    return Measurement(
        key=f"fixed_space_{compartment}",
        name=FIXED_NAMES[compartment],
        value=value,
        unit=unit,
        definition=later(
            "The distance between condyle and plateau, square to the plateau's width, a quarter of it from its margin."
        ),
        source=FIXED_SOURCE,
        lines=(knee.segment(*ends),),
        compartment=compartment,
    )


def _angles(knee: JointLine, side: Side | None) -> list[Measurement]:
    condyles, plateau = touch_condyles(knee), fit_plateau(knee)
    femoral, tibial = measure_tilt(condyles), measure_tilt(plateau)
    apart = tibial - femoral  # y runs down: positive where the joint opens to the picture's right
    if side is not None and _lateral_half(side) == "left":
        apart = -apart
    lines = {"condyles": knee.segment(*condyles), "plateau": knee.segment(*plateau)}
    convergence = later(
        "The angle between the tangent to both condyles and the line of the plateau; positive where the joint opens "
        "laterally."
    )
    unsided = later("The angle between the tangent to both condyles and the line of the plateau, without a sign.")
    return [
        Measurement(
            "convergence_angle",
            later("Joint-line convergence angle"),
            apart if side is not None else abs(apart),
            "°",
            convergence if side is not None else unsided,
            ANGLE_SOURCE,
            (lines["condyles"], lines["plateau"]),
        ),
        Measurement(
            "condylar_tilt",
            later("Tilt of the condylar tangent"),
            femoral,
            "°",
            later(
                "The line that touches both femoral condyles, against the picture's rows; positive where it falls to "
                "the picture's right."
            ),
            ANGLE_SOURCE,
            (lines["condyles"],),
        ),
        Measurement(
            "plateau_tilt",
            later("Tilt of the tibial plateau"),
            tibial,
            "°",
            later(
                "The straight line that fits both halves of the plateau best, without the spines, against the "
                "picture's rows; positive where it falls to the picture's right."
            ),
            ANGLE_SOURCE,
            (lines["plateau"],),
        ),
    ]


def _width(knee: JointLine) -> Measurement:
    return Measurement(
        "plateau_width",
        later("Width of the tibial plateau"),
        knee.width,
        "mm" if knee.calibrated else "px",
        later("The distance between the two margins of the plateau."),
        later("Definition of this program"),
        (knee.segment(*knee.margins),),
    )
