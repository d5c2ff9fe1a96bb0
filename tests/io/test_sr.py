"""DICOM in, structured report out, read back by highdicom and by us: same boxes, nothing of the patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from models import DISCLAIMER
from models.cards import Card
from models.cards.card import load_card
from models.errors import InputError, UnsupportedFormat
from models.io.identity.pseudonym import map_uid
from models.tasks.detection.edit import DrawnBox, Edits, apply_box_edits
from models.tasks.detection.sr import check_sr_source, read_sr, write_sr
from models.types import Detections


@pytest.fixture
def card(card_text: str, tmp_path: Path) -> Card:
    """A card that seeks fractures."""
    begin, end = card_text.index("labels = ["), card_text.index("input =")
    labels = 'labels = [{ key = "fracture", name = "Fracture" }]\n'
    path = tmp_path / "good.toml"
    path.write_text((card_text[:begin] + labels + card_text[end:]).replace('"implant"', '"detection"'))
    return load_card(path)


def found(frame: int = 0, threshold: float = 0.5) -> Detections:
    """A box at odd fractions, one round the whole slice, one below the threshold."""
    return Detections(
        task="detection", card="good", sha256="0" * 64, seconds=0.1, frame=frame, labels=("fracture",),
        boxes=np.array([[10.25, 20.5, 30, 12.75], [-0.5, -0.5, 128, 128], [3, 4, 5, 6]], np.float32),
        classes=np.zeros(3, np.intp), scores=np.array([0.9, 0.51, 0.01], np.float32), places=np.arange(3),
        operating_point="Balanced", threshold=threshold, warnings=("something to note",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ct() -> bytes:
    """A CT slice that comes with pydicom."""
    return Path(get_testdata_file("CT_small.dcm")).read_bytes()


def texts(dataset: Dataset) -> list[str]:
    return [str(one.value) for one in dataset.iterall() if one.keyword == "TextValue"]


def test_boxes_come_back_equal(ct: bytes, card: Card) -> None:
    written = write_sr(ct, found(), card)
    again = read_sr(written)
    assert np.array_equal(again.boxes, found().boxes[:2])
    assert again.scores == pytest.approx([0.9, 0.51], abs=1e-6)
    assert again.score == pytest.approx(0.9)  # of the best box
    assert again.findings == ("Fracture of bone", "Fracture of bone")
    assert again.instance == map_uid(pydicom.dcmread(BytesIO(ct)).SOPInstanceUID)
    assert again.frame == 0


def test_highdicom_reads_regions_codes_and_what_found_them(ct: bytes, card: Card) -> None:
    report = highdicom.sr.srread(BytesIO(write_sr(ct, found(), card, keep_identity=True)))
    groups = report.content.get_planar_roi_measurement_groups(graphic_type=highdicom.sr.GraphicTypeValues.POLYLINE)
    corners = groups[0].roi.value
    assert corners.tolist() == [[10.75, 21], [40.75, 21], [40.75, 33.75], [10.75, 33.75], [10.75, 21]]
    assert groups[0].finding_type.value == "125605004"
    assert groups[0].tracking_uid != groups[1].tracking_uid
    measurement = groups[0].get_measurements()[0]
    assert (measurement.name.meaning, float(measurement.value), measurement.unit.value) == (
        "Certainty of Finding", pytest.approx(90, abs=1e-3), "%",
    )  # fmt: skip
    said = texts(report)
    assert {"OrthoLens good", "untrained", DISCLAIMER, "something to note"} <= set(said)
    assert any("Threshold 0.5, operating point: Balanced" in text for text in said)
    assert "not a medical device" in report.SeriesDescription
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.StudyInstanceUID == pydicom.dcmread(BytesIO(ct)).StudyInstanceUID


def test_a_report_without_a_box_still_says_how_probable_the_best_is(ct: bytes, card: Card) -> None:
    again = read_sr(write_sr(ct, found(threshold=0.95), card))
    assert again.boxes.shape == (0, 4)
    assert again.score == pytest.approx(0.9)


def test_a_box_drawn_by_hand_says_so_and_has_no_score(ct: bytes, card: Card) -> None:
    changed = apply_box_edits(found(), Edits((DrawnBox(1, 2, 3, 4, "fracture"),), (1,)))
    written = write_sr(ct, changed, card)
    again = read_sr(written)
    assert again.boxes.tolist() == [[1, 2, 3, 4], [10.25, 20.5, 30, 12.75]]
    assert np.isnan(again.scores[0])
    assert again.scores[1] == pytest.approx(0.9)
    assert "Drawn by hand: fracture" in texts(pydicom.dcmread(BytesIO(written)))


def test_an_abstention_stands_in_the_report(ct: bytes, card: Card) -> None:
    written = write_sr(ct, replace(found(), abstained=True, reason="it is a cat"), card)
    assert "The model abstained: it is a cat" in texts(pydicom.dcmread(BytesIO(written)))


def test_nothing_of_the_patient_leaves_unless_asked(ct: bytes, card: Card) -> None:
    source = pydicom.dcmread(BytesIO(ct))
    said = {
        "PatientName": "Doe^Jane", "PatientID": "SECRET-1", "PatientBirthDate": "19610203", "PatientAge": "063Y",
        "OtherPatientIDs": "SECRET-2", "AccessionNumber": "SECRET-3", "StudyID": "SECRET-4", "StudyDate": "20240102",
        "ReferringPhysicianName": "SECRET^Five", "StudyDescription": "SECRET six", "PatientComments": "SECRET seven",
        "InstitutionName": "SECRET eight", "ClinicalTrialSubjectID": "SECRET-9", "PatientAddress": "SECRET ten",
    }  # fmt: skip
    for keyword, value in said.items():
        setattr(source, keyword, value)
    out = BytesIO()
    source.save_as(out)
    blank = write_sr(out.getvalue(), found(), card)
    assert not [value for value in said.values() if value.encode() in blank]
    assert pydicom.dcmread(BytesIO(blank)).PatientIdentityRemoved == "YES"
    kept = pydicom.dcmread(BytesIO(write_sr(out.getvalue(), found(), card, keep_identity=True)))
    assert kept.PatientID == "SECRET-1"
    assert kept.AccessionNumber == "SECRET-3"
    assert "PatientIdentityRemoved" not in kept


def test_a_sequence_names_the_frame(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], card: Card
) -> None:
    run = np.zeros((3, 130, 130), np.uint16)
    source = saved(dicom(run, StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid(), Modality="XA"))
    assert read_sr(write_sr(source, found(frame=1), card)).frame == 1


def test_what_cannot_be_written_or_read_is_refused(
    ct: bytes, card: Card, dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]
) -> None:
    bare = saved(dicom(np.zeros((8, 8), np.uint16)))
    with pytest.raises(UnsupportedFormat, match="lacks what a DICOM SR must refer to"):
        check_sr_source(bare)
    small = saved(dicom(np.zeros((8, 8), np.uint16), StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid()))
    with pytest.raises(InputError, match="a box lies outside"):
        write_sr(small, found(), card)
    with pytest.raises(UnsupportedFormat, match="no DICOM structured report"):
        read_sr(ct)
