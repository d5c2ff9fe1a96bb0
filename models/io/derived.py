"""What every DICOM object made from an image shares: how it refers to its source, and what it keeps of the patient.

By default nothing of the patient is copied, and the identifiers of study, series and instance that an object cannot do
without are those that `models.io.identity` gives to the image: an object belongs to its de-identified image, not to the
hospital's study (PS3.3 C.7.1.1).
"""

from __future__ import annotations

from io import BytesIO

import pydicom
from pydicom.dataset import Dataset

from models.cards import Card
from models.errors import UnsupportedFormat
from models.io.dicom_tiles import is_tiled
from models.io.identity.clean import clean_dataset
from models.io.identity.dicom_file import mark_deidentified
from models.io.identity.profile import BASIC

NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
KEPT = (
    *NEEDED, "FrameOfReferenceUID", "PositionReferenceIndicator", "Modality", "ImageType", "NumberOfFrames",
    "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "ImagePositionPatient", "ImageOrientationPatient",
    "PatientOrientation",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionOrganizationType",
    "ImageOrientationSlide", "TotalPixelMatrixOriginSequence", "TotalPixelMatrixRows", "TotalPixelMatrixColumns",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
"""Attributes of the source that say which image it is and where it lies, and nothing of whom it shows."""
FREE_TEXT = ("PatientComments", "AdditionalPatientHistory", "Occupation")
"""What is written on a patient beside the identity; no object needs it to be filed, and it is never copied."""
EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime",
)  # fmt: skip
"""Attributes that must be there, and may be empty."""


def read_source(data: bytes, keep_identity: bool, what: str, fix: str) -> Dataset:
    """Return what an object may know of the image it is made from.

    Parameters
    ----------
    data
        The DICOM file of the image.
    what, fix
        "SEG" or "SR", and what to do where the file will not serve.

    Raises
    ------
    UnsupportedFormat
        When it lacks what such an object must refer to, or is a whole slide.
    """
    whole = pydicom.dcmread(BytesIO(data), force=True, stop_before_pixels=True)
    if missing := [keyword for keyword in NEEDED if keyword not in whole]:
        raise UnsupportedFormat(f"lacks what a DICOM {what} must refer to ({', '.join(missing)})", fix=fix)
    if is_tiled(whole):
        raise UnsupportedFormat(f"is a whole slide in tiles, of which no DICOM {what} is written", fix=fix)
    image: Dataset = whole
    if not keep_identity:
        image = Dataset()
        image.file_meta = whole.file_meta
        for keyword in (*KEPT, "PatientID"):
            if keyword in whole:
                image[keyword] = whole[keyword]
        clean_dataset(image)
    for keyword in FREE_TEXT:
        if keyword in image:
            del image[keyword]
    for keyword in EMPTY:
        if keyword not in image:
            setattr(image, keyword, "")
    return image


def save_derived(written: Dataset, keep_identity: bool) -> bytes:
    """Return an object as a file, which says so where nothing of the patient was copied."""
    if not keep_identity:
        mark_deidentified(written, BASIC)
    out = BytesIO()
    written.save_as(out)
    return out.getvalue()


def name_weights_version(card: Card) -> str:
    """Return what names the weights that made it."""
    return card.members[0].sha256[:16] if card.members else "untrained"
