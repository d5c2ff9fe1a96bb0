"""Keep the result: poses as .jts, angles and quality as CSV, OpenSim's .mot and .trc, a film, and the report."""

from __future__ import annotations

import io
from functools import partial

import streamlit as st
from PIL import Image as Pillow
from PIL import ImageOps

from dashboard.case import report
from dashboard.case.offer import offer_file
from dashboard.i18n import Language, later, spoken, t
from dashboard.views.kinematics.case import MotionCase
from models.drawing import plate
from models.geometry import jts
from models.geometry.camera import find_camera_of_image
from models.reporting.case import Case
from models.tasks.kinematics import export, opensim
from models.tasks.kinematics.account import Filmed
from models.tasks.kinematics.locate import NAMES

FRAME_MS = 250
"""How long the film shows a frame."""


def show_kinematics_downloads(measured: MotionCase) -> None:
    """Offer the files; each is made when it is asked for."""
    name = f"ortholens-kinematics-{'simulated-' if measured.sequence.simulated else ''}"
    say = spoken()
    with st.container(key="downloads", horizontal=True, gap="small"):
        for index, component in enumerate(NAMES):
            offer_file(
                t("{component} poses", component=t(component.capitalize())), partial(export_poses, measured, index),
                f"{name}{component}.jts", icon="deployed_code",
                help=t("A .jts file that JointTrack reads."),
            )  # fmt: skip
        offer_file(
            t("Angles"), lambda: export_angles(measured), f"{name}angles.csv", icon="table",
            help=t("CSV: angles, translations, their uncertainty and the condyles' low points."),
        )  # fmt: skip
        offer_file(
            t("Quality"), lambda: export_quality(measured), f"{name}quality.csv", icon="fact_check",
            help=t("CSV: overlap, residual, uncertainty and warnings of each frame."),
        )  # fmt: skip
        offer_file(
            t("OpenSim motion"), lambda: export_mot(measured), f"{name}joint.mot", icon="directions_walk",
            help=t("A .mot file: the joint's angles and translations, by time where the frames say how fast they are."),
        )  # fmt: skip
        points = f"{name}points.trc"
        offer_file(
            t("OpenSim points"), lambda: export_trc(measured, points), points, icon="scatter_plot",
            help=t("A .trc file: origins, axes, corners of the tray and low points of the condyles, by frame."),
        )  # fmt: skip
        offer_file(
            t("Film"), lambda: export_motion_gif(measured, say), f"{name}overlay.gif", icon="movie",
            help=t("GIF of the frames with the contours of both components."),
        )  # fmt: skip
    report.show_reports(
        "kinematics", f"{name}{measured.motion.sha256[:12]}", lambda: make_report_case_of_motion(measured)
    )


def make_report_case_of_motion(measured: MotionCase) -> Case:
    """Return what the report is written from: the motion, and its first, middle and last frame with contours."""
    motion, sequence = measured.motion, measured.sequence
    three = sorted({0, motion.frames // 2, motion.frames - 1})
    film = [(sequence.names[frame], export.export_overlay_plate(_posed(measured, frame)).picture) for frame in three]
    origin = (
        later("Simulated by OrthoLens: no patient, and an implant that no maker sells.") if sequence.simulated else ""
    )
    return Case(
        sequence.images[0], motion, simulated=sequence.simulated, origin=origin if sequence.simulated else "",
        beside=Filmed(film, _calibration(measured)),
    )  # fmt: skip


def _calibration(measured: MotionCase) -> str:
    """Say where the millimetres come from."""
    sequence, (across, down) = measured.sequence, measured.sequence.camera.focal_px
    own = find_camera_of_image(sequence.images[0])
    if sequence.simulated:
        source = later("the simulation's own camera")
    elif own == sequence.camera:
        source = later("the DICOM header of the frames")
    else:
        source = later("the calibration file given with the frames")
    return later(
        "{source}, principal distance {across:,.0f} × {down:,.0f} pixels (columns, rows)",
        source=source,
        across=across,
        down=down,
    )


def export_poses(measured: MotionCase, component: int) -> bytes:
    """Return the poses of a component as a .jts file."""
    return jts.write_jts(measured.poses[component]).encode()


def export_angles(measured: MotionCase) -> bytes:
    """Return angles and translations as CSV."""
    return export.export_angles_csv(measured.motion, measured.sequence.names).encode()


def export_quality(measured: MotionCase) -> bytes:
    """Return overlap, residual, uncertainty and warnings as CSV."""
    return export.export_quality_csv(measured.motion, measured.sequence.names).encode()


def export_mot(measured: MotionCase) -> bytes:
    """Return the joint as OpenSim reads it."""
    return opensim.export_mot(measured.motion, opensim.find_frame_rate(measured.sequence.images)).encode()


def export_trc(measured: MotionCase, file: str) -> bytes:
    """Return points on both components as OpenSim reads them."""
    rate = opensim.find_frame_rate(measured.sequence.images)
    return opensim.export_trc(measured.motion, measured.sequence.meshes, file, rate).encode()


def export_motion_gif(measured: MotionCase, say: Language) -> bytes:
    """Return the frames with contours as an endless GIF."""
    pictures = []  # a byte a pixel, for there may be hundreds
    for frame in range(measured.motion.frames):
        picture = plate.compose_plate(
            export.export_overlay_plate(_posed(measured, frame), measured.motion.notes[frame], say)
        )
        pictures.append(Pillow.fromarray(picture).quantize(128))
    tallest = max(picture.height for picture in pictures)  # what is uncertain takes more lines in some frames
    first, *others = (ImageOps.expand(one, (0, 0, 0, tallest - one.height), (0, 0, 0)) for one in pictures)
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=others, duration=FRAME_MS, loop=0)
    return out.getvalue()


def _posed(measured: MotionCase, t: int) -> export.Posed:
    sequence = measured.sequence
    at = measured.poses[0][t], measured.poses[1][t]
    return export.Posed(sequence.names[t], sequence.images[t].grey(), sequence.meshes, at, sequence.camera)
