"""What every view of a sequence draws: the scrubber, a frame with the contours on it, and both components in space."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.case.staged import stage_viewer
from dashboard.i18n import t
from dashboard.views.kinematics import figures
from dashboard.views.kinematics.figures import Compass, Placed
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from models.tasks.kinematics.locate import NAMES
from models.types import Landmarks

HEIGHT_PX = 520
PICTURE = 1.35
"""How many times as wide as what stands beside it a frame is."""
CHART = {"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage"]}
BARE = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage", "resetCameraLastSave3d", "tableRotation"]}


def choose_frame(sequence: Fluoroscopy, name: str) -> int:
    """Draw the slider, and return the frame that it is at."""
    if len(sequence.images) == 1:
        return 0
    total = len(sequence.images)
    chosen = st.slider(t("Frame"), 1, total, key=name_frame(name), format=f"%d / {total}", persist_state="session")
    return int(chosen) - 1


def find_frame(sequence: Fluoroscopy, name: str) -> int:
    """Return the frame that is looked at while no slider is drawn."""
    return min(int(session.get(name_frame(name), 1)), len(sequence.images)) - 1


def name_frame(name: str) -> str:
    """Return the key of the session for the number of the frame that is looked at, from 1."""
    return f"{name}-frame"


def draw_frame(
    sequence: Fluoroscopy, frame: int, placed: list[Placed], opacity: float, points: Landmarks | None = None
) -> None:
    """Draw one frame with the contours of what is placed, filled by the opacity, and the implant's points if any."""
    figure = figures.draw_component_contours(sequence, frame, placed, opacity)
    if points:
        figures.mark_points(figure, points, sequence.images[frame])
    st.plotly_chart(
        figure,
        key="viewer-kinematics",
        height=HEIGHT_PX,
        theme=None,
        config=CHART,
        alt=t(
            "Frame {frame} of {total} with the contours of both components", frame=frame + 1, total=len(sequence.images)
        ),
    )


def draw_space(
    sequence: Fluoroscopy, placed: list[Placed], poses: tuple[np.ndarray, np.ndarray], compass: Compass | None = None
) -> None:
    """Draw both components in space; a compass says which way is anterior, and whether the tibia is held still."""
    femoral, tibial = sequence.meshes
    thin = session.compute_once(
        lambda: (femoral.coarse(figures.THIN_MM), tibial.coarse(figures.THIN_MM)), "thin", sequence.key
    )
    scene = figures.Scene(thin, figures.find_reach_of_scene(thin, poses, compass), compass)
    st.plotly_chart(
        stage_viewer(figures.draw_components_in_space(sequence, placed, scene)), key="viewer-space",
        height=HEIGHT_PX - 90, theme=None, config=BARE, alt=t("Both components in space"),
    )  # fmt: skip


def describe_fit(component: int, overlap: float, residual_px: float) -> None:
    """Say how well a component's CAD fits the frame."""
    name = t(NAMES[component].capitalize())
    said = t(
        "{name}: overlap {overlap:.3f}, residual {residual:.2f} px", name=name, overlap=overlap, residual=residual_px
    )
    st.caption(said)
