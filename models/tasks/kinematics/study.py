"""A study of an implant's motion, put together from its files: frames, the CAD of both components, and the camera.

The page and the command line read a study by this; which masks outline the components, either decides for itself.

Reference: the example studies of JTML (github.com/BRIO-lab/Joint-Track-Machine-Learning) for what a study consists of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, TooLarge
from models.geometry import jts
from models.geometry.camera import Camera, find_camera_of_image, read_calibration
from models.geometry.rig import compute_second_from_first, read_source_from_room
from models.io import read as read_image
from models.io.text import natural_name_key
from models.tasks.kinematics.biplane import SECOND
from models.tasks.kinematics.locate import NAMES, Frame
from models.tasks.kinematics.motion import check_frame_shapes
from models.tasks.kinematics.points import Place
from models.types import Image, Prediction, Segmentation
from models.words import later

Array = NDArray[np.float64]

MOST_PIXELS = 320 * 1024**2
"""Of all frames together that a page keeps in memory, 1.3 GB: some 300 frames as C-arms have them."""
THESE = later("The sequence")
"""What messages call files that lack another."""


@dataclass(frozen=True)
class File:
    """One file of a study."""

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


def order_files(files: Sequence[File]) -> list[File]:
    """Return files in the order of the numbers in their names: frame 2 before frame 10."""
    return sorted(files, key=lambda file: natural_name_key(file.name))


def guess_femoral(meshes: Sequence[File]) -> int:
    """Return which of two STL files is the femoral component, by its name; the first where no name says it."""
    names = [mesh.name.lower() for mesh in meshes]
    return 1 if ("fem" in names[1] and "fem" not in names[0]) or ("tib" in names[0] and "tib" not in names[1]) else 0


def read_frames(files: Sequence[File]) -> tuple[Image, ...]:
    """Read every frame in order; a file with several gives them all.

    Raises
    ------
    InputError
        As `models.read`; for none, and for more than `MOST_PIXELS`.
    """
    images: list[Image] = []
    pixels = 0
    for file in order_files(files):
        image = read_image(file.data, file.name)
        pixels += image.pixels.size
        if pixels > MOST_PIXELS:
            fix = later("Drop a shorter part, or use `ortholens kinematics` for the whole sequence.")
            most = MOST_PIXELS // (image.pixels.size // image.frames)
            raise TooLarge(later("makes more than {most_frames} frames", most_frames=most), fix=fix, file=file.name)
        images += split_frames(image)
    if not images:
        raise InputError(
            later("there is no frame yet"), fix=later("Drop the frames too: PNG, TIFF or DICOM."), file=THESE
        )
    return tuple(images)


def split_frames(image: Image) -> tuple[Image, ...]:
    """Return each frame as an image of its own, "name #1" and on; an image of one frame as it is."""
    if image.frames == 1:
        return (image,)
    return tuple(
        replace(
            image,
            pixels=image.pixels[frame : frame + 1],
            frame_windows=image.frame_windows[frame : frame + 1],
            name=f"{image.name} #{frame + 1}",
            sha256=hashlib.sha256(f"{image.sha256} frame {frame}".encode()).hexdigest(),
        )
        for frame in range(image.frames)
    )


def find_camera(images: Sequence[Image], calibration: File | None) -> Camera:
    """Return the camera of a calibration file, else the one of the frames' own DICOM header.

    Raises
    ------
    InputError
        Where there is none, or one of the frames is of another size.
    """
    first = images[0]
    if calibration is not None:
        camera = read_calibration(calibration.data, first.shape, calibration.name)
    elif (found := find_camera_of_image(first)) is None:
        fix = later("Give calibration.txt or camera.txt too; these frames do not say where source and detector stood.")
        raise InputError(later("there is no calibration yet"), fix=fix, file=THESE)
    else:
        camera = found
    check_frame_shapes([image.shape for image in images], camera, [image.name for image in images])
    return camera


def find_second_from_first(first: File | None, second: File | None) -> Array:
    """Return (4, 4) the second view's source from the first's, as the calibrations of both state where they stood.

    Raises
    ------
    InputError
        Where either does not state it, as a DICOM header does not, or both stand alike.
    """
    if first is None or second is None:
        fix = later("Give the camera.txt of both views.")
        missing = later("The first view") if first is None else SECOND
        raise InputError(later("has no calibration file, which two views need"), fix=fix, file=missing)
    rooms = [read_source_from_room(file.data, file.name) for file in (first, second)]
    return compute_second_from_first(rooms[0], rooms[1], second.name)


def read_poses(file: File) -> Array:
    """Read poses to compare with → (T, 4, 4); raises as `models.geometry.jts.read_jts`."""
    return jts.read_jts(file.data, file.name)


def read_references(
    files: Sequence[File], frames: int, read: Callable[[File], Array] = read_poses
) -> tuple[tuple[Array | None, Array | None], tuple[InputError, ...]]:
    """Return the poses to compare with, femoral and tibial, and what is wrong with the files that are left out.

    Nothing but the comparison needs them, and so a study goes on without one that does not fit.

    Parameters
    ----------
    frames
        Of the study, each of which has a row.
    read
        Reads a file as `read_poses`, and may keep what it read.
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


def outline(image: Image, prediction: Prediction, points: Place | None = None) -> Frame:
    """Return a frame with the outlines of both components that a network drew into it.

    Parameters
    ----------
    image
        Of a single frame.
    prediction
        What a card says of it, whose classes are named femoral and tibial component.
    points
        Places the implant's points on it, for a first pose.

    Raises
    ------
    InputError
        Where the card does not segment.
    """
    if not isinstance(prediction, Segmentation):
        problem = later("the card {card} does not outline anything", card=prediction.card)
        raise InputError(problem, fix=later("Restore the card that came with it."))
    femoral, tibial = (prediction.labels.index(name) for name in NAMES)
    masks = prediction.mask == femoral, prediction.mask == tibial
    return Frame(masks, image.grey(), prediction.reason or "" if prediction.abstained else "", points)


class OutlinedFrames(Sequence[Frame]):
    """The frames of a sequence, each outlined when it is first asked for, so that its pose waits for no other.

    Masks are kept as bits and grey values not at all: hundreds of frames take little more room than their pictures.

    Parameters
    ----------
    images
        Of a single frame each.
    outline_frame
        Returns a frame by its number; asked once for each.
    """

    def __init__(self, images: Sequence[Image], outline_frame: Callable[[int], Frame]) -> None:
        self.images, self.outline_frame = images, outline_frame
        self._kept: dict[int, tuple[NDArray[np.uint8], str, Place | None]] = {}

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, t: int) -> Frame: ...
    @overload
    def __getitem__(self, t: slice) -> list[Frame]: ...
    def __getitem__(self, t: int | slice) -> Frame | list[Frame]:
        if isinstance(t, slice):
            return [self[each] for each in range(*t.indices(len(self)))]
        image = self.images[t]
        if t not in self._kept:
            found = self.outline_frame(t)
            self._kept[t] = np.packbits(np.stack(found.masks)), found.abstention, found.points
        bits, abstention, points = self._kept[t]
        count = 2 * int(np.prod(image.shape))
        femoral, tibial = np.unpackbits(bits, count=count).reshape(2, *image.shape).astype(bool)
        return Frame((femoral, tibial), image.grey(), abstention, points)
