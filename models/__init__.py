"""OrthoLens without a screen: read an image, answer a question about it, say why.

    import models

    image = models.read("knee.dcm")
    answer = models.predict(image, "shoulder-implants", explain="grad-cam")
    answer.label, answer.confidence, answer.explanation.heat

Importing this package costs nothing: torch and the decoders are imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.cards import Card, card, cards, cards_of, check_outside
from models.errors import OrthoLensError
from models.tasks import kind_of_card
from models.types import (
    Box,
    Classification,
    Detections,
    Explanation,
    Fit,
    Image,
    Judged,
    Pixels,
    Prediction,
    Segmentation,
    Triage,
)
from models.words import DISCLAIMER

if TYPE_CHECKING:
    from models.io.intake import Intake
    from models.tasks.classification.audit import Audit
    from models.tasks.classification.robustness import Perturbation

__all__ = [
    "DISCLAIMER",
    "Box",
    "Card",
    "Classification",
    "Detections",
    "Explanation",
    "Fit",
    "Image",
    "Judged",
    "OrthoLensError",
    "Prediction",
    "Segmentation",
    "Triage",
    "audit",
    "audit_seconds",
    "card",
    "cards",
    "cards_of",
    "crops",
    "explain",
    "explain_detection",
    "intake",
    "measure_robustness",
    "predict",
    "read",
    "read_series",
    "triage",
    "uncertainty",
]


check_outside(kind_of_card)


def read(source: bytes | str | Path, name: str | None = None) -> Image:
    """Read one file, or its bytes, as an `Image`.

    Parameters
    ----------
    source
        Path or content of a PNG, JPEG, TIFF, WebP, BMP or DICOM file.
    name
        What messages call the file; by default the path's last part.

    Raises
    ------
    InputError
        When it is no image, damaged, or over a limit of the settings; the message says which, and what to do.
    """
    from models.io import read as read_file

    return read_file(source, name)


def read_series(members: Sequence[bytes], name: str) -> Image:
    """Read the slices of a DICOM series, in their order, as one `Image` whose frames they are.

    Raises
    ------
    InputError
        As `read`; of the first slice where none can be read.
    """
    from models.io.series import read_series as read_slices

    return read_slices(members, name)


def intake(files: Sequence[tuple[str, bytes]]) -> Intake:
    """Take apart what was dropped together: archives, folders, the slices of a series, a study of motion.

    Parameters
    ----------
    files
        Names, with their paths where a folder was dropped, and contents.
    """
    from models.io.intake import take_in as taken

    return taken(files)


def predict(
    image: Image,
    card_id: str,
    *,
    frame: int = 0,
    explain: str | None = None,
    label: str | None = None,
    point: str | None = None,
    fused: bool = False,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Judged:
    """Answer the card's question about one frame, in one pass with its explanation where one is asked for.

    Parameters
    ----------
    explain
        Key of a method of `models.tasks.classification.explanation.METHODS`, such as "grad-cam".
    label
        The label to explain; the answer's own by default.
    point
        Of a card that draws boxes: key of one of its operating points; its first by default.
    fused
        Of a card that draws boxes: look again mirrored and enlarged, and fuse what was found. Five times as slow.
    progress, cancelled
        Of a card that segments or draws boxes: told the share done, and asked whether to stop, before any explanation.
        A classifier answers at once.

    Raises
    ------
    UnknownCard
        For a card, method, label or operating point that does not exist.
    BadWeights
        When the card's weights are missing or changed.
    Cancelled
        When `cancelled` said so; nothing is kept.
    CannotWrite
        Where there is an audit log that cannot be written.
    """
    from models.audit_log import record_answer
    from models.predictors.engine import engine
    from models.tasks.kind import Request

    asked = Request(explain, label, point, fused, progress, cancelled)
    answer = engine().predict(image, card(card_id), frame, asked)
    record_answer(image.sha256, card_id)
    return answer


def triage(image: Image, frame: int = 0, *, page: str | None = None, begun: Triage | None = None) -> Triage:
    """Rank the cards that know a frame, and say what it looks most like.

    An empty ranking means that no card was made for such images: ask none of them.

    Parameters
    ----------
    page
        Task whose cards are asked first, "" for none; the others are asked only until the best that knows the frame
        is found, and those that are not are named in `left`. None asks all.
    begun
        What was found so far: only the cards that it left are asked.
    """
    from models.predictors.triage import triage as ranked

    return ranked(image, frame, page, begun)


def uncertainty(image: Image, card_id: str, frame: int = 0) -> Pixels:
    """Return where a card that segments is uncertain: (H, W) entropy in [0, 1] over flips and scales of the frame.

    Raises
    ------
    UnknownCard
        For a card that does not exist, or names a whole image.
    BadWeights
        When the card's weights are missing or changed.
    """
    from models.predictors.engine import engine
    from models.tasks.segmentation.entropy import compute_predictive_entropy
    from models.tasks.segmentation.predictor import Segmenter

    return compute_predictive_entropy(engine().load(card(card_id), Segmenter), image, frame)


def explain(
    image: Image,
    card_id: str,
    method: str = "grad-cam",
    *,
    label: str | None = None,
    frame: int = 0,
    stage: str | None = None,
    box: Box | None = None,
) -> Explanation:
    """Explain one label of a card on one frame; see `predict` for both in one pass.

    Parameters
    ----------
    stage
        Name of the network's stage that Grad-CAM and HiResCAM look at; the card's own by default.
    box
        Of a card that segments: why is this part so? By default all that it segmented with the label. Of a card that
        draws boxes: why is (or is not) a box like this one drawn? By default the best of the label.
    """
    from models.predictors.engine import engine
    from models.tasks.kind import Why

    return engine().explain(image, card(card_id), Why(method, label, stage, box), frame)


def explain_detection(
    image: Image,
    found: Detections,
    index: int,
    method: str = "grad-cam",
    *,
    stage: str | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """Explain one box of an answer, the `index`-th of `found`, on the frame that it is of.

    Parameters
    ----------
    method
        Key of `models.trust.methods.BOX_METHODS`.
    stage
        A stage of `models.nets.stages.BOX_STAGES`; by default the level of the pyramid that the box comes from.
    progress, cancelled
        Of a slow method: told the share done, and asked whether to stop.

    Raises
    ------
    UnknownCard
        For a box, method or stage that does not exist.
    Cancelled
        When `cancelled` said so.
    """
    from models.predictors.engine import engine
    from models.progress import ProgressToken
    from models.tasks.detection.predictor import Detector
    from models.tasks.kind import Why

    detector = engine().load(card(found.card), Detector)
    return detector.explain_found(image, found, index, Why(method, stage=stage), ProgressToken(1, progress, cancelled))


def measure_robustness(
    image: Image,
    card_id: str,
    *,
    frame: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Perturbation, ...]:
    """Answer one frame again under small changes that should not matter; the first entry is the frame as it is.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    BadWeights
        When the card's weights are missing or changed.
    """
    from models.predictors.engine import engine
    from models.tasks.classification.predictor import Classifier
    from models.tasks.classification.robustness import measure_robustness as answers_under_change

    return answers_under_change(engine().load(card(card_id), Classifier), image, frame, progress, cancelled)


def audit(
    image: Image,
    card_id: str,
    methods: Sequence[str],
    *,
    label: str | None = None,
    frame: int = 0,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Audit:
    """Explain one label by several methods and measure how far each can be believed; takes seconds to minutes.

    Raises
    ------
    UnknownCard
        For a card, method or label that does not exist.
    Cancelled
        When `cancelled` said so.
    """
    from models.predictors.engine import engine
    from models.tasks.classification.audit import audit as audited
    from models.tasks.classification.predictor import Classifier

    model = engine().load(card(card_id), Classifier)
    return audited(model, image, methods, label, frame=frame, progress=progress, cancelled=cancelled)


def audit_seconds(card_id: str, methods: Sequence[str]) -> float:
    """Return about how long an audit by these methods takes: a few passes are timed on this machine.

    Raises
    ------
    UnknownCard
        For a card or a method that does not exist.
    """
    from models.predictors.engine import engine
    from models.tasks.classification.audit import estimate_audit_seconds
    from models.tasks.classification.predictor import Classifier

    return estimate_audit_seconds(engine().load(card(card_id), Classifier), methods)


def crops(
    image: Image,
    card_id: str,
    *,
    frame: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Box, ...]:
    """Return where a larger picture shows what the card was made for, from left to right; often nothing.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    from models.predictors.engine import engine
    from models.tasks.classification.crops import propose_crops
    from models.tasks.classification.predictor import Classifier

    return propose_crops(engine().load(card(card_id), Classifier), image, frame, progress, cancelled)
