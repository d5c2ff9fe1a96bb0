"""`ortholens kinematics`: frames, the CAD of two components and a calibration in; poses, angles and overlays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import models
from models.commands.batch import NoNames
from models.commands.output import check_output_folder, write_output
from models.errors import InputError, UnknownCard
from models.io.text import natural_name_key
from models.types import Image, Motion, Pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.tasks.kinematics.motion import Study
    from models.tasks.kinematics.sequence import Frame
    from models.tasks.kinematics.study import File

CARD = "tka-fluoroscopy"

Paths = Annotated[list[Path], typer.Argument(metavar="FRAME...", help="Pictures or DICOM files, in order.")]
FemoralFile = Annotated[Path, typer.Option("--femoral", help="STL of the femoral component, in mm.")]
TibialFile = Annotated[Path, typer.Option("--tibial", help="STL of the tibial component, in mm.")]
OutFolder = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for what is written.")]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="JT_INTCALIB or camera.txt; by default the DICOM header's.")
]
FemoralPoses = Annotated[Path | None, typer.Option("--reference-femoral", help="A .jts to compare with.")]
TibialPoses = Annotated[Path | None, typer.Option("--reference-tibial", help="A .jts to compare with.")]
FemoralMasks = Annotated[Path | None, typer.Option("--masks-femoral", help="Folder of masks, named as the frames.")]
TibialMasks = Annotated[Path | None, typer.Option("--masks-tibial", help="Folder of masks, named as the frames.")]
Side = Annotated[Literal["right", "left"], typer.Option(help="Of the patient: signs of adduction and rotation.")]
FrameRate = Annotated[
    float | None, typer.Option(min=0.1, max=1000, help="Frames a second; by default the DICOM header's.")
]


@dataclass(frozen=True, eq=False)
class Shot:
    """One frame of the sequence: its picture, and what a mask of it is called but for the ending."""

    name: str
    image: Image
    mask: str

    @property
    def shown(self) -> Pixels:
        """Its (H, W) grey values."""
        return self.image.grey()


def kinematics(
    frames: Paths,
    femoral: FemoralFile,
    tibial: TibialFile,
    out: OutFolder,
    calibration: CalibrationFile = None,
    reference_femoral: FemoralPoses = None,
    reference_tibial: TibialPoses = None,
    masks_femoral: FemoralMasks = None,
    masks_tibial: TibialMasks = None,
    side: Side = "right",
    frame_rate: FrameRate = None,
    no_names: NoNames = False,
) -> None:
    """Find the six degrees of freedom of both components in every frame, and the joint's angles."""
    from models.geometry.mesh import read_mesh
    from models.tasks.kinematics.motion import Study, find_motion
    from models.tasks.kinematics.opensim import find_frame_rate
    from models.tasks.kinematics.study import find_camera, read_poses

    check_output_folder(out, "--out")
    cad = _file(femoral), _file(tibial)
    meshes = read_mesh(cad[0].data, cad[0].name), read_mesh(cad[1].data, cad[1].name)
    given = {name: path for name, path in (("femoral", reference_femoral), ("tibial", reference_tibial)) if path}
    references = {name: read_poses(_file(path)) for name, path in given.items()}
    shots = _shots(frames)
    for name, poses in references.items():
        if len(poses) != len(shots):  # asked for by its name, and so not left out as on the page
            fix = "Give the poses of these frames, one row each, or leave it out."
            raise InputError(f"has {len(poses)} poses for {len(shots)} frames", fix=fix, file=given[name].name)
    camera = find_camera([shot.image for shot in shots], _file(calibration) if calibration else None)
    seen = _with_masks(shots, masks_femoral, masks_tibial)
    study = Study(*meshes, camera=camera, side=side, card="given masks" if masks_femoral else CARD)
    found = find_motion(study, seen)
    if no_names:
        shots = [replace(shot, name="") for shot in shots]
    rate = frame_rate or find_frame_rate([shot.image for shot in shots])
    _write(found, shots, study, rate, out)
    if references:
        _compare(found, references, [shot.name for shot in shots], out)
    flagged = sum(map(bool, found.notes))
    for warning in found.warnings:
        typer.echo(warning, err=True)
    typer.echo(f"{len(shots)} frames, {flagged} flagged, {found.seconds:.0f} s. {models.DISCLAIMER}", err=True)


