"""How boxes are told: the verdict on the image, each box with its score, and why no box rules nothing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.cards import Card, card
from models.i18n import Language
from models.reporting import pictures as report_pictures
from models.reporting.account import CardAccount, Keep, Record
from models.reporting.case import Case
from models.reporting.finding import Finding
from models.reporting.outcome import Outcome, fill_common_outcome
from models.reporting.parts import Answer, Paragraph, Part, Pictures, Section, Table
from models.reporting.trust import report_asked_reason, report_plain_picture, report_trust
from models.tasks.detection.boxes import draw_numbered_boxes, export_boxes_png
from models.tasks.detection.verdict import word_detection_caveat, word_detection_verdict
from models.types import Detections, Image
from models.words import later

NOTHING = "none"
"""The label of an image on which no box is shown."""
MOST_BOXES = 30
"""Rows of the table of boxes; what is left out is said."""


@dataclass(frozen=True, kw_only=True)
class BoxesOutcome(Outcome):
    """What a detector said of an image.

    Attributes
    ----------
    label
        Of the best box; `NOTHING` where none is shown.
    confidence
        That there is any box.
    found
        The boxes, from which the verdict is said.
    """

    found: Detections

    def words(self, say: Language) -> str:
        """Return the verdict."""
        return word_detection_verdict(self.found, card(self.card), say)


class DetectionAccount(CardAccount[Detections]):
    """Tells boxes, and what they say of the image."""

    of = Detections
    files = True

    def fields(self, answer: Detections) -> Record:
        """Return every box, and the verdict."""
        sides = answer.boxes + np.array([0.5, 0.5, 0, 0])  # from the outer corner of the first pixel, as in COCO
        return {
            "boxes": [
                {
                    **{side: round(float(value), 1) for side, value in zip("xywh", box, strict=True)},
                    "score": round(float(score), 4),
                    "label": answer.labels[kind],
                }
                for box, score, kind in zip(sides, answer.scores, answer.classes, strict=True)
            ],
            "suspected": answer.suspected,
            "verdict": word_detection_verdict(answer, card(answer.card)),
            "score": round(answer.score, 4),
            "operating_point": answer.operating_point,
            "threshold": round(answer.threshold, 4),
            "shown": len(answer.shown),
        }

    def line(self, answer: Detections, say: Language) -> str:
        """Return the verdict."""
        return word_detection_verdict(answer, card(answer.card), say)

    def summary(self, answer: Detections, say: Language) -> tuple[str, str]:
        """Return the verdict, and the score of the best box."""
        return self.line(answer, say), say.number(answer.score, ".0%")

    def keep(self, answer: Detections, image: Image, keep: Keep) -> Record:
        """Keep a picture with the boxes."""
        keep("boxes", lambda: export_boxes_png(image, answer))
        return {}

    def outcome(self, answer: Detections) -> BoxesOutcome:
        """Return the label of the best box that is shown."""
        shown = answer.shown
        label = answer.labels[int(answer.classes[shown[0]])] if len(shown) else NOTHING
        found = replace(answer, explanation=None)
        return BoxesOutcome(**fill_common_outcome(answer), label=label, confidence=answer.score, found=found)

    def labels(self, card: Card) -> Mapping[str, str]:
        """Return the card's labels, and that of an image without a box."""
        return {**{label.key: label.name for label in card.labels}, NOTHING: later("No box")}

    def is_right(self, answer: Detections, labels: Sequence[str], drawn: NDArray[np.uint8] | None) -> bool:
        """Whether boxes of just these labels are shown."""
        return {answer.labels[index] for index in answer.classes[answer.shown]} == set(labels)

    def findings(self, answer: Detections, image: Image) -> list[Finding]:
        """Return how probable any finding is; the boxes have a report of their own."""
        return [Finding("score", "Probability of any finding", 100 * answer.score, "%")]

    def sections(self, answer: Detections, case: Case) -> list[Section]:
        """Return the verdict beside the boxes, their table, the reason of one, and how far to trust them."""
        known, why, say = card(answer.card), answer.explanation, case.say
        told, sure = self.summary(answer, say)
        drawn = case.drawn if case.drawn is not None else draw_numbered_boxes(case.image, answer, say)
        alt = say(later("The image with its boxes: {told}"), told=told)
        boxed = report_pictures.make_report_picture(drawn, alt, say(later("The boxes, each with its number and score")))
        point = say(
            later("Shown at the operating point {point}, from a score of {threshold:.2f}."),
            point=say(answer.operating_point),
            threshold=answer.threshold,
        )
        meaning = f"{word_detection_caveat(answer, known, say)} {point}".strip()
        parts: list[Part] = [
            Answer(told, sure, say(later("score of the best box")), meaning),
            Pictures((report_plain_picture(case), boxed)),
            *_table(answer, known, case),
        ]
        return [
            Section("", tuple(parts)),
            *([report_asked_reason(why, known, case)] if why else []),
            report_trust(answer, case),
        ]


def _table(answer: Detections, known: Card, case: Case) -> Sequence[Part]:
    """List the boxes that are shown, in pixels and, where the image is calibrated, in mm."""
    say, (down, across) = case.say, case.image.spacing_mm or (0.0, 0.0)
    rows = []
    for number, index in enumerate(answer.shown[:MOST_BOXES], 1):
        x, y, width, height = (float(value) for value in answer.boxes[index])
        name = say(known.labels[int(answer.classes[index])].name)
        score = say.number(float(answer.scores[index]), ".0%")
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
    left_out = len(answer.shown) - len(rows)
    said = say(later("A score is the calibrated probability that a box meets what it is round."))
    if left_out > 0:
        said = f"{say(later('{n} more are not listed.'), n=left_out)} {said}"
    return [table, Paragraph(said, "note")]
