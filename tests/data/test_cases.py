"""The simulated files that ship: small, readable by anything, labelled, and about nobody."""

from __future__ import annotations

from io import BytesIO

import gdcm
import pydicom
import pytest
from PIL import Image as PillowImage

from models.data.cases import CASES_DIR, Case, cases
from models.io import read

DICOM = CASES_DIR / "shoulder_anatomic.dcm"

every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.file)


def test_every_file_is_a_case() -> None:
    assert {path.name for path in CASES_DIR.iterdir()} == {case.file for case in cases()} | {"cases.toml"}
    assert [case.task for case in cases()] == ["implant"] * 3 + ["pathology"] * 2 + ["detection"]


@every_case
def test_a_case_is_small_and_says_that_it_is_simulated(case: Case) -> None:
    assert len(case.read_bytes()) < 300_000
    assert case.simulated.startswith("Simulated")
    assert case.title
    assert case.card
    assert case.truth


@every_case
def test_a_case_becomes_an_image(case: Case) -> None:
    image = read(case.read_bytes(), name=case.file)
    assert image.frames == 1
    assert not image.colour
    assert min(image.shape) > 400
    assert image.pixels.max() > 0.85
    if case.file.endswith(".dcm"):
        assert image.spacing_mm == pytest.approx((0.52 / 1.15, 0.52 / 1.15), abs=1e-5)
        assert len(image.windows) >= 2


@pytest.mark.parametrize("case", [case for case in cases() if case.file.endswith(".png")], ids=lambda case: case.file)
def test_pillow_reads_the_pictures(case: Case) -> None:
    with PillowImage.open(BytesIO(case.read_bytes())) as picture:
        picture.load()
        assert picture.mode == ("I;16" if case.file == "shoulder_reverse.png" else "L")


def test_the_dicom_file_is_anonymous_and_derived() -> None:
    dataset = pydicom.dcmread(DICOM)
    assert (dataset.PatientID, str(dataset.PatientName)) == ("SIMULATED", "SIMULATED")
    assert dataset.BurnedInAnnotation == "NO"
    assert dataset.ImageType[0] == "DERIVED"
    assert dataset.PixelSpacingCalibrationType == "GEOMETRY"
    assert all(uid.is_valid for uid in (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID))
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert dataset.pixel_array.shape == (512, 408)


def test_gdcm_reads_the_dicom_file() -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(DICOM))
    assert reader.Read()
    assert [reader.GetImage().GetDimension(axis) for axis in (0, 1)] == [408, 512]
