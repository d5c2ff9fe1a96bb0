"""Points and the lines of their measurements on a picture: the same colours on the screen and in every exported file.

Bones and measurements are told apart by shape and words as well as by colour, which readers with any colour vision see
(Okabe and Ito 2008, https://jfly.uni-koeln.de/color/). A point that a person moved is a diamond, every other a disc.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from models.drawing import plate
from models.drawing.draw import RGB, load_font, to_rgb_bytes
from models.i18n import IN_ENGLISH, Language
from models.reporting.caption import write_caption_footer
from models.tasks.landmarks.edit import list_moved
from models.tasks.landmarks.joint_line import CONDYLE, PLATEAU, Segment, fit_curve, has_joint_line
from models.tasks.landmarks.measures import Measurement, measure_knee
from models.types import Image, Landmarks, Pixels
from models.words import later

BONES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"tibia": ("#E69F00", later("Tibia")), "femur": ("#56B4E9", later("Femur"))}
)
"""Colour and name of each bone, by what its points' names begin with."""
CURVES = (*PLATEAU.values(), *CONDYLE.values())
BETWEEN = (tuple(f"tibia_{i}" for i in range(2, 7)), tuple(f"femur_{i}" for i in range(2, 5)))
"""What an outline runs through: curves, as they are measured on, and the spines and the notch between them."""
SPACE, AXIS = "#FF7AC2", "#F0E442"
"""Of a distance between two bones, and of every other line."""
ELSEWHERE = "#F0E442"
"""Of a point that lies on none of the bones, as one of a user's own model."""
DIGITS: Mapping[str, str] = MappingProxyType({"mm": ".1f", "%": ".1f", "°": ".1f", "px": ".0f"})
NO_BREAK = "\u00a0"
"""A space at which no line ends, between a number and its unit."""


def list_outlines(names: Collection[str]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return what runs through points of these names: the curves, and what lies between them as straight lines.

    Of an implant there are none: its outline is not what its points lie on.
    """
    return ([*CURVES], [*BETWEEN]) if has_joint_line(names) else ([], [])


def find_bone(landmark: str) -> str:
    """Return the bone that a point lies on, by its name."""
    return landmark.partition("_")[0]


def colour_of_landmark(landmark: str) -> str:
    """Return the colour of a point, "#RRGGBB"."""
    return BONES[find_bone(landmark)][0] if find_bone(landmark) in BONES else ELSEWHERE


def is_space(measurement: Measurement) -> bool:
    """Whether a measurement is a distance between two bones."""
    return "_space" in measurement.key


def is_narrowest(measurement: Measurement) -> bool:
    """Whether a measurement is the smallest distance of a half, whose value stands beside its line."""
    return measurement.key.startswith("minimum_space")


def colour_of_measurement(measurement: Measurement) -> str:
    """Return the colour of a measurement's lines, "#RRGGBB"."""
    return SPACE if is_space(measurement) else AXIS


def list_lines_to_draw(measurements: Sequence[Measurement]) -> list[tuple[Measurement, Segment]]:
    """Return each line once: the narrowest space is also that of its half, and an angle lies between two lines.

    The plateau's width is left out, whose ends are points themselves.
    """
    lines: dict[Segment, Measurement] = {}
    for measurement in measurements:
        for line in measurement.lines if measurement.key != "plateau_width" else ():
            if line not in lines or not lines[line].compartment:
                lines[line] = measurement
    return [(measurement, line) for line, measurement in lines.items()]


def write_value(measurement: Measurement, say: Language = IN_ENGLISH, sign: str = "") -> str:
    """Return the value with its unit: "4.1 mm", "5.9 %", "2.3°"; with "+" for a sign, of a rise too."""
    number = say.number(measurement.value, sign + DIGITS[measurement.unit])
    return f"{number}°" if measurement.unit == "°" else f"{number}{NO_BREAK}{measurement.unit}"


def draw_landmarks(image: Image, answer: Landmarks, shown: Pixels | None = None, say: Language = IN_ENGLISH) -> RGB:
    """Draw the points, a line along each bone, and the spaces with their widths.

    Parameters
    ----------
    shown
        (h, w[, 3]) in [0, 1], the frame as displayed, of any size; by default in its default window.

    Returns
    -------
    ndarray
        (h, w, 3) bytes.
    """
    picture = Pillow.fromarray(to_rgb_bytes(image.shown(answer.frame) if shown is None else shown))
    pen, thick = ImageDraw.Draw(picture), max(2, round(max(picture.size) / 450))
    scale = np.array(picture.size) / image.shape[::-1]
    places = {name: _place(point, scale) for name, point in zip(answer.names, answer.points, strict=True)}
    curves, between = list_outlines(answer.names)
    for names in (*curves, *between):
        along = np.array([places[name] for name in names])
        curve = fit_curve(along) if names in curves else along
        pen.line([(float(x), float(y)) for x, y in curve], colour_of_landmark(names[0]), max(1, thick // 2))
    face = load_font(max(12, round(max(picture.size) / 55)))
    for measurement, line in list_lines_to_draw(measure_knee(answer, answer.spacing_mm, answer.side)):
        ends = [_place(np.array(end), scale) for end in line]
        pen.line(ends, fill=colour_of_measurement(measurement), width=thick if is_space(measurement) else 1)
        if is_narrowest(measurement):
            at = (max(x for x, _ in ends) + 3 * thick, sum(y for _, y in ends) / 2)
            pen.text(
                at, write_value(measurement, say), SPACE, face, "lm", stroke_width=thick, stroke_fill="#07090B"
            )  # fmt: skip
    moved = list_moved(answer)
    for name, place in places.items():
        _point(pen, place, 2.2 * thick, colour_of_landmark(name), name in moved)
    return np.asarray(picture)


def _place(point: NDArray[np.floating], scale: NDArray[np.floating]) -> tuple[float, float]:
    """Return where a place of the image, pixel centres at whole numbers, lies on the picture."""
    x, y = (point + 0.5) * scale - 0.5
    return float(x), float(y)


def _point(pen: ImageDraw.ImageDraw, place: tuple[float, float], radius: float, colour: str, moved: bool) -> None:
    (x, y), edge = place, max(1, round(radius / 4))
    if moved:
        far = 1.4 * radius
        corners = [(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
        pen.polygon(corners, fill=colour, outline="#FFFFFF", width=edge)
    else:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), colour, "#07090B", edge)


def export_landmarks_png(
    image: Image,
    answer: Landmarks,
    shown: Pixels | None = None,
    title: str = "",
    say: Language = IN_ENGLISH,
) -> bytes:
    """Return the picture with its points and measurements as PNG, 1,024 pixels at least on its longest side.

    Parameters
    ----------
    shown
        The frame as it is displayed; by default in its default window.
    title
        The answer in one line.
    """
    large = plate.enlarge_for_plate(image.shown(answer.frame) if shown is None else shown, image.cell)
    picture = draw_landmarks(image, answer, large, say)
    marked = {find_bone(name) for name in answer.names}
    legend = [(colour, say(name)) for bone, (colour, name) in BONES.items() if bone in marked]
    if has_joint_line(answer.names):
        legend += [(SPACE, say(later("Joint space"))), (AXIS, say(later("Axes and tangents")))]
    lines = write_caption_footer(answer, say)
    if moved := list_moved(answer):
        lines.insert(0, say(later("Moved by hand, drawn as diamonds: {names}"), names=", ".join(moved)))
    sheet = plate.Plate(
        picture, tuple(lines), title, plate.measure_pixel_mm(image, picture), legend=tuple(legend), say=say
    )
    return plate.encode_plate(sheet)
