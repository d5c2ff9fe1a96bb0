"""What a hand measured as a DICOM SR: judged by dciodvfy, and read back by three readers to a hundredth."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import models
from models.errors import InputError, UnsupportedFormat
from models.geometry.ruler import Calibration, Ruler, calibrate_image, list_measured
from models.reporting.ruler_sr import MeasuredByHand, check_ruler_sr_source, read_ruler_sr, write_ruler_sr
from models.types import Image

RULER = (
    Ruler()
    .add("length", ((10.25, 20.5), (100.75, 90)))
    .add("angle", ((20, 20), (60, 60), (100, 31)))
    .add("cobb", ((10, 10), (80, 17), (12, 100), (90, 80)))
    .add("circle", ((30, 60), (90, 60), (60, 91)))
    .add("perpendicular", ((10, 90), (100, 80), (50, 30)))
    .add("point", ((64, 64.5),))
    .add("region", ((40, 30.5), (90, 80)))
    .add("limb", ((60, 5), (64, 60), (63, 120)))
)


@pytest.fixture(scope="module")
def ct() -> bytes:
    """A CT slice that comes with pydicom."""
    return Path(get_testdata_file("CT_small.dcm")).read_bytes()


def measured(image: Image, frame: int = 0) -> MeasuredByHand:
    return MeasuredByHand(list_measured(RULER, image), image.cell, image.spacing_source, frame)


def true(image: Image) -> dict[str, list[float]]:
    """Return the numbers of each measurement."""
    return {str(made.name): [one.value for one in numbers] for made, numbers in list_measured(RULER, image)}


def judged(written: bytes, folder: Path) -> list[str]:
    """Return what dciodvfy objects to."""
    path = folder / "sr.dcm"
    path.write_bytes(written)
    said = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
    return [line for line in said.splitlines() if line.startswith("Error")]


@pytest.fixture(params=["square", "not square", "uncalibrated", "a user's ruler"])
def image(request: pytest.FixtureRequest, ct: bytes) -> Image:
    read = models.read(ct, "ct.dcm")
    if request.param == "square":
        return read
    bare = Image(read.pixels, "", read.sha256, aspect=(1.0, 1.0))
    if request.param == "not square":
        return Image(read.pixels, "", read.sha256, spacing_mm=(0.6, 0.35), spacing_source="PixelSpacing")
    return bare if request.param == "uncalibrated" else calibrate_image(
        bare, Calibration("ball", ((30, 60), (90, 60), (60, 91)), 25.0)
    )  # fmt: skip


def test_highdicom_reads_the_same_numbers(image: Image, ct: bytes) -> None:
    again = read_ruler_sr(write_ruler_sr(ct, measured(image)))
    assert {one.name: [value for _, value, _ in one.values] for one in again} == {
        name: pytest.approx(numbers, abs=0.01) for name, numbers in true(image).items()
    }
    units = {unit for one in again for _, _, unit in one.values}
    assert units == {"deg", "mm" if image.spacing_mm else "{pixels}", "%", "1"}


def test_a_plain_walk_by_pydicom_finds_the_same_numbers_and_what_they_are_inferred_from(
    image: Image, ct: bytes
) -> None:
    report = pydicom.dcmread(BytesIO(write_ruler_sr(ct, measured(image))))
    found: dict[str, list[float]] = {}
    for group in walk(report, "CONTAINER", "Measurement Group"):
        name = next(one.TextValue for one in group.ContentSequence if one.ValueType == "TEXT")
        numbers = [one for one in group.ContentSequence if one.ValueType == "NUM"]
        found[name] = [float(one.MeasuredValueSequence[0].NumericValue) for one in numbers]
        for one in numbers:
            drawn = [part for part in one.ContentSequence if part.ValueType == "SCOORD"]
            assert drawn
            for part in drawn:
                assert part.RelationshipType == "INFERRED FROM"
                assert part.ContentSequence[0].RelationshipType == "SELECTED FROM"
    assert found == {name: pytest.approx(numbers, abs=0.01) for name, numbers in true(image).items()}


def walk(item: Dataset, kind: str, meaning: str) -> list[Dataset]:
    """Return every item of a kind with a meaning, at any depth."""
    found = []
    for one in item.get("ContentSequence", ()):
        if one.ValueType == kind and one.ConceptNameCodeSequence[0].CodeMeaning == meaning:
            found.append(one)
        found += walk(one, kind, meaning)
    return found


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="needs dcmtk")
def test_dcmtk_reads_the_same_numbers(image: Image, ct: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sr.dcm"
    path.write_bytes(write_ruler_sr(ct, measured(image)))
    said = subprocess.run(["dsrdump", path], capture_output=True, text=True, check=True).stdout
    found = [float(value) for value in re.findall(r'NUM:.*?="(-?[\d.]+)"', said)]
    assert found == pytest.approx([value for numbers in true(image).values() for value in numbers], abs=0.01)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dicom3tools")
def test_dciodvfy_has_no_objection(image: Image, ct: bytes, tmp_path: Path) -> None:
    assert judged(write_ruler_sr(ct, measured(image)), tmp_path) == []


def test_coordinates_count_from_the_corner_of_the_first_pixel(ct: bytes) -> None:
    drawn = {one.name: one.graphics for one in read_ruler_sr(write_ruler_sr(ct, measured(models.read(ct, "ct.dcm"))))}
    kind, ends = drawn["Length 1"][0]
    assert (kind, ends.tolist()) == ("POLYLINE", [[10.75, 21], [101.25, 90.5]])
    assert drawn["Point 1"][0][1].tolist() == [[64.5, 65]]
    assert [kind for kind, _ in drawn["Cobb angle 1"]] == ["POLYLINE", "POLYLINE"]
    assert drawn["Circle 1"][0][0] == "CIRCLE"
    foot = drawn["Perpendicular distance 1"][1][1][1]
    assert (foot - [50.5, 30.5]) @ np.array([90, -10]) == pytest.approx(0, abs=1e-3)


def test_a_circle_of_pixels_that_are_not_square_is_an_ellipse_with_its_longer_axis_first(ct: bytes) -> None:
    read = models.read(ct, "ct.dcm")
    flat = Image(read.pixels, "", read.sha256, spacing_mm=(0.6, 0.35), spacing_source="PixelSpacing")
    kind, ends = next(
        one.graphics[0] for one in read_ruler_sr(write_ruler_sr(ct, measured(flat))) if "Circle" in one.name
    )
    axes = np.hypot(*(ends[1::2] - ends[::2]).T)
    assert kind == "ELLIPSE"
    assert axes[0] / axes[1] == pytest.approx(0.6 / 0.35, abs=1e-4)


def test_the_report_says_what_its_millimetres_rest_on_and_nothing_of_the_patient(ct: bytes) -> None:
    calibrated = calibrate_image(models.read(ct, "ct.dcm"), Calibration("coin", ((30, 60), (90, 60), (60, 91)), 23.25))
    written = write_ruler_sr(ct, measured(calibrated))
    said = [str(one.value) for one in pydicom.dcmread(BytesIO(written)).iterall() if one.keyword == "TextValue"]
    assert "Millimetres rest on: a user's ruler, by a coin of 23.25 mm" in said
    assert {"Measured by hand", models.DISCLAIMER} <= set(said)
    source = pydicom.dcmread(BytesIO(ct))
    assert str(source.PatientName).encode() not in written
    assert (
        pydicom.dcmread(BytesIO(write_ruler_sr(ct, measured(calibrated), keep_identity=True))).PatientID
        == source.PatientID
    )


def test_a_sequence_names_the_frame(dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]) -> None:
    run = np.zeros((3, 130, 130), np.uint16)
    source = saved(dicom(run, StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid(), Modality="XA"))
    bare = Image(run.astype(np.float32), "", "0" * 64)
    report = pydicom.dcmread(BytesIO(write_ruler_sr(source, measured(bare, frame=1))))
    assert {int(one.value) for one in report.iterall() if one.keyword == "ReferencedFrameNumber"} == {2}


def test_what_cannot_be_written_is_refused(
    ct: bytes, dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]
) -> None:
    with pytest.raises(UnsupportedFormat, match="lacks what a DICOM SR must refer to"):
        check_ruler_sr_source(saved(dicom(np.zeros((8, 8), np.uint16))))
    small = saved(dicom(np.zeros((8, 8), np.uint16), StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid()))
    with pytest.raises(InputError, match="a point lies outside"):
        write_ruler_sr(small, measured(models.read(ct, "ct.dcm")))
    with pytest.raises(UnsupportedFormat, match="no DICOM structured report"):
        read_ruler_sr(ct)
