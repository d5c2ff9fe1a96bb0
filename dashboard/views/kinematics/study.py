"""A fluoroscopy sequence on the table: its frames, the CAD of both components and the camera, from files or simulated.

Reference: the example studies of JTML (github.com/BRIO-lab/Joint-Track-Machine-Learning) for what a study consists of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

import models
from dashboard.i18n import later
from models import Image
from models.cases import lunge
from models.cases.lunge import Replay
from models.errors import InputError, TooLarge
from models.geometry import jts
from models.geometry.camera import Camera, of_image, read_calibration
from models.geometry.mesh import Mesh, read_mesh
from models.io.text import natural
from models.tasks.kinematics.motion import check_shapes

Array = NDArray[np.float64]
Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]

SIMULATED_FRAMES = lunge.FRAMES
"""Of the case that the page opens with."""
MOST_FRAMES = 60
"""That the page keeps in memory."""
THESE = later("The sequence")
"""What messages call files that lack another."""


@dataclass(frozen=True)
class File:
    """One dropped file."""

    name: str
    data: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Of its bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def role(self) -> str:
        """What it is for: "mesh", "calibration", "reference" or "frame", by its ending."""
        ending = self.name.lower().rpartition(".")[2]
        return {"stl": "mesh", "txt": "calibration", "jts": "reference"}.get(ending, "frame")


@dataclass(frozen=True, eq=False)
class Fluoroscopy:
    """A sequence that is ready to be measured.

    Attributes
    ----------
    key
        Names everything in it, for keys of the session.
    images
        One a frame, each of a single frame.
    exact
        Masks of the simulation; None for real frames.
    reference
        (T, 4, 4) poses to compare with, for each component; None where there are none.
    replay
        What was measured beforehand; None where it must be measured first.
    """

    key: str
    images: tuple[Image, ...]
    femoral: Mesh
    tibial: Mesh
    camera: Camera
    simulated: bool = False
    exact: tuple[Masks, ...] | None = None
    reference: tuple[Array | None, Array | None] = (None, None)
    replay: Replay | None = None

    @property
    def meshes(self) -> tuple[Mesh, Mesh]:
        """Femoral and tibial component."""
        return self.femoral, self.tibial

    @property
    def names(self) -> list[str]:
        """What exported files call the frames: never a file's name, which may identify a patient."""
        return [f"{'simulated ' if self.simulated else ''}frame {t + 1}" for t in range(len(self.images))]


def simulated() -> Fluoroscopy:
    """Return the case that the page opens with: the way down of a lunge, with exact masks and poses."""
    from models.simulation import motion

    case, frames = lunge.scene(), range(SIMULATED_FRAMES)
    return Fluoroscopy(
        f"simulated-{SIMULATED_FRAMES}-{lunge.SIDE_PX}", lunge.images(case, SIMULATED_FRAMES),
        case.femoral, case.tibial, case.camera,
        simulated=True, exact=tuple(motion.masks(case, t) for t in frames),
        reference=(case.femoral_poses[: len(frames)], case.tibial_poses[: len(frames)]),
        replay=lunge.replay() if len(frames) == lunge.FRAMES else None,
    )  # fmt: skip


def in_order(files: Sequence[File]) -> list[File]:
    """Return files in the order of the numbers in their names: frame 2 before frame 10."""
    return sorted(files, key=lambda file: natural(file.name))


def guessed_femoral(meshes: Sequence[File]) -> int:
    """Return which of two STL files is the femoral component, by its name; the first where no name says it."""
    names = [mesh.name.lower() for mesh in meshes]
    return 1 if ("fem" in names[1] and "fem" not in names[0]) or ("tib" in names[0] and "tib" not in names[1]) else 0


def read_frames(files: Sequence[File]) -> tuple[Image, ...]:
    """Read every frame in order; a file with several gives them all.

    Raises
    ------
    InputError
        As `models.read`; for none, for too many, and for frames of unlike sizes.
    """
    images: list[Image] = []
    for file in in_order(files):
        image = models.read(file.data, file.name)
        if len(images) + image.frames > MOST_FRAMES:
            fix = later("Drop a shorter part, or use `ortholens kinematics` for the whole sequence.")
            raise TooLarge(
                later("makes more than {most_frames} frames", most_frames=MOST_FRAMES), fix=fix, file=file.name
            )
        images += [_still(image, frame) for frame in range(image.frames)]
    if not images:
        raise InputError(
            later("there is no frame yet"), fix=later("Drop the frames too: PNG, TIFF or DICOM."), file=THESE
        )
    return tuple(images)


def _still(image: Image, frame: int) -> Image:
    """Return one frame as an image of its own."""
    if image.frames == 1:
        return image
    sha256 = hashlib.sha256(f"{image.sha256} frame {frame}".encode()).hexdigest()
    return replace(
        image,
        pixels=image.pixels[frame : frame + 1],
        frame_windows=image.frame_windows[frame : frame + 1],
        name=f"{image.name} #{frame + 1}",
        sha256=sha256,
    )


def camera_of(images: Sequence[Image], calibration: File | None) -> Camera:
    """Return the camera of a calibration file, else the one of the frames' own DICOM header.

    Raises
    ------
    InputError
        Where there is none, or one of the frames is of another size.
    """
    first = images[0]
    if calibration:
        camera = read_calibration(calibration.data, first.shape, calibration.name)
    elif (found := of_image(first)) is None:
        fix = later("Drop calibration.txt or camera.txt too; these frames do not say where source and detector stood.")
        raise InputError(later("there is no calibration yet"), fix=fix, file=THESE)
    else:
        camera = found
    check_shapes([image.shape for image in images], camera, [image.name for image in images])
    return camera


def read_component(file: File) -> Mesh:
    """Read the CAD of a component.

    Raises
    ------
    InputError
        As `models.geometry.mesh.read_mesh`.
    """
    return read_mesh(file.data, file.name)


def read_poses(file: File) -> Array:
    """Read poses to compare with → (T, 4, 4).

    Raises
    ------
    InputError
        As `models.geometry.jts.read`.
    """
    return jts.read(file.data, file.name)


def references(
    files: Sequence[File], frames: int, read: Callable[[File], Array] = read_poses
) -> tuple[tuple[Array | None, Array | None], tuple[InputError, ...]]:
    """Return the poses to compare with, femoral and tibial, and what is wrong with the files that are left out.

    Nothing but the comparison needs them, and so a study goes on without one that does not fit.
    """
    found: list[Array | None] = [None, None]
    left_out: list[InputError] = []
    for file in files:
        try:
            which = _component(file, found)
            poses = read(file)
            if len(poses) != frames:
                problem = later("has {count} poses for {frames} frames", count=len(poses), frames=frames)
                fix = later("Drop the .jts of these frames, one row each, or all the frames that it is of.")
                raise InputError(problem, fix=fix, file=file.name)
            found[which] = poses
        except InputError as problem:
            left_out.append(problem)
    return (found[0], found[1]), tuple(left_out)


def _component(file: File, found: Sequence[Array | None]) -> int:
    """Return of which component a file's name says that its poses are: 0 femoral, 1 tibial."""
    name = file.name.lower()
    if ("fem" in name) == ("tib" in name):
        fix = later("Name it fem.jts or tib.jts.")
        raise InputError(later("could be of either component"), fix=fix, file=file.name)
    which = int("tib" in name)
    if found[which] is not None:
        fix = later("Drop one .jts for each component.")
        raise InputError(later("is a second one of the same component"), fix=fix, file=file.name)
    return which
