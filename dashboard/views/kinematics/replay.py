"""A motion as a film: every frame with the contours of both components, played in the browser by itself.

On the page it has a bar: play and pause, a frame on or back, loop, speed, and keys; it is there as soon as two frames
are found, and grows. On the stage it runs there and back again. All frames go to the browser once; whoever asked their
system for less motion sees one that stands still.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from dashboard import session
from dashboard.i18n import spoken, t
from dashboard.views.kinematics import figures
from dashboard.views.kinematics.case import MotionCase
from dashboard.views.kinematics.tracking import Tracking
from models.tasks.kinematics.opensim import find_frame_rate

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

from dashboard.style import ASSETS

Array = NDArray[np.float64]

FRAME_MS = 220
"""How long a frame is shown where the frames do not say how fast they were taken."""
QUALITY = 88
"""Of a frame as JPEG."""
MOST_PIXELS = 60 * 1024**2
"""Of a film that goes to the browser, some 10 MB: the pictures of a longer one are smaller."""
FILLED = 0.25
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""As in `style/replay.js`."""


def show_replay(measured: MotionCase) -> None:
    """Draw the loop of a hall, without a bar."""
    _player()(key="replay", data=_tell_film(measured.run, measured.poses) | {"says": _say_flexion(measured)})


def show_film(measured: MotionCase, frame_key: str) -> None:
    """Draw the film with its bar, at the frame that is looked at; where it stops is looked at next.

    Parameters
    ----------
    frame_key
        Of the session, for the number of the frame, from 1.
    """

    def told() -> None:
        stopped = getattr(session.get("film-player"), "frame", None)
        if isinstance(stopped, (int, float)) and 1 <= stopped <= measured.motion.frames:
            session.put(frame_key, int(stopped))

    data = _tell_film(measured.run, measured.poses) | {"says": _say_flexion(measured), "words": _words()}
    data |= {"tells": True, "at": measured.t, "film": f"{measured.name}-film"}
    _player()(key="film-player", data=data, height="content", on_frame_change=told)


def show_film_so_far(run: Tracking, poses: tuple[Sequence[Array], Sequence[Array]]) -> None:
    """Draw the frames that are found as yet, while the rest is followed; it grows by a quarter each time."""
    count, done = 2, min(len(track) for track in poses)
    while (more := max(count + 1, count * 5 // 4)) <= done:
        count = more
    says = [t("Frame {frame} of {total}", frame=t_ + 1, total=len(run.sequence.images)) for t_ in range(count)]
    data = _tell_film(run, (poses[0][:count], poses[1][:count])) | {"says": says, "words": _words()}
    _player()(key="film-player-so-far", data=data, height="content")


def _say_flexion(measured: MotionCase) -> list[str]:
    total = measured.motion.frames
    return [
        t("Frame {frame} of {total} · flexion {angle:.0f}°", frame=number, total=total, angle=angle)
        if np.isfinite(angle)
        else t("Frame {frame} of {total}", frame=number, total=total)
        for number, angle in enumerate(measured.motion.joint[:, 0], 1)
    ]


def _words() -> dict[str, object]:
    say = spoken()
    return {
        "play": t("Play (space)"), "pause": t("Pause (space)"), "back": t("One frame back (←)"),
        "on": t("One frame on (→)"), "loop": t("Over and over (L)"), "speed": t("Speed (+ and −)"), "at": t("Frame"),
        "speeds": [f"{say.number(speed, 'g')}×" for speed in SPEEDS],
    }  # fmt: skip


def _tell_film(run: Tracking, poses: tuple[Sequence[Array] | Array, Sequence[Array] | Array]) -> dict[str, object]:
    """Return what the player needs of a film, whichever it is for."""
    sequence, first = run.sequence, run.sequence.images[0]
    rate = find_frame_rate(sequence.images)
    return {
        "frames": [_draw(run, number, both) for number, both in enumerate(zip(*poses, strict=True))],
        "film": sequence.key, "total": len(sequence.images), "ms": 1000 / rate if rate else FRAME_MS, "at": 0,
        "width": first.shape[1], "height": first.shape[0], "cell": [side / min(first.cell) for side in first.cell],
        "plays": True, "tells": False, "words": None, "title": t("The movement as it was measured, as a film"),
    }  # fmt: skip


def _draw(run: Tracking, number: int, poses: tuple[Array, Array]) -> dict[str, object]:
    """Return a frame's picture and the outlines on it, drawn anew only where a pose is another."""
    at = np.stack(poses).tobytes()
    if number in run.film and run.film[number][0] == at:
        return run.film[number][1]
    sequence, out = run.sequence, io.BytesIO()
    shown = (sequence.images[number].shown() * 255).round().astype(np.uint8)
    picture = Pillow.fromarray(shown)
    if (share := MOST_PIXELS / (shown.size * len(sequence.images))) < 1:
        picture = picture.resize([round(side * share**0.5) for side in picture.size], Pillow.Resampling.BOX)
    picture.save(out, "JPEG", quality=QUALITY)
    outlines = []
    for component, pose in enumerate(poses):
        if np.isfinite(pose).all():
            path = figures.draw_silhouette_path(sequence.meshes[component], pose, sequence)
            fill, line = figures.colour_of_component(component, FILLED), figures.colour_of_component(component)
            outlines.append({"path": path, "fill": fill, "line": line})
    encoded = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    run.film[number] = at, {"picture": encoded, "outlines": outlines}
    return run.film[number][1]


@lru_cache(maxsize=1)
def _player() -> ComponentRenderer:
    html, css, js = ((ASSETS / f"replay.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("ortholens_replay", html=html, css=css, js=js)
