"""The questions that are answered at once: what an image is, which card knows it, what a card says of it, and why."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Form, Request, UploadFile
from PIL import Image as Pillow

import models
from models.audit_log import record_answer, record_export
from models.cards import Card, cards
from models.commands.predict import Question, answer_question, choose_card, write_line
from models.commands.triage import write_triage
from models.errors import InputError, UnknownCard
from models.reporting.account import Record
from models.service.metrics import Metrics
from models.service.records import Answer, CardRecord, ExplanationRecord, ImageRecord, Label, TriageRecord
from models.tasks import kind_of_card
from models.trust.methods import find_method
from models.types import Box, Image, Pixels

NAME = "the image"
"""What messages call a file: its own name may be a patient's."""
router = APIRouter(prefix="/v1", tags=["questions"])

Upload = Annotated[UploadFile, File(description="PNG, JPEG, TIFF, WebP, BMP, DICOM, or a video; by its content.")]
TaskName = Annotated[str | None, Form(description="What to ask, such as knee_kl; its first card answers.")]
CardId = Annotated[str | None, Form(description="Which card answers; by default the first.")]
Frame = Annotated[int | None, Form(ge=0, description="Counted from 0; by default the first is answered.")]
MethodKey = Annotated[str | None, Form(description="Also say why, by a method such as grad-cam.")]
LabelKey = Annotated[str | None, Form(description="Label that is explained; by default the answer's own.")]
Part = Annotated[
    str | None,
    Form(
        pattern=r"^\d+(\.\d+)?(,\d+(\.\d+)?){3}$",
        description="Left, top, width and height in pixels, as 10,20,64,48: of a card that segments, why is this part "
        "so? Of one that draws boxes, why is, or is not, a box like this one drawn?",
    ),
]
Pictures = Annotated[bool, Form(description="Also return its pictures: label map, boxes, points, heat.")]


@router.get("/cards")
def list_cards() -> list[CardRecord]:
    """List the models that can be asked."""
    return [_describe(card) for card in cards().values() if card.members]


@router.post("/read")
def read(file: Upload) -> ImageRecord:
    """Read an image, and say what it is."""
    image = _read(file)
    rows, columns = image.shape
    return ImageRecord(
        sha256=image.sha256,
        frames=image.frames,
        rows=rows,
        columns=columns,
        colour=image.colour,
        spacing_mm=image.spacing_mm,
        spacing_source=image.spacing_source,
        tags=dict(image.tags),
        warnings=list(image.warnings),
    )


@router.post("/triage")
def triage(file: Upload) -> TriageRecord:
    """Say which models know an image; none is asked its question."""
    return TriageRecord.model_validate(write_triage(_read(file), hashed=True))


@router.post("/predict")
def predict(
    request: Request,
    file: Upload,
    task: TaskName = None,
    card: CardId = None,
    frame: Frame = None,
    explain: MethodKey = None,
    label: LabelKey = None,
    pictures: Pictures = False,
) -> Answer:
    """Answer a question about an image, as `ortholens predict` does."""
    method = explain and find_method(explain).key
    return _answer(request, file, Question(choose_card(task, card), method, label=label, frame=frame), pictures)


@router.post("/segment")
def segment(
    request: Request, file: Upload, card: CardId = None, frame: Frame = None, pictures: Pictures = True
) -> Answer:
    """Draw the outlines of what a card knows: `pictures.mask` is the label map in the image's pixels."""
    return _answer(request, file, Question(_choose("segmentation", card), None, frame=frame), pictures)


@router.post("/detect")
def detect(
    request: Request,
    file: Upload,
    card: CardId = None,
    frame: Frame = None,
    point: Annotated[str | None, Form(description="Key of the operating point that shows boxes.")] = None,
    fused: Annotated[bool, Form(description="Look again mirrored and enlarged; five times as slow.")] = False,
    pictures: Pictures = False,
) -> Answer:
    """Draw boxes about findings."""
    asked = Question(_choose("detection", card), None, point=point, fused=fused, frame=frame)
    return _answer(request, file, asked, pictures)


