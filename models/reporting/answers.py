"""What each kind of answer says in a report: the answer, its picture, its measurements, and how far to trust it.

An abstention is told in the place of the answer, and nothing that gives the withheld answer away stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from models.cards import Card, card
from models.i18n import Language
from models.reporting import motion
from models.reporting import pictures as report_pictures
from models.reporting import tissue as report_tissue
from models.reporting.case import Case
from models.reporting.parts import Answer, Bar, Bars, Paragraph, Part, Pictures, Section, Table
from models.reporting.trust import asked, heat_caption, plain_picture, reason, trust, withheld
from models.tasks.detection.verdict import caveat, verdict
from models.trust.grades import definite_probability, expected_grade
from models.types import Classification, Detections, Motion, Prediction, Segmentation
from models.words import later

__all__ = ["Case", "answered", "summary"]

NO_ANSWER = later("No answer")
MOST_BOXES = 30
"""Rows of the table of boxes; what is left out is said."""


@singledispatch
def answered(prediction: Prediction, case: Case) -> list[Section]:
    """Return the sections that one kind of answer begins its chapter with; the first has no title."""
    raise TypeError(f"no report of a {type(prediction).__name__}")


@singledispatch
def summary(prediction: Prediction, say: Language) -> tuple[str, str]:
    """Return the answer in one line, and how sure it is, for a table of contents."""
    raise TypeError(f"no report of a {type(prediction).__name__}")


@answered.register
def _(prediction: Classification, case: Case) -> list[Section]:
    if prediction.abstained:
        return withheld(prediction, case)
    known, why, say = card(prediction.card), prediction.explanation, case.say
    label = known.labels[known.index(prediction.label)]
    sure = later("calibrated confidence") if known.calibration else later("confidence, not calibrated")
    pictures = [plain_picture(case)]
    if why is not None:
        drawn = case.drawn if case.drawn is not None else report_pictures.heat(case.image, prediction)
        name = say(known.labels[known.index(why.target)].name)
        alt = say(later("The image with the heat for {name}"), name=name)
        pictures.append(report_pictures.picture(drawn, alt, heat_caption(case)))
    parts: list[Part] = [
        Answer(say(label.name), say.number(prediction.confidence, ".0%"), say(sure), say(label.definition)),
        Pictures(tuple(pictures)),
        _bars(prediction, known, say),
        *_sets(prediction, known, say),
    ]
    sections = [Section("", tuple(parts)), trust(prediction, case)]
    return [*sections[:1], *([reason(why, known, say)] if why else []), *sections[1:]]


@summary.register
def _(prediction: Classification, say: Language) -> tuple[str, str]:
    known = card(prediction.card)
    if prediction.abstained:
        return say(NO_ANSWER), ""
    name = say(known.labels[known.index(prediction.label)].name)
    return name, say.number(prediction.confidence, ".0%")


def _bars(prediction: Classification, known: Card, say: Language) -> Bars:
    kept = prediction.prediction_set
    bars = [
        Bar(
            say(known.labels[known.index(key)].name),
            float(p),
            say.number(float(p), ".1%"),
            key in kept if kept else None,
        )
        for key, p in zip(prediction.labels, prediction.probabilities, strict=True)
    ]
    ordered = bars if known.ordinal else sorted(bars, key=lambda bar: -bar.share)
    words = say(later("possible")), say(later("not in the set"))
    return Bars(say(later("Probability of each label")), tuple(ordered), words)


def _sets(prediction: Classification, known: Card, say: Language) -> list[Part]:
    """Say which labels are still possible, and what an ordinal answer says beyond its label."""
    parts: list[Part] = []
    if prediction.prediction_set and prediction.coverage is not None:
        names = [say(known.labels[known.index(key)].name) for key in prediction.prediction_set]
        told = later(
            "Still possible at {coverage:.0%} coverage: {names}. Of images like this, {many:.0f} in 100 have their "
            "true label in such a set (conformal prediction)."
        )
        many = prediction.coverage * 100
        parts.append(Paragraph(say(told, coverage=prediction.coverage, names="; ".join(names), many=many)))
    else:
        none = later("This model stores no conformal quantiles, so no set of possible labels is given.")
        parts.append(Paragraph(say(none), "note"))
    if not known.ordinal:
        return parts
    definite = definite_probability(prediction.probabilities, known)
    grade = expected_grade(prediction.probabilities)
    told = later("Expected grade {grade:.1f}.")
    if known.definite and definite is not None:
        told = later("Expected grade {grade:.1f}; probability of {finding}: {definite:.0%}.")
    finding = say(known.definite.name) if known.definite else ""
    return [*parts, Paragraph(say(told, grade=grade, finding=finding, definite=definite))]


@answered.register
def _(prediction: Segmentation, case: Case) -> list[Section]:
    return withheld(prediction, case) if prediction.abstained else report_tissue.answered(prediction, case)


@summary.register
def _(prediction: Segmentation, say: Language) -> tuple[str, str]:
    return (say(NO_ANSWER), "") if prediction.abstained else report_tissue.summary(prediction, say)


@answered.register
def _(prediction: Detections, case: Case) -> list[Section]:
    if prediction.abstained:
        return withheld(prediction, case)
    known, why, say = card(prediction.card), prediction.explanation, case.say
    told, sure = summary(prediction, say)
    drawn = case.drawn if case.drawn is not None else report_pictures.boxes(case.image, prediction, say)
    alt = say(later("The image with its boxes: {told}"), told=told)
    boxed = report_pictures.picture(drawn, alt, say(later("The boxes, each with its number and score")))
    point = say(
        later("Shown at the operating point {point}, from a score of {threshold:.2f}."),
        point=say(prediction.operating_point),
        threshold=prediction.threshold,
    )
    meaning = f"{caveat(prediction, known, say)} {point}".strip()
    parts: list[Part] = [
        Answer(told, sure, say(later("score of the best box")), meaning),
        Pictures((plain_picture(case), boxed)),
        *_box_table(prediction, known, case),
    ]
    return [Section("", tuple(parts)), *([asked(why, known, case)] if why else []), trust(prediction, case)]


@summary.register
def _(prediction: Detections, say: Language) -> tuple[str, str]:
    if prediction.abstained:
        return say(NO_ANSWER), ""
    return verdict(prediction, card(prediction.card), say), say.number(prediction.score, ".0%")


def _box_table(prediction: Detections, known: Card, case: Case) -> Sequence[Part]:
    """List the boxes that are shown, in pixels and, where the image is calibrated, in mm."""
    say, (down, across) = case.say, case.image.spacing_mm or (0.0, 0.0)
    rows = []
    for number, index in enumerate(prediction.shown[:MOST_BOXES], 1):
        x, y, width, height = (float(value) for value in prediction.boxes[index])
        name = say(known.labels[int(prediction.classes[index])].name)
        score = say.number(float(prediction.scores[index]), ".0%")
        row = [str(number), name, score, f"{x:.0f}, {y:.0f}", f"{width:.0f} × {height:.0f}"]
        if case.image.spacing_mm:
            row.append(f"{say.number(width * across, '.1f')} × {say.number(height * down, '.1f')}")
        rows.append(tuple(row))
    if not rows:
        none = later("No box reaches the threshold. That is no proof that there is nothing to find.")
        return [Paragraph(say(none))]
    heads = [later("No."), later("Finding"), later("Score"), later("Left, top (px)"), later("Width × height (px)")]
    if case.image.spacing_mm:
        heads.append(later("Size (mm)"))
    table = Table(tuple(say(head) for head in heads), tuple(rows), say(later("Findings")), words=2)
    left_out = len(prediction.shown) - len(rows)
    said = say(later("A score is the calibrated probability that a box meets what it is round."))
    if left_out > 0:
        said = f"{say(later('{n} more are not listed.'), n=left_out)} {said}"
    return [table, Paragraph(said, "note")]


@answered.register
def _(prediction: Motion, case: Case) -> list[Section]:
    return motion.answered(prediction, case)


@summary.register
def _(prediction: Motion, say: Language) -> tuple[str, str]:
    return motion.summary(prediction, say)