def _file(path: Path) -> File:
    from models.tasks.kinematics.study import File

    try:
        return File(path.name, path.read_bytes())
    except OSError as error:
        fix = "Name an existing file; both components and the calibration are needed."
        raise InputError("cannot be opened", fix=fix, file=path.name) from error


def _shots(paths: Sequence[Path]) -> list[Shot]:
    """Read every frame, in the order of the numbers in their names; a file with several gives them all."""
    from models.tasks.kinematics.study import split_frames

    shots = []
    for path in sorted(paths, key=lambda path: natural_name_key(path.name)):
        images = split_frames(models.read(path))
        for number, image in enumerate(images):
            shots.append(Shot(image.name, image, path.stem if len(images) == 1 else f"{path.stem}-{number:04}"))
    return shots


def _with_masks(shots: Sequence[Shot], femoral: Path | None, tibial: Path | None) -> list[Frame]:
    """Add the masks that are given, or those of the card."""
    from models.tasks.kinematics.sequence import Frame

    if (femoral is None) != (tibial is None):
        raise typer.BadParameter("give --masks-femoral and --masks-tibial, or neither")
    frames = []
    for shot in shots:
        given = femoral and tibial and (_mask(femoral, shot), _mask(tibial, shot))
        frames.append(Frame(given, shot.shown) if given else _segmented(shot))
    return frames


def _mask(folder: Path, shot: Shot) -> NDArray[np.bool_]:
    path = next((path for path in sorted(folder.glob(f"{shot.mask}.*"))), None)
    if path is None:
        raise InputError(f"has no mask in {folder.name}", fix=f"Name the mask {shot.mask}.png.", file=shot.name)
    mask = models.read(path)
    if mask.shape != shot.image.shape:
        raise InputError("is a mask of another size than its frame", fix="Draw it on the frame.", file=path.name)
    found: NDArray[np.bool_] = mask.grey() > 0
    return found


def _segmented(shot: Shot) -> Frame:
    from models.tasks.kinematics.study import outline

    if CARD not in models.cards():
        fix = "Give --masks-femoral and --masks-tibial."
        raise UnknownCard(f"there is no card {CARD} that could find the components", fix=fix)
    return outline(shot.image, models.predict(shot.image, CARD))


def _write(found: Motion, shots: Sequence[Shot], study: Study, frame_rate: float | None, out: Path) -> None:
    from models.drawing import plate
    from models.geometry import jts
    from models.tasks.kinematics import export, opensim

    meshes = study.femoral, study.tibial
    names = [shot.name for shot in shots]
    (out / "overlay").mkdir(parents=True, exist_ok=True)
    texts = {
        "femoral.jts": jts.write_jts(found.femoral.pose),
        "tibial.jts": jts.write_jts(found.tibial.pose),
        "angles.csv": export.export_angles_csv(found, names),
        "quality.csv": export.export_quality_csv(found, names),
        "joint.mot": opensim.export_mot(found, frame_rate),
        "points.trc": opensim.export_trc(found, meshes, "points.trc", frame_rate),
    }
    for name, text in texts.items():
        write_output(out / name, text.encode())
        typer.echo(str(out / name))
    for number, shot in enumerate(shots):
        poses = found.femoral.pose[number], found.tibial.pose[number]
        posed = export.Posed(shot.name, shot.shown, meshes, poses, study.camera)
        path = out / "overlay" / f"{number + 1:04}.png"
        write_output(path, plate.encode_plate(export.export_overlay_plate(posed, found.notes[number])))


def _compare(found: Motion, references: dict[str, NDArray[np.float64]], names: Sequence[str], out: Path) -> None:
    import numpy as np

    from models.geometry.jts import COLUMNS
    from models.tasks.kinematics import export

    poses = {"femoral": found.femoral.pose, "tibial": found.tibial.pose}
    apart = {name: export.compute_pose_differences(poses[name], reference) for name, reference in references.items()}
    path = out / "differences.csv"
    write_output(path, export.export_differences_csv(apart, names).encode())
    typer.echo(str(path))
    for name, lines in apart.items():
        rms = np.sqrt(np.nanmean(lines**2, axis=0))
        typer.echo(f"{name} RMS: " + ", ".join(f"{c} {v:.2f}" for c, v in zip(COLUMNS, rms, strict=True)))
