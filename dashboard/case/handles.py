"""A film with points that can be placed, dragged and nudged: what a ruler and landmarks are drawn on.

Lines between points follow the hand in the browser; a change is told once it is done, and the fragment around is drawn
anew (docs.streamlit.io/develop/concepts/custom-components/components-v2). Keys: arrows move the focused point by one
pixel, with Shift by ten and with Alt by a tenth; without one they move a crosshair that Enter sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import streamlit as st

from dashboard import session
from dashboard.case.states import HEIGHT_PX
from dashboard.i18n import t

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

from dashboard.style import ASSETS

Place = tuple[float, float]
"""(x, y) in source pixels, whole numbers at pixel centres."""
MarkKind = Literal["line", "curve", "angle", "cobb", "circle", "perpendicular", "box"]
TouchKind = Literal["moved", "placed", "chosen", "removed"]
STAGE_HEIGHT = "calc(100vh - 8.2rem)"
"""In a hall: all that the screen leaves (style/stage.css)."""
YELLOW = "#FFD23F"
"""Of points and lines on a film: stands out on every grey."""


@dataclass(frozen=True)
class Handle:
    """A point that can be moved.

    Attributes
    ----------
    name
        What it is called for who cannot see it.
    x, y
        Column and row in source pixels.
    radius_px
        Of the faint circle round it, in source pixels; 0 draws none.
    strong
        Whether it is a filled diamond, such as one that a person moved.
    """

    key: str
    name: str
    x: float
    y: float
    radius_px: float = 0.0
    colour: str = YELLOW
    strong: bool = False


@dataclass(frozen=True)
class Mark:
    """Lines through points: of a handle, by its key, which they follow while it is dragged, or of a fixed place.

    Attributes
    ----------
    kind
        A line through all points, a parabola through three, an angle at the second of three, two lines of two points
        each, a circle through three, the way from the third point to the line through the first two, or a rectangle
        between two corners.
    says
        What a pointer over the line is told.
    """

    kind: MarkKind
    points: tuple[str | Place, ...]
    label: str = ""
    says: str = ""
    colour: str = YELLOW
    dashed: bool = False


@dataclass(frozen=True)
class Board:
    """A picture and what lies on it.

    Attributes
    ----------
    picture
        Data address of a picture that covers the whole frame.
    shape, cell
        (rows, columns) of the frame, and (height, width) of a pixel, as `Image.cell`.
    place
        How many points the next clicks set together; 0: a click sets none.
    tool
        Names what they are for: another one begins anew.
    chooses
        Whether a click on a handle is told.
    name
        What the picture shows, for who cannot see it.
    mm
        The smaller side of a pixel in mm, for a scale bar; None draws none.
    link
        Boards of one link are zoomed and moved together; "" for none.
    """

    picture: str
    shape: tuple[int, int]
    cell: tuple[float, float]
    handles: Sequence[Handle] = ()
    marks: Sequence[Mark] = ()
    place: int = 0
    tool: str = ""
    chooses: bool = False
    name: str = ""
    mm: float | None = None
    link: str = ""


@dataclass(frozen=True)
class Touch:
    """What a hand did: moved the handle `key` to a place, set places, chose a handle, or asked to remove it.

    Attributes
    ----------
    turn
        The same for all that is told of one drag, or of one spell of arrow keys: a handle under way is told of too.
    """

    kind: TouchKind
    key: str
    points: tuple[Place, ...]
    turn: float = 0.0


def show_handles(board: Board, key: str, take: Callable[[Touch], None], height_px: int = HEIGHT_PX) -> None:
    """Draw a picture with points on it.

    Parameters
    ----------
    key
        Of the element: another key is another picture, seen whole again.
    take
        Called with everything that a hand did, before the page is drawn anew.
    """
    said = {
        "in": t("Zoom in"),
        "out": t("Zoom out"),
        "whole": t("Whole picture"),
        "place": t("column {x}, row {y}", x="{x}", y="{y}"),
    }
    height = f"{height_px}px" if session.find_stage() is None else STAGE_HEIGHT
    data = {
        "picture": board.picture, "shape": board.shape, "cell": board.cell, "place": board.place, "tool": board.tool,
        "chooses": board.chooses, "name": board.name, "says": said, "height": height, "mm": board.mm,
        "link": board.link,
        "handles": [asdict(handle) for handle in board.handles], "marks": [asdict(mark) for mark in board.marks],
    }  # fmt: skip

    def told() -> None:
        component = session.get(key)
        for touch in _list_new_touches(key, getattr(component, "touch", None) or ()):
            take(touch)

    _board()(key=key, data=data, height="content", on_touch_change=told)


def _list_new_touches(key: str, told: Sequence[Mapping[str, Any]]) -> list[Touch]:
    """Return what was not taken yet, in its order; what is no touch is left out: the browser's word is not trusted."""
    seen = f"{key}-seen"
    last, found = session.get(seen, 0.0), []
    for one in told:
        try:
            at, kind, handle = float(one["at"]), one["kind"], str(one["key"])
            points, turn = tuple((float(x), float(y)) for x, y in one["points"]), float(one["turn"])
        except (KeyError, TypeError, ValueError):
            continue
        if at > last and kind in get_args(TouchKind) and all(math.isfinite(side) for point in points for side in point):
            found.append(Touch(kind, handle, points, turn))
            session.put(seen, at)
    return found


@lru_cache(maxsize=1)
def _board() -> ComponentRenderer:
    names = ("handles.html", "handles.css", "handles_marks.js", "handles.js")
    html, css, marks, js = ((ASSETS / name).read_text("utf-8") for name in names)
    return st.components.v2.component("ortholens_handles", html=html, css=css, js=f"{marks}\n{js}")
