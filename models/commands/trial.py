"""One sequence of `ortholens kinematics`: its frames with their outlines, its motion, and the files that are written.

A journal beside the results holds every outline and every pose as soon as it is found: a run that was killed goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import models
from models.commands.output import write_output
from models.errors import InputError, UnknownCard
from models.io.text import natural_name_key
from models.threads import open_threads
from models.types import Image, Motion, Pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.geometry.camera import Camera
    from models.geometry.mesh import Mesh
    from models.tasks.kinematics.biplane import Plane
    from models.tasks.kinematics.journal import Journal
    from models.tasks.kinematics.locate import Frame
    from models.tasks.kinematics.motion import Study
    from models.tasks.kinematics.points import Place
    from models.tasks.kinematics.study import File

CARD = "tka-fluoroscopy"
JOURNAL = "journal"
"""The file in the folder of results that a run goes on from."""
OUTLINED = 0.3
"""Share of the time that a network's outlines take, for the bar."""
Progress = Callable[[float], None]


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


def open_file(path: Path) -> File:
    """Read a file of a study; raises an InputError where it cannot be opened."""
    from models.tasks.kinematics.study import File

    try:
        return File(path.name, path.read_bytes())
    except OSError as error:
        fix = "Name an existing file; both components and the calibration are needed."
        raise InputError("cannot be opened", fix=fix, file=path.name) from error


def read_components(files: tuple[File, File], axes: tuple[str | None, str | None]) -> tuple[Mesh, Mesh]:
    """Read both components, femoral first, each with the axes that are stated such as "+y+z", if any."""
    from models.geometry.mesh import read_mesh
    from models.tasks.kinematics.axes import read_axes

    meshes = [read_mesh(file.data, file.name) for file in files]
    femoral, tibial = (
        replace(mesh, stated_axes=read_axes(said)) if said else mesh for mesh, said in zip(meshes, axes, strict=True)
    )
    return femoral, tibial


def read_shots(paths: Sequence[Path]) -> list[Shot]:
    """Read every frame, in the order of the numbers in their names; a file with several gives them all."""
    from models.tasks.kinematics.study import split_frames

    shots = []
    for path in sorted(paths, key=lambda path: natural_name_key(path.name)):
        images = split_frames(models.read(path))
        for number, image in enumerate(images):
            shots.append(Shot(image.name, image, path.stem if len(images) == 1 else f"{path.stem}-{number:04}"))
    return shots


def outline_shots(
    shots: Sequence[Shot], masks: tuple[Path, Path] | None, journal: Journal, progress: Progress = lambda share: None
) -> Sequence[Frame]:
    """Add the masks that are given as two folders, or those of the card, which the journal may know already."""
    from models.tasks.kinematics.locate import Frame
    from models.tasks.kinematics.study import OutlinedFrames

    def outline_frame(number: int) -> Frame:
        shot = shots[number]
        given = masks and (_mask(masks[0], shot), _mask(masks[1], shot))
        frame = Frame(given, shot.shown) if given else _outline(shot, journal)
        return replace(frame, points=_find_placer(shot))

    frames = OutlinedFrames([shot.image for shot in shots], outline_frame)
    for number, _ in enumerate(frames):  # all before the first pose: a mask that is missing is told at once
        progress(OUTLINED * (number + 1) / len(shots))
    return frames


def follow_shots(
    study: Study,
    frames: Sequence[Frame],
    journal: Journal,
    progress: Progress | None = None,
    second: Plane | None = None,
) -> Motion:
    """Find the motion, frame by frame from where the journal ends; with a second view, what fits both."""
    from models.tasks.kinematics.journal import Trail
    from models.tasks.kinematics.motion import find_motion

    own = study.options

    def find_trail(camera: Camera) -> Trail:
        return Trail(journal, study.femoral, study.tibial, camera, own.edges, own.mirrors, len(frames))

    told = progress and (lambda share: progress(OUTLINED + (1 - OUTLINED) * share))
    if second is not None:
        second = replace(second, trail=find_trail(second.camera))
    return find_motion(
        replace(study, options=replace(own, trail=find_trail(study.camera))), frames, told, second=second
    )


def _mask(folder: Path, shot: Shot) -> NDArray[np.bool_]:
    path = next((path for path in sorted(folder.glob(f"{shot.mask}.*"))), None)
    if path is None:
        raise InputError(f"has no mask in {folder.name}", fix=f"Name the mask {shot.mask}.png.", file=shot.name)
    mask = models.read(path)
    if mask.shape != shot.image.shape:
        raise InputError("is a mask of another size than its frame", fix="Draw it on the frame.", file=path.name)
    found: NDArray[np.bool_] = mask.grey() > 0
    return found


def _find_placer(shot: Shot) -> Place | None:
    """Return what places the implant's points on a frame; None without a network for them."""
    from models.tasks.kinematics.points import CARD as POINTS

    known = models.cards().get(POINTS)
    return partial(models.predict, shot.image, POINTS) if known and known.members else None


def _outline(shot: Shot, journal: Journal) -> Frame:
    from models.tasks.kinematics.journal import hash_values
    from models.tasks.kinematics.locate import Frame
    from models.tasks.kinematics.study import outline

    if CARD not in models.cards():
        fix = "Give --masks-femoral and --masks-tibial."
        raise UnknownCard(f"there is no card {CARD} that could find the components", fix=fix)
    card = models.card(CARD)
    key = hash_values("outline", card.id, [member.sha256 for member in card.members], shot.image.sha256)
    if known := journal.recall(key):
        return Frame(known[0], shot.shown, known[1])
    found = outline(shot.image, models.predict(shot.image, CARD))
    journal.keep(key, (found.masks, found.abstention))
    return found


def write_motion(found: Motion, shots: Sequence[Shot], study: Study, frame_rate: float | None, out: Path) -> list[Path]:
    """Write poses, angles, quality and what OpenSim reads, and an overlay of each frame; return the tables."""
    from models.geometry import jts
    from models.tasks.kinematics import export, opensim

    meshes = study.femoral, study.tibial
    names = [shot.name for shot in shots]
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
    write_overlays(shots, meshes, (found.stated.poses, study.camera), found.notes, out / "overlay")
    return [out / name for name in texts]


def write_overlays(
    shots: Sequence[Shot],
    meshes: tuple[Mesh, Mesh],
    view: tuple[NDArray[np.float64], Camera],
    notes: Sequence[Sequence[str]],
    folder: Path,
) -> None:
    """Write every frame of a view with both components drawn into it; `view` is (2, T, 4, 4) poses and its camera."""
    from models.drawing import plate
    from models.tasks.kinematics import export

    folder.mkdir(parents=True, exist_ok=True)
    (femoral, tibial), camera = view

    def write(number: int) -> None:
        shot, poses = shots[number], (femoral[number], tibial[number])
        drawn = export.export_overlay_plate(export.Posed(shot.name, shot.shown, meshes, poses, camera), notes[number])
        write_output(folder / f"{number + 1:04}.png", plate.encode_plate(drawn))

    with open_threads() as threads:
        list(threads.map(write, range(len(shots))))
