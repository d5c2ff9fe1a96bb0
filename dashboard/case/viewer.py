"""The picture and how it is looked at: frame, window, invert. What is drawn comes from `dashboard.style.figures`."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.case.ruler.panel import draw_ruler_toggle
from dashboard.case.staged import stage_viewer
from dashboard.case.states import HEIGHT_PX
from dashboard.i18n import later, t
from dashboard.style import figures
from dashboard.style.figures import View
from models import Image, Judged
from models.types import Window

Looked = TypeVar("Looked", bound=View)
FULL_RANGE = later("Full range")
"""What `models.types` calls the window of the whole grey range, for the catalogues."""


def show_viewer(image: Image, prediction: Judged | None, view: View) -> None:
    """Draw the image with what the prediction says about places."""
    st.plotly_chart(
        stage_viewer(figures.draw_figure(prediction, image, view), image, view.frame),
        key=f"viewer-{image.sha256[:12]}-{view.layout}",
        height=HEIGHT_PX,
        theme=None,
        config={
            "scrollZoom": True,
            "displaylogo": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage", "autoScale2d"],
        },
        alt=t("The image, frame {frame} of {frames}", frame=view.frame + 1, frames=image.frames),
    )


def find_shown_frame(image: Image) -> int:
    """Return the frame that is looked at."""
    return int(session.get(_frame_key(image), image.first_frame + 1)) - 1


def draw_frame_slider(image: Image) -> int:
    """Let the reader choose a frame of a sequence; a still has only frame 0."""
    if image.frames == 1:
        return 0
    first, shown = image.first_frame + 1, f"%d / {image.frames}"
    chosen = st.slider(
        t("Frame"), 1, image.frames, first, key=_frame_key(image), persist_state="session", format=shown
    )  # fmt: skip
    return int(chosen) - 1


def _frame_key(image: Image) -> str:
    return f"frame-{image.sha256[:12]}"


def draw_display_controls(image: Image, view: Looked) -> Looked:
    """Let the reader choose window, level and inversion; the choice is kept for each image.

    A chosen window is the file's own to the last digit, each frame's where it has one; a slider widens or moves the
    last one chosen, with the course that it has between black and white.
    """
    keys = [f"{name}-{image.sha256[:12]}" for name in ("preset", "level", "width", "invert", "course")]
    preset, level, width, invert, course = keys
    offered = (image.window(view.frame), *image.windows[1:], find_auto_window(image, view.frame))
    windows = {window.name: window for window in offered}
    if (name := session.get(preset)) in windows or session.get(level) is None:
        _take(windows, name or next(iter(windows)), level, width)
    else:
        for key in (level, width):  # the slider of a page that was just opened takes only what is set anew
            session.put(key, session.get(key))
    with st.container(key="display", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            t("Window"), list(windows), format_func=t, key=preset, default=next(iter(windows)), persist_state="session",
            on_change=_take_preset, args=(windows, *keys[:3]),
        )  # fmt: skip
        for name, key, low, high in ((t("Level"), level, 0.0, 100.0), (t("Width"), width, 0.5, 150.0)):
            with st.container(width=112):
                st.slider(
                    name, low, high, step=0.1, format="%.1f%%", key=key, persist_state="session",
                    on_change=session.put, args=(preset, None),
                )  # fmt: skip
        st.toggle(t("Invert"), key=invert, persist_state="session")
        draw_ruler_toggle()
    if (chosen := windows.get(session.get(preset))) is not None:
        session.put(course, chosen.name)
        return replace(view, window=chosen, invert=session.get(invert, False))
    low = (session.get(level) - session.get(width) / 2) / 100
    last = windows.get(session.get(course), offered[0])
    window = Window("Chosen", low, low + session.get(width) / 100, last.curve)
    return replace(view, window=window, invert=session.get(invert, False))


def find_auto_window(image: Image, frame: int) -> Window:
    """Return the window that leaves out the darkest and the brightest hundredth of the pixels."""
    low, high = np.percentile(image.pixels[frame, ::4, ::4], (1, 99))
    return Window(later("Auto"), float(low), float(max(high, low + 0.005)))


def _take_preset(windows: dict[str, Window], preset: str, level: str, width: str) -> None:
    if name := session.get(preset):
        _take(windows, name, level, width)


def _take(windows: dict[str, Window], name: str, level: str, width: str) -> None:
    window = windows[name]
    session.put(level, round(float(np.clip(50 * (window.low + window.high), 0, 100)), 1))
    session.put(width, round(float(np.clip(100 * (window.high - window.low), 0.5, 150)), 1))