@router.post("/landmarks")
def landmarks(
    request: Request, file: Upload, card: CardId = None, frame: Frame = None, pictures: Pictures = False
) -> Answer:
    """Place points on bones or implants, and measure between them."""
    return _answer(request, file, Question(_choose("landmarks", card), None, frame=frame), pictures)


@router.post("/explain")
def explain(
    request: Request,
    file: Upload,
    card: Annotated[str, Form(description="Whose answer is explained.")],
    method: Annotated[str | None, Form(description="Such as hirescam; by default the card's own.")] = None,
    label: LabelKey = None,
    frame: Annotated[int, Form(ge=0)] = 0,
    stage: Annotated[str | None, Form(description="Of the network; by default the card's own.")] = None,
    box: Part = None,
) -> ExplanationRecord:
    """Say what in an image speaks for a label, and what against it."""
    image, known = _read(file), models.card(card)
    _check_frame(image, frame)
    chosen = method or kind_of_card(known).explained_by
    if chosen is None:
        raise UnknownCard(f"answers of {known.id} are explained by no method of their own", fix="Name a method.")
    part = _find_part(image, box) if box else None
    with _metrics(request).answering(known.id):
        why = models.explain(image, known.id, find_method(chosen).key, label=label, frame=frame, stage=stage, box=part)
    record_answer(image.sha256, known.id)
    return ExplanationRecord(
        sha256=image.sha256,
        card=known.id,
        frame=frame,
        method=why.method,
        layer=why.layer,
        target=why.target,
        seconds=round(why.seconds, 4),
        heat=_encode(_write_heat(why.heat)),
    )


def _find_part(image: Image, written: str) -> Box:
    """Return the part of an image that a caller wrote as left, top, width and height."""
    left, top, width, height = (round(float(number)) for number in written.split(","))
    rows, columns = image.shape
    if not (width and height) or left + width > columns or top + height > rows:
        fix = f"Give left, top, width and height within its {columns} x {rows} pixels."
        raise InputError(f"a box of {written} does not lie in the image", fix=fix, file=NAME)
    return Box(top, left, height, width)


def _answer(request: Request, file: UploadFile, asked: Question, pictured: bool) -> Answer:
    image = _read(file)
    _check_frame(image, asked.frame or 0)
    pictures: dict[str, str] = {}

    def keep(name: str, make: Callable[[], bytes]) -> str | None:
        if not pictured:
            return None
        made = record_export(make, f"{prediction.sha256[:12]}-{prediction.card}-{name}.png")
        pictures[name] = _encode(made())
        return name

    with _metrics(request).answering(asked.card.id):
        prediction = answer_question(image, asked)
    record: Record = write_line(image, prediction, keep)
    return Answer.model_validate({**record, "pictures": pictures})


def _choose(kind: str, card_id: str | None) -> Card:
    """Return a card of a kind of task: one by its id, or the first that has weights."""
    chosen = (models.card(card_id),) if card_id else tuple(card for card in cards().values() if card.members)
    for card in chosen:
        if kind_of_card(card).name == kind:
            return card
    said = f"{card_id} is no card of {kind}" if card_id else f"there is no card of {kind}"
    raise UnknownCard(said, fix="Choose one of /v1/cards.")


def _read(file: UploadFile) -> Image:
    return models.read(file.file.read(), NAME)


def _check_frame(image: Image, frame: int) -> None:
    if frame >= image.frames:
        fix = "Frames are counted from 0; choose another."
        raise InputError(f"has {image.frames} frames, and none of number {frame}", fix=fix, file=NAME)


def _describe(card: Card) -> CardRecord:
    return CardRecord(
        id=card.id,
        task=card.task,
        kind=kind_of_card(card).name,
        title=card.title,
        summary=card.summary,
        labels=[Label(key=label.key, name=label.name) for label in card.labels],
        explained_by=kind_of_card(card).explained_by,
        points=[point.key for point in card.detecting.points] if card.detecting else [],
        intended=card.use.intended,
        not_intended=card.use.not_intended,
        simulated=card.data.simulated,
    )


def _metrics(request: Request) -> Metrics:
    found: Metrics = request.app.state.metrics
    return found


def _write_heat(heat: Pixels) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(np.rint((heat + 1) * 32767).astype(np.uint16)).save(out, "PNG")
    return out.getvalue()


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
