"""What each kind of answer says in a report: the answer, its picture, its measurements, and how far to trust it.

An abstention is told in the place of the answer, and nothing that gives the withheld answer away stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from models.boxes.verdict import caveat, verdict
from models.cards import Card, card
from models.reporting import report_motion, report_pictures, report_tissue
from models.reporting.report_case import Case
from models.reporting.report_parts import Answer, Bar, Bars, Paragraph, Part, Pictures, Section, Table
from models.reporting.report_trust import asked, plain_picture, reason, trust, withheld
from models.trust.grades import definite_probability, expected_grade
from models.trust.methods import METHODS
from models.types import Classification, Detections, Motion, Prediction, Segmentation

__all__ = ["Case", "answered", "summary"]

NO_ANSWER = "No answer"
MOST_BOXES = 30
"""Rows of the table of boxes; what is left out is said."""


@singledispatch
def answered(prediction: Prediction, case: Case) -> list[Section]:
    """Return the sections that one kind of answer begins its chapter with; the first has no title."""
    raise TypeError(f"no report of a {type(prediction).__name__}")


@singledispatch
def summary(prediction: Prediction) -> tuple[str, str]:
    """Return the answer in one line, and how sure it is, for a table of contents."""
    raise TypeError(f"no report of a {type(prediction).__name__}")


@answered.register
def _(prediction: Classification, case: Case) -> list[Section]:
    if prediction.abstained:
        return withheld(prediction, case)
    known, why = card(prediction.card), prediction.explanation
    label = known.labels[known.index(prediction.label)]
    sure = "calibrated confidence" if known.calibration else "confidence, not calibrated"
    pictures = [plain_picture(case)]
    if why is not None:
        drawn = case.drawn if case.drawn is not None else report_pictures.heat(case.image, prediction)
        name = known.labels[known.index(why.target)].name
        method = METHODS[why.method].name if why.method in METHODS else why.method
        alt = f"The image with the heat of {method} for {name}"
        pictures.append(report_pictures.picture(drawn, alt, f"What speaks for {name}, by {method}"))
    parts: list[Part] = [
        Answer(label.name, f"{prediction.confidence:.0%}", sure, label.definition),
        Pictures(tuple(pictures)),
        _bars(prediction, known),
        *_sets(prediction, known),
    ]
    sections = [Section("", tuple(parts)), trust(prediction, case)]
    return [*sections[:1], *([reason(why, known)] if why else []), *sections[1:]]


@summary.register
def _(prediction: Classification) -> tuple[str, str]:
    known = card(prediction.card)
    if prediction.abstained:
        return NO_ANSWER, ""
    return known.labels[known.index(prediction.label)].name, f"{prediction.confidence:.0%}"


def _bars(prediction: Classification, known: Card) -> Bars:
    kept = prediction.prediction_set
    bars = [
        Bar(known.labels[known.index(key)].name, float(p), key in kept if kept else None)
        for key, p in zip(prediction.labels, prediction.probabilities, strict=True)
    ]
    return Bars("Probability of each label", tuple(bars if known.ordinal else sorted(bars, key=lambda bar: -bar.share)))


def _sets(prediction: Classification, known: Card) -> list[Part]:
    """Say which labels are still possible, and what an ordinal answer says beyond its label."""
    parts: list[Part] = []
    if prediction.prediction_set and prediction.coverage is not None:
        names = [known.labels[known.index(key)].name for key in prediction.prediction_set]
        parts.append(
            Paragraph(
                f"Still possible at {prediction.coverage:.0%} coverage: {'; '.join(names)}. Of images like this, "
                f"{prediction.coverage * 100:.0f} in 100 have their true label in such a set (conformal prediction)."
            )
        )
    else:
        parts.append(
            Paragraph("This model stores no conformal quantiles, so no set of possible labels is given.", "note")
        )
    definite = definite_probability(prediction.probabilities, known)
    if known.ordinal:
        said = f"Expected grade {expected_grade(prediction.probabilities):.1f}"
        if known.definite and definite is not None:
            said += f"; probability of {known.definite.name}: {definite:.0%}"
        parts.append(Paragraph(f"{said}."))
    return parts


@answered.register
def _(prediction: Segmentation, case: Case) -> list[Section]:
    return withheld(prediction, case) if prediction.abstained else report_tissue.answered(prediction, case)


@summary.register
def _(prediction: Segmentation) -> tuple[str, str]:
    return (NO_ANSWER, "") if prediction.abstained else report_tissue.summary(prediction)


@answered.register
def _(prediction: Detections, case: Case) -> list[Section]:
    if prediction.abstained:
        return withheld(prediction, case)
    known, why = card(prediction.card), prediction.explanation
    found = len(prediction.shown)
    drawn = case.drawn if case.drawn is not None else report_pictures.boxes(case.image, prediction)
    boxed = report_pictures.picture(
        drawn, f"The image with {_boxes(found)}", f"{_boxes(found).capitalize()}, each with its number and score"
    )
    point = f"{prediction.operating_point}, from a score of {prediction.threshold:.2f}"
    parts: list[Part] = [
        Answer(
            verdict(prediction, known), f"{prediction.score:.0%}", "score of the best box",
            f"{caveat(prediction, known)} Shown at the operating point {point}.".strip(),
        ),
        Pictures((plain_picture(case), boxed)),
        *_box_table(prediction, known, case),
    ]  # fmt: skip
    return [Section("", tuple(parts)), *([asked(why, known, case)] if why else []), trust(prediction, case)]


@summary.register
def _(prediction: Detections) -> tuple[str, str]:
    if prediction.abstained:
        return NO_ANSWER, ""
    return verdict(prediction, card(prediction.card)), f"{prediction.score:.0%}"


def _boxes(count: int) -> str:
    return "no box" if not count else "1 box" if count == 1 else f"{count} boxes"


def _box_table(prediction: Detections, known: Card, case: Case) -> Sequence[Part]:
    """List the boxes that are shown, in pixels and, where the image is calibrated, in mm."""
    down, across = case.image.spacing_mm or (0.0, 0.0)
    rows = []
    for number, index in enumerate(prediction.shown[:MOST_BOXES], 1):
        x, y, width, height = (float(value) for value in prediction.boxes[index])
        name = known.labels[int(prediction.classes[index])].name
        row = [str(number), name, f"{prediction.scores[index]:.0%}", f"{x:.0f}, {y:.0f}", f"{width:.0f} × {height:.0f}"]
        rows.append((*row, f"{width * across:.1f} × {height * down:.1f}") if case.image.spacing_mm else tuple(row))
    if not rows:
        return [Paragraph("No box reaches the threshold. That is no proof that there is nothing to find.")]
    columns = ("No.", "Finding", "Score", "Left, top (px)", "Width × height (px)")
    table = Table((*columns, "Size (mm)") if case.image.spacing_mm else columns, tuple(rows), "Findings", words=2)
    left_out = len(prediction.shown) - len(rows)
    said = f"{left_out} more are not listed. " if left_out > 0 else ""
    return [table, Paragraph(f"{said}A score is the calibrated probability that a box meets what it is round.", "note")]


@answered.register
def _(prediction: Motion, case: Case) -> list[Section]:
    return report_motion.answered(prediction, case)


@summary.register
def _(prediction: Motion) -> tuple[str, str]:
    return report_motion.summary(prediction)
