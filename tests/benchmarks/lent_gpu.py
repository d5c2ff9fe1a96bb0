"""Train a card on a machine with a GPU that is lent for minutes: pack what it needs, run it there, bring it back.

    python -m tests.benchmarks.lent_gpu pack shoulder-implants --to .lent      # here: says what to run there
    tar xzf .lent/pack.tgz -C /tmp && bash /tmp/lent/go.sh "$OUT"               # there: that one command
    python -m tests.benchmarks.lent_gpu bring shoulder-implants FOLDER          # here: weights, card, figures, answers
    ortholens evaluate shoulder-implants                                        # here: against every other set, at once

The pack holds the program, the libraries that such a machine lacks, starting weights and the card's set, without its
test split. Of the other sets, which the out-of-distribution detector is measured on, it holds as many pictures as fit;
so `evaluate`, or for boxes and masks `ood`, is run once more here, and trains nothing anew. `--change
net.name='"efficientnet_lite0"' --change training.cuda.epochs=60` tries another network or recipe.

The tracked files of this repository are more than may travel beside a pack. So for the call the working tree holds next
to nothing: `git sparse-checkout set --no-cone /pyproject.toml`, and `git sparse-checkout disable` after it.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tomlkit

ROOT = Path(__file__).parents[2]
LIMIT = 60_000_000
"""Bytes of a pack; what travels to the machine may have 64 MiB."""
LARGEST = 16 * 2**20
"""Bytes of a file that comes back."""
OWN_ZIPS = {"shoulder-implants": "shoulder_implants.zip", "knee-kl": "knee_kl.zip"}
OTHERS = ("shoulder_implants.zip", "knee_kl.zip", "fracture_detection.zip", "histology_nuclei.zip",
          "knee_mri_bone.zip", "tka_fluoroscopy.zip")  # fmt: skip
LABELS, RUNS = "labels.csv", "runs.tgz"
PICTURES = ("images/", "slices/", "deep_flexion_cam1/frames/")
"""Where the pictures of a set lie in its zip."""
SHARES = (300, 100, 60, 40, 20, 10, 5)
"""Pictures of each other set, as many as fit."""
LACKING = ("annotated-types", "babel", "captum", "platformdirs", "pydantic", "pydantic_core", "pydantic-settings",
           "pydicom", "python-dotenv", "structlog", "tomlkit", "trimesh", "typing-inspection")  # fmt: skip
"""Libraries that training imports and a machine with PyTorch, scikit-learn and numba may lack."""
FOR = ("--python-version", "3.12", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64",
       "--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64")  # fmt: skip
LANGUAGES = ("root.dat", "en.dat", "en_001.dat", "en_US.dat", "de.dat", "de_DE.dat")
"""Of Babel, whose data of all languages would be a sixth of a pack."""
LEFT_OUT = ("weights", "pictures", "generated", "__pycache__")
"""Folders of the package that training does not read."""

GO = """#!/usr/bin/env bash
# Train, evaluate and time {card}; what came of it lies in $1, also where time ran out.
cd "$(dirname "$0")"
export PYTHONPATH=$PWD/tree:$PWD/site ORTHOLENS_DATA_DIR=$PWD/data PYTHONUNBUFFERED=1
export ORTHOLENS_DEVICE=${{ORTHOLENS_DEVICE:-cuda}} ORTHOLENS_CACHE_DIR=$PWD/cache
cd tree && exec "${{PYTHON:-python3}}" -m tests.benchmarks.lent_gpu run {card} --folds {folds} {more} --out "$1"
"""


def pack(card_id: str, to: Path, options: argparse.Namespace) -> Path:
    """Write `pack.tgz` into a folder and return its path; raises SystemExit where it is too large."""
    from models.cards import cards
    from models.settings import settings
    from models.tasks.ood_set import OWN

    own = {**OWN, **OWN_ZIPS}.get(card_id)
    if own is None:
        raise SystemExit(f"{card_id} has no public set that could be packed: {', '.join((*OWN_ZIPS, *OWN))} have")
    data = settings().data_dir
    with TemporaryDirectory() as folder:
        lent = Path(folder, "lent")
        copy_program(lent / "tree")
        change_card(lent / "tree" / "models" / "cards" / f"{card_id}.toml", options.change)
        table = tomllib.loads((lent / "tree" / "models" / "cards" / f"{card_id}.toml").read_text())
        copy_start(table, data.parent / "weights", lent)
        (lent / "data").mkdir()
        thin_zip(data / own, lent / "data" / own, None)
        if own == "knee_kl.zip" and cards()[card_id].task == "landmarks":
            shutil.copy(data / "knee_landmarks.csv", lent / "data")
        if options.libraries:
            fetch_libraries(lent / "site")
        more = "--time" if options.time else ""
        (lent / "go.sh").write_text(GO.format(card=card_id, folds=options.folds, more=more))
        to.mkdir(parents=True, exist_ok=True)
        path, room = to / "pack.tgz", LIMIT - write_pack(lent, to / "pack.tgz")
        for each in SHARES:
            sizes = [thin_zip(data / other, lent / "data" / other, each) for other in OTHERS if other != own]
            if sum(sizes) <= room:
                write_pack(lent, path)
                return path
    raise SystemExit(f"{card_id} needs {(LIMIT - room) / 1e6:.0f} MB, and {LIMIT / 1e6:.0f} may travel")


def write_pack(lent: Path, path: Path) -> int:
    """Pack a folder, and return how many bytes that has."""
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        archive.add(lent, "lent")
    return path.stat().st_size


def copy_program(tree: Path) -> None:
    """Copy what trains: the package without its weights and pictures, this file, and what names its version."""
    shutil.copytree(ROOT / "models", tree / "models", ignore=shutil.ignore_patterns(*LEFT_OUT))
    (tree / "models" / "weights").mkdir()
    here = Path("tests", "benchmarks", Path(__file__).name)
    (tree / here).parent.mkdir(parents=True)
    shutil.copy(__file__, tree / here)
    about = tree / f"ortholens-{version('ortholens')}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ortholens\nVersion: {version('ortholens')}\n")


def change_card(path: Path, changes: Iterable[str]) -> None:
    """Set values of a card, each as `table.name=TOML`."""
    document = tomlkit.parse(path.read_text())
    for change in changes:
        where, _, value = change.partition("=")
        *tables, name = where.split(".")
        table: tomlkit.items.Table | tomlkit.TOMLDocument = document
        for key in tables:
            if key not in table:
                table.add(key, tomlkit.table())
            table = table[key]
        table[name] = tomllib.loads(f"value = {value}")["value"]
    path.write_text(tomlkit.dumps(document))


def copy_start(table: dict[str, Any], weights: Path, lent: Path) -> None:
    """Copy the weights of ImageNet that a card and its teachers start from, or the trunk of the card it names."""
    from models.cards import cards
    from models.nets.loading import NETS
    from models.nets.mobilenet import StagedMobileNetV2

    recipe = table["training"]
    teachers = {**recipe.get("teachers", {}), **recipe.get("cuda", {}).get("teachers", {})}
    (lent / "weights").mkdir()
    for name in (table["net"]["name"], *teachers):
        file = f"{NETS.get(name, StagedMobileNetV2).file}.safetensors"  # the other kinds stand on MobileNetV2
        shutil.copy(weights / file, lent / "weights")
    if start := recipe.get("start"):
        for member in cards()[start].members:
            shutil.copy(ROOT / "models" / "weights" / member.file, lent / "tree" / "models" / "weights")


def thin_zip(source: Path, target: Path, each: int | None) -> int:
    """Copy a set and return its bytes: all of it but its test split, or so many of its pictures, evenly over it."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        names = archive.namelist()
        rows = list(csv.DictReader(io.StringIO(archive.read(LABELS).decode()))) if LABELS in names else []
        held_back = {row["file"] for row in rows if row.get("split") == "test"}
        kept = [name for name in names if name not in held_back and name != LABELS]
        if each is not None:
            pictures = [name for name in kept if name.startswith(PICTURES)]
            at = np.linspace(0, len(pictures) - 1, min(each, len(pictures))).round().astype(int)
            kept = [pictures[i] for i in at]
        for name in kept:
            out.writestr(name, archive.read(name))
        if rows:
            table = io.StringIO()
            writer = csv.DictWriter(table, rows[0].keys())
            writer.writeheader()
            writer.writerows(row for row in rows if row["file"] in kept)
            out.writestr(LABELS, table.getvalue())
    return target.stat().st_size


