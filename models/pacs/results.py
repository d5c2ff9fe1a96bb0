"""The objects that an answer of any kind becomes: SEG, SR, picture and report, in the study of its image.

Nothing here knows a kind of task: what is said comes from the kind's account, the picture from its report.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image as Pillow

from models.answers.report import bind_chapters, write_chapter
from models.cards import cards
from models.drawing import plate
from models.io.derived import name_weights_version
from models.io.pool import call_in_worker
from models.pacs.documents import restamp, write_capture, write_document
from models.pacs.made import Made, StoredObject
from models.pacs.report import write_answer_sr
from models.reporting.case import Case
from models.reporting.parts import Chapter, Picture, Pictures
from models.reporting.pdf import write_pdf
from models.tasks import account_of, card_account_of
from models.tasks.detection.sr import write_sr
from models.tasks.segmentation.seg import write_seg
from models.types import Detections, Judged, Segmentation
from models.words import DISCLAIMER


def make_results(source: bytes, case: Case, edited: str = "") -> tuple[StoredObject, ...]:
    """Return what is stored of an answer.

    Parameters
    ----------
    source
        The DICOM file of the image, with the patient and the study that the objects go to.
    case
        Image and answer.
    edited
        Says apart what a person changed of the model's own answer.

    Raises
    ------
    InputError
        When the file lacks what objects must refer to.
    """
    chapter, made = write_chapter(case), _describe(case, edited)
    objects = [
        *_segments(source, case, made),
        _report(source, case, made),
        call_in_worker(write_capture, source, _draw(case, chapter, made), made),
        call_in_worker(write_document, source, write_pdf(bind_chapters([chapter])), chapter.title[:64], made),
    ]
    return tuple(objects)


def _describe(case: Case, edited: str) -> Made:
    """Return what made an answer, and what its reader must know."""
    answer = case.prediction
    card = cards().get(answer.card)
    withheld = isinstance(answer, Judged) and answer.abstained
    remarks = [
        *(["Trained on simulated images"] if card and card.data.simulated else []),
        *([f"The model abstained: {answer.reason}"] if isinstance(answer, Judged) and answer.abstained else []),
        *(["Changed by hand"] if edited else []),
        *map(str, answer.warnings),
    ]
    headline = "" if withheld else account_of(answer).summary(answer, case.say)[0]
    version = name_weights_version(card) if card else "no network"
    return Made(answer.card, version, headline, tuple(remarks), answer.frame, edited)


def _segments(source: bytes, case: Case, made: Made) -> Sequence[StoredObject]:
    """Return the SEG of an answer that has classes for pixels; none where the model withholds it, or found nothing."""
    answer = case.prediction
    if not isinstance(answer, Segmentation) or answer.abstained or not answer.mask.any():
        return ()
    data = write_seg(source, answer, cards()[answer.card], keep_identity=True)
    return (call_in_worker(restamp, data, source, "SEG", made),)


def _report(source: bytes, case: Case, made: Made) -> StoredObject:
    answer = case.prediction
    withheld = isinstance(answer, Judged) and answer.abstained
    if isinstance(answer, Detections) and not withheld:
        data = write_sr(source, answer, cards()[answer.card], keep_identity=True)
    else:
        findings = () if withheld else account_of(answer).findings(answer, case.image)
        label = None if withheld or not isinstance(answer, Judged) else _label(answer)
        data = call_in_worker(write_answer_sr, source, label, findings, made)
    return call_in_worker(restamp, data, source, "SR", made)


def _label(answer: Judged) -> tuple[str, str] | None:
    """Return key and name of the label that is the answer; None where it is no label."""
    outcome = card_account_of(answer).outcome(answer)
    if outcome.label is None:
        return None
    names = card_account_of(answer).labels(cards()[answer.card])
    return outcome.label, str(names.get(outcome.label, outcome.label))


def _draw(case: Case, chapter: Chapter, made: Made) -> np.ndarray:
    """Return the answer's picture, right side up, with the answer, the model and the disclaimer below."""
    shown = [part for section in chapter.sections for part in section.parts if isinstance(part, Pictures)]
    picture: Picture = shown[0].pictures[-1]
    drawn = np.asarray(Pillow.open(io.BytesIO(picture.data)).convert("RGB"))
    lines = (
        chapter.answer, *([picture.caption] if picture.caption else []), f"Model {made.card}, version {made.version}",
        *made.remarks[:2], DISCLAIMER,
    )  # fmt: skip
    bare = plate.Plate(drawn, lines, chapter.title)
    return plate.compose_plate(replace(bare, pixel_mm=plate.measure_pixel_mm(case.image, drawn)))
