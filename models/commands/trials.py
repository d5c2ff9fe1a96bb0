"""A whole study of `ortholens kinematics`: a folder a trial, each in a process of its own, and a table of all.

A trial that cannot be measured, or whose process ends, becomes a line that says why; the others go on. Results lie in a
folder a trial, with a journal each, so that a study that was killed goes on where it was.
"""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import typer

from models.audit_log import subject
from models.commands.output import check_output_folder, write_output
from models.commands.trial import (
    CARD,
    JOURNAL,
    follow_shots,
    open_file,
    outline_shots,
    read_components,
    read_shots,
    write_motion,
)
from models.errors import Cancelled, InputError, OrthoLensError
from models.io.text import natural_name_key
from models.types import AcceptanceLimits, Motion
from models.words import DISCLAIMER

Row = dict[str, object]
COLUMNS = (
    "trial", "frames", "flexion_min_deg", "flexion_max_deg", "flagged", "median_sigma_in_plane_mm",
    "median_sigma_depth_mm", "median_sigma_rotation_deg", "seconds", "error", "note",
)  # fmt: skip
SUMMARY = "summary.csv"
ASKED_S = 0.5
"""How often trials that run are asked whether they were stopped."""


@dataclass(frozen=True)
class Shared:
    """What trials have in common; CAD and calibration of a trial's own go before these."""

    femoral: Path | None = None
    tibial: Path | None = None
    calibration: Path | None = None
    side: str = "right"
    frame_rate: float | None = None
    named: bool = True
    priors: bool = True
    limits: AcceptanceLimits = field(default_factory=AcceptanceLimits)
    axes: tuple[str | None, str | None] = (None, None)
    who: str = field(default_factory=subject.get)
    """Who is named in the audit log."""


@dataclass(frozen=True)
class Trial:
    """One folder of frames, and what belongs to it; `name` is the folder's, or a number where names are left out."""

    name: str
    folder: Path
    shared: Shared
    out: Path


def measure_trials(folder: Path, shared: Shared, out: Path, processes: int = 1) -> int:
    """Measure every trial of a study, write the table, and return how many could not be measured.

    Raises
    ------
    typer.BadParameter
        Where the folder holds no trial.
    """
    check_output_folder(out, "--out")
    found = list_trials(folder, shared, out)
    rows: dict[str, Row] = {}
    with _bar(len(found)) as show:
        for trial, message in run_trials(found, processes):
            if isinstance(message, float):
                show(trial, message)
                continue
            rows[trial.name] = message
            show(trial, 1.0)
            done = [rows[one.name] for one in found if one.name in rows]
            write_output(out / SUMMARY, _table(done).encode())  # after each: a kill leaves what is known
    failed = sum(bool(row["error"]) for row in rows.values())
    typer.echo(str(out / SUMMARY))
    typer.echo(f"{len(found)} trials, {failed} not measured. {DISCLAIMER}", err=True)
    return failed


def list_trials(folder: Path, shared: Shared, out: Path) -> list[Trial]:
    """Return the trials of a study in the order of their names: its folders, but for hidden ones and the results."""
    inside = sorted(folder.iterdir(), key=lambda path: natural_name_key(path.name))
    folders = [path for path in inside if path.is_dir() and path.name[0] != "." and path.resolve() != out.resolve()]
    if not folders:
        raise typer.BadParameter(f"{folder} holds no folder of frames; a study has a folder for each trial")
    names = [path.name if shared.named else f"trial {number}" for number, path in enumerate(folders, 1)]
    return [Trial(name, path, shared, out / name) for name, path in zip(names, folders, strict=True)]


def measure_trial(trial: Trial, progress: Callable[[float], None]) -> Row:
    """Measure one trial, write its files, and return its line of the table.

    Raises
    ------
    OrthoLensError
        Where a file is missing or cannot be used.
    """
    from models.tasks.kinematics.journal import Journal
    from models.tasks.kinematics.motion import Study
    from models.tasks.kinematics.opensim import find_frame_rate
    from models.tasks.kinematics.study import find_camera

    begun, shared = time.perf_counter(), trial.shared
    frames, cad, calibration = sort_files(trial)
    meshes = read_components((open_file(cad[0]), open_file(cad[1])), shared.axes)
    shots = read_shots(frames)
    images = [shot.image for shot in shots]
    camera = find_camera(images, open_file(calibration) if calibration else None)
    check_output_folder(trial.out, "--out")
    journal = Journal(trial.out / JOURNAL)
    seen = outline_shots(shots, None, journal, progress)
    study = Study(
        *meshes, camera=camera, side=shared.side, card=CARD, priors=shared.priors, limits=shared.limits
    )  # fmt: skip
    found = follow_shots(study, seen, journal, progress)
    named = [type(shot)(shot.name if shared.named else "", shot.image, shot.mask) for shot in shots]
    write_motion(found, named, study, shared.frame_rate or find_frame_rate(images), trial.out)
    return _line(trial.name, found, time.perf_counter() - begun)


