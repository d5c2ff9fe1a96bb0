"""The first step: what the model shall answer, and its pictures, which are looked at as soon as they are here."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.case import progress
from dashboard.case.polling import poll_every
from dashboard.case.states import show_error
from dashboard.i18n import later, t
from models.jobs import Job
from models.progress import ProgressToken
from models.settings import settings
from models.tasks import own, question_of
from models.training.own_files import UploadedFiles
from models.training.own_set import Look

TASK = "train-task"
PICTURES = "pictures"
"""What its uploader is called."""
FOLDER = later("A folder")
BY = (FOLDER, later("A ZIP file"))
FORMS = {
    "classification": later(
        "One folder a label, with the pictures of that label in it, as `loose/0012.png` and `fixed/0034.png`. Or any "
        "folders, and beside them a CSV with the columns `file`, `label` and perhaps `group`, which is the patient."
    ),
    "segmentation": later(
        "A folder `images`, and beside it a folder `masks` with a picture of the same name for each, which holds the "
        "number of every pixel's class: 0 for the background. `classes.txt` may name the classes, one a line."
    ),
    "detection": later(
        "Pictures, and their boxes as one COCO JSON, or as YOLO texts or Pascal VOC files of the same names. A picture "
        "without a box is one of nothing to find."
    ),
    "landmarks": later(
        "Pictures, and beside them a CSV with the columns `image`, `point`, `x`, `y` and perhaps `group`, a line for "
        "each point, in pixels from the centre of the first; or one COCO JSON of keypoints."
    ),
}
"""What a set looks like, by kind of task."""


def choose_task() -> str:
    """Let the user say what the model answers."""
    tasks = own.list_teachable_tasks()
    st.subheader(t("1. What it learns from"), anchor=False)
    return st.segmented_control(
        t("What shall it answer?"), tasks, default=tasks[0], key=TASK, required=True, persist_state="session",
        format_func=lambda task: f"{t(task.capitalize())}: {t(question_of(task).asks)}",
    ) or tasks[0]  # fmt: skip


def name_look(task: str) -> str:
    """Return the name of the work that looks at pictures for a task; tasks of one kind look alike."""
    return f"own-look-{question_of(task).kind}"


def find_look(task: str) -> Job[Look] | None:
    """Return the look at the pictures for a task, under way or done; None before there are any."""
    return session.find_job(name_look(task))


def take_pictures(task: str) -> None:
    """Look, beside the page, at what the field brought, if anything."""
    if uploads := session.list_uploads(PICTURES):
        session.start_work(name_look(task), lambda job: _look(job, task, uploads))
        session.forget_uploads(PICTURES)


def show_uploader(task: str, job: Job[Look] | None) -> None:
    """Draw the field for a folder or a ZIP file, and what was wrong with the last."""
    kind = question_of(task).kind
    if kind in FORMS:
        st.markdown(t(FORMS[kind]))
    by = st.segmented_control(
        t("Bring"), BY, default=BY[0], key="train-by", required=True, format_func=t, label_visibility="collapsed",
        persist_state="session",
    )  # fmt: skip
    st.file_uploader(
        t("A folder with its folders") if by == FOLDER else t("A ZIP file, and perhaps a CSV"),
        accept_multiple_files="directory" if by == FOLDER else True,
        type=None if by == FOLDER else ["zip", "csv", "tsv"],
        key=session.name_uploader(PICTURES),
    )  # fmt: skip
    st.caption(
        t(
            "Pictures as every page takes them, DICOM too, {most} MB together. They stay on this machine; while the "
            "model learns they lie beside it, small and without their names, and are deleted when it is done.",
            most=settings().max_file_mb,
        )
    )
    if job and job.error:
        show_error(job.error)


@poll_every(0.7)
def follow_look(name: str) -> None:
    """Draw how far the look is."""
    progress.draw_progress(name, "train-look-cancel", later("Looking at the pictures"))


def forget_look(task: str) -> None:
    """Let go of the pictures that were brought, so that others can be."""
    session.forget_work(name_look(task))


def _look(job: Job[Look], task: str, uploads: list[tuple[str, bytes]]) -> Look:
    def tell(step: str, share: float) -> None:
        ProgressToken(1, cancelled=job.stopped).check()
        job.report(share, doing=step)

    return own.look_at_files(task, UploadedFiles.unpacked(uploads), tell)
