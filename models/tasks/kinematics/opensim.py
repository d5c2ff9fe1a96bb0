"""A `Motion` as OpenSim reads it: the joint as .mot, points on both components as .trc.

A .mot has the motion header of OpenSim's documentation ("Motion (.mot) Files") and tab-separated columns, angles in
degrees and lengths in metres, as a header with `inDegrees=yes` promises. A .trc has the five header lines that
`TRCFileAdapter` asks for, and millimetres. What a number means stands where their readers skip it: lines that begin
with # before `endheader`, and behind the file's name in the first line of a .trc. A value that was not found is NaN,
which both read as missing.

Reference: OpenSim 4, `Storage::parseHeaders`, `DelimFileAdapter` and `TRCFileAdapter` (github.com/opensim-org).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.geometry.mesh import Mesh
from models.tasks.kinematics import angles
from models.tasks.kinematics.axes import Axes, guess_femoral_axes, guess_tibial_axes
from models.tasks.kinematics.export import describe_convention
from models.types import Image, Motion
from models.words import DISCLAIMER

Array = NDArray[np.float64]

MOT_COLUMNS = ("flexion", "adduction", "external_rotation", "lateral", "anterior", "proximal")
"""Of `Motion.joint`, without the unit: a .mot has degrees and metres by its header."""
AXIS_MM = 50.0
"""From a component's origin to the point that shows an axis."""
TRAY_MM = 4.0
"""Depth of the end of a tibial component that is taken for its tray."""
RATES = (0.1, 1000.0)
"""Frames a second that a sequence can have."""
SOURCE = (
    "Points in mm in the frame of the X-ray source: origin at the source, x to the right of the image, y up, "
    "z from the detector to the source"
)


def find_frame_rate(images: Sequence[Image]) -> float | None:
    """Return the frames a second that all images state (FrameTime in ms, else CineRate), None where they do not."""
    stated = {_rate(image) for image in images}
    return stated.pop() if len(stated) == 1 else None


def _rate(image: Image) -> float | None:
    for tag, of in (("FrameTime", 1000.0), ("CineRate", None)):
        try:
            value = float(image.tags[tag])
        except (KeyError, ValueError):
            continue
        rate = value if of is None else of / value if value else 0.0
        if RATES[0] <= rate <= RATES[1]:
            return rate
    return None


def export_mot(motion: Motion, frame_rate: float | None = None) -> str:
    """Return the joint's angles and translations, a row a frame.

    Parameters
    ----------
    frame_rate
        Frames a second; where it is not known, the column of times holds 0, 1, 2, … and the header says so.
    """
    names = [f"knee_{name}_{motion.side[0]}" for name in MOT_COLUMNS]
    values = motion.joint / np.array([1.0] * 3 + [1000.0] * 3)
    said = (_say_time(frame_rate), "Angles in degrees, translations in metres", describe_convention(motion), DISCLAIMER)
    header = [
        "OrthoLens knee implant kinematics", "version=1", f"nRows={motion.frames}", f"nColumns={len(names) + 1}",
        "inDegrees=yes", "", *(f"# {line.replace('=', ':')}" for line in said), "endheader",
        "\t".join(["time", *names]),
    ]  # fmt: skip
    rows = ("\t".join([_time(t, frame_rate), *_cells(line, 8)]) for t, line in enumerate(values))
    return "\n".join([*header, *rows]) + "\n"


