"""What is measured: the simulated case, or a user's own frames, CAD and calibration."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

import models
from dashboard import session
from dashboard.case import door
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t, tn
from dashboard.views.kinematics import fluoroscopy, second_view
from dashboard.views.kinematics.anatomy import complete_axes
from dashboard.views.kinematics.fluoroscopy import Array, Fluoroscopy
from dashboard.views.kinematics.tracking import EXACT, NETWORK
from models.cases.lunge import CARD
from models.errors import InputError
from models.geometry.mesh import read_mesh
from models.tasks.kinematics import study
from models.tasks.kinematics.study import THESE, File

SIDES = (later("Right"), later("Left"), later("right"), later("left"))
"""Of the body, as a choice and in a sentence."""
SIMULATED, OWN = later("Simulated case"), later("Your own sequence")
FILES, WHICH = "kinematics-files", "kinematics-which"
"""Keys: the files of a sequence of one's own, and which sequence is looked at."""
MOST_NAMES = 24
"""Of files that are listed."""
INVITATION = later(
    "Frames (PNG, TIFF, DICOM or a video), the STL files of both components, and calibration.txt or camera.txt. "
    "Reference poses (fem.jts, tib.jts) if you have them. A biplane study: a folder with a folder for each view."
)


@dataclass(frozen=True)
class Choice:
    """What the reader wants measured; `sequence` is None as long as nothing was dropped."""

    sequence: Fluoroscopy | None
    masks: str
    side: str


def choose_motion_source() -> Choice:
    """Draw the controls and return what they say.

    Raises
    ------
    InputError
        Where a file is missing or cannot be used.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="kinematics-source"):
        source = st.segmented_control(
            t("Sequence"), (SIMULATED, OWN), format_func=t, default=SIMULATED, key=WHICH, required=True,
            persist_state="session",
        )  # fmt: skip
        masks, side = (_masks(), "right") if source == SIMULATED else (NETWORK, _side())
    if source == SIMULATED:
        return Choice(
            session.share_work(fluoroscopy.simulate, "fluoroscopy", fluoroscopy.SIMULATED_FRAMES), masks, side
        )
    return Choice(_own(), masks, side)


def is_outliner_trained() -> bool:
    """Whether the network that outlines the components has weights."""
    return CARD in models.cards() and bool(models.card(CARD).members)


def _side() -> str:
    """Let the reader say whose knee it is."""
    return st.segmented_control(
        t("Patient's side"), ("right", "left"), default="right", format_func=lambda side: t(side.capitalize()),
        key="kinematics-side", required=True, persist_state="session",
        help=t("Gives adduction, rotation and lateral their sign."),
    )  # fmt: skip


def _masks() -> str:
    """Let the reader choose who outlines the simulated case; without weights there is no choice."""
    if not is_outliner_trained():
        return EXACT
    return st.segmented_control(
        t("Outlines"), (NETWORK, EXACT), format_func=t, default=NETWORK, key="kinematics-masks", required=True,
        persist_state="session",
    )  # fmt: skip


def take_sequence_files(dropped: Sequence[tuple[str, bytes]], second: Sequence[tuple[str, bytes]]) -> None:
    """Put dropped files to those that are there, and choose them: the frames of another study take their place.

    Parameters
    ----------
    second
        Of the second view of a biplane study, where that was dropped with it.
    """
    new = [File(name, data) for name, data in dropped]
    whole = {"frame", "mesh"} <= {file.role for file in new}
    names = {file.name for file in new}
    kept = () if whole else (file for file in _files() if file.name not in names)
    session.put(FILES, (*kept, *new))
    if whole:
        second_view.forget_second_files()
    if second:
        second_view.put_second_files([File(name, data) for name, data in second])
    session.put(WHICH, OWN)


def has_own_sequence() -> bool:
    """Whether there are files of the reader's own."""
    return bool(_files())


def waits_for_sequence() -> bool:
    """Whether the page is open for a sequence of the reader's own."""
    return session.get(WHICH, "") == OWN


def _files() -> Sequence[File]:
    return session.get(FILES, ())


