"""A training set that is not there, or is no zip, is said so by name, by whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import DamagedFile, Unreachable
from models.settings import Settings
from models.tasks.classification.dataset import read_knee_kl, read_shoulder_implants
from models.tasks.detection.dataset import read_fractures
from models.tasks.ood_set import read_ood_sets
from models.tasks.segmentation.datasets import read_histology_nuclei, read_knee_mri_bone
from models.tasks.segmentation.fluoroscopy_set import read_tka_fluoroscopy

READERS: dict[Callable[[], object], str] = {
    read_knee_kl: "knee_kl.zip",
    read_shoulder_implants: "shoulder_implants.zip",
    read_fractures: "fracture_detection.zip",
    read_histology_nuclei: "histology_nuclei.zip",
    read_knee_mri_bone: "knee_mri_bone.zip",
    read_tka_fluoroscopy: "tka_fluoroscopy.zip",
    lambda: list(read_ood_sets("fracture")): "histology_nuclei.zip",
}


@pytest.mark.parametrize("reader", READERS)
def test_a_set_that_is_not_there_or_no_zip_is_named(
    reader: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.public_set.settings", lambda: Settings(data_dir=tmp_path))
    monkeypatch.setattr("models.tasks.ood_set.PUBLIC", {})  # radiographs come first; here the zips are asked for
    monkeypatch.setattr("models.tasks.ood_set.ZIPS", {"histology": ("histology_nuclei.zip", "images/")})
    with pytest.raises(Unreachable, match="data set is not here") as missing:
        reader()
    assert missing.value.file == READERS[reader]
    assert "ORTHOLENS_DATA_DIR" in str(missing.value)
    (tmp_path / READERS[reader]).write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DamagedFile, match="is no zip") as damaged:
        reader()
    assert damaged.value.file == READERS[reader]
