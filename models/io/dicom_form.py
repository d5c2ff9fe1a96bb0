"""What real DICOM files get wrong in form: read all the same where the meaning is plain, and said where it is not.

A number is never replaced by a default in silence: one that cannot be read is named in a warning.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part05.html (6.2, value representations)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import STANDARD_VR

from models.words import later

MEASURES = (
    "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelSpacing", "ImagerPixelSpacing",
    "NominalScannedPixelSpacing", "ObjectPixelSpacingInCenterOfBeam", "PixelAspectRatio", "DistanceSourceToDetector",
    "DistanceSourceToPatient", "EstimatedRadiographicMagnificationFactor", "PixelPaddingValue",
    "FieldOfViewOrigin", "FieldOfViewRotation", "DetectorElementSpacing", "PositionOfIsocenterProjection",
)  # fmt: skip
"""Numbers that decide what is seen or measured."""
TEXTS = frozenset({"DS", "IS", "LO", "SH", "CS", "ST", "LT", "UC", "UT"})
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)
"""Transfer syntaxes of uncompressed pixels."""
META = b"\x02\x00\x00\x00UL\x04\x00"
"""File Meta Information Group Length, with which a meta header begins."""
TEXT_NUMBER = re.compile(rb"[0-9+\-.,eE\\ \x00]*")


def drop_later_meta_headers(data: bytes) -> bytes:
    """Return a file without meta headers after its first, which some archives put before the one that was there."""
    end = second = find_meta_end(data)
    if not end:
        return data
    while data[second : second + 8] == META:
        second = _after_meta(data, second)
    return data if second == end else data[:end] + data[second:]


def find_meta_end(data: bytes) -> int:
    """Return where the first meta header ends; 0 where there is none that says its length."""
    at = 132 if data[128:132] == b"DICM" else 4 if data[:4] == b"DICM" else 0
    return _after_meta(data, at) if data[at : at + 8] == META else 0


def _after_meta(data: bytes, at: int) -> int:
    return at + 12 + int.from_bytes(data[at + 8 : at + 12], "little")


def mend_dicom_elements(dataset: Dataset) -> tuple[str, ...]:
    """Give malformed elements the form that the dictionary has for them, in place; return what had to be assumed."""
    _mend_representations(dataset)
    _unwrap(dataset)
    return _mend_frames(dataset)


def _mend_representations(dataset: Dataset, depth: int = 3) -> None:
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag)
        if isinstance(raw, RawDataElement):
            representation = _representation(tag, raw)
            if representation != raw.VR:
                dataset[tag] = raw._replace(VR=representation)
        if depth and (getattr(raw, "VR", None) or (dictionary_has_tag(tag) and dictionary_VR(tag))) == "SQ":
            for item in dataset[tag].value or ():
                _mend_representations(item, depth - 1)


def _representation(tag: BaseTag, raw: RawDataElement) -> str | None:
    """Return the value representation that an element is to be read with."""
    if not dictionary_has_tag(tag):
        return raw.VR if raw.VR is None or raw.VR in STANDARD_VR else "UN"
    known, value = str(dictionary_VR(tag)), bytes(raw.value or b"")
    if raw.VR is None or known == raw.VR:
        return raw.VR
    if raw.VR not in STANDARD_VR:
        return known
    if known in ("DS", "IS") and raw.VR not in ("DS", "IS") and TEXT_NUMBER.fullmatch(value):
        return known
    return known if known == "US" and raw.VR not in ("US", "SS") and len(value) == 2 else raw.VR


def _unwrap(dataset: Dataset) -> None:
    """Take uncompressed pixels of undefined length out of the items that they were put in."""
    raw = dataset.get_item("PixelData") if "PixelData" in dataset else None
    if raw is None or dataset.file_meta.TransferSyntaxUID not in NATIVE:
        return
    value, little = raw.value or b"", is_little_endian(dataset)
    item = b"\xfe\xff\x00\xe0" if little else b"\xff\xfe\xe0\x00"
    if getattr(raw, "length", 0) == 0xFFFFFFFF and value[:4] == item:
        fragments = generate_fragments(value, endianness="<" if little else ">")
        dataset.add_new("PixelData", raw.VR or "OW", b"".join(fragments))


def is_little_endian(dataset: Dataset) -> bool:
    """Whether a file's numbers begin with their lowest byte."""
    return dataset.original_encoding[1] is not False


