"""How landmarks are told: the joint space in a line, every point with its radius, and the table of measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cards import card
from models.drawing import plate
from models.i18n import IN_ENGLISH, Language
from models.reporting import pictures
from models.reporting.account import CardAccount, Keep, Record
from models.reporting.case import Case
from models.reporting.finding import Finding
from models.reporting.model import describe_calibration
from models.reporting.outcome import Outcome, fill_common_outcome
from models.reporting.parts import Answer, Paragraph, Part, Pictures, Section, Table
from models.reporting.trust import report_asked_reason, report_plain_picture, report_trust
from models.tasks.landmarks.edit import list_moved
from models.tasks.landmarks.joint_line import has_joint_line
from models.tasks.landmarks.marks import draw_landmarks, export_landmarks_png, write_value
from models.tasks.landmarks.measures import Measurement, measure_knee
from models.types import Image, Landmarks
from models.words import later


@dataclass(frozen=True, kw_only=True)
class PointsOutcome(Outcome):
    """How many points were placed in an image in which nothing is measured between them."""

    count: int

    @property
    def cell(self) -> str:
        """The number of points."""
        return f"{self.count} points"

    def words(self, say: Language) -> str:
        """Return the number of points."""
        return say(POINTS, n=self.count)


@dataclass(frozen=True, kw_only=True)
class SpaceOutcome(Outcome):
    """What was measured in an image: the minimum joint space, and its unit ("mm", or "%" of the plateau's width)."""

    space: Measurement

    @property
    def cell(self) -> str:
        """The joint space, such as "3.4 mm"."""
        return f"{self.space.value:.1f} {self.space.unit}"

    def words(self, say: Language) -> str:
        """Return the joint space."""
        return write_value(self.space, say)


class LandmarksAccount(CardAccount[Landmarks]):
    """Tells points and what is measured between them."""

    of = Landmarks
    files = True

    def fields(self, answer: Landmarks) -> Record:
        """Return every point in the card's order, which of them a person moved, and every measurement."""
        return {
            "landmarks": [
                {
                    "name": name,
                    "x": round(float(x), 2),
                    "y": round(float(y), 2),
                    "radius_px": None if math.isnan(radius) else round(float(radius), 2),
                }
                for name, (x, y), radius in zip(answer.names, answer.points, answer.radius_px, strict=True)
            ],
            "moved_by_hand": list(list_moved(answer)),
            "side": answer.side,
            "measurements": [
                {"key": one.key, "value": round(one.value, 3), "unit": one.unit, "compartment": one.compartment}
                for one in measure_answer(answer)
            ],
        }

    def line(self, answer: Landmarks, say: Language) -> str:
        """Return the minimum joint space; the number of points where nothing is measured between them."""
        if not (measured := measure_answer(answer)):
            return say(POINTS, n=len(answer.names))
        return f"{say(measured[0].name)} {write_value(measured[0], say)}"

    def keep(self, answer: Landmarks, image: Image, keep: Keep) -> Record:
        """Keep a picture with the points."""
        title = self.line(answer, IN_ENGLISH)
        keep("landmarks", lambda: export_landmarks_png(image, answer, title=title))
        return {}

    def outcome(self, answer: Landmarks) -> SpaceOutcome | PointsOutcome:
        """Return the minimum joint space, or the number of points."""
        if not (measured := measure_answer(answer)):
            return PointsOutcome(**fill_common_outcome(answer), count=len(answer.names))
        return SpaceOutcome(**fill_common_outcome(answer), space=measured[0])

    def is_right(self, answer: Landmarks, labels: Sequence[str], drawn: NDArray[np.uint8] | None) -> bool:
        """Whether the points are given: nothing is known of them in a picture that was made for a grade."""
        return not answer.abstained

    def findings(self, answer: Landmarks, image: Image) -> list[Finding]:
        """Return every measure and every point."""
        known = card(answer.card)
        places = zip(answer.names, answer.points.tolist(), strict=True)
        return [
            *(Finding(one.key, str(one.name), one.value, one.unit) for one in measure_answer(answer)),
            *(Finding(key, known.labels[known.index(key)].name, point=(x, y)) for key, (x, y) in places),
        ]

    def sections(self, answer: Landmarks, case: Case) -> list[Section]:
        """Return the points on their picture, the measurements, the reason of a point, and how far to trust them."""
        known, why, say = card(answer.card), answer.explanation, case.say
        drawn = case.drawn
        if drawn is None:
            below = plate.enlarge_for_plate(case.image.shown(answer.frame), case.image.cell)
            drawn = draw_landmarks(case.image, answer, below, say)
        told = self.line(answer, say)
        alt = say(later("The image with its points: {told}"), told=told)
        spaced = later("The points, and the joint space between them")
        shows = spaced if has_joint_line(answer.names) else later("The points")
        marked = pictures.make_report_picture(drawn, alt, say(shows))
        parts: list[Part] = [Answer(told), Pictures((report_plain_picture(case), marked))]
        if moved := list_moved(answer):
            names = ", ".join(say(known.labels[known.index(name)].name) for name in moved)
            parts.append(Paragraph(say(later("Moved by hand: {names}."), names=names), "warning"))
        return [
            Section("", tuple(parts)),
            *([_measured(answer, case)] if has_joint_line(answer.names) else []),
            *([report_asked_reason(why, known, case)] if why else []),
            _trust(answer, case),
        ]


POINTS = later("{n} points placed")
UNSIDED = later("Neither the file nor the reader says which knee it is: left and right are those of the picture.")


def measure_answer(answer: Landmarks) -> tuple[Measurement, ...]:
    """Return every measure of an answer, by the scale and the side that it carries."""
    return measure_knee(answer, answer.spacing_mm, answer.side)


def _measured(answer: Landmarks, case: Case) -> Section:
    """Return every measure, how it is scaled, and what it means."""
    say = case.say
    parts: list[Part] = [
        _table(measure_answer(answer), say),
        Paragraph(say(later("Calibration: {told}."), told=describe_calibration(case.image, say))),
        *([] if answer.side else [Paragraph(say(UNSIDED), "note")]),
        *(Paragraph(f"{say(one.name)}: {say(one.definition)} ({one.source})", "note") for one in _defined(answer)),
    ]
    return Section(say(later("Measurements")), tuple(parts))


def _table(measured: Sequence[Measurement], say: Language) -> Table:
    rows = tuple((say(one.name), write_value(one, say)) for one in measured)
    return Table((say(later("Measure")), say(later("Value"))), rows)


def _defined(answer: Landmarks) -> list[Measurement]:
    """Return one measurement for each definition."""
    return list({one.definition: one for one in reversed(measure_answer(answer))}.values())[::-1]


def _trust(answer: Landmarks, case: Case) -> Section:
    section, known = report_trust(answer, case), card(answer.card)
    radii = answer.radius_px[np.isfinite(answer.radius_px)]
    if not known.locating or not len(radii):
        return section
    text = later("Of ten points like these, nine lie within {least:.1f} to {most:.1f} px of the true place.")
    said = case.say(text, least=float(radii.min()), most=float(radii.max()))
    return Section(section.title, (Paragraph(said), *section.parts))
