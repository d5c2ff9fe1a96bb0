"""What is stored of one answer, and the identifiers that it always gets.

An object's identifiers are made from what it is of (image, frame, card, weights, kind of object), so that the same
answer sent twice is the same object, which an archive keeps once (PS3.5 B.2: identifiers from a UUID).
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Literal

Kind = Literal["SEG", "SR", "SC", "PDF"]
SERIES = {"SEG": 900, "SR": 901, "SC": 902, "PDF": 903}
"""Numbers of the series that our objects begin."""


@dataclass(frozen=True)
class Made:
    """What an object is made by and of, in plain words.

    Attributes
    ----------
    card, version
        The model, and what names its weights.
    headline
        The answer in one line, "" where the model withholds it.
    remarks
        What a reader must know: trained on simulated images, warnings, why there is no answer.
    frame
        Of the image, from 0.
    edited
        Says apart what a person changed of the same answer; "" for the model's own.
    """

    card: str
    version: str
    headline: str
    remarks: tuple[str, ...] = ()
    frame: int = 0
    edited: str = ""


@dataclass(frozen=True)
class StoredObject:
    """One DICOM object that is ready to be stored.

    Attributes
    ----------
    kind
        "SEG", "SR", "SC" (a picture) or "PDF".
    instance, sop_class, study
        Its identifiers.
    data
        The file.
    """

    kind: Kind
    instance: str
    sop_class: str
    study: str
    data: bytes


def derive_uid(*parts: str) -> str:
    """Return the identifier of what these parts name; the same for the same parts, everywhere."""
    digest = hashlib.sha256("\0".join(("OrthoLens", *parts)).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