def _mend_frames(dataset: Dataset) -> tuple[str, ...]:
    if "NumberOfFrames" not in dataset:
        return ()
    text = _text(dataset, "NumberOfFrames")
    if not text:
        del dataset.NumberOfFrames
        return ()
    if re.fullmatch(r"\d+(\.0*)?", text):
        return ()
    digits = re.match(r"\d+", text)
    count = max(1, int(digits.group()[:9])) if digits else 1
    dataset.NumberOfFrames = count
    return (later("The file's number of frames is not written as a number: {count} was read.", count=count),)


def find_functional_group(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset:
    """Return one functional group of a multi-frame object, the frame's own before the shared; empty without any."""
    per_frame = find_sequence_item(dataset, "PerFrameFunctionalGroupsSequence", frame)
    return find_sequence_item(per_frame, keyword) or find_sequence_item(
        find_sequence_item(dataset, "SharedFunctionalGroupsSequence"), keyword
    )


def find_sequence_item(dataset: Dataset, keyword: str, index: int = 0) -> Dataset:
    """Return one item of a sequence; empty where there is none."""
    items = dataset.get(keyword)
    return items[index] if isinstance(items, Sequence) and index < len(items) else Dataset()


def find_holder(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset:
    """Return what states an attribute for a frame: its functional groups, the shared ones, or the object itself."""
    return next((place for place in _places(dataset, frame) if keyword in place), Dataset())


def _places(dataset: Dataset, frame: int) -> Iterator[Dataset]:
    for groups in (
        find_sequence_item(dataset, "PerFrameFunctionalGroupsSequence", frame),
        find_sequence_item(dataset, "SharedFunctionalGroupsSequence"),
    ):
        for element in groups:
            if element.VR == "SQ":
                yield from element.value[:1]
    yield dataset


def read_dicom_numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Return the numbers of an attribute, with decimal commas too; none where it is absent or one is malformed."""
    if keyword not in dataset:
        return []
    words = _words(dataset, keyword)
    found = [_number(word) for word in words]
    return [] if any(value is None for value in found) else [value for value in found if value is not None]


def read_positive_dicom_number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first number of an attribute that is over zero."""
    return next((value for value in read_dicom_numbers(dataset, keyword) if value > 0), None)


def list_malformed_numbers(dataset: Dataset, frames: int) -> tuple[str, ...]:
    """Return a sentence for each number, here or in a functional group, that could not be read as it stands."""
    found: dict[str, str] = {}
    for frame in range(frames if "PerFrameFunctionalGroupsSequence" in dataset else 1):
        for place in _places(dataset, frame):
            for keyword in MEASURES:
                if keyword in place and keyword not in found and (problem := _problem(place, keyword)):
                    found[keyword] = problem
    return tuple(found.values())


def _problem(place: Dataset, keyword: str) -> str | None:
    words, values = _words(place, keyword), read_dicom_numbers(place, keyword)
    if not any(word.strip(" \x00") for word in words):
        return None
    if not values:
        return later("The file's {attribute} is not written as a number: it was not used.", attribute=keyword)
    if any("," in word for word in words):
        said = ", ".join(f"{value:g}" for value in values)
        return later(
            "The file's {attribute} is written with a decimal comma: it was read as {value}.",
            attribute=keyword,
            value=said,
        )
    return None


def _number(word: str) -> float | None:
    text = word.strip(" \x00")
    try:
        value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _words(dataset: Dataset, keyword: str) -> list[str]:
    """Return the values of an attribute as text, however they are kept."""
    raw = dataset.get_item(keyword)
    if isinstance(raw, RawDataElement) and str(raw.VR or dictionary_VR(raw.tag)) in TEXTS:
        text = _text(dataset, keyword)
        return text.split("\\") if text else []
    value: Any = dataset[keyword].value
    if isinstance(value, str):
        return value.split("\\") if value else []
    return [] if value is None else [str(one) for one in np.atleast_1d(np.asarray(value, dtype=object)).ravel()]


def _text(dataset: Dataset, keyword: str) -> str:
    raw = dataset.get_item(keyword)
    value = raw.value if raw is not None else None
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \x00")
    return "" if value is None else str(value).strip()


def count_frames(dataset: Dataset) -> int:
    """Return the number of frames that the header states."""
    return max(1, int(dataset.get("NumberOfFrames") or 1))