def _own() -> Fluoroscopy | None:
    """Invite to drop files, and return the sequence that those there make."""
    files = _files()
    if not files:
        door.show_drop_area(t("Drop a fluoroscopy sequence."), t(INVITATION))
        return None
    frames = [file for file in files if file.role == "frame"]
    calibrations = [file for file in files if file.role == "calibration"]
    calibration = calibrations[0] if calibrations else None
    with st.expander(_told(frames, calibration), icon=":material/folder:"):  # all is in: it folds away
        meshes = _both([file for file in files if file.role == "mesh"])
        st.caption(escape_markdown(" · ".join(_list_names(study.order_files(files)))))
        second_view.show_second_files()
    if len({file.sha256 for file in calibrations}) > 1:
        fix = later("Drop a biplane study as a folder with a folder for each view, or one view and then the second.")
        raise InputError(
            later("{count} calibrations are there for one view", count=len(calibrations)), fix=fix, file=THESE
        )
    images = session.compute_once(lambda: study.read_frames(frames), "frames", *(file.sha256 for file in frames))
    femoral, tibial = (
        session.compute_once(partial(read_mesh, mesh.data, mesh.name), "mesh", mesh.sha256) for mesh in meshes
    )
    if (known := complete_axes((femoral, tibial), (meshes[0].sha256, meshes[1].sha256))) is None:
        return None
    femoral, tibial = known
    shown = [image.sha256 for image in images]
    stated = (calibration.sha256,) if calibration else ()
    camera = session.compute_once(lambda: study.find_camera(images, calibration), "camera", *stated, *shown)
    reference = _references([file for file in files if file.role == "reference"], len(images))
    second = second_view.read_second_view(calibration, len(images))
    stated_axes = [repr(mesh.stated_axes) for mesh in known]
    parts = [*shown, *(mesh.sha256 for mesh in meshes), *stated_axes, repr(camera)]
    if second:
        parts += [*(image.sha256 for image in second.images), repr(second.camera), repr(second.from_first.tolist())]
    key = hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
    return Fluoroscopy(key, images, femoral, tibial, camera, reference=reference, second=second)


def _list_names(files: Sequence[File]) -> list[str]:
    """Return the files' names; of hundreds the first and the last."""
    names = [file.name for file in files]
    return names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 2], "…", names[-1]]


def _references(files: Sequence[File], frames: int) -> tuple[Array | None, Array | None]:
    """Return the poses to compare with; of files that cannot be used, say so and go on."""
    reference, left_out = study.read_references(
        files, frames, lambda file: session.compute_once(lambda: study.read_poses(file), "poses", file.sha256)
    )
    for problem in left_out:
        said = f"{t(problem.file or '')}: {t(problem.problem)}. {t('Nothing is compared with it.')} {t(problem.fix)}"
        st.markdown(f":material/warning: {escape_markdown(said)}")
    return reference


def _both(meshes: Sequence[File]) -> tuple[File, File]:
    """Let the reader say which STL file is which, and return the femoral one first."""
    fix = later("Drop the STL file of the femoral component and that of the tibial one.")
    if len(meshes) != 2:
        there = ", ".join(mesh.name for mesh in meshes) or "none"
        raise InputError(_lacking(len(meshes), there), fix=fix, file=THESE)
    if meshes[0].sha256 == meshes[1].sha256:
        raise InputError(later("both STL files hold the same component"), fix=fix, file=THESE)
    guess = study.guess_femoral(meshes)
    names = [mesh.name for mesh in meshes]
    chosen = st.radio(
        t("Femoral component"), (0, 1), index=guess, format_func=lambda i: escape_markdown(names[i]), horizontal=True,
        key=f"kinematics-femoral-{meshes[0].sha256[:8]}-{meshes[1].sha256[:8]}",
        help=t("Guessed from the files' names; the other one is the tibial component."),
    )  # fmt: skip
    return meshes[chosen], meshes[1 - chosen]


def _lacking(count: int, there: str) -> str:
    if count == 1:
        return later("two STL files are needed, and there is one ({there})", there=there)
    if count == 0:
        return later("two STL files are needed, and there are none ({there})", there=there)
    return later("two STL files are needed, and there are {count} ({there})", count=count, there=there)


def _frames(count: int) -> str:
    return tn(
        "{n} file of frames, in the order of their names", "{n} files of frames, in the order of their names", count
    )


def _told(frames: Sequence[File], calibration: File | None) -> str:
    """Say in a line what was made of the files."""
    found = [_frames(len(frames))]
    found.append(
        t("calibration {name}", name=calibration.name) if calibration else t("calibration of the DICOM header")
    )
    return escape_markdown(" · ".join(found))
