"""Simulated radiographs as the files that a clinic would hand over: DICOM DX, PNG of 8 and of 16 bits.

The DICOM object is for presentation, processed, with the spacing in the plane of the joint; every identifier is the
word "SIMULATED" and every unique identifier follows from the case's name, so that the file is always the same.

Reference: DICOM PS3.3, A.26 Digital X-Ray Image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, RLELossless, generate_uid

if TYPE_CHECKING:
    from models.simulation.phantom import SimulatedRadiograph


def write_simulated_png(shot: SimulatedRadiograph, path: Path, bits: int = 8) -> None:
    """Write a grey PNG of 8 bits, or of 16 with the detector's 12 at the top."""
    pixels = (shot.pixels >> 4).astype(np.uint8) if bits == 8 else shot.pixels << 4
    PillowImage.fromarray(pixels).save(path, optimize=True)


def write_simulated_dicom(shot: SimulatedRadiograph, path: Path, region: tuple[str, str, str]) -> None:
    """Write a DX image for presentation; `region` is the body part, its SNOMED CT code and meaning."""
    dataset = Dataset()
    _identity(dataset, path.stem)
    _acquisition(dataset, shot, region)
    _picture(dataset, shot)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path, enforce_file_format=True)


def _identity(dataset: Dataset, name: str) -> None:
    """Patient, study, series, instance and equipment."""
    for level in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, level, generate_uid(entropy_srcs=["ortholens simulated case", name, level]))
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.PatientID = dataset.PatientName = "SIMULATED"
    dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.StudyDate = dataset.StudyTime = dataset.StudyID = ""
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.SeriesDescription = "SIMULATED, not a patient"
    dataset.Manufacturer, dataset.ManufacturerModelName = "OrthoLens", "X-ray phantom"


def _acquisition(dataset: Dataset, shot: SimulatedRadiograph, region: tuple[str, str, str]) -> None:
    """Modality, anatomy, orientation and geometry."""
    body_part, code, meaning = region
    dataset.Modality, dataset.PresentationIntentType = "DX", "FOR PRESENTATION"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.BodyPartExamined, dataset.ViewPosition = body_part, "AP"
    dataset.ImageLaterality, dataset.PatientOrientation = shot.side, ["L", "F"]
    dataset.AnatomicRegionSequence = [_code(code, meaning)]
    dataset.ViewCodeSequence = [_code("399348003", "antero-posterior")]
    dataset.AcquisitionContextSequence = []
    dataset.DistanceSourceToDetector = shot.beam.source_detector_mm
    dataset.DistanceSourceToPatient = shot.beam.source_object_mm
    dataset.EstimatedRadiographicMagnificationFactor = round(shot.beam.magnification, 6)
    dataset.ImagerPixelSpacing = [shot.beam.pixel_mm] * 2
    dataset.PixelSpacing = [round(spacing, 6) for spacing in shot.spacing_mm]
    dataset.PixelSpacingCalibrationType = "GEOMETRY"
    dataset.DetectorType = "SCINTILLATOR"


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    return code


def _picture(dataset: Dataset, shot: SimulatedRadiograph) -> None:
    """Pixels and how to show them."""
    dataset.DerivationDescription = "Simulated by OrthoLens from geometric bodies"
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.Rows, dataset.Columns = shot.pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.WindowCenter, dataset.WindowWidth = [2048, 1500], [4096, 2200]
    dataset.WindowCenterWidthExplanation = ["Standard", "Bone"]
    dataset.PixelData = shot.pixels.astype("<u2").tobytes()
