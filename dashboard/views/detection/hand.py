"""Boxes by hand: drawn on the picture or typed, deleted from the list; the network's own stay in the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import t
from dashboard.views.detection import figures, findings
from dashboard.views.detection.case import DetectionCase, Finding, describe_box
from dashboard.views.segmentation.case import Sheet
from models.tasks.detection.edit import LEAST_PX, DrawnBox, Edits

LISTED = 20


def show_boxes_by_hand(case: DetectionCase) -> Sheet:
    """Let the reader draw and delete, and return the picture to draw on."""
    names = {label.key: t(label.name) for label in case.card.labels}
    st.markdown(t("Drag a box on the picture round what was missed, or delete a box that is wrong."))
    key = case.card.keys[0]
    if len(names) > 1:
        key = st.selectbox(
            t("Drawn as"), list(names), format_func=names.__getitem__, key=f"drawn-as-{case.card.id}",
            persist_state="session",
        )  # fmt: skip
    _numbers(case, key)
    _list(case)
    _history(case)
    findings.offer_whole_image(case)
    marks = figures.mark_findings(case.findings, case.card, case.chosen)
    fig = figures.let_draw_boxes(figures.draw_boxes(case.image, marks, case.view), case.image)
    edits = case.edits
    return Sheet(
        fig, f"hand-{len(edits.drawn)}-{len(edits.deleted)}", select=lambda selection: _take(case, key, selection),
        box=True, says=t("Dashed: drawn by hand."),
    )  # fmt: skip


def _take(case: DetectionCase, label: str, selection: Mapping[str, Any]) -> None:
    """Keep a box that was dragged; its corners are in the axes' own unit."""
    if not selection.get("box"):
        return
    down, across = case.image.cell
    last = selection["box"][-1]
    _add(case, label, [float(x) / across for x in last["x"]], [float(y) / down for y in last["y"]])


def _add(case: DetectionCase, label: str, x: list[float], y: list[float]) -> None:
    """Keep a box between two columns and two rows, cut at the image's edges; one smaller than a pixel is none."""
    rows, columns = case.image.shape
    left, right = (min(max(end, -0.5), columns - 0.5) for end in sorted(x))
    top, bottom = (min(max(end, -0.5), rows - 0.5) for end in sorted(y))
    if min(right - left, bottom - top) >= LEAST_PX:
        case.draw(DrawnBox(round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2), label))


def _numbers(case: DetectionCase, label: str) -> None:
    """Let the reader type a box, for hands without a mouse."""
    rows, columns = case.image.shape
    with st.expander(t("Type a box instead"), icon=":material/keyboard:"), st.form("type-a-box", border=False):
        left, right = st.columns(2)
        left.number_input(t("Left (px)"), 0, columns - 1, columns // 3, key="typed-x")
        right.number_input(t("Top (px)"), 0, rows - 1, rows // 3, key="typed-y")
        left.number_input(t("Width (px)"), 1, columns, max(1, columns // 4), key="typed-width")
        right.number_input(t("Height (px)"), 1, rows, max(1, rows // 4), key="typed-height")
        st.form_submit_button(t("Add the box"), icon=":material/add:", on_click=_take_typed, args=(case, label))


def _take_typed(case: DetectionCase, label: str) -> None:
    """Keep the box that was typed: its first pixel, and how many it takes."""
    x, y, width, height = (session.get(f"typed-{side}") for side in ("x", "y", "width", "height"))
    if x is None:  # everything was forgotten in between
        return
    _add(case, label, [x - 0.5, x - 0.5 + width], [y - 0.5, y - 0.5 + height])


def _list(case: DetectionCase) -> None:
    """Draw every box that is shown with the button that deletes it."""
    with st.container(key="hand-list", gap=None):
        for finding in case.findings[:LISTED]:
            _row(case, finding)
    if len(case.findings) > LISTED:
        st.caption(t("And {n} more: raise the threshold to list fewer.", n=len(case.findings) - LISTED))


def _row(case: DetectionCase, finding: Finding) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = t(case.card.labels[finding.label].name)
        st.markdown(f"**{finding.number} · {escape_markdown(label)}, {t(finding.sure)}**", width="content")
        st.caption(escape_markdown(describe_box(finding.box, case.image).partition(" · middle")[0]), width="stretch")
        st.button(
            "", icon=":material/delete:", type="tertiary", key=f"delete-{finding.number}", on_click=case.delete,
            args=(finding,), help=t("Delete box {number}", number=finding.number),
        )  # fmt: skip


def _history(case: DetectionCase) -> None:
    edits = case.edits
    if not edits:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="hand-history"):
        st.button(t("Start over"), icon=":material/restart_alt:", key="hand-clear", on_click=case.edit, args=(Edits(),))
        if edits.deleted:
            st.button(
                t("Bring back the deleted"), icon=":material/undo:", key="hand-restore", on_click=case.edit,
                args=(Edits(edits.drawn),),
            )  # fmt: skip
    st.caption(t("The files mark what was drawn by hand."))
