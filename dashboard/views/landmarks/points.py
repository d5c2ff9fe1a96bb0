"""The points moved by hand: dragged on the film, nudged with the arrow keys, or typed; the network's own stay."""

from __future__ import annotations

import time

import streamlit as st

from dashboard import session
from dashboard.case import handles
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, t
from dashboard.views.landmarks import figures
from dashboard.views.landmarks.case import LandmarkCase
from models import Explanation
from models.tasks.landmarks.edit import Move, list_moved

LAYERS = "landmarks-layers"


def show_film(case: LandmarkCase, why: Explanation | None) -> None:
    """Draw the film to work on, and what takes moves back."""
    layers = session.get(LAYERS, figures.LAYERS)
    board = figures.draw_board(case, layers, why)
    handles.show_handles(board, f"points-{case.identity}", case.take)
    with st.container(key="landmarks-tools", horizontal=True, vertical_alignment="center", gap="small"):
        choose_layers(case)
        draw_undo(case, "points")
    moved = [case.names[name] for name in list_moved(case.shown)]
    hint = t("Drag a point, or reach it by Tab and use the arrow keys.")
    hint += " " + t("The measurements follow.") if case.measurements else ""
    said = t("Moved by hand, drawn as diamonds: {names}.", names=escape_markdown(", ".join(moved)))
    st.caption(said if moved else hint)


def choose_layers(case: LandmarkCase) -> None:
    """Let the reader say what is drawn beside the points; where nothing is measured, there are circles alone."""
    if not case.measurements:
        return
    st.pills(
        t("Drawn"), figures.LAYERS, selection_mode="multi", default=figures.LAYERS, format_func=t, key=LAYERS,
        persist_state="session", label_visibility="collapsed", width="stretch",
    )  # fmt: skip


def draw_undo(case: LandmarkCase, key: str) -> None:
    """Draw what takes moves back."""
    turns = case.turns
    st.button(
        t("Undo"), icon=":material/undo:", key=f"{key}-undo", disabled=not turns, on_click=case.keep,
        args=(turns[:-1],),
    )  # fmt: skip
    st.button(
        t("Start over"), icon=":material/restart_alt:", key=f"{key}-clear", disabled=not turns, on_click=case.keep,
        args=((),),
    )  # fmt: skip


def show_points(case: LandmarkCase) -> Explanation | None:
    """Draw where each point lies, how sure the network is of it, and fields to type another place."""
    shown, names = case.shown, case.names
    moved = list_moved(shown)
    rows = [
        {
            t("Point"): names[name],
            "x, px": format_number(x, ".1f"),
            "y, px": format_number(y, ".1f"),
            t("90 % within, px"): t("by hand") if name in moved else format_number(radius, ".1f"),
        }
        for name, (x, y), radius in zip(shown.names, shown.points, shown.radius_px, strict=True)
    ]
    _typed(case)
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    st.caption(t("The network's own points stay in the files, beside those that a person moved."))
    return None


def _typed(case: LandmarkCase) -> None:
    """Let the reader type where a point lies."""
    names = case.names
    key = st.selectbox(t("Point"), list(names), format_func=names.__getitem__, key=f"typed-point-{case.identity}")
    x, y = (float(value) for value in case.shown.points[case.shown.names.index(key)])
    rows, columns = case.image.shape
    mark = f"{case.identity}-{key}-{x:.2f}-{y:.2f}"
    with st.form("type-a-point", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("x, px", -0.5, columns - 0.5, x, 0.5, "%.1f", key=f"typed-x-{mark}")
        st.number_input("y, px", -0.5, rows - 0.5, y, 0.5, "%.1f", key=f"typed-y-{mark}")
        st.form_submit_button(
            t("Move it"), icon=":material/my_location:", on_click=_take_typed, args=(case, key, mark),
            help=t("Moves {name} there.", name=escape_markdown(names[key])),
        )  # fmt: skip


def _take_typed(case: LandmarkCase, name: str, mark: str) -> None:
    """Move a point to the place that was typed."""
    x, y = session.get(f"typed-x-{mark}"), session.get(f"typed-y-{mark}")
    if x is not None and y is not None:  # else everything was forgotten in between
        case.move(Move(name, float(x), float(y)), time.time())
