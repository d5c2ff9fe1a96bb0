"""The other view of a biplane study: its files, and the images and the camera that they make."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import models
from dashboard import session
from dashboard.case import drop
from dashboard.case.states import escape_markdown
from dashboard.i18n import t, tn
from dashboard.views.kinematics.fluoroscopy import SecondView
from models.tasks.kinematics import study
from models.tasks.kinematics.biplane import check_frame_count
from models.tasks.kinematics.study import File

FILES, UPLOADS = "kinematics-second-files", "kinematics-second"
"""Key of the files, and what their uploader is called."""


def put_second_files(files: Sequence[File]) -> None:
    """Put files of the second view to those that are there; a view that is whole takes their place."""
    whole = {"frame", "calibration"} <= {file.role for file in files}
    names = {file.name for file in files}
    kept = () if whole else (file for file in _files() if file.name not in names)
    session.put(FILES, (*kept, *files))


def forget_second_files() -> None:
    """Let go of the second view."""
    session.put(FILES, ())


def show_second_files() -> None:
    """Draw the uploader of the second view, or what is there of it and the button that removes it."""
    if uploads := session.list_uploads(UPLOADS):
        taken = models.intake(uploads)
        drop.say_left_out(taken)
        images = [(one.name, data) for one in taken.entries for data in one.members]
        put_second_files([File(name, data) for name, data in (*taken.study, *images)])
        session.forget_uploads(UPLOADS)
    if not (files := _files()):
        st.file_uploader(
            t("Second view of a biplane study: its frames and its camera.txt"),
            accept_multiple_files=True, key=session.name_uploader(UPLOADS),
            help=t("As many frames, of the same instants. Each camera.txt says where its camera stood (XMALab)."),
        )  # fmt: skip
        return
    frames = sum(file.role == "frame" for file in files)
    said = tn("Second view: {n} file of frames", "Second view: {n} files of frames", frames)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {escape_markdown(said)}", width="stretch")
        st.button(
            "", icon=":material/close:", type="tertiary", key="second-view-remove", help=t("Remove the second view"),
            on_click=forget_second_files,
        )  # fmt: skip


def read_second_view(first: File | None, frames: int) -> SecondView | None:
    """Return the second view that its files make; None where there are none.

    Parameters
    ----------
    first
        Calibration of the first view.
    frames
        Of the first view.

    Raises
    ------
    InputError
        Where a file is missing or cannot be used, the views have not as many frames, or their cameras stand alike.
    """
    if not (files := _files()):
        return None
    calibration = next((file for file in files if file.role == "calibration"), None)
    from_first = study.find_second_from_first(first, calibration)
    shown = [file for file in files if file.role == "frame"]
    images = session.compute_once(lambda: study.read_frames(shown), "frames", *(file.sha256 for file in shown))
    check_frame_count(frames, len(images))
    return SecondView(images, study.find_camera(images, calibration), from_first)


def _files() -> Sequence[File]:
    return session.get(FILES, ())
