"""What was dropped together, taken apart: archives opened, slices put together, the files of one study kept together.

Nothing is decoded here but the headers of DICOM files; what cannot be used is named, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.errors import InputError, UnsupportedFormat
from models.io import archive
from models.io.archive import File
from models.io.kinds import find_file_kind
from models.io.series import name_series, read_slice_headers, sort_into_stacks
from models.words import later

HIDDEN = re.compile(
    r"(^|[/\\])(\.(?!\.?([/\\]|$))[^/\\]+|__MACOSX|thumbs\.db|desktop\.ini|ehthumbs\.db)([/\\]|$)", re.IGNORECASE
)
"""What systems put into folders by themselves."""
PARTS = re.compile(r"\.(stl|jts)$", re.IGNORECASE)
CALIBRATION = re.compile(r"(calib|camera)[^/\\]*\.txt$", re.IGNORECASE)
"""Files that only a study of an implant's motion has: surfaces, poses, and where the camera stood."""
MASKS = re.compile(r"(^|[/\\])masks?[/\\]", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One image that was dropped: a file, or the slices of a series.

    Attributes
    ----------
    name
        As the user knows it; with its folder where two files share a name.
    members
        The file's bytes, or those of each slice in the order of the slices.
    sha256
        Of the file, or of all slices.
    """

    name: str
    members: tuple[bytes, ...] = field(repr=False)
    sha256: str


@dataclass(frozen=True)
class Intake:
    """What a drop consists of.

    Attributes
    ----------
    entries
        Images, in the order of the numbers in their names.
    study
        Frames, surfaces, poses and calibration of an implant's motion, where any of those but frames was dropped: then
        there are no entries.
    second
        Frames and calibration of the study's other view, where two calibrations lie in folders of their own.
    others
        Names of the files that are no images.
    problems
        What could not be opened, each with the file's name, the problem and the fix.
    """

    entries: tuple[Entry, ...] = ()
    study: tuple[File, ...] = ()
    second: tuple[File, ...] = ()
    others: tuple[str, ...] = ()
    problems: tuple[InputError, ...] = ()


def take_in(files: Sequence[File]) -> Intake:
    """Take apart what was dropped.

    Parameters
    ----------
    files
        Names, with their paths where a folder was dropped, and contents.
    """
    problems: list[InputError] = []
    wanted = [(name, data) for name, data in files if not is_hidden(name)]
    flat = archive.open_archives(wanted, problems.append, is_hidden)
    flat.sort(key=lambda file: natural_slice_key(file[0]))
    images, others, motion = _sorted(flat)
    if motion:
        if not any(name.lower().endswith(".txt") for name, _ in motion):  # a calibration of another name
            motion += [file for file in others if file[0].lower().endswith(".txt")]
            others = [file for file in others if file not in motion]
        images = _without_masks(images, problems)
        views = _split_views([*images, *motion], images)
        study, second = (tuple((_last(name), data) for name, data in view) for view in views)
        return Intake((), study, second, tuple(_last(name) for name, _ in others), tuple(problems))
    if not images and not problems and len(flat) == len(wanted):
        images, others = others, []  # nothing else was dropped: each says for itself what it is
    return Intake(_entries(images), (), (), tuple(_last(name) for name, _ in others), tuple(problems))


def _without_masks(images: list[File], problems: list[InputError]) -> list[File]:
    """Return the frames of a study without the outlines that lie beside them in a folder of masks."""
    frames = [file for file in images if not MASKS.search(file[0])]
    if frames and len(frames) < len(images):
        fix = later("The network outlines the frames here; ortholens kinematics takes masks by --masks-femoral.")
        problem = later("holds {n} masks, which were left out", n=len(images) - len(frames))
        problems.append(InputError(problem, fix=fix, file=later("The folder masks")))
        return frames
    return images


def _split_views(files: list[File], images: list[File]) -> tuple[list[File], list[File]]:
    """Return the files of a study's first view, and those of its second: each lies where its own calibration does."""
    cameras = sorted((file for file in files if CALIBRATION.search(file[0])), key=lambda file: _folder(file[0]))
    if len(cameras) != 2 or _folder(cameras[0][0]) == _folder(cameras[1][0]):
        return files, []
    own = _folder(cameras[1][0])  # sorted: where one view lies in the folder of the other, this is the inner one
    inside = [file for file in files if file[0].startswith(own)]
    second = [file for file in inside if file in images or file in cameras]
    first = [file for file in files if file not in inside]
    return (first, second) if any(file in images for file in first) and len(second) > 1 else (files, [])


def is_hidden(name: str) -> bool:
    """Whether a file is one that a system puts into folders by itself."""
    return HIDDEN.search(name) is not None


def natural_slice_key(name: str) -> list[str | int]:
    """Return a key by which slice 2 comes before slice 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name.lower())]


def _sorted(files: Sequence[File]) -> tuple[list[File], list[File], list[File]]:
    """Return images, files that are none, and those of a study of motion."""
    images: list[File] = []
    others: list[File] = []
    motion: list[File] = []
    for name, data in files:
        if PARTS.search(name) or CALIBRATION.search(name):
            motion.append((name, data))
            continue
        try:
            find_file_kind(data, name)
        except UnsupportedFormat:
            (images if not data else others).append((name, data))
        else:
            images.append((name, data))
    return images, others, motion


def _entries(files: Sequence[File]) -> tuple[Entry, ...]:
    """Return the images that files make: slices of one series together, an index left out where there are others."""
    dicom = [index for index, (name, data) in enumerate(files) if _is_dicom(name, data)]
    headers = read_slice_headers([files[index][1] for index in dicom]) if len(dicom) > 1 else []
    if headers and not all(one.directory for one in headers):
        kept = [(index, one) for index, one in zip(dicom, headers, strict=True) if not one.directory]
    else:
        kept = [(index, one) for index, one in zip(dicom, headers, strict=bool(headers))]
    grouped = [[kept[place][0] for place in places] for places in sort_into_stacks([one for _, one in kept])]
    stacked = {index for group in grouped for index in group}
    left_out = set(dicom) - stacked if headers else set()
    alone = [[index] for index in range(len(files)) if index not in stacked and index not in left_out]
    counted = Counter(_last(name) for name, _ in files)
    return tuple(_entry([files[index] for index in group], counted) for group in sorted([*grouped, *alone], key=min))


def _entry(files: Sequence[File], counted: Counter[str]) -> Entry:
    name, data = min(files, key=lambda file: natural_slice_key(file[0]))
    if len(files) == 1:
        shown = name if counted[_last(name)] > 1 else _last(name)
        return Entry(shown, (data,), hashlib.sha256(data).hexdigest())
    members = tuple(data for _, data in files)
    folders = [part for part in re.split(r"[/\\]", name)[:-1] if part]
    return Entry(f"{folders[-1] if folders else _last(name)} ({len(members)})", members, name_series(members))


def _is_dicom(name: str, data: bytes) -> bool:
    try:
        return find_file_kind(data, name) == "DICOM"
    except UnsupportedFormat:
        return False


def _folder(name: str) -> str:
    """Return the path of a file's folder with the separator at its end; empty where it has none."""
    return name[: len(name) - len(_last(name))]


def _last(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]
