"""What a DICOM header says that a viewer needs: windows, and what the machine and the picture are.

Everything is taken by name from closed lists, so that no free text, and with it no identifier, gets through.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (C.11.2 windows)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import UID

from models.io.decoded import NOT_SQUARE, Header
from models.io.dicom_form import count_frames, find_functional_group, list_malformed_numbers, read_dicom_numbers
from models.io.dicom_space import read_dicom_geometry, read_dicom_spacing, read_pixel_aspect
from models.io.dicom_tables import make_sigmoid_window, read_voi_tables
from models.types import Window
from models.words import later

CODES = (
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "Laterality",
    "ImageLaterality",
    "PhotometricInterpretation",
    "LossyImageCompression",
)
"""Attributes whose values are codes in capitals."""
CODE, NAME = r"[A-Z0-9_ ]{1,16}", r"[\w .,&()/+-]{1,64}"
NUMBERS = ("KVP", "Exposure", "FrameTime", "CineRate", "SliceThickness", "BitsStored", "MagneticFieldStrength")
NAMES = ("Manufacturer", "ManufacturerModelName")
"""Of the machine."""
WINDOW_WORDS = frozenset(
    "abdomen angio auto bone brain chest contrast default full hard harder high liver low lung mediastinum narrow "  # noqa: SIM905
    "normal opposite range skeleton soft softer spine standard tissue wide window".split()
)
"""The only words that a window's explanation, a free text, may show."""

BURNED_IN = later("The file says that text is burned into the picture: it may name the patient.")
BAD_CURVE = later("A display table of the file cannot be read: it was not used.")
BAD_WINDOW = later("The file's display window has no usable width: it was not used.")


def describe_dicom_header(dataset: Dataset) -> Header:
    """Return what `dataset` says on showing and measuring its pixels."""
    frames = count_frames(dataset)
    spacing, source, warning = read_dicom_spacing(dataset, frames)
    aspect = read_pixel_aspect(dataset) if spacing is None else (1.0, 1.0)
    geometry, moved = read_dicom_geometry(dataset, frames)
    windows, (tables, unread) = list(_windows(dataset)), read_voi_tables(dataset)
    stated = any(read_dicom_numbers(dataset, "WindowWidth"))
    warnings = (
        warning,
        moved,
        NOT_SQUARE if aspect != (1.0, 1.0) else None,
        BAD_CURVE if unread else None,
        BAD_WINDOW if stated and not windows else None,
        BURNED_IN if dataset.get("BurnedInAnnotation") == "YES" else None,
        *list_malformed_numbers(dataset, frames),
    )
    return Header(
        windows=(*windows, *tables),
        frame_windows=_frame_windows(dataset, frames),
        spacing_mm=spacing,
        spacing_source=source,
        aspect=aspect,
        geometry=geometry,
        tags=_tags(dataset),
        warnings=tuple(filter(None, warnings)),
    )


def _frame_windows(dataset: Dataset, frames: int) -> tuple[Window, ...]:
    """Return the first window of each frame where they are not all the same."""
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        return ()
    found = [next(_windows(dataset, frame), None) for frame in range(frames)]
    given = next(filter(None, found), None)
    return () if given is None or len(set(found)) == 1 else tuple(window or given for window in found)


def _windows(dataset: Dataset, frame: int = 0) -> Iterator[Window]:
    """Yield the windows in modality units; one of width 1 is a step (C.11.2.1.2.1, C.11.2.1.3)."""
    group = find_functional_group(dataset, "FrameVOILUTSequence", frame) or dataset
    function = str(group.get("VOILUTFunction") or "LINEAR").strip().upper()
    explanations = group.get("WindowCenterWidthExplanation") or ()
    names = [explanations] if isinstance(explanations, str) else list(explanations)
    pairs = zip(read_dicom_numbers(group, "WindowCenter"), read_dicom_numbers(group, "WindowWidth"), strict=False)
    for index, (centre, width) in enumerate(pairs):
        name = _window_name(str(names[index])) if index < len(names) else None
        exact = function in ("LINEAR_EXACT", "SIGMOID")
        if width <= 0 or (width < 1 and not exact):
            continue
        if not exact:
            centre, width = centre - 0.5, width - 1
        curve = make_sigmoid_window() if function == "SIGMOID" else None
        yield Window(name or f"Window {index + 1}", centre - width / 2, centre + width / 2, curve)


def _window_name(explanation: str) -> str | None:
    words = re.findall(r"[a-z0-9]+", explanation.lower())
    return " ".join(words).capitalize() if words and WINDOW_WORDS.issuperset(words) else None


def _tags(dataset: Dataset) -> dict[str, str]:
    words = {key: str(dataset.get(key, "")) for key in CODES + NAMES}
    kept = {key: word for key, word in words.items() if re.fullmatch(CODE if key in CODES else NAME, word)}
    kept |= {key: f"{read_dicom_numbers(dataset, key)[0]:g}" for key in NUMBERS if read_dicom_numbers(dataset, key)}
    for key, uid in (
        ("SOPClassUID", dataset.get("SOPClassUID")),
        ("TransferSyntaxUID", dataset.file_meta.TransferSyntaxUID),
    ):
        if uid and UID(uid).name != uid:
            kept[key] = UID(uid).name
    return kept
