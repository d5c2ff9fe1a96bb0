"""What a DICOM header says that a viewer needs: windows, millimetres, where the X-ray source stood.

Everything is taken by name from closed lists, so that no free text, and with it no identifier, gets through.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (10.7 spacing, C.8.7.5 magnification,
C.11.2 windows)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from models.io.decoded import Header
from models.types import Geometry, Window
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
PROJECTIONS = frozenset({"CR", "DX", "MG", "PX", "RF", "RG", "RTIMAGE", "XA"})
"""Modalities whose picture is a central projection on a detector."""

WINDOW_WORDS = frozenset(
    "abdomen angio auto bone brain chest contrast default full hard harder high liver low lung mediastinum narrow "  # noqa: SIM905
    "normal opposite range skeleton soft softer spine standard tissue wide window".split()
)
"""The only words that a window's explanation, a free text, may show."""

BURNED_IN = later("The file says that text is burned into the picture: it may name the patient.")
AT_DETECTOR = later("Lengths are those on the detector: the patient is magnified there by an unknown factor.")
CURVE = later("The file's display curve is shown as the straight window between its ends.")
BAD_SPACING = later("The file's pixel spacing is not usable, so nothing can be measured in millimetres.")


def describe(dataset: Dataset) -> Header:
    """Return what `dataset` says on showing and measuring its pixels."""
    spacing, source, doubt = _spacing(dataset)
    windows, curves = list(_windows(dataset)), list(_curves(dataset))
    warnings = (
        doubt,
        CURVE if curves and not windows else None,
        BURNED_IN if dataset.get("BurnedInAnnotation") == "YES" else None,
    )
    return Header(
        windows=(*windows, *curves),
        spacing_mm=spacing,
        spacing_source=source,
        geometry=_geometry(dataset),
        tags=_tags(dataset),
        warnings=tuple(filter(None, warnings)),
    )


def functional_group(dataset: Dataset, keyword: str, frame: int = 0) -> Dataset:
    """Return one functional group of a multi-frame object, the frame's own before the shared; empty without any."""
    per_frame = _item(dataset, "PerFrameFunctionalGroupsSequence", frame)
    return _item(per_frame, keyword) or _item(_item(dataset, "SharedFunctionalGroupsSequence"), keyword)


def _item(dataset: Dataset, keyword: str, index: int = 0) -> Dataset:
    items = dataset.get(keyword) or []
    return items[index] if index < len(items) else Dataset()


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Return the finite numbers of an attribute; none where it is absent or malformed."""
    try:
        found = np.atleast_1d(np.asarray(dataset.get(keyword), dtype=float)).ravel().tolist()
    except (ValueError, TypeError):  # text in a number, or nothing
        return []
    return [value for value in found if math.isfinite(value)]


def _positive(dataset: Dataset, keyword: str) -> float | None:
    return next((value for value in numbers(dataset, keyword) if value > 0), None)


def _windows(dataset: Dataset) -> Iterator[Window]:
    """Yield the windows in modality units, each as the straight line that stands for its function."""
    group = functional_group(dataset, "FrameVOILUTSequence") or dataset
    linear = group.get("VOILUTFunction", "LINEAR") not in ("LINEAR_EXACT", "SIGMOID")
    explanations = group.get("WindowCenterWidthExplanation") or ()
    names = [explanations] if isinstance(explanations, str) else list(explanations)
    pairs = zip(numbers(group, "WindowCenter"), numbers(group, "WindowWidth"), strict=False)
    for index, (centre, width) in enumerate(pairs):
        name = _window_name(str(names[index])) if index < len(names) else None
        if linear:  # C.11.2.1.2.1; LINEAR_EXACT, and the tangent of SIGMOID, are c ± w/2
            centre, width = centre - 0.5, width - 1
        if width > 0:
            yield Window(name or f"Window {index + 1}", centre - width / 2, centre + width / 2)


def _window_name(explanation: str) -> str | None:
    words = re.findall(r"[a-z0-9]+", explanation.lower())
    return " ".join(words).capitalize() if words and WINDOW_WORDS.issuperset(words) else None


def _curves(dataset: Dataset) -> Iterator[Window]:
    """Yield VOI LUTs as the window in which they rise from 1 to 99 % of their output."""
    for index, item in enumerate(dataset.get("VOILUTSequence") or []):
        first, data = int(item.LUTDescriptor[1]), item.LUTData
        order = "<u2" if dataset.original_encoding[1] else ">u2"
        curve = (np.frombuffer(data, order) if isinstance(data, bytes) else np.asarray(data)).astype(float)
        if curve.size < 2 or curve[-1] <= curve[0]:
            continue
        low, high = np.searchsorted(curve, curve[0] + (curve[-1] - curve[0]) * np.array([0.01, 0.99])).tolist()
        yield Window(f"Curve {index + 1}", first + low, first + max(high, low + 1))


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str | None, str | None]:
    """Return (row, column) spacing in mm, its source in words, and what is to be doubted about it."""
    plane = _pair(functional_group(dataset, "PixelMeasuresSequence"), "PixelSpacing") or _pair(dataset, "PixelSpacing")
    detector = _pair(dataset, "ImagerPixelSpacing")
    film = _pair(dataset, "NominalScannedPixelSpacing")
    if plane and plane != detector:
        calibration = {"GEOMETRY": ", corrected for magnification", "FIDUCIAL": ", from an object of known size"}
        return plane, "PixelSpacing" + calibration.get(str(dataset.get("PixelSpacingCalibrationType")), ""), None
    if detector:
        factor = _magnification(dataset)
        if factor is None:
            return detector, "ImagerPixelSpacing, at the detector", AT_DETECTOR
        row, column = detector
        return (row / factor, column / factor), f"ImagerPixelSpacing / magnification {factor:.3g}", None
    if film:
        return film, "NominalScannedPixelSpacing, on the scanned film", AT_DETECTOR
    stated = any(key in dataset for key in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"))
    return None, None, BAD_SPACING if stated else None


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    match numbers(dataset, keyword):
        case [row, column] if 1e-5 < row < 100 and 1e-5 < column < 100:
            return row, column
        case _:
            return None


def _magnification(dataset: Dataset) -> float | None:
    """Return size on the detector over size in the patient."""
    stated = _positive(dataset, "EstimatedRadiographicMagnificationFactor")
    geometry = _geometry(dataset)
    if stated is None and geometry and geometry.source_object_mm:
        stated = geometry.source_detector_mm / geometry.source_object_mm
    return stated if stated and 1 <= stated < 10 else None


def _geometry(dataset: Dataset) -> Geometry | None:
    if dataset.get("Modality") not in PROJECTIONS:
        return None
    detector = _positive(dataset, "DistanceSourceToDetector")
    patient = _positive(dataset, "DistanceSourceToPatient")
    return Geometry(detector, patient if patient and patient < detector else None) if detector else None


def _tags(dataset: Dataset) -> dict[str, str]:
    words = {key: str(dataset.get(key, "")) for key in CODES + NAMES}
    kept = {key: word for key, word in words.items() if re.fullmatch(CODE if key in CODES else NAME, word)}
    kept |= {key: f"{numbers(dataset, key)[0]:g}" for key in NUMBERS if numbers(dataset, key)}
    for key, uid in (
        ("SOPClassUID", dataset.get("SOPClassUID")),
        ("TransferSyntaxUID", dataset.file_meta.TransferSyntaxUID),
    ):
        if uid and UID(uid).name != uid:
            kept[key] = UID(uid).name
    return kept
