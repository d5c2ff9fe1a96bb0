"""DICOM in, SEG out, read back by highdicom and by us: same pixels, same frame of reference, nothing of the patient."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import models
from models.cards import Card
from models.cards.card import load_card
from models.errors import InputError, NoPixels, UnsupportedFormat
from models.tasks.segmentation.seg import read_seg, write_seg
from models.types import Segmentation

LABELS = """labels = [
    { key = "background", name = "Background" },
    { key = "bone", name = "Bone", colour = "#E69F00" },
    { key = "articular-cartilage", name = "Articular cartilage", colour = "#56B4E9" },
]
"""


@pytest.fixture
def card(card_text: str, tmp_path: Path) -> Card:
    """A tissue card of two classes."""
    begin, end = card_text.index("labels = ["), card_text.index("input =")
    path = tmp_path / "good.toml"
    path.write_text((card_text[:begin] + LABELS + card_text[end:]).replace('"implant"', '"tissue"'))
    return load_card(path)


def segmented(mask: np.ndarray, frame: int = 0) -> Segmentation:
    return Segmentation(
        task="tissue", card="good", sha256="0" * 64, seconds=0.1, frame=frame,
        labels=("background", "bone", "articular-cartilage"), mask=mask, certainty=np.full_like(mask, 255),
    )  # fmt: skip


def corners(shape: tuple[int, int]) -> np.ndarray:
    """A mask that no flip or turn leaves as it is."""
    mask = np.zeros(shape, np.uint8)
    mask[: shape[0] // 4, : shape[1] // 3] = 1
    mask[-5:, 3:9] = 2
    return mask


def by_highdicom(seg: bytes, source: bytes) -> np.ndarray:
    """The segments of a source as highdicom puts them together."""
    instance = pydicom.dcmread(BytesIO(source), stop_before_pixels=True).SOPInstanceUID
    read = highdicom.seg.segread(BytesIO(seg))
    return read.get_pixels_by_source_instance([instance], combine_segments=True, relabel=False)[0]


@pytest.fixture(scope="module")
def ct() -> bytes:
    """A CT slice that comes with pydicom."""
    return Path(get_testdata_file("CT_small.dcm")).read_bytes()


def test_a_ct_slice_comes_back_the_right_side_up(ct: bytes, card: Card) -> None:
    mask = corners(models.read(ct, "ct.dcm").shape)
    seg = write_seg(ct, segmented(mask), card, keep_identity=True)
    assert np.array_equal(by_highdicom(seg, ct), mask)
    again, labels = read_seg(seg)
    assert np.array_equal(again, mask)
    assert labels == card.keys
    source, written = pydicom.dcmread(BytesIO(ct)), pydicom.dcmread(BytesIO(seg))
    assert written.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert written.StudyInstanceUID == source.StudyInstanceUID
    shared, each = written.SharedFunctionalGroupsSequence[0], written.PerFrameFunctionalGroupsSequence[0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == source.PixelSpacing
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == source.ImageOrientationPatient
    assert each.PlanePositionSequence[0].ImagePositionPatient == source.ImagePositionPatient


def test_real_mr_slices_come_back_with_their_own_masks(packed: Callable[[str], Path], card: Card) -> None:
    from PIL import Image as Pillow

    with zipfile.ZipFile(packed("knee_mri_bone.zip")) as pack:
        names = sorted(name for name in pack.namelist() if "/masks/" in f"/{name}" and name.endswith(".png"))
        for name in (names[0], names[len(names) // 2]):
            mask = (np.asarray(Pillow.open(BytesIO(pack.read(name))).convert("L")) > 0).astype(np.uint8)
            source = pack.read(name.replace("masks", "slices").replace(".png", ".dcm"))
            seg = write_seg(source, segmented(mask), card, keep_identity=True)
            assert mask.any()
            assert np.array_equal(by_highdicom(seg, source), mask)
            uid = pydicom.dcmread(BytesIO(source)).FrameOfReferenceUID
            assert pydicom.dcmread(BytesIO(seg)).FrameOfReferenceUID == uid


def test_segments_are_coded_and_say_what_found_them(ct: bytes, card: Card) -> None:
    seg = pydicom.dcmread(BytesIO(write_seg(ct, segmented(corners((128, 128))), card)))
    bone, cartilage = seg.SegmentSequence
    assert bone.SegmentLabel == "bone"
    assert bone.SegmentedPropertyTypeCodeSequence[0].CodeValue == "272673000"
    assert cartilage.SegmentedPropertyTypeCodeSequence[0].CodeValue == "309312004"
    assert cartilage.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Tissue"
    assert bone.SegmentAlgorithmType == "AUTOMATIC"
    assert bone.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "OrthoLens good"
    assert seg.ContentLabel == "TISSUE"
    assert "not a medical device" in seg.SeriesDescription


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
    mask = segmented(corners((128, 128)))
    blank = write_seg(out.getvalue(), mask, card)
    assert not [value for value in said.values() if value.encode() in blank]
    assert pydicom.dcmread(BytesIO(blank)).PatientIdentityRemoved == "YES"
    kept = pydicom.dcmread(BytesIO(write_seg(out.getvalue(), mask, card, keep_identity=True)))
    assert kept.PatientID == "SECRET-1"
    assert kept.AccessionNumber == "SECRET-3"
    assert "PatientIdentityRemoved" not in kept


def test_a_sequence_without_a_frame_of_reference_names_the_frame(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], card: Card
) -> None:
    run = np.zeros((3, 24, 32), np.uint16)
    source = saved(dicom(run, StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid(), Modality="XA"))
    mask = corners((24, 32))
    seg = write_seg(source, segmented(mask, frame=1), card)
    assert np.array_equal(read_seg(seg)[0], mask)
    group = pydicom.dcmread(BytesIO(seg)).PerFrameFunctionalGroupsSequence[0]
    assert group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == 2


def test_of_a_seg_of_a_sequence_each_frame_gets_its_own(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], card: Card
) -> None:
    run = np.zeros((3, 24, 32), np.uint16)
    source = saved(dicom(run, StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid(), Modality="XA"))
    first, last = corners((24, 32)), corners((24, 32))[::-1, ::-1]
    seg, other = (
        pydicom.dcmread(BytesIO(write_seg(source, segmented(mask, frame=frame), card)))
        for mask, frame in ((first, 0), (last, 2))
    )
    seg.PerFrameFunctionalGroupsSequence.extend(other.PerFrameFunctionalGroupsSequence)
    seg.PixelData += other.PixelData  # 768 bits a frame: whole bytes
    seg.NumberOfFrames = len(seg.PerFrameFunctionalGroupsSequence)
    both = saved(seg)
    assert np.array_equal(read_seg(both, source, 0)[0], first)
    assert np.array_equal(read_seg(both, source, 2)[0], last)
    with pytest.raises(NoPixels, match="no segment of this image"):
        read_seg(both, source, 1)


def test_of_a_seg_of_several_images_only_one_is_read(packed: Callable[[str], Path]) -> None:
    with zipfile.ZipFile(packed("knee_mri_bone.zip")) as pack:
        names = sorted(name for name in pack.namelist() if name.endswith(".dcm"))[:2]
        files = [pack.read(name) for name in names]
    sources = [pydicom.dcmread(BytesIO(file)) for file in files]
    for source in sources:
        source.PatientName = ""  # highdicom warns of the number that stands there
    described = highdicom.seg.SegmentDescription(
        1, "bone", pydicom.sr.codedict.codes.SCT.Tissue, pydicom.sr.codedict.codes.SCT.Bone, "MANUAL"
    )
    masks = np.stack([np.eye(sources[0].Rows, sources[0].Columns, k, np.uint8) for k in (0, 5)])
    series = highdicom.seg.Segmentation(
        sources, masks, "BINARY", [described], generate_uid(), 1, generate_uid(), 1, "x", "x", "x", "x"
    )
    out = BytesIO()
    series.save_as(out)
    for file, mask in zip(files, masks, strict=True):
        assert np.array_equal(read_seg(out.getvalue(), file)[0], mask)
    with pytest.raises(NoPixels, match="2 images"):
        read_seg(out.getvalue())


def test_what_cannot_be_written_or_read_is_refused(ct: bytes, card: Card) -> None:
    with pytest.raises(InputError, match="another size"):
        write_seg(ct, segmented(corners((64, 64))), card)
    with pytest.raises(InputError, match="no class but background"):
        write_seg(ct, segmented(np.zeros((128, 128), np.uint8)), card)
    with pytest.raises(UnsupportedFormat, match="no DICOM Segmentation"):
        read_seg(ct)
