"""Films of cases that show nobody, as DICOM files of a made-up study."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

PICTURES = Path(__file__).parents[2] / "models/cases/pictures"
PERSON = {"PatientName": "Muster^Erika", "PatientID": "PACS-77", "AccessionNumber": "ACC123", "StudyDate": "20260105"}


@pytest.fixture(scope="session")
def film() -> Callable[..., bytes]:
    """Return what makes a DX file of a picture of `models/cases/pictures`, (H, W) grey or colour, at 0.5 mm."""

    def make(name: str, body_part: str = "KNEE", **attributes: object) -> bytes:
        picture = Pillow.open(PICTURES / name)
        colour = picture.mode not in ("L", "I;16", "I")
        pixels = np.asarray(picture.convert("RGB" if colour else "L"))
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.Modality = DigitalXRayImageStorageForPresentation, "DX"
        for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
            setattr(image, keyword, generate_uid())
        for keyword, value in {**PERSON, "BodyPartExamined": body_part, "ViewPosition": "AP", **attributes}.items():
            setattr(image, keyword, value)
        image.StudyTime, image.PatientBirthDate, image.PatientSex, image.StudyID = "101500", "19700101", "F", "1"
        image.ReferringPhysicianName, image.SeriesNumber, image.InstanceNumber = "", 1, 1
        image.PatientOrientation, image.PixelSpacing = ["L", "F"], [0.5, 0.5]
        image.Rows, image.Columns = pixels.shape[:2]
        image.SamplesPerPixel, image.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
        if colour:
            image.PlanarConfiguration = 0
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 0
        image.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
        image["PixelData"].VR = "OB"
        out = BytesIO()
        image.save_as(out, enforce_file_format=True)
        return out.getvalue()

    return make