def fetch_libraries(site: Path) -> None:
    """Download the libraries that the machine lacks, and unpack them."""
    wanted = [f"{name}=={version(name)}" for name in LACKING]
    with TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *FOR]
        subprocess.run([*download, "-d", folder, *wanted], check=True)
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
    for language in (site / "babel" / "locale-data").glob("*.dat"):
        if language.name not in LANGUAGES:
            language.unlink()


def run(card_id: str, out: Path, options: argparse.Namespace) -> None:
    """Train, evaluate and, where asked, time a card of this tree; what is done comes into a folder, step by step."""
    from models.cli import main

    steps = [["train", card_id], ["evaluate", card_id, "--folds", str(options.folds)]]
    if options.time:
        steps.append(["benchmark", card_id, "--json", str(out / "benchmark.json")])
    out.mkdir(parents=True, exist_ok=True)
    for step in steps:
        began = time.perf_counter()
        try:
            main(step)
        except SystemExit as stopped:  # as every command ends
            if stopped.code:
                raise
        print(f"{' '.join(step)}: {time.perf_counter() - began:.0f} s", flush=True)  # noqa: T201
        gather(card_id, out)


def gather(card_id: str, out: Path) -> None:
    """Copy a card with its weights, figures and the answers of its folds into a folder."""
    from models.cards import CARDS_DIR, WEIGHTS_DIR, card
    from models.training.runs import locate_runs

    chosen = card(card_id)
    for path in (*CARDS_DIR.glob(f"{card_id}.*"), *(WEIGHTS_DIR / part.file for part in chosen.parts)):
        shutil.copy(path, out)
    with tarfile.open(out / RUNS, "w:gz") as archive:
        for path in sorted(locate_runs(chosen).glob("*")):
            if path.suffix in (".npy", ".sha256", ".jsonl"):
                archive.add(path, path.name)
    for path in out.iterdir():
        if path.stat().st_size > LARGEST:
            raise SystemExit(f"{path.name} has {path.stat().st_size / 2**20:.0f} MiB, and 16 may come back")


