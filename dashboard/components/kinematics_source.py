"""What is measured: the simulated case, or a visitor's own frames, CAD and calibration."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

import models
from dashboard import fluoroscopy, session
from dashboard.components.states import plain
from dashboard.fluoroscopy import THESE, File, Fluoroscopy
from dashboard.tracking import CARD, EXACT, NETWORK
from models.errors import InputError

SIMULATED, OWN = "Simulated case", "Your own sequence"
FILES = "kinematics-files"
INVITATION = (
    "Frames (PNG, TIFF or DICOM), the STL files of both components, and calibration.txt or camera.txt. "
    "Reference poses (fem.jts, tib.jts) if you have them."
)


@dataclass(frozen=True)
class Choice:
    """What the reader wants measured; `sequence` is None as long as nothing was dropped."""

    sequence: Fluoroscopy | None
    masks: str
    side: str


def choose() -> Choice:
    """Draw the controls and return what they say.

    Raises
    ------
    InputError
        Where a file is missing or cannot be used.
    """
    keep = {"persist_state": "session", "required": True}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="kinematics-source"):
        source = st.segmented_control("Sequence", (SIMULATED, OWN), default=SIMULATED, key="kinematics-which", **keep)
        masks, side = NETWORK, "right"
        if source == SIMULATED:
            masks = _masks(keep)
        else:
            side = st.segmented_control(
                "Patient's side", ("right", "left"), default="right", format_func=str.capitalize, key="kinematics-side",
                help="Gives adduction, rotation and lateral their sign.", **keep,
            )  # fmt: skip
    if source == SIMULATED:
        size = fluoroscopy.SIMULATED_FRAMES, fluoroscopy.SIMULATED_SIDE_PX
        return Choice(session.shared(fluoroscopy.simulated, "fluoroscopy", *size), masks, side)
    return Choice(_own(), masks, side)


def trained() -> bool:
    """Whether the network that outlines the components has weights."""
    return CARD in models.cards() and bool(models.card(CARD).members)


def _masks(keep: dict[str, object]) -> str:
    """Let the reader choose who outlines the simulated case; without weights there is no choice."""
    if not trained():
        return EXACT
    return st.segmented_control("Outlines", (NETWORK, EXACT), default=NETWORK, key="kinematics-masks", **keep)


def _own() -> Fluoroscopy | None:
    """Draw the uploader, and return the sequence that its files make."""
    dropped = st.file_uploader(
        INVITATION, accept_multiple_files=True, key="kinematics-upload", on_change=_take, help="All of them at once."
    )
    files: Sequence[File] = session.get(FILES, ())
    if not dropped and not files:
        return None
    meshes = _both([file for file in files if file.role == "mesh"])
    frames = [file for file in files if file.role == "frame"]
    calibration = next((file for file in files if file.role == "calibration"), None)
    _told(frames, calibration)
    images = session.once(lambda: fluoroscopy.read_frames(frames), "frames", *(file.sha256 for file in frames))
    femoral, tibial = (
        session.once(lambda mesh=mesh: fluoroscopy.read_component(mesh), "mesh", mesh.sha256) for mesh in meshes
    )
    camera = fluoroscopy.camera_of(images, calibration)
    reference = fluoroscopy.read_references([file for file in files if file.role == "reference"], len(images))
    parts = [*(image.sha256 for image in images), *(mesh.sha256 for mesh in meshes), repr(camera)]
    key = hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
    return Fluoroscopy(key, images, femoral, tibial, camera, reference=reference)


def _take() -> None:
    """Keep what the uploader holds, so that it is still there after a look at another page."""
    session.put(FILES, tuple(File(file.name, file.getvalue()) for file in session.get("kinematics-upload")))


def _both(meshes: Sequence[File]) -> tuple[File, File]:
    """Let the reader say which STL file is which, and return the femoral one first."""
    fix = "Drop the STL file of the femoral component and that of the tibial one."
    if len(meshes) != 2:
        there = ", ".join(mesh.name for mesh in meshes) or "none"
        raise InputError(f"two STL files are needed, and there {_are(len(meshes))} ({there})", fix=fix, file=THESE)
    if meshes[0].sha256 == meshes[1].sha256:
        raise InputError("both STL files hold the same component", fix=fix, file=THESE)
    guess = fluoroscopy.guessed_femoral(meshes)
    names = [mesh.name for mesh in meshes]
    chosen = st.radio(
        "Femoral component", (0, 1), index=guess, format_func=lambda i: plain(names[i]), horizontal=True,
        key=f"kinematics-femoral-{meshes[0].sha256[:8]}-{meshes[1].sha256[:8]}",
        help="Guessed from the files' names; the other one is the tibial component.",
    )  # fmt: skip
    return meshes[chosen], meshes[1 - chosen]


def _are(count: int) -> str:
    return {0: "are none", 1: "is one"}.get(count, f"are {count}")


def _told(frames: Sequence[File], calibration: File | None) -> None:
    """Say what was made of the files."""
    found = [f"{len(frames)} file{'s' * (len(frames) != 1)} of frames, in the order of their names"]
    found.append(f"calibration {calibration.name}" if calibration else "calibration of the DICOM header")
    st.caption(plain(" · ".join(found)))
