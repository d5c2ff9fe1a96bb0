"""A DICOM file answered by cards, and what is stored of it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import models
from models.errors import InputError, OrthoLensError
from models.io.pool import call_in_worker
from models.pacs.made import StoredObject
from models.pacs.results import make_results
from models.pacs.rules import Rule
from models.pacs.spool import Refused
from models.reporting.case import Case
from models.tasks import kind_of_card

OURS = "OrthoLens"
"""Manufacturer of what this program wrote, which it never answers."""


def answer_by_rules(data: bytes, rules: Sequence[Rule]) -> tuple[StoredObject, ...]:
    """Return what is stored of a file that arrived: nothing where no rule fits.

    Raises
    ------
    Refused
        When it cannot be read or answered, now or later.
    """
    try:
        modality, body_part, view = call_in_worker(describe_for_rules, data)
        chosen = [rule.card for rule in rules if rule.fits(modality, body_part, view)]
        return answer_file(data, list(dict.fromkeys(chosen))) if modality else ()
    except OrthoLensError as error:
        raise Refused(error.problem, fix=error.fix) from error
    except Exception as error:  # noqa: BLE001 - one image must not end the service, and nothing of it may be told
        raise Refused(f"could not be answered ({type(error).__name__})", fix="Please report this as a fault.") from None


def answer_file(data: bytes, card_ids: Sequence[str], frame: int = 0) -> tuple[StoredObject, ...]:
    """Return what is stored of a file's answers by cards.

    Raises
    ------
    InputError
        When it cannot be read, or lacks what results must refer to.
    UnknownCard, BadWeights
        As `models.predict`.
    """
    if not card_ids:
        return ()
    image = models.read(data, "image")
    if not 0 <= frame < image.frames:
        raise InputError(f"has {image.frames} frames, and not number {frame + 1}", fix="Choose another frame.")
    found: list[StoredObject] = []
    for card_id in card_ids:
        method = kind_of_card(models.card(card_id)).explained_by
        found += make_results(data, Case(image, models.predict(image, card_id, frame=frame, explain=method)))
    return tuple(found)


def describe_for_rules(data: bytes) -> tuple[str, str, str]:
    """Return modality, body part and view of a file; runs in the worker. No modality of what is not to be answered."""
    import pydicom

    header = pydicom.dcmread(BytesIO(data), force=True, stop_before_pixels=True)
    if header.get("Manufacturer") == OURS or "Rows" not in header:
        return "", "", ""
    return tuple(str(header.get(key) or "") for key in ("Modality", "BodyPartExamined", "ViewPosition"))  # type: ignore[return-value]
