"""The ruler of a page: its tools, the film to measure on, and what was measured.

It is a fragment of its own, so that a point that is dragged draws nothing else anew; a calibration changes every number
of the page, and draws it all.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import streamlit as st

from dashboard import session
from dashboard.case import handles, states
from dashboard.case.ruler.bench import CALIBRATION, Bench, write_numbers
from dashboard.case.ruler.board import encode_film, lay_out_board
from dashboard.case.ruler.files import offer_ruler_files
from dashboard.case.ruler.scale import HINTS, choose_known
from dashboard.case.ruler.typed import draw_typed_places
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import format_significant, later, spoken, t
from dashboard.session import MEASURING, RulerSheet
from dashboard.style.figures import View
from models import Image
from models.errors import InputError
from models.geometry.measure import HandMeasurement, Tool
from models.geometry.ruler import Calibration, Ruler
from models.reporting.ruler import list_ruler_notes, write_rest

CALIBRATE = "calibrate"
"""The tool that sets the scale."""


class ToolWords(NamedTuple):
    """How a tool is called, and what to click."""

    name: str
    hint: str


TOOLS = {
    "length": ToolWords(later("Length"), later("Click its two ends.")),
    "angle": ToolWords(later("Angle"), later("Click a point on one side, the corner, a point on the other side.")),
    "cobb": ToolWords(later("Cobb"), later("Click the two ends of one line, then of the other.")),
    "circle": ToolWords(later("Circle"), later("Click three points on its rim, such as of a femoral head.")),
    "perpendicular": ToolWords(
        later("Perpendicular"), later("Click two points on the line, then the point whose distance counts.")
    ),
    "point": ToolWords(later("Point"), later("Click a place.")),
    "region": ToolWords(later("Texture"), later("Click two opposite corners of a region of trabecular bone.")),
    "limb": ToolWords(later("Leg axis"), later("On a long-leg film, click the middle of hip, knee and ankle.")),
    CALIBRATE: ToolWords(later("Calibrate"), later("Mark something whose true size is known.")),
}
KEYS = later("Without a mouse: Tab to the film; arrows move a crosshair, Enter sets a point.")


def draw_ruler_toggle() -> None:
    """Draw the control that opens the ruler: lengths, angles, circles and a scale, by hand on the film."""
    st.toggle(t("Measure"), key=MEASURING, persist_state="session")


def show_ruler(image: Image, view: View) -> bool:
    """Draw the film with the ruler where the reader measures; say whether they do."""
    if not session.get(MEASURING):
        return False
    sheet = session.find_ruler_sheet(image)
    _draw_ruler(image, view, sheet, sheet.now.calibration)
    return True


@st.fragment
def _draw_ruler(image: Image, view: View, sheet: RulerSheet, used: Calibration | None) -> None:
    """Draw all of it; `used` is the calibration that the page was drawn with."""
    if sheet.now.calibration != used:
        st.rerun()
    tool = st.segmented_control(
        t("Tool"), list(TOOLS), format_func=lambda one: t(TOOLS[one].name),
        key="ruler-tool", default="length", required=True, persist_state="session", label_visibility="collapsed",
        width="stretch",
    )  # fmt: skip
    known = choose_known(sheet) if tool == CALIBRATE else None
    bench = Bench(image, view, sheet, None if known else cast(Tool, tool), known)
    look = (view.frame, repr(view.window), view.invert)
    film = session.compute_once(lambda: encode_film(bench), "ruler-film", image.sha256, *look)
    handles.show_handles(lay_out_board(bench, film), f"ruler-{image.sha256[:12]}-{view.frame}", bench.take)
    hint = HINTS[known.known] if known else TOOLS[tool].hint
    st.caption(escape_markdown(f"{t(hint)} {t(KEYS)}"))
    _list(bench)
    draw_typed_places(bench)
    offer_ruler_files(bench)


def _list(bench: Bench) -> None:
    """Draw what was measured, and what takes it back."""
    ruler, sheet = bench.ruler, bench.sheet
    with st.container(key="ruler-list", gap=None):
        for made in ruler.measurements:
            frame = made.frame + 1 if bench.image.frames > 1 else None
            _row(bench, made.key, t(made.name), _write_measured(made, bench.image), frame)
        if ruler.calibration is not None:
            _row(bench, CALIBRATION, t("Calibration"), _write_calibrated(ruler.calibration, bench.image))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            t("Undo"), icon=":material/undo:", key="ruler-undo", disabled=len(sheet.past) == 1, on_click=sheet.undo
        )
        st.button(
            t("Start over"), icon=":material/restart_alt:", key="ruler-clear", disabled=not ruler, on_click=sheet.keep,
            args=(Ruler(),),
        )  # fmt: skip
    if ruler.measurements:
        st.caption(escape_markdown(write_rest(bench.image, spoken())))
        states.show_notes(list_ruler_notes(ruler, bench.image))


def _row(bench: Bench, key: str, name: str, said: str, frame: int | None = None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape_markdown(name)}**", width="content")
        st.markdown(escape_markdown(said), width="stretch")
        if frame is not None:
            st.caption(t("frame {number}", number=frame), width="content")
        st.button(
            "", icon=":material/delete:", type="tertiary", key=f"ruler-delete-{key}",
            on_click=bench.remove, args=(key,), help=t("Delete {name}", name=name),
        )  # fmt: skip


def _write_measured(made: HandMeasurement, image: Image) -> str:
    try:
        return write_numbers(made, image)
    except InputError as problem:
        return f"{write_as_sentence(t(problem.problem))}. {t(problem.fix)}"


def _write_calibrated(by: Calibration, image: Image) -> str:
    """Say how large a pixel is, and what an error of one in the calibration costs."""
    try:
        error = 1 / by.measure_size_px(image)
    except InputError as problem:
        return f"{write_as_sentence(t(problem.problem))}. {t(problem.fix)}"
    return t(
        "{spacing} mm a pixel; one pixel's error in it is {error:.1%} of every length",
        spacing=format_significant(min(image.cell)), error=error,
    )  # fmt: skip
