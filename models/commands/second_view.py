"""The second view of `ortholens kinematics`: its frames, outlined, and where its camera stood beside the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.commands.trial import Shot, open_file, outline_shots, read_shots, write_overlays

if TYPE_CHECKING:
    from models.geometry.mesh import Mesh
    from models.tasks.kinematics.biplane import Plane
    from models.tasks.kinematics.journal import Journal
    from models.types import Motion

SecondFrames = Annotated[
    Path | None,
    typer.Option(
        "--second-view", help="Biplane: the second view's folder of frames, or its multi-frame file; as many frames."
    ),
]
SecondCalibration = Annotated[
    Path | None,
    typer.Option("--second-calibration", help="Its camera.txt; both state rotation and translation of their cameras."),
]
SecondMasks = Annotated[
    tuple[Path, Path] | None,
    typer.Option("--second-masks", help="Its folders of masks, femoral and tibial, named as the frames."),
]


@dataclass(frozen=True)
class Given:
    """Where the files of a second view are; masks where the first view's are given too."""

    frames: Path
    calibration: Path
    masks: tuple[Path, Path] | None = None


def check_second_options(
    frames: Path | None, calibration: Path | None, masks: tuple[Path, Path] | None
) -> Given | None:
    """Return what was given of a second view; None where nothing was.

    Raises
    ------
    typer.BadParameter
        Where a part of it is missing.
    """
    if frames is None and calibration is None and masks is None:
        return None
    if frames is None or calibration is None:
        raise typer.BadParameter("give --second-view and --second-calibration, or neither")
    return Given(frames, calibration, masks)


def read_second_view(given: Given, calibration: Path | None, count: int, journal: Journal) -> tuple[list[Shot], Plane]:
    """Read and outline a second view.

    Parameters
    ----------
    calibration
        Of the first view.
    count
        Frames of the first view.

    Raises
    ------
    InputError
        Where it has another number of frames, or a calibration does not state where its camera stood.
    """
    from models.tasks.kinematics.biplane import Plane, check_frame_count
    from models.tasks.kinematics.study import find_camera, find_second_from_first

    first, second = open_file(calibration) if calibration else None, open_file(given.calibration)
    from_first = find_second_from_first(first, second)
    shots = read_shots(_list_frames(given.frames))
    check_frame_count(count, len(shots))
    camera = find_camera([shot.image for shot in shots], second)
    return shots, Plane(camera, outline_shots(shots, given.masks, journal), from_first)


def _list_frames(path: Path) -> list[Path]:
    """Return the files of a folder that are frames, or the one file."""
    from models.tasks.kinematics.study import File

    if not path.is_dir():
        return [path]
    inside = [file for file in path.iterdir() if file.is_file() and file.name[0] != "."]
    return [file for file in inside if File(file.name, b"").role == "frame"]


def write_second_overlays(
    found: Motion, shots: Sequence[Shot], meshes: tuple[Mesh, Mesh], second: Plane, folder: Path
) -> None:
    """Write the second view's frames with the components that were found in both views."""
    poses = second.from_first @ found.stated.poses
    write_overlays(shots, meshes, (poses, second.camera), found.notes, folder)
