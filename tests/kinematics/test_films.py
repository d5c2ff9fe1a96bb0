"""A fluoroscopy run as C-arms store it, from the file to the motion: multi-frame XA and RF, and a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from models.commands import trial as one_trial
from models.commands import trials
from models.commands.trials import Shared
from models.geometry import jts
from models.geometry.camera import write_calibration
from models.geometry.mesh import write_stl
from models.simulation.motion import DISTANCE_MM, PITCH_MM, Scene
from models.tasks.kinematics.export import compute_pose_differences
from models.tasks.kinematics.locate import Frame

CLASSES = {"XA": "1.2.840.10008.5.1.4.1.1.12.1", "RF": "1.2.840.10008.5.1.4.1.1.12.2"}
RATE = 15


def write_dicom(path: Path, pictures: np.ndarray, modality: str, pitch_mm: float) -> None:
    """Write (T, H, W) as one multi-frame object (PS3.3 C.7.6.5 cine, C.8.7 X-ray), by pydicom alone."""
    run = Dataset()
    run.file_meta = FileMetaDataset()
    run.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    run.SOPClassUID = run.file_meta.MediaStorageSOPClassUID = CLASSES[modality]
    run.SOPInstanceUID = run.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    run.Modality, run.PatientName, run.PatientID = modality, "Doenecke-Quist^Jane", "123"
    run.NumberOfFrames, run.Rows, run.Columns = pictures.shape
    run.FrameIncrementPointer, run.FrameTime = 0x00181063, f"{1000 / RATE:.4f}"
    run.SamplesPerPixel, run.PhotometricInterpretation = 1, "MONOCHROME2"
    run.BitsAllocated, run.BitsStored, run.HighBit, run.PixelRepresentation = 16, 10, 9, 0
    run.DistanceSourceToDetector = DISTANCE_MM
    run.ImagerPixelSpacing = [pitch_mm, pitch_mm]
    run.PixelData = (pictures.astype(np.uint16) * 4).tobytes()
    run.save_as(path, enforce_file_format=True)


def write_run(folder: Path, pictures: np.ndarray, kind: str, pitch_mm: float) -> bytes:
    """Return (T, H, W) as one file: XA, RF, or a video, which has no calibration of its own."""
    if kind != "video":
        write_dicom(folder / "run.dcm", pictures, kind, pitch_mm)
        return (folder / "run.dcm").read_bytes()
    cv2 = pytest.importorskip("cv2")
    film = cv2.VideoWriter(str(folder / "run.avi"), cv2.VideoWriter.fourcc(*"FFV1"), RATE, pictures.shape[:0:-1])
    for picture in pictures:
        film.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    film.release()
    return (folder / "run.avi").read_bytes()


@pytest.mark.parametrize("kind", ["XA", "video"])  # RF on the page
def test_a_run_in_one_file_is_measured(
    kind: str, lunge: Scene, shots: list[Frame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study" / "run"
    folder.mkdir(parents=True)
    pictures = np.stack([(shot.grey * 255).round().astype(np.uint8) for shot in shots])
    pitch = DISTANCE_MM / lunge.camera.focal_px[0]
    (folder / "IM0001").write_bytes(write_run(tmp_path, pictures, kind, pitch))  # no ending
    if kind == "video":
        (folder / "calibration.txt").write_text(write_calibration(DISTANCE_MM, pitch))
    for name, mesh in (("femoral.stl", lunge.femoral), ("tibial.stl", lunge.tibial)):
        (tmp_path / "study" / name).write_bytes(write_stl(mesh))
    masks = iter(shots)
    monkeypatch.setattr(one_trial, "_outline", lambda shot, journal: Frame(next(masks).masks, shot.shown))
    (trial,) = trials.list_trials(tmp_path / "study", Shared(), tmp_path / "out")
    row = trials.measure_trial(trial, lambda share: None)
    assert (row["frames"], row["error"]) == (len(shots), "")
    for name, exact in (("femoral", lunge.femoral_poses), ("tibial", lunge.tibial_poses)):
        found = jts.read_jts((trial.out / f"{name}.jts").read_bytes())
        apart = compute_pose_differences(found, exact[: len(shots)])
        assert np.abs(apart[:, :2]).max() < 0.6, name  # the principal point of a header is the middle of the picture
    assert f"Time in seconds at {RATE} frames a second" in (trial.out / "joint.mot").read_text()
    written = b"".join(path.read_bytes() for path in trial.out.rglob("*") if path.is_file())
    assert b"Doenecke" not in written


def test_the_pitch_of_the_scene_is_what_it_was_simulated_with(lunge: Scene) -> None:
    assert DISTANCE_MM / lunge.camera.focal_px[0] == pytest.approx(PITCH_MM * 1024 / 512)
