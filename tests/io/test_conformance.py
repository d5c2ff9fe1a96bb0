"""SEG and SR of every kind of source: what they refer to, where they lie, and what dciodvfy says of them.

dciodvfy (D. Clunie, Debian package dicom3tools) judges against the standard's own definitions; without it, the values
are looked at all the same.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    EnhancedXAImageStorage,
    MRImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
    generate_uid,
)

from models.cards import card
from models.io.identity.pseudonym import map_uid
from models.tasks.detection.sr import read_sr, write_sr
from models.tasks.segmentation.seg import read_seg, write_seg
from models.types import Detections, Segmentation

SHAPE, FRAMES, FRAME = (40, 64), 3, 1
WHERE = {"FrameOfReferenceUID": "1.2.3.4", "PositionReferenceIndicator": ""}
UPRIGHT, SPACING = [1, 0, 0, 0, 1, 0], [0.5, 0.25]
PLANE = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": UPRIGHT, "PixelSpacing": SPACING}


def items(**attributes: Any) -> Sequence:
    """Return a sequence of one item."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return Sequence([item])


def groups(placed: bool = True) -> dict[str, Sequence]:
    """Return the functional groups of planes 4 mm apart, or of a projection."""
    shared = Dataset()
    each = [Dataset() for _ in range(FRAMES)]
    if placed:
        shared.PixelMeasuresSequence = items(PixelSpacing=SPACING, SliceThickness=4)
        shared.PlaneOrientationSequence = items(ImageOrientationPatient=UPRIGHT)
        for index, group in enumerate(each):
            group.PlanePositionSequence = items(ImagePositionPatient=[0, 0, 4 * index])
    else:
        shared.FieldOfViewSequence = items(ImagerPixelSpacing=[0.3, 0.3])
    return {"SharedFunctionalGroupsSequence": Sequence([shared]), "PerFrameFunctionalGroupsSequence": Sequence(each)}


SINGLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "CR": (ComputedRadiographyImageStorage, "CR", {"ImagerPixelSpacing": SPACING}),
    "CR with directions": (ComputedRadiographyImageStorage, "CR", {"PatientOrientation": ["L", "F"]}),
    "CR of a spacing that is none": (ComputedRadiographyImageStorage, "CR", {"PixelSpacing": [0, 0]}),
    "DX": (DigitalXRayImageStorageForPresentation, "DX", {"PixelSpacing": SPACING}),
    "SC": (SecondaryCaptureImageStorage, "OT", {}),
    "MR": (MRImageStorage, "MR", {**PLANE, **WHERE, "SliceThickness": 3}),
    "MR without thickness": (MRImageStorage, "MR", {**PLANE, **WHERE}),
    "MR without place": (MRImageStorage, "MR", {"PixelSpacing": SPACING, **WHERE}),
    "MR without frame of reference": (MRImageStorage, "MR", PLANE),
}
SEVERAL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Enhanced MR": (EnhancedMRImageStorage, "MR", {**groups(), **WHERE}),
    "Enhanced MR without frame of reference": (EnhancedMRImageStorage, "MR", groups()),
    "XA": (XRayAngiographicImageStorage, "XA", {"ImagerPixelSpacing": SPACING}),
    "RF with frame of reference": (XRayRadiofluoroscopicImageStorage, "RF", WHERE),
    "Enhanced XA": (EnhancedXAImageStorage, "XA", {**groups(placed=False), **WHERE}),
    "SC of several frames": (MultiFrameGrayscaleWordSecondaryCaptureImageStorage, "OT", {}),
}
SOURCES = SINGLE | SEVERAL
KEPT = ("CR with directions", "XA", "Enhanced MR")
"""Sources whose identity is kept on request."""
PLACED = {"MR": [1, 2, 3], "MR without thickness": [1, 2, 3], "Enhanced MR": [0, 0, 4]}