def export_trc(motion: Motion, meshes: tuple[Mesh, Mesh], file: str, frame_rate: float | None = None) -> str:
    """Return points on both components in the frame of the X-ray source, a row a frame.

    Parameters
    ----------
    meshes
        CAD of the femoral and of the tibial component.
    file
        Its name, which stands in the first line.
    frame_rate
        As of `export_mot`; where it is not known, the rate is 1, so that the times are numbers of frames.
    """
    points = list_points(motion, meshes)
    rate = f"{frame_rate or 1.0:.6g}"
    convention = f"Joint angles of the same study: {describe_convention(motion)}"
    said = f"{SOURCE}. {_say_time(frame_rate)}. {convention} {DISCLAIMER}"
    count = str(motion.frames)
    header = [
        f"PathFileType\t4\t(X/Y/Z)\t{file}\t{said}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        "\t".join([rate, rate, count, str(len(points)), "mm", rate, "1", count]),
        "\t".join(["Frame#", "Time", *("\t".join([name, "", ""]) for name in points)]),
        "\t\t" + "\t".join(f"{axis}{number + 1}" for number in range(len(points)) for axis in "XYZ"),
        "",
    ]
    table = np.concatenate(list(points.values()), 1)  # (T, 3·N)
    rows = ("\t".join([str(t + 1), _time(t, frame_rate), *_cells(line, 4)]) for t, line in enumerate(table))
    return "\n".join([*header, *rows]) + "\n"


def list_points(motion: Motion, meshes: tuple[Mesh, Mesh]) -> dict[str, Array]:
    """Return (T, 3) points in mm in the source's frame by name; not finite where a component was not found.

    Origins of both CAD files, a point on each of their anatomical axes 50 mm away, the corners of the tray, and the
    lowest points of the condyles; left and right are the patient's.
    """
    poses = motion.femoral.pose, motion.tibial.pose
    axes = guess_femoral_axes(meshes[0]), guess_tibial_axes(meshes[1])
    axes = axes[0], angles.face_tibial_axes(*poses, axes)
    found: dict[str, Array] = {}
    for name, pose, own in zip(("femur", "tibia"), poses, axes, strict=True):
        found[f"{name}_origin"] = pose[:, :3, 3]
        for axis, direction in zip(("right", "anterior", "proximal"), own.component_from_axes.T, strict=True):
            found[f"{name}_{axis}_{AXIS_MM:.0f}mm"] = _place(pose, AXIS_MM * direction)
    for name, corner in _tray(meshes[1], axes[1]).items():
        found[f"tray_{name}"] = _place(poses[1], corner)
    for side, name in enumerate(("left", "right")):
        low = motion.low_points_mm[:, side] @ axes[1].component_from_axes.T  # (T, 3) in the tibial file
        found[f"condyle_low_{name}"] = np.einsum("tij,tj->ti", poses[1][:, :3, :3], low) + poses[1][:, :3, 3]
    return found


def _tray(mesh: Mesh, axes: Axes) -> dict[str, Array]:
    """Return the corners of the tray: its vertices that lie farthest out between two sides, in the file's frame."""
    points = mesh.vertices @ axes.component_from_axes  # right, anterior, proximal
    top = points[:, 2] > points[:, 2].max() - TRAY_MM
    flat, own = points[top, :2], mesh.vertices[top]
    out = (flat - flat.mean(0)) / np.maximum(np.ptp(flat, axis=0), 1e-9)
    corners = (("left", "anterior"), ("right", "anterior"), ("left", "posterior"), ("right", "posterior"))
    signs = {"left": -1, "right": 1, "anterior": 1, "posterior": -1}
    return {f"{across}_{along}": own[(out @ [signs[across], signs[along]]).argmax()] for across, along in corners}


def _place(pose: Array, point: Array) -> Array:
    """(T, 4, 4) poses and (3,) point of the component → (T, 3)."""
    placed: Array = pose[:, :3, :3] @ point + pose[:, :3, 3]
    return placed


def _say_time(frame_rate: float | None) -> str:
    if frame_rate is None:
        return "The frame rate is not known: time is the number of frames since the first one, not seconds"
    return f"Time in seconds at {frame_rate:.6g} frames a second"


def _time(t: int, frame_rate: float | None) -> str:
    return f"{t / frame_rate:.6f}" if frame_rate else f"{t:.6f}"


def _cells(values: Iterable[float], digits: int) -> list[str]:
    return [f"{value:.{digits}f}" if np.isfinite(value) else "NaN" for value in values]
