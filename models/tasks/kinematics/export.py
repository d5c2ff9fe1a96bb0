"""A `Motion` as files: two .jts, angles and quality as CSV, overlays as PNG.

Every file says what it is for in a place that its readers skip: the last column of a table, the margin of a picture.
JointTrack reads .jts files by line, so nothing is added there. What OpenSim reads is in `opensim`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from models.drawing import plate
from models.drawing.draw import RGB, to_rgb_bytes
from models.drawing.paint import outline_areas
from models.geometry.camera import Camera
from models.geometry.jts import COLUMNS, jts_row_from_pose
from models.geometry.mesh import Mesh
from models.geometry.render import render_silhouette
from models.i18n import IN_ENGLISH, Language
from models.tasks.kinematics.locate import COMPONENTS, NAMES
from models.types import Motion, Pixels
from models.words import DISCLAIMER, later

Array = NDArray[np.float64]

COLOURS = {"femoral": (255, 140, 0), "tibial": (0, 200, 255)}
LEGEND = tuple(zip(COMPONENTS, COLOURS.values(), strict=True))
PARAMETERS = ("x_mm", "y_mm", "z_mm", "x_deg", "y_deg", "z_deg")
"""Of `Track.sigma`."""
LIMITS = ("limit_in_plane_mm", "limit_depth_mm", "limit_rotation_deg")
"""Columns of `AcceptanceLimits`."""
POINTS = tuple(f"{side}_condyle_{axis}_mm" for side in ("left", "right") for axis in ("right", "anterior", "proximal"))


def describe_convention(motion: Motion) -> str:
    """Say in one line what angles and translations of a motion mean: signs, order, origins, and which bone moves.

    English, as everything in an exported file is.
    """
    femoral, tibial = motion.axes
    return (
        "Grood and Suntay 1983 (doi 10.1115/1.3138397): the tibial component moves, the femoral one stands. "
        "Order: flexion about the femoral mediolateral axis, adduction (varus) about the floating axis at right angles "
        "to the other two, external rotation about the tibial proximal axis; these three positive. Translations of the "
        "tibial origin from the femoral origin, projected on the same axes: lateral, anterior and proximal positive "
        "(proximal is their distraction with the sign changed). Origins: those of the two STL files. "
        f"Axes in these files: femoral {femoral}; tibial {tibial}. {motion.side.capitalize()} knee."
    )


def export_angles_csv(motion: Motion, names: Sequence[str]) -> str:
    """Return one row a frame: angles and translations, their standard deviations, and the condyles' low points."""
    header = ["frame", "file", *motion.joint_columns, *(f"sigma_{name}" for name in motion.joint_columns), *POINTS]
    parts = (motion.joint, motion.joint_sigma, motion.low_points_mm)
    rows = [
        [t + 1, names[t], *_numbers(np.concatenate([part[t].ravel() for part in parts]))] for t in range(motion.frames)
    ]
    said = [" | ".join(motion.axes), describe_convention(motion), DISCLAIMER]
    return _table([*header, "axes", "convention", "note"], [[*r, *said] for r in rows])


def export_quality_csv(motion: Motion, names: Sequence[str]) -> str:
    """Return one row a frame: depths, overlap, residual and uncertainty of both components, and what is uncertain.

    Depths are those that are stated, and those of both solutions.
    """
    header, rows = ["frame", "file"], [[t + 1, names[t]] for t in range(motion.frames)]
    for side, (name, track) in enumerate(zip(NAMES, motion.tracks, strict=True)):
        header += [f"{name}_depth_mm", f"{name}_depth_with_priors_mm", f"{name}_depth_without_priors_mm"]
        header += [f"{name}_overlap", f"{name}_residual_px", f"{name}_edge_px"]
        header += [*(f"{name}_sigma_{p}" for p in PARAMETERS)]
        for t, line in enumerate(rows):
            depths = -track.pose[t, 2, 3], motion.together.depths_mm[side, t], motion.alone.depths_mm[side, t]
            line += _numbers([*depths, track.overlap[t], track.residual_px[t], track.edge_px[t], *track.sigma[t]])
    asked = ["yes" if motion.priors else "no", str(motion.views), *(f"{limit:g}" for limit in astuple(motion.limits))]
    for t, line in enumerate(rows):
        line += ["yes" if motion.notes[t] else "no", " ".join(motion.notes[t]), *asked, DISCLAIMER]
    return _table([*header, "flagged", "warnings", "priors", "views", *LIMITS, "note"], rows)


def compute_pose_differences(poses: Array, reference: Array) -> Array:
    """Return (T, 6) poses less reference in the order of the .jts columns, mm and degrees, angles within ±180°."""
    apart = np.stack([_row(a) - _row(b) for a, b in zip(poses, reference, strict=True)])
    apart[:, 3:] = (apart[:, 3:] + 180) % 360 - 180
    return apart


def export_differences_csv(found: dict[str, Array], names: Sequence[str]) -> str:
    """Return one row a frame and component, and one of root mean squares for each component."""
    rows = []
    for component, apart in found.items():
        rows += [[component, t + 1, names[t], *_numbers(line)] for t, line in enumerate(apart)]
        rows.append([component, "RMS", "", *_numbers(np.sqrt(np.nanmean(apart**2, axis=0)))])
    return _table(["component", "frame", "file", *COLUMNS, "note"], [[*r, DISCLAIMER] for r in rows])


def draw_component_borders(shown: Pixels, meshes: tuple[Mesh, Mesh], poses: tuple[Array, Array], camera: Camera) -> RGB:
    """Draw the borders of both components over a frame (H, W) → (H, W, 3)."""
    picture = to_rgb_bytes(shown).copy()
    for name, mesh, pose in zip(NAMES, meshes, poses, strict=True):
        if np.isfinite(pose).all():
            picture[outline_areas(render_silhouette(mesh, pose, camera), 2)] = COLOURS[name]
    return picture


@dataclass(frozen=True, eq=False)
class Posed:
    """One frame with the poses of both components.

    Attributes
    ----------
    shown
        (H, W) in [0, 1], as the camera sees it.
    poses
        Femoral and tibial (4, 4); not finite where there is none.
    """

    name: str
    shown: Pixels
    meshes: tuple[Mesh, Mesh]
    poses: tuple[Array, Array]
    camera: Camera


def export_overlay_plate(posed: Posed, notes: Sequence[str] = (), say: Language = IN_ENGLISH) -> plate.Plate:
    """Return a frame with its contours as a plate: its name, a scale at the implant's depth, and what is uncertain."""
    below = plate.enlarge_for_plate(
        posed.shown, posed.camera.focal_px
    )  # the more pixels to the distance, the smaller they are
    camera = posed.camera.over(below.shape)
    picture = draw_component_borders(below, posed.meshes, posed.poses, camera)
    depths = [-pose[2, 3] for pose in posed.poses if np.isfinite(pose).all()]
    pixel_mm = float(depths[0] / camera.focal_px[0]) if depths else None
    legend = [(f"#{red:02X}{green:02X}{blue:02X}", say(word)) for word, (red, green, blue) in LEGEND]
    said = (say(later("The scale is that at the depth of the implant.")),) if depths else ()
    lines = (*(say(note) for note in notes), *said, say(DISCLAIMER))
    return plate.Plate(picture, lines, posed.name, pixel_mm, legend=tuple(legend), say=say)


def _row(pose: Array) -> Array:
    return jts_row_from_pose(pose) if np.isfinite(pose).all() else np.full(6, np.nan)


def _numbers(values: Sequence[float] | Array) -> list[object]:
    return [f"{value:.4f}" if np.isfinite(value) else "" for value in values]


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
