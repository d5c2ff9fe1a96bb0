"""What is stored of an answer of every kind of task: in its study, upright, the same twice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from skimage.feature import match_template

import models
from models.pacs.made import StoredObject
from models.pacs.results import make_results
from models.reporting.case import Case
from models.tasks import kind_of_card
from models.types import Motion, Track
from models.words import DISCLAIMER
from tests.kinematics.solutions import solve_as

CASES = {
    "classification": ("generated_knee_3.png", "knee-kl", {"SR", "SC", "PDF"}),
    "segmentation": ("section_worn.jpg", "joint-section", {"SEG", "SR", "SC", "PDF"}),
    "detection": ("generated_hand_wrist.png", "fracture", {"SR", "SC", "PDF"}),
    "landmarks": ("generated_knee_3.png", "knee-landmarks", {"SR", "SC", "PDF"}),
    "identification": ("knee_implant_side.png", "knee-implants", {"SR", "SC", "PDF"}),
}


def answer(data: bytes, card_id: str) -> Case:
    image = models.read(data)
    method = kind_of_card(models.card(card_id)).explained_by
    return Case(image, models.predict(image, card_id, explain=method))


def judge(data: bytes, folder: Path) -> list[str]:
    """Return the errors that dciodvfy finds in a file."""
    if not shutil.which("dciodvfy"):
        return []
    (folder / "one.dcm").write_bytes(data)
    done = subprocess.run(["dciodvfy", "-new", str(folder / "one.dcm")], capture_output=True, timeout=60)
    return [
        line for line in (done.stdout + done.stderr).decode(errors="replace").splitlines() if line.startswith("Error")
    ]


def check(objects: tuple[StoredObject, ...], source: bytes, card_id: str, folder: Path) -> None:
    image = pydicom.dcmread(BytesIO(source))
    for one in objects:
        written = pydicom.dcmread(BytesIO(one.data))
        assert judge(one.data, folder) == [], one.kind
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber"):
            assert written[keyword].value == image[keyword].value, (one.kind, keyword)
        assert written.SeriesInstanceUID != image.SeriesInstanceUID
        assert (one.instance, one.sop_class) == (written.SOPInstanceUID, written.SOPClassUID)
        assert written.ManufacturerModelName == card_id
        assert written.SeriesDescription == DISCLAIMER[:64]
        assert str(written.SoftwareVersions)
        assert image.SOPInstanceUID.encode() in one.data  # it says which image it is of


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_an_answer_of_each_kind(kind: str, film: Callable[..., bytes], tmp_path: Path) -> None:
    name, card_id, wanted = CASES[kind]
    source = film(name)
    case = answer(source, card_id)
    assert not getattr(case.prediction, "abstained", False)
    objects = make_results(source, case)
    assert {one.kind for one in objects} == wanted
    check(objects, source, card_id, tmp_path)
    again = make_results(source, replace(case))
    assert [one.instance for one in again] == [one.instance for one in objects]
    changed = make_results(source, case, edited="moved")
    assert not {one.instance for one in changed} & {one.instance for one in objects}
    kinds = {one.kind: one for one in objects}
    report = highdicom.sr.srread(BytesIO(kinds["SR"].data))
    assert report.content.get_image_measurement_groups()
    texts = [str(item.TextValue) for item in report.ContentSequence if item.get("ValueType") == "TEXT"]
    assert DISCLAIMER in texts
    assert pydicom.dcmread(BytesIO(kinds["PDF"].data)).EncapsulatedDocument[:5] == b"%PDF-"
    stand_upright(source, pydicom.dcmread(BytesIO(kinds["SC"].data)).pixel_array)
    if kind == "segmentation":
        seg = highdicom.seg.segread(BytesIO(kinds["SEG"].data))
        frames, mask = np.atleast_3d(seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)), case.prediction.mask
        for number, frame in zip(seg.segment_numbers, frames, strict=True):
            key = seg.get_segment_description(number).segment_label
            assert np.array_equal(frame.astype(bool), mask == models.card(card_id).index(key))


def stand_upright(source: bytes, capture: np.ndarray) -> None:
    """The film in the picture is like the source as it lies, and like none of its flips and turns."""
    film = pydicom.dcmread(BytesIO(source)).pixel_array
    film = (film if film.ndim == 2 else film.mean(-1)).astype(float)
    grey = capture.astype(float).mean(-1)
    scores = {}
    for flips in [(down, across, turned) for down in (1, -1) for across in (1, -1) for turned in (False, True)]:
        laid = film[:: flips[0], :: flips[1]]
        scores[flips] = match(laid.T if flips[2] else laid, grey)
    assert max(scores, key=lambda key: scores[key]) == (1, 1, False), scores


def match(film: np.ndarray, grey: np.ndarray) -> float:
    """Return the best correlation of a film, at any size, with any place of a picture."""
    there = np.asarray(Pillow.fromarray(grey).resize((grey.shape[1] // 8, grey.shape[0] // 8)))
    best = -1.0
    for share in np.linspace(0.3, 1, 15):
        wide = round(share * there.shape[1])
        tall = round(wide * film.shape[0] / film.shape[1])
        if tall <= there.shape[0]:
            best = max(
                best, float(match_template(there, np.asarray(Pillow.fromarray(film).resize((wide, tall)))).max())
            )
    return best


def test_what_is_withheld_is_not_given_away(film: Callable[..., bytes], tmp_path: Path) -> None:
    source = film("generated_knee_3.png")
    case = answer(source, "knee-kl")
    held = replace(case, prediction=replace(case.prediction, abstained=True, reason="it is a cat", explanation=None))
    objects = make_results(source, held)
    check(objects, source, "knee-kl", tmp_path)
    report = next(one for one in objects if one.kind == "SR")
    assert b"it is a cat" in report.data
    assert b"Probability of" not in report.data


def test_a_motion(film: Callable[..., bytes], tmp_path: Path) -> None:
    source = film("knee_implant_side.png")
    image, frames = models.read(source), 2
    none = np.full(frames, np.nan)
    poses = np.full((frames, 4, 4), np.nan)
    track = Track(
        pose=poses, other_pose=poses, overlap=none, residual_px=none, edge_px=none, sigma=np.full((frames, 6), np.nan)
    )  # fmt: skip
    joint = np.arange(12.0).reshape(frames, 6)
    motion = Motion(
        task="kinematics", card="tka-fluoroscopy", sha256=image.sha256, seconds=1.0, femoral=track, tibial=track,
        joint=joint, joint_sigma=np.ones((frames, 6)), low_points_mm=np.zeros((frames, 2, 3)), side="right",
        joint_columns=("flexion_deg", "adduction_deg", "external_rotation_deg", "lateral_mm", "anterior_mm",
                       "proximal_mm"), axes=("x", "y"), notes=((), ()), **solve_as(poses, poses),
    )  # fmt: skip
    from models.pacs.documents import restamp
    from models.pacs.made import Made
    from models.pacs.report import write_answer_sr
    from models.tasks import account_of

    findings = account_of(motion).findings(motion, image)
    made = Made(motion.card, "0" * 16, "Flexion from 0° to 6°", ())
    data = restamp(write_answer_sr(source, None, findings, made), source, "SR", made).data
    assert judge(data, tmp_path) == []
    groups = highdicom.sr.srread(BytesIO(data)).content.get_image_measurement_groups()
    values = [[float(one.value) for one in group.get_measurements()] for group in groups]
    assert values == joint.tolist()
