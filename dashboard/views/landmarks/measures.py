"""What is measured between the points: name, value and unit, with the definition of each, and what a hand changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, spoken, t
from dashboard.views.landmarks.case import LandmarkCase, name_side
from models import Explanation
from models.tasks.landmarks.bone_regions import lay_bone_regions
from models.tasks.landmarks.marks import is_space, write_value
from models.tasks.landmarks.measures import Measurement

SIDES = {"right": later("Right knee"), "left": later("Left knee")}
COMPARTMENTS = {
    "medial": later("Medial"),
    "lateral": later("Lateral"),
    "left": later("Left of picture"),
    "right": later("Right of picture"),
}
SPACES = {"minimum_space": later("Minimum joint space"), "fixed_space": later("At a quarter")}
"""What is measured in both halves of a joint, by the beginning of its key; the first has the heads of the columns."""
CELL_PX = 92


def show_measurements(case: LandmarkCase) -> Explanation | None:
    """Draw the side, the joint space of both halves, and every other measure."""
    ask_side(case, t("Side"))
    before = {one.key: one for one in case.measured_by_network}
    halves = [one for one in case.measurements if one.compartment]
    with st.container(key="measurements", gap=None):
        heads = dict.fromkeys(one.compartment for one in halves)
        _row("", "", [f":small[{t(COMPARTMENTS[head])}]" for head in heads])
        for space, name in SPACES.items():
            pair = [one for one in halves if one.key.startswith(space)]
            _row(t(name), _define(pair[0]), [_write(one, before) for one in pair])
        for one in case.measurements:
            if not is_space(one):
                _row(t(one.name), _define(one), [_write(one, before)])
    if case.image.spacing_mm is None:
        st.caption(t("%: of the plateau's width, since the film is not calibrated."))
    if lay_bone_regions(case.shown, case.image.shape):
        st.button(
            t("Texture of the bone below"), icon=":material/texture:", key="landmarks-texture", on_click=_lay_regions,
            args=(case,),
            help=t("Lays a region of trabecular bone under each half of the plateau, from the picture's left, and "
            "measures its texture and relative density with the ruler."),
        )  # fmt: skip
    return None


def _lay_regions(case: LandmarkCase) -> None:
    """Put the regions below the plateau on the ruler's film as one step, and open it."""
    sheet = session.find_ruler_sheet(case.image)
    ruler = sheet.now
    for corners in lay_bone_regions(case.shown, case.image.shape).values():
        ruler = ruler.add("region", corners, case.view.frame)
    sheet.keep(ruler)
    session.put(session.MEASURING, True)


def ask_side(case: LandmarkCase, label: str) -> None:
    """Let the reader say which knee it is, which no film without a marker tells."""
    key = name_side(case.image)
    st.segmented_control(
        label, list(SIDES), default=case.side, key=key, persist_state="session",
        format_func=lambda side: t(SIDES[side]),
        help=t("Seen from the front. It says which half of the joint is medial; a mirrored film swaps them."),
    )  # fmt: skip
    if case.side is None:
        st.caption(t("The file does not state the side: say it, and the halves are called medial and lateral."))


def _row(name: str, definition: str, cells: Sequence[str]) -> None:
    """Draw a measure: its name, which tells what it is, and its value, of both halves where there are two."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(escape_markdown(name), help=definition or None, width="stretch")
        for cell in cells:
            st.markdown(cell, width=CELL_PX, text_alignment="right")


def _define(measurement: Measurement) -> str:
    return escape_markdown(f"{t(measurement.definition)} {measurement.source}")


def _write(measurement: Measurement, before: Mapping[str, Measurement]) -> str:
    """Return a value; where a moved point changed it, below it what the network's own points give."""
    value, was = (write_value(one, spoken()) for one in (measurement, before[measurement.key]))
    said, below = f"**{escape_markdown(value)}**", escape_markdown(t("was {was}", was=was))
    return said if value == was else f"{said}  \n:small[{below}]"
