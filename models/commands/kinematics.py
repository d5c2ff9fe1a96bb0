"""`ortholens kinematics`: frames, the CAD of two components and a calibration in; poses, angles and overlays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import models
from models.commands import trials
from models.commands.batch import NoNames
from models.commands.output import check_output_folder, write_output
from models.commands.second_view import (
    SecondCalibration,
    SecondFrames,
    SecondMasks,
    check_second_options,
    read_second_view,
    write_second_overlays,
)
from models.commands.size_series import read_sizes, tell_sizes
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
from models.errors import InputError
from models.types import AcceptanceLimits, Motion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Paths = Annotated[
    list[Path], typer.Argument(metavar="FRAME...", help="Pictures or DICOM files, in order; or a folder of trials.")
]
FemoralFile = Annotated[Path | None, typer.Option("--femoral", help="STL of the femoral component, in mm.")]
TibialFile = Annotated[Path | None, typer.Option("--tibial", help="STL of the tibial component, in mm.")]
OutFolder = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for what is written.")]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="JT_INTCALIB or camera.txt; by default the DICOM header's.")
]
FemoralPoses = Annotated[Path | None, typer.Option("--reference-femoral", help="A .jts to compare with.")]
TibialPoses = Annotated[Path | None, typer.Option("--reference-tibial", help="A .jts to compare with.")]
FemoralMasks = Annotated[Path | None, typer.Option("--masks-femoral", help="Folder of masks, named as the frames.")]
TibialMasks = Annotated[Path | None, typer.Option("--masks-tibial", help="Folder of masks, named as the frames.")]
Side = Annotated[Literal["right", "left"], typer.Option(help="Of the patient: signs of adduction and rotation.")]
Sizes = Annotated[
    list[Path] | None,
    typer.Option("--sizes", help="STL of another size of the series, with fem or tib in its name; once for each."),
]
Processes = Annotated[int, typer.Option(min=1, max=64, help="Trials of a folder that are measured at once.")]
FrameRate = Annotated[
    float | None, typer.Option(min=0.1, max=1000, help="Frames a second; by default the DICOM header's.")
]
PlaneLimit = Annotated[
    float,
    typer.Option("--limit-in-plane", min=0.01, max=1000, help="Error in the picture's plane that you accept, mm."),
]
DepthLimit = Annotated[
    float, typer.Option("--limit-depth", min=0.01, max=1000, help="Error along the rays that you accept, mm.")
]
TurnLimit = Annotated[
    float, typer.Option("--limit-rotation", min=0.01, max=180, help="Error of any rotation that you accept, degrees.")
]
FemoralAxes = Annotated[
    str | None, typer.Option(help="Anterior and proximal in its STL, such as +y+z; by default as its shape tells.")
]
TibialAxes = Annotated[str | None, typer.Option(help="The same of the tibial component.")]
Priors = Annotated[
    bool, typer.Option("--priors/--no-priors", help="Whether what is known of knees helps to find depths.")
]


def kinematics(
    frames: Paths,
    out: OutFolder,
    femoral: FemoralFile = None,
    tibial: TibialFile = None,
    calibration: CalibrationFile = None,
    reference_femoral: FemoralPoses = None,
    reference_tibial: TibialPoses = None,
    masks_femoral: FemoralMasks = None,
    masks_tibial: TibialMasks = None,
    side: Side = "right",
    frame_rate: FrameRate = None,
    no_names: NoNames = False,
    processes: Processes = 1,
    sizes: Sizes = None,
    priors: Priors = True,
    limit_in_plane: PlaneLimit = AcceptanceLimits.plane_mm,
    limit_depth: DepthLimit = AcceptanceLimits.depth_mm,
    limit_rotation: TurnLimit = AcceptanceLimits.turn_deg,
    femoral_axes: FemoralAxes = None,
    tibial_axes: TibialAxes = None,
    second_view: SecondFrames = None,
    second_calibration: SecondCalibration = None,
    second_masks: SecondMasks = None,
) -> None:
    """Find the six degrees of freedom of both components in every frame, and the joint's angles.

    One folder in place of frames is a study: a folder a trial, with its own CAD and calibration or those beside it.
    Run again with other limits or without priors, it goes on from its journal: no frame is registered anew.
    """
    limits = AcceptanceLimits(limit_in_plane, limit_depth, limit_rotation)
    beside = check_second_options(second_view, second_calibration, second_masks)
    if len(frames) == 1 and frames[0].is_dir():
        if (femoral is None) != (tibial is None) or any(
            (reference_femoral, reference_tibial, masks_femoral, masks_tibial, beside)
        ):
            raise typer.BadParameter(
                "a folder of trials takes both components or none, no masks, references, sizes or second view"
            )
        shared = trials.Shared(
            femoral, tibial, calibration, side, frame_rate, not no_names, priors, limits, (femoral_axes, tibial_axes)
        )
        if trials.measure_trials(frames[0], shared, out, processes):
            raise typer.Exit(1)
        return
    if femoral is None or tibial is None:
        raise typer.BadParameter("give --femoral and --tibial, the STL files of both components")
    if (masks_femoral is None) != (masks_tibial is None):
        raise typer.BadParameter("give --masks-femoral and --masks-tibial, or neither")
    if beside and (masks_femoral is None) != (beside.masks is None):
        raise typer.BadParameter("give masks of both views, or of neither")
    from models.tasks.kinematics.journal import Journal
    from models.tasks.kinematics.motion import Study
    from models.tasks.kinematics.opensim import find_frame_rate
    from models.tasks.kinematics.study import find_camera, read_poses

    check_output_folder(out, "--out")
    cad = open_file(femoral), open_file(tibial)
    series = read_sizes(sizes or [], cad)
    meshes = read_components(cad, (femoral_axes, tibial_axes))
    given = {name: path for name, path in (("femoral", reference_femoral), ("tibial", reference_tibial)) if path}
    references = {name: read_poses(open_file(path)) for name, path in given.items()}
    shots = read_shots(frames)
    for name, poses in references.items():
        if len(poses) != len(shots):  # asked for by its name, and so not left out as on the page
            fix = "Give the poses of these frames, one row each, or leave it out."
            raise InputError(f"has {len(poses)} poses for {len(shots)} frames", fix=fix, file=given[name].name)
    camera = find_camera([shot.image for shot in shots], open_file(calibration) if calibration else None)
    journal = Journal(out / JOURNAL)
    masks = (masks_femoral, masks_tibial) if masks_femoral and masks_tibial else None
    others, second = read_second_view(beside, calibration, len(shots), journal) if beside else ([], None)
    seen = outline_shots(shots, masks, journal)
    card = "given masks" if masks_femoral else CARD
    study = Study(*meshes, camera=camera, side=side, card=card, priors=priors, limits=limits)
    found = follow_shots(study, seen, journal, second=second)
    if no_names:
        shots, others = ([replace(shot, name="") for shot in both] for both in (shots, others))
    rate = frame_rate or find_frame_rate([shot.image for shot in shots])
    for path in write_motion(found, shots, study, rate, out):
        typer.echo(str(path))
    if second:
        write_second_overlays(found, others, meshes, second, out / "overlay_second")
    if references:
        _compare(found, references, [shot.name for shot in shots], out)
    for said in tell_sizes(series, found, seen, camera, out, named=not no_names):
        typer.echo(said, err=True)
    flagged = sum(map(bool, found.notes))
    for warning in found.warnings:
        typer.echo(warning, err=True)
    typer.echo(f"{len(shots)} frames, {flagged} flagged, {found.seconds:.0f} s. {models.DISCLAIMER}", err=True)


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