def bring(card_id: str, found: Path, root: Path) -> None:
    """Put what came back where it belongs: weights, card and figures into the package, answers of folds beside it."""
    for path in found.iterdir():
        if path.suffix == ".safetensors":
            shutil.copy(path, root / "models" / "weights")
        elif path.name.startswith(f"{card_id}."):
            shutil.copy(path, root / "models" / "cards")
        elif path.name == RUNS:
            with tarfile.open(path) as archive:
                archive.extractall(root / "runs" / card_id, filter="data")


def main(arguments: Sequence[str] | None = None) -> None:
    """Do one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("pack", "run", "bring"):
        command = commands.add_parser(name)
        command.add_argument("card")
        if name != "bring":
            command.add_argument("--folds", type=int, default=10)
            command.add_argument("--time", action="store_true", help="also benchmark")
    commands.choices["pack"].add_argument("--to", type=Path, default=Path(".lent"))
    commands.choices["pack"].add_argument("--change", action="append", default=[], help="table.name=TOML of the card")
    commands.choices["pack"].add_argument("--without-libraries", dest="libraries", action="store_false")
    commands.choices["run"].add_argument("--out", type=Path, required=True)
    commands.choices["bring"].add_argument("found", type=Path)
    chosen = parser.parse_args(arguments)
    if chosen.command == "pack":
        path = pack(chosen.card, chosen.to, chosen)
        there = f'tar xzf {path} -C /tmp && bash /tmp/lent/go.sh "$OUT"'
        print(json.dumps({"command": there, "carry": [str(chosen.to)], "bytes": path.stat().st_size}))  # noqa: T201
    elif chosen.command == "run":
        run(chosen.card, chosen.out, chosen)
    else:
        bring(chosen.card, chosen.found, ROOT)


if __name__ == "__main__":
    main()
