"""The millimetres of a DICOM file: in the patient for the ruler, on the detector for the camera, never mixed up.

References: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (10.7.1.3 spacing and its calibration,
C.8.7.5 magnification, C.8.19.6 functional groups of Enhanced XA and XRF, C.7.6.3.1.7 pixel aspect ratio,
C.8.11.4 and C.8.19.5 the detector) and part17.html (FFF.2.1.5.4.2 fields of view on it)
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from models.io.dicom_form import find_holder, read_dicom_numbers, read_positive_dicom_number
from models.io.spacing_notes import AT_DETECTOR, BAD_SPACING, SPACINGS_DIFFER, UNCALIBRATED
from models.types import Geometry
from models.words import later

Pair = tuple[float, float]

PROJECTIONS = frozenset({"CR", "DX", "IO", "MG", "PX", "RF", "RG", "RTIMAGE", "XA"})
"""Modalities whose picture is a central projection on a detector."""
SOURCES_DIFFER = later("The X-ray source moved between the frames: the file's own distances are not used.")
STATED = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "ObjectPixelSpacingInCenterOfBeam")
CALIBRATED = {"GEOMETRY": ", corrected for magnification", "FIDUCIAL": ", from an object of known size"}


def read_dicom_spacing(dataset: Dataset, frames: int) -> tuple[Pair | None, str | None, str | None]:
    """Return (row, column) spacing in the patient in mm, its source in words, and a warning where that is uncertain."""
    first, *others = (_frame_spacing(dataset, frame) for frame in range(_differing(dataset, frames)))
    if any(other[0] != first[0] for other in others):
        return None, None, SPACINGS_DIFFER
    return first


def _frame_spacing(dataset: Dataset, frame: int) -> tuple[Pair | None, str | None, str | None]:
    plane, detector, film, beam = (
        _pair(find_holder(dataset, key, frame), key)
        for key in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", STATED[3])
    )
    calibration = str(
        find_holder(dataset, "PixelSpacingCalibrationType", frame).get("PixelSpacingCalibrationType") or ""
    )
    if plane and (plane != detector or calibration in CALIBRATED):
        uncertain = not detector and not calibration and dataset.get("Modality") in PROJECTIONS
        return plane, "PixelSpacing" + CALIBRATED.get(calibration, ""), UNCALIBRATED if uncertain else None
    if beam:
        return beam, "ObjectPixelSpacingInCenterOfBeam", None
    if detector:
        factor = _magnification(dataset, frame)
        if factor is None:
            return detector, "ImagerPixelSpacing, at the detector", AT_DETECTOR
        row, column = detector
        return (row / factor, column / factor), f"ImagerPixelSpacing / magnification {factor:.3g}", None
    if film:
        return film, "NominalScannedPixelSpacing, on the scanned film", AT_DETECTOR
    stated = any(key in find_holder(dataset, key, frame) for key in STATED)
    return None, None, BAD_SPACING if stated else None


def _differing(dataset: Dataset, frames: int) -> int:
    """Return how many frames can say different things."""
    return max(1, frames) if "PerFrameFunctionalGroupsSequence" in dataset else 1


def _pair(dataset: Dataset, keyword: str) -> Pair | None:
    match read_dicom_numbers(dataset, keyword):
        case [row, column] if 1e-5 < row < 100 and 1e-5 < column < 100:
            return row, column
        case _:
            return None


def _magnification(dataset: Dataset, frame: int) -> float | None:
    """Return size on the detector over size in the patient."""
    key = "EstimatedRadiographicMagnificationFactor"
    stated = read_positive_dicom_number(find_holder(dataset, key, frame), key)
    geometry = _frame_geometry(dataset, frame)
    if stated is None and geometry and geometry.source_object_mm:
        stated = geometry.source_detector_mm / geometry.source_object_mm
    return stated if stated and 1 <= stated < 10 else None


def read_dicom_geometry(dataset: Dataset, frames: int) -> tuple[Geometry | None, str | None]:
    """Return where the source stood, None where that is not stated or not the same for all frames; then a warning."""
    found = {_frame_geometry(dataset, frame) for frame in range(_differing(dataset, frames))}
    return (found.pop(), None) if len(found) == 1 else (None, SOURCES_DIFFER)


def _frame_geometry(dataset: Dataset, frame: int) -> Geometry | None:
    if dataset.get("Modality") not in PROJECTIONS:
        return None
    detector, patient = (
        read_positive_dicom_number(find_holder(dataset, key, frame), key)
        for key in ("DistanceSourceToDetector", "DistanceSourceToPatient")
    )
    if detector is None:
        return None
    pitch = _pair(find_holder(dataset, "ImagerPixelSpacing", frame), "ImagerPixelSpacing")
    return Geometry(
        detector,
        patient if patient and patient < detector else None,
        _principal_point(dataset, frame, pitch) if pitch else None,
        pitch,
    )


def _principal_point(dataset: Dataset, frame: int, pitch_mm: Pair) -> Pair | None:
    """Return (row, column) of the stored picture that the source stands over; None where the file does not say.

    The standard states where the isocentre is seen on the detector; without it the source stands over the detector's
    middle. Either is the middle of the picture only where the field of view is.
    """
    origin, spacing = (_two(dataset, key, frame) for key in ("FieldOfViewOrigin", "DetectorElementSpacing"))
    if origin is None or spacing is None or min(spacing) <= 0:
        return None
    over = _two(dataset, "PositionOfIsocenterProjection", frame) or _middle(dataset, frame, spacing)
    turn = read_dicom_numbers(find_holder(dataset, "FieldOfViewRotation", frame), "FieldOfViewRotation") or [0.0]
    if over is None or turn[0] not in (0, 90, 180, 270):
        return None
    pitch = pitch_mm if turn[0] in (0, 180) else pitch_mm[::-1]
    row, column = ((over[i] + 0.5 - origin[i]) * spacing[i] / pitch[i] - 0.5 for i in (0, 1))
    shape = int(dataset.Rows), int(dataset.Columns)
    rows, columns = shape if turn[0] in (0, 180) else shape[::-1]  # of the field before it was turned
    for _ in range(int(turn[0]) // 90):
        row, column, rows, columns = column, rows - 1 - row, columns, rows
    flip = "FieldOfViewHorizontalFlip"
    if str(find_holder(dataset, flip, frame).get(flip) or "").strip() == "YES":
        column = columns - 1 - column
    return (row, column) if -rows < row < 2 * rows and -columns < column < 2 * columns else None


def _middle(dataset: Dataset, frame: int, spacing_mm: Pair) -> Pair | None:
    """Return (row, column) of the detector's middle in its own elements, else of its active area's."""
    begin, size = (0.0, 0.0), _two(dataset, "PhysicalDetectorSize", frame)
    if size is None:
        begin = _two(dataset, "DetectorActiveOrigin", frame) or begin
        size = _two(dataset, "DetectorActiveDimensions", frame)
    if size is None:
        return None
    row, column = (begin[i] + size[i] / spacing_mm[i] / 2 - 0.5 for i in (0, 1))
    return row, column


def _two(dataset: Dataset, keyword: str, frame: int) -> Pair | None:
    match read_dicom_numbers(find_holder(dataset, keyword, frame), keyword):
        case [row, column]:
            return row, column
        case _:
            return None


def read_pixel_aspect(dataset: Dataset) -> Pair:
    """Return (height, width) of a pixel as multiples of its smaller side."""
    match read_dicom_numbers(dataset, "PixelAspectRatio"):
        case [height, width] if height > 0 and width > 0 and max(height, width) < 100 * min(height, width):
            return height / min(height, width), width / min(height, width)
        case _:
            return 1.0, 1.0
