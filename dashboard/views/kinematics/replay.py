"""A measured motion as a loop: every frame with the contours of both components, there and back again.

All frames go to the browser once, which then plays them by itself; whoever asked their system for less motion sees one.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image as Pillow

from dashboard import session
from dashboard.i18n import t
from dashboard.views.kinematics import figures
from dashboard.views.kinematics.case import MotionCase

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

from dashboard.style import ASSETS

FRAME_MS = 220
QUALITY = 88
"""Of a frame as JPEG."""
FILLED = 0.25


def show_replay(measured: MotionCase) -> None:
    """Draw the loop."""
    first = measured.sequence.images[0]
    frames = session.compute_once(lambda: _frames(measured), "replay-frames", measured.name)
    says = [
        t("Frame {frame} of {total} · flexion {angle:.0f}°", frame=number, total=len(frames), angle=angle)
        for number, angle in enumerate(measured.motion.joint[:, 0], 1)
    ]
    told = {"frames": frames, "says": says, "width": first.shape[1], "height": first.shape[0], "ms": FRAME_MS}
    told["cell"] = [side / min(first.cell) for side in first.cell]
    told["title"] = t("The movement as it was measured, in a loop")
    _player()(key="replay", data=told)


def _frames(measured: MotionCase) -> list[dict[str, object]]:
    """Return each frame's picture and the outlines on it."""
    sequence = measured.sequence
    frames: list[dict[str, object]] = []
    for number, image in enumerate(sequence.images):
        out = io.BytesIO()
        Pillow.fromarray((image.shown() * 255).round().astype(np.uint8)).save(out, "JPEG", quality=QUALITY)
        picture = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
        outlines = []
        for component, poses in enumerate(measured.poses):
            if np.isfinite(poses[number]).all():
                path = figures.draw_silhouette_path(sequence.meshes[component], poses[number], sequence)
                fill, line = figures.colour_of_component(component, FILLED), figures.colour_of_component(component)
                outlines.append({"path": path, "fill": fill, "line": line})
        frames.append({"picture": picture, "outlines": outlines})
    return frames


@lru_cache(maxsize=1)
def _player() -> ComponentRenderer:
    css, js = ((ASSETS / f"replay.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return st.components.v2.component("ortholens_replay", html="<figure></figure>", css=css, js=js)
