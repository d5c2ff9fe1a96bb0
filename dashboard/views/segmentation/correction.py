"""The mask corrected by hand: an area drawn on the image is added to a class or erased; the network's own stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, later, t
from dashboard.views.segmentation import classes, figures, reference
from dashboard.views.segmentation.case import CORRECTED, NETWORK, SegmentationCase, Sheet
from models import OrthoLensError
from models.tasks.segmentation.edit import ERASE, Correction

FEWEST_CORNERS = 3
ACTS = (later("Add"), later("Erase"))


def show_correction(case: SegmentationCase) -> Sheet:
    """Let the reader draw, and say what changed."""
    names = {label.key: t(label.name) for label in case.card.labels}
    st.markdown(t("Draw around what is wrong. The network's own mask is kept, and both go into the files."))
    act = st.segmented_control(
        t("What is drawn"),
        ACTS,
        format_func=t,
        default=ACTS[0],
        required=True,
        key="correct-act",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    key = ERASE
    if act == ACTS[0]:
        key = st.selectbox(
            t("Class"), case.card.keys[1:], format_func=names.__getitem__, key=f"correct-class-{case.card.id}",
            persist_state="session",
        )  # fmt: skip
    _history(case)
    if case.corrections:
        _changes(case, names)
    if case.version == "network" and case.corrections:
        return Sheet(figures.draw_segmentation(case.shown, case.image, case.view), "correct-network")

    def draw(selection: Mapping[str, Any]) -> None:
        if selection["lasso"]:
            _add(case, key, selection["lasso"][-1]["x"], selection["lasso"][-1]["y"])

    fig = figures.let_select_area(figures.draw_segmentation(case.shown, case.image, case.view), case.image, "lasso")
    return Sheet(fig, f"correct-{len(case.corrections)}", select=draw)


def _add(case: SegmentationCase, key: str, x: list[float], y: list[float]) -> None:
    """Keep an area whose corners are in the axes' own unit."""
    down, across = case.image.cell
    corners = tuple((round(row / down, 2), round(column / across, 2)) for row, column in zip(y, x, strict=True))
    if len(corners) >= FEWEST_CORNERS:
        session.put(_state(case), (*case.corrections, Correction(key, corners)))
        session.put(f"version-{case.identity}", CORRECTED)


def _history(case: SegmentationCase) -> None:
    """Draw what undoes corrections, and which version is looked at."""
    done, state = case.corrections, _state(case)
    with st.container(horizontal=True, vertical_alignment="center", key="corrections"):
        st.button(
            t("Undo"), icon=":material/undo:", key="correct-undo", disabled=not done,
            on_click=session.put, args=(state, tuple(done[:-1])),
        )  # fmt: skip
        st.button(
            t("Start over"), icon=":material/restart_alt:", key="correct-clear", disabled=not done,
            on_click=session.put, args=(state, ()),
        )  # fmt: skip
    if done:
        st.segmented_control(
            t("Version"),
            (NETWORK, CORRECTED),
            format_func=t,
            default=CORRECTED,
            required=True,
            key=f"version-{case.identity}",
            persist_state="session",
            width="stretch",
        )


def _changes(case: SegmentationCase, names: dict[str, str]) -> None:
    """Draw the figures of both versions beside each other."""
    before, after = case.at(NETWORK), case.at(CORRECTED)
    try:
        agreed = [
            {one.key: one.jaccard for one in reference.compare_with_reference(version)} for version in (before, after)
        ]
    except OrthoLensError:
        agreed = [{}, {}]
    rows = []
    for old, new in zip(classes.measure_areas_of_case(before), classes.measure_areas_of_case(after), strict=True):
        if not old.pixels and not new.pixels:
            continue
        row = {t("Class"): names[old.key], t("Pixels"): f"{format_number(old.pixels)} → {format_number(new.pixels)}"}
        if agreed[0]:
            was, now = (_share(one.get(old.key)) for one in agreed)
            row["Jaccard"] = f"{was} → {now}"
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch")
    said = ", ".join(
        t("erased {n}", n=n) if key == ERASE else t("{name} added {n}", name=escape_markdown(names[key]), n=n)
        for key, n in _counted(case).items()
    )
    st.caption(t("Corrected by hand: {said}.", said=said))


def _counted(case: SegmentationCase) -> dict[str, int]:
    counted: dict[str, int] = {}
    for correction in case.corrections:
        counted[correction.label] = counted.get(correction.label, 0) + 1
    return counted


def _share(value: float | None) -> str:
    return "–" if value is None else format_number(value, ".3f")


def _state(case: SegmentationCase) -> str:
    return f"corrections-{case.identity}"
