"""The simulated files that ship: small, readable by anything, labelled, and about nobody."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from PIL import Image as PillowImage

import models
from models.cases import CASES_DIR, Case, cases, is_right, list_first_cases
from models.cli import main
from models.io import read
from models.tasks import kind_of_card

DICOM = CASES_DIR / "shoulder_anatomic.dcm"

every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.file)


def test_every_file_belongs_to_a_case() -> None:
    files = {case.file for case in cases()} | {case.mask for case in cases() if case.mask} | {"cases.toml"}
    assert {path.name for path in CASES_DIR.iterdir()} == files


def test_the_pages_that_need_no_radiograph_have_a_case() -> None:
    assert {"tissue", "detection", "kinematics", "how_it_works"} <= {page for case in cases() for page in case.pages}


@every_case
def test_a_case_is_small_and_says_how_it_was_made(case: Case) -> None:
    assert len(case.read_bytes()) < 300_000
    assert case.origin.lower().startswith(case.kind)
    assert case.title
    assert case.reference_text
    assert case.task == models.card(case.card).task
    card = models.card(case.card)
    assert set(case.labels) <= {*card.keys, *kind_of_card(card).account().labels(card)}


@every_case
def test_a_case_becomes_an_image(case: Case) -> None:
    image = read(case.read_bytes(), name=case.file)
    assert image.frames == 1
    assert image.colour == case.file.startswith("section")
    assert max(image.shape) >= 224
    assert image.pixels.max() > 0.6
    if case.mask:
        assert case.reference.shape == image.shape
        assert case.reference.max() < len(models.card(case.card).keys)
    if case.file.endswith(".dcm"):
        assert image.spacing_mm is not None
        assert len(image.windows) >= 2


def test_a_film_of_known_geometry_tells_the_spacing_in_the_plane_of_the_joint() -> None:
    assert read(DICOM.read_bytes()).spacing_mm == pytest.approx((0.52 / 1.15, 0.52 / 1.15), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in cases() if case.pages], ids=lambda case: case.file)
def test_what_a_page_opens_with_is_answered_and_right(case: Case) -> None:
    answer = models.predict(models.read(case.path), case.card)
    assert not answer.abstained
    assert is_right(case, answer)


def test_an_answer_that_says_something_else_is_not_right() -> None:
    case = list_first_cases("detection")[0]
    answer = models.predict(models.read(case.path), case.card)
    assert is_right(case, answer)
    assert not is_right(replace(case, labels=("femoral-component",)), answer)
    assert not is_right(case, replace(answer, abstained=True))
    tissue = list_first_cases("tissue")[0]
    painted = models.predict(models.read(tissue.path), tissue.card)
    assert not is_right(tissue, replace(painted, mask=np.zeros_like(painted.mask)))


@pytest.mark.parametrize("case", [case for case in cases() if case.file.endswith(".png")], ids=lambda case: case.file)
def test_pillow_reads_the_pictures(case: Case) -> None:
    with PillowImage.open(BytesIO(case.read_bytes())) as picture:
        picture.load()
        assert picture.mode == ("I;16" if case.file == "shoulder_reverse.png" else "L")


def test_the_command_lists_files_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--out", str(tmp_path)]):
        with suppress(SystemExit):
            main(["cases", "--json", *options])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert len(lines) == len([case for case in cases() if case.pages])
        for line in lines:
            assert Path(line["file"]).is_file()
            assert {"file", "task", "card", "truth"} <= set(line)


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