def sort_files(trial: Trial) -> tuple[list[Path], tuple[Path, Path], Path | None]:
    """Return frames, CAD (femoral first) and calibration of a trial: its own, else given, else beside it."""
    from models.tasks.kinematics.study import File, guess_femoral

    own = _by_role(trial.folder)
    beside = _by_role(trial.folder.parent)
    if not own["frame"]:
        fix = "Put its PNG, TIFF or DICOM files there, or a multi-frame file."
        raise InputError("there is no frame", fix=fix, file=trial.name)
    given = [path for path in (trial.shared.femoral, trial.shared.tibial) if path]
    cad = own["mesh"] or given or beside["mesh"]
    if len(cad) != 2:
        fix = "Give --femoral and --tibial, or put the two STL files into the trial's folder or beside it."
        raise InputError(f"there are {len(cad)} STL files and not two", fix=fix, file=trial.name)
    if cad is not given and guess_femoral([File(path.name, b"") for path in cad]):
        cad = cad[::-1]
    calibration = own["calibration"] or [path for path in (trial.shared.calibration,) if path] or beside["calibration"]
    return own["frame"], (cad[0], cad[1]), calibration[0] if calibration else None


def _by_role(folder: Path) -> dict[str, list[Path]]:
    from models.tasks.kinematics.study import File

    found: dict[str, list[Path]] = {role: [] for role in ("frame", "mesh", "calibration", "reference")}
    for path in sorted(folder.iterdir(), key=lambda path: natural_name_key(path.name)):
        if path.is_file() and path.name[0] != ".":
            found[File(path.name, b"").role].append(path)
    return found


def _line(name: str, found: Motion, seconds: float) -> Row:
    import numpy as np

    flexion = found.joint[:, 0]
    known = flexion[np.isfinite(flexion)]
    sigma = np.concatenate([found.femoral.sigma, found.tibial.sigma])
    sigma = sigma[np.isfinite(sigma).all(1)]
    row: Row = {
        "trial": name,
        "frames": found.frames,
        "flagged": sum(map(bool, found.notes)),
        "seconds": f"{seconds:.1f}",
    }
    if len(known):
        row |= {"flexion_min_deg": f"{known.min():.1f}", "flexion_max_deg": f"{known.max():.1f}"}
    if len(sigma):
        for column, values in (
            ("in_plane_mm", sigma[:, :2]),
            ("depth_mm", sigma[:, 2]),
            ("rotation_deg", sigma[:, 3:]),
        ):
            row[f"median_sigma_{column}"] = f"{np.median(values):.3f}"
    return _whole(row)


def _whole(row: Row) -> Row:
    return {column: row.get(column, "") for column in COLUMNS} | {"note": DISCLAIMER}


def _table(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def run_trials(
    trials: Sequence[Trial], processes: int = 1, cancelled: Callable[[], bool] = lambda: False, nice: int = 0
) -> Iterator[tuple[Trial, float | Row]]:
    """Yield shares done and, at the end of each trial, its line, of so many trials at once.

    Parameters
    ----------
    nice
        How far their processes step back behind others of the machine, as `nice` counts it; nothing on Windows.

    Raises
    ------
    Cancelled
        When `cancelled` said so; what ran is ended.
    """
    spawn = multiprocessing.get_context("spawn")
    waiting = list(trials)
    running = dict[Connection, tuple[Trial, BaseProcess]]()
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                trial = waiting.pop(0)
                ours, theirs = spawn.Pipe(duplex=False)
                worker: BaseProcess = spawn.Process(target=_work, args=(trial, theirs, nice), daemon=False)
                worker.start()
                theirs.close()
                running[ours] = trial, worker
            if cancelled():
                raise Cancelled("it was stopped", fix="Start it again to see its result.")
            for ready in wait(list(running), ASKED_S):
                assert isinstance(ready, Connection)  # nothing else is waited for
                trial, worker = running[ready]
                try:
                    message = ready.recv()
                except EOFError:  # it ended before it had a line
                    worker.join()
                    error = f"its process ended unexpectedly (exit status {worker.exitcode}); run the command again"
                    message = _whole({"trial": trial.name, "error": error})
                yield trial, message
                if not isinstance(message, float):
                    del running[ready]
                    ready.close()
                    worker.join()
    finally:
        for _, worker in running.values():
            worker.terminate()


def _work(trial: Trial, told: Connection, nice: int) -> None:
    """Measure a trial in this process, and send what there is to tell."""
    with suppress(AttributeError, OSError):
        os.nice(nice)
    subject.set(trial.shared.who)
    try:
        row = measure_trial(trial, told.send)
    except OrthoLensError as error:
        if not trial.shared.named:
            error.file = None
        row = _whole({"trial": trial.name, "error": str(error)})
    except Exception as error:  # noqa: BLE001 - one trial must not end the study
        said = f"could not be measured ({type(error).__name__}). Please report this as a fault of OrthoLens."
        row = _whole({"trial": trial.name, "error": said})
    told.send(row)


@contextmanager
def _bar(count: int) -> Iterator[Callable[[Trial, float], None]]:
    """Draw how far all trials are, with the time that is left; without a screen, a line a trial."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    screen = Console(stderr=True)
    shares: dict[str, float] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(f"{count} trials", total=float(count))

        def show(trial: Trial, share: float) -> None:
            before = shares.get(trial.name)
            shares[trial.name] = share
            progress.update(task, completed=sum(shares.values()))
            if share == 1.0 and before != 1.0 and not screen.is_terminal:
                print(f"{trial.name}: done", file=sys.stderr)  # noqa: T201 - a log of a run without a screen

        yield show
