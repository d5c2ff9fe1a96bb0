"""Two kinds of object that any viewer shows: a picture (Secondary Capture) and a document (Encapsulated PDF).

Both run in the worker. Reference: DICOM PS3.3 A.8.1 (Secondary Capture), A.45.1 (Encapsulated PDF).
"""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from models.io.derived import read_source
from models.io.plane import read_plane_orientation
from models.pacs.made import SERIES, Kind, Made, StoredObject, derive_uid
from models.words import DISCLAIMER

OF_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
    "StudyDescription",
)  # fmt: skip
"""Attributes of patient and study that make an object part of it."""
TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
          "AccessionNumber", "ReferringPhysicianName")  # fmt: skip
UTF_8 = "ISO_IR 192"
FIX = "Send the report as a file instead."


def write_capture(source: bytes, picture: NDArray[np.uint8], made: Made) -> StoredObject:
    """Write a picture (H, W, 3) of an answer as a Secondary Capture in the study of its image."""
    image = read_source(source, keep_identity=True, what="Secondary Capture", fix=FIX)
    written = _begin(image, SecondaryCaptureImageStorage, "SC", made)
    written.Modality, written.ConversionType = str(image.get("Modality") or "OT"), "WSD"
    written.Rows, written.Columns = picture.shape[:2]
    written.SamplesPerPixel, written.PhotometricInterpretation, written.PlanarConfiguration = 3, "RGB", 0
    written.BitsAllocated, written.BitsStored, written.HighBit, written.PixelRepresentation = 8, 8, 7, 0
    written.Laterality = image.get("Laterality") or image.get("ImageLaterality") or ""
    written.PatientOrientation = read_plane_orientation(image)
    written.ImageType = ["DERIVED", "SECONDARY"]
    written.BurnedInAnnotation = "NO"  # what is written in the picture names nobody
    written.DerivationDescription = f"{made.card} {made.version}, {DISCLAIMER}"
    written.SourceImageSequence = [_refer(image, made.frame)]
    octets = np.ascontiguousarray(picture).tobytes()
    written.PixelData = octets + b"\0" * (len(octets) % 2)
    written["PixelData"].VR = "OB"
    return _finish(written, "SC")


def write_document(source: bytes, pdf: bytes, title: str, made: Made) -> StoredObject:
    """Write a report as an Encapsulated PDF in the study of its image."""
    image = read_source(source, keep_identity=True, what="PDF", fix=FIX)
    written = _begin(image, EncapsulatedPDFStorage, "PDF", made)
    written.Modality, written.ConversionType, written.BurnedInAnnotation = "DOC", "WSD", "NO"
    written.AcquisitionDateTime, written.ConceptNameCodeSequence = None, []
    written.DocumentTitle = title
    written.MIMETypeOfEncapsulatedDocument = "application/pdf"
    written.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    written.EncapsulatedDocumentLength = len(pdf)
    reference = _refer(image, made.frame)
    written.SourceInstanceSequence = [reference]
    return _finish(written, "PDF")


def stamp(written: Dataset, source: Dataset, kind: Kind, made: Made) -> None:
    """Give an object the identifiers of what it is, whatever its writer chose."""
    parts = (str(source.SOPInstanceUID), str(made.frame), made.card, made.version, made.edited, kind)
    written.SOPInstanceUID = derive_uid("instance", *parts)
    written.SeriesInstanceUID = derive_uid("series", *parts)
    written.file_meta.MediaStorageSOPInstanceUID = written.SOPInstanceUID


def _begin(image: Dataset, sop_class: UID, kind: Kind, made: Made) -> Dataset:
    now = datetime.now()
    written = Dataset()
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written.file_meta.MediaStorageSOPClassUID = written.SOPClassUID = sop_class
    stamp(written, image, kind, made)
    written.SpecificCharacterSet = UTF_8
    for keyword in OF_STUDY:
        if keyword in image:
            written[keyword] = image[keyword]
    for keyword in TYPE_2:
        if keyword not in written:
            setattr(written, keyword, "")
    written.SeriesNumber, written.InstanceNumber = SERIES[kind], 1
    written.SeriesDescription = DISCLAIMER[:64]
    written.Manufacturer, written.ManufacturerModelName = "OrthoLens", made.card
    written.SoftwareVersions = made.version
    written.ContentDate, written.ContentTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    written.InstanceCreationDate, written.InstanceCreationTime = written.ContentDate, written.ContentTime
    return written


def _refer(image: Dataset, frame: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    if int(image.get("NumberOfFrames") or 1) > 1:
        item.ReferencedFrameNumber = frame + 1
    return item


def _finish(written: Dataset, kind: Kind) -> StoredObject:
    out = BytesIO()
    written.save_as(out, enforce_file_format=True)
    return StoredObject(
        kind, str(written.SOPInstanceUID), str(written.SOPClassUID), str(written.StudyInstanceUID), out.getvalue()
    )


def restamp(data: bytes, source: bytes, kind: Kind, made: Made) -> StoredObject:
    """Give an object that another writer wrote the identifiers of what it is."""
    import pydicom

    written = pydicom.dcmread(BytesIO(data))
    written.decode()
    written.SpecificCharacterSet = UTF_8  # a degree sign, say
    stamp(written, pydicom.dcmread(BytesIO(source), force=True, stop_before_pixels=True), kind, made)
    return _finish(written, kind)