@pytest.fixture(params=SOURCES)
def source(
    request: pytest.FixtureRequest, dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]
) -> tuple[str, bytes]:
    """A kind of source, and a file of it that names a patient."""
    kind, modality, attributes = SOURCES[request.param]
    pixels = np.zeros((FRAMES, *SHAPE) if request.param in SEVERAL else SHAPE, np.uint16)
    uids = {"SOPInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    person = {"PatientName": "Doe^Jane", "PatientID": "1", "PatientComments": "SECRET", "Occupation": "SECRET"}
    return request.param, saved(dicom(pixels, SOPClassUID=kind, Modality=modality, **attributes, **uids, **person))


def frame_of(kind: str) -> int:
    return FRAME if kind in SEVERAL else 0


def test_a_segmentation(source: tuple[str, bytes], tmp_path: Path) -> None:
    kind, data = source
    keep = kind in KEPT
    tissue, mask = card("joint-section"), np.zeros(SHAPE, np.uint8)
    mask[:9, :20], mask[-5:, 3:9] = 1, 2
    answer = Segmentation(
        task="tissue", card=tissue.id, sha256="0" * 64, seconds=0.1, frame=frame_of(kind), labels=tissue.keys,
        mask=mask, certainty=np.full_like(mask, 255),
    )  # fmt: skip
    data_out = write_seg(data, answer, tissue, keep_identity=keep)
    assert np.array_equal(read_seg(data_out)[0], mask)
    written, original = pydicom.dcmread(BytesIO(data_out)), pydicom.dcmread(BytesIO(data))
    refer(written, original, kind)
    each = written.PerFrameFunctionalGroupsSequence[0]
    if kind in PLACED:
        place = WHERE["FrameOfReferenceUID"]
        assert written.FrameOfReferenceUID == (place if keep else map_uid(place))
        assert each.PlanePositionSequence[0].ImagePositionPatient == PLACED[kind]
        assert written.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing == SPACING
    else:
        assert "FrameOfReferenceUID" not in written
        assert list(written.PatientOrientation or []) == list(original.get("PatientOrientation", []))
    conform(data_out, keep, tmp_path)


def test_a_report(source: tuple[str, bytes], tmp_path: Path) -> None:
    kind, data = source
    keep = kind in KEPT
    fracture = card("fracture")
    boxes = np.array([[10.25, 20.5, 30, 12.75], [-0.5, -0.5, 64, 40]], np.float32)
    answer = Detections(
        task="detection", card=fracture.id, sha256="0" * 64, seconds=0.1, frame=frame_of(kind), labels=fracture.keys,
        boxes=boxes, classes=np.zeros(2, np.intp), scores=np.array([0.9, 0.51], np.float32), places=np.arange(2),
        operating_point="Balanced", threshold=0.5, warnings=("something to note",),
    )  # fmt: skip
    data_out = write_sr(data, answer, fracture, keep_identity=keep)
    again = read_sr(data_out)
    assert np.array_equal(again.boxes, boxes)
    assert again.frame == frame_of(kind)
    refer(pydicom.dcmread(BytesIO(data_out)), pydicom.dcmread(BytesIO(data)), kind)
    conform(data_out, keep, tmp_path)


def refer(written: Dataset, original: Dataset, kind: str) -> None:
    """Every reference to the source names its true kind; one to the pixels, the frame where there are several."""
    name = original.SOPInstanceUID if kind in KEPT else map_uid(original.SOPInstanceUID)
    found = [one for one in (*items_of(written),) if one.get("ReferencedSOPInstanceUID") == name]
    assert found
    assert {one.ReferencedSOPClassUID for one in found} == {original.SOPClassUID}
    frames = {one.get("ReferencedFrameNumber") for one in found} - {None}
    assert frames == ({FRAME + 1} if kind in SEVERAL else set())


def items_of(dataset: Dataset) -> list[Dataset]:
    """Return the items of all sequences, at any depth."""
    own = [item for element in dataset if element.VR == "SQ" for item in element.value]
    return own + [inner for item in own for inner in items_of(item)]


def conform(data: bytes, keep: bool, folder: Path) -> None:
    """Nothing of the patient that was not asked for, and no error by dciodvfy where it is installed."""
    assert (b"Doe^Jane" in data) == keep
    assert b"SECRET" not in data
    if not shutil.which("dciodvfy"):
        pytest.skip("what the standard asks for: dciodvfy (Debian package dicom3tools) is not installed")
    (folder / "out.dcm").write_bytes(data)
    done = subprocess.run(
        ["dciodvfy", "-new", str(folder / "out.dcm")], capture_output=True, text=True, check=False, timeout=60
    )
    said = (done.stdout + done.stderr).splitlines()
    assert said
    assert [line for line in said if "Error" in line] == []
