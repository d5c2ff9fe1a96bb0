"""The way of a card over a lent machine, at toy size on the processor: packed, trained, measured, brought back."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

from models.settings import settings
from tests.benchmarks import lent_gpu

SMALL = {
    "training.epochs": 1, "training.views": 1, "training.batch": 6, "training.view_size": [32, 32],
    "input.size": [32, 32],
}  # fmt: skip
FEWER = """
import models.tasks.ood_set, models.tasks.classification.metrics
models.tasks.ood_set.EACH, models.tasks.classification.metrics.RESAMPLES = 8, 20
"""
"""What makes the measuring short: pictures of each other set, and resamples of a bootstrap."""
MAKERS = ("Cofield", "Depuy", "Tornier", "Zimmer")


def write_zip(path: Path, rows: list[dict[str, object]], others: dict[str, bytes] | None = None) -> None:
    """Write a set of small pictures, one a row, and its labels."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for row in rows:
            out = io.BytesIO()
            Pillow.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).save(out, "PNG")
            archive.writestr(str(row["file"]), out.getvalue())
        table = io.StringIO()
        writer = csv.DictWriter(table, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
        archive.writestr("labels.csv", table.getvalue())
        for name, data in (others or {}).items():
            archive.writestr(name, data)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The public sets, a few pictures each, and starting weights that know nothing."""
    folder = tmp_path / "shared" / "data"
    folder.mkdir(parents=True)
    implants = [
        {"file": f"images/{maker}/{maker}.{3 * i}.png", "manufacturer": maker} for maker in MAKERS for i in range(6)
    ]
    knees = [
        {"file": f"images/{split}/{i}{side}.png", "split": split, "patient": f"{split}{i}", "side": side, "kl_grade": 1}
        for split in ("train", "test") for i in range(4) for side in "LR"
    ]  # fmt: skip
    write_zip(folder / "shoulder_implants.zip", implants)
    write_zip(folder / "knee_kl.zip", knees)
    for name, where in (("fracture_detection", "images"), ("histology_nuclei", "images"), ("knee_mri_bone", "slices")):
        write_zip(folder / f"{name}.zip", [{"file": f"{where}/{i}.png"} for i in range(7)], {"masks/0.png": b"-"})
    write_zip(folder / "tka_fluoroscopy.zip", [{"file": f"deep_flexion_cam1/frames/{i}.png"} for i in range(3)])
    (tmp_path / "shared" / "weights").mkdir()
    state = {name: value.half() for name, value in mobilenet_v2(weights=None).state_dict().items() if value.ndim}
    save_file(state, tmp_path / "shared" / "weights" / "mobilenet_v2_imagenet.safetensors")
    monkeypatch.setenv("ORTHOLENS_DATA_DIR", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


def test_a_thinned_set_holds_no_test_split_and_pictures_from_its_first_to_its_last(data: Path, tmp_path: Path) -> None:
    for each, names in ((None, [f"{i}{side}" for i in range(4) for side in "LR"]), (3, ["0L", "2L", "3R"])):
        size = lent_gpu.thin_zip(data / "knee_kl.zip", tmp_path / "thin.zip", each)
        assert size == (tmp_path / "thin.zip").stat().st_size
        with zipfile.ZipFile(tmp_path / "thin.zip") as archive:
            files = [name for name in archive.namelist() if name != "labels.csv"]
            rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
        assert [Path(file).stem for file in files] == [Path(row["file"]).stem for row in rows] == names
        assert {row["split"] for row in rows} == {"train"}
    lent_gpu.thin_zip(data / "histology_nuclei.zip", tmp_path / "thin.zip", 300)
    with zipfile.ZipFile(tmp_path / "thin.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("masks/")]


@pytest.mark.slow
def test_a_card_is_packed_trained_measured_and_brought_back(data: Path, tmp_path: Path) -> None:
    changes = [part for name, value in SMALL.items() for part in ("--change", f"{name}={value}")]
    to = str(tmp_path / "lent")
    lent_gpu.main(["pack", "shoulder-implants", "--to", to, "--folds", "2", "--without-libraries", *changes])
    with tarfile.open(tmp_path / "lent" / "pack.tgz") as archive:
        archive.extractall(tmp_path / "there", filter="data")
    there, out = tmp_path / "there" / "lent", tmp_path / "out"
    assert not list((there / "tree" / "models" / "weights").iterdir())
    (there / "site").mkdir()
    (there / "site" / "sitecustomize.py").write_text(FEWER)  # Python reads it before it begins
    environment = {**os.environ, "ORTHOLENS_DEVICE": "cpu", "PYTHON": sys.executable}
    done = subprocess.run(
        ["bash", there / "go.sh", out], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "evaluate shoulder-implants --folds 2: " in done.stdout

    root = tmp_path / "root"
    for folder in ("models/weights", "models/cards", "runs/shoulder-implants"):
        (root / folder).mkdir(parents=True)
    lent_gpu.bring("shoulder-implants", out, root)
    card = tomllib.loads((root / "models" / "cards" / "shoulder-implants.toml").read_text())
    figures = json.loads((root / "models" / "cards" / "shoulder-implants.figures.json").read_text())
    assert card["training"]["epochs"] == 1
    assert figures["weights"] == [member["sha256"] for member in card["members"]]
    assert (figures["n"], figures["groups"]) == (24, 24)
    assert {row["set"]: row["n"] for row in figures["ood"]["sets"]}["histology"] == 7
    assert figures["resamples"] == 20
    assert {path.name for path in (root / "models" / "weights").iterdir()} == {
        card["members"][0]["file"], card["ood"]["file"],
    }  # fmt: skip
    answers = [np.load(path) for path in sorted((root / "runs" / "shoulder-implants").glob("*.npy"))]
    assert [answer.shape[1] for answer in answers] == [4, 4]
    assert sum(map(len, answers)) == 24


def test_what_cannot_travel_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="equine-stifle has no public set"):
        lent_gpu.main(["pack", "equine-stifle", "--to", str(tmp_path)])
    monkeypatch.setattr(lent_gpu, "LIMIT", 1000)
    with pytest.raises(SystemExit, match="may travel"):
        lent_gpu.main(["pack", "shoulder-implants", "--to", str(tmp_path), "--without-libraries"])
