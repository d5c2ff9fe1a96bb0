"""The list of findings: a crop of each, its score, size and place; choosing one zooms the picture to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.case.states import escape_markdown
from dashboard.i18n import t
from dashboard.views.detection import figures
from dashboard.views.detection.case import DetectionCase, Finding, describe_box
from dashboard.views.segmentation.case import Sheet

LISTED = 12
"""Findings in the list; a threshold that shows more is too low to read them one by one."""
CROP_PX = 56


def show_findings(case: DetectionCase) -> Sheet:
    """Draw the list, and return the picture with every finding."""
    findings, chosen = case.findings, case.chosen
    with st.container(key="findings", gap="xsmall"):
        if not findings:
            st.caption(t("No box reaches this threshold. Lower it to see what the model considered."))
        for finding in findings[:LISTED]:
            _row(case, finding, chosen is not None and chosen.key == finding.key)
        if len(findings) > LISTED:
            st.caption(t("And {n} more: raise the threshold to list fewer.", n=len(findings) - LISTED))
    offer_whole_image(case)
    return draw_findings(case)


def draw_findings(case: DetectionCase) -> Sheet:
    """Return the image with every finding; a click on one chooses it."""
    fig = figures.draw_boxes(
        case.image, figures.mark_findings(case.findings, case.card, case.chosen), case.view
    )  # fmt: skip
    return Sheet(fig, "boxes", select=lambda selection: pick_finding(case, selection))


def pick_finding(case: DetectionCase, selection: Mapping[str, Any]) -> None:
    """Choose the finding that was clicked; a click beside all changes nothing."""
    keys = [point.get("customdata") for point in selection.get("points", ())]
    keys = [key[0] if isinstance(key, list) else key for key in keys]
    clicked = next((finding for finding in case.findings if finding.key in keys), None)
    if clicked:
        case.choose(clicked)


def offer_whole_image(case: DetectionCase) -> None:
    """Offer the way back from a zoom."""
    if case.zoom[0] is not None:
        st.button(t("Whole image"), icon=":material/zoom_out_map:", key="zoom-out", on_click=case.choose, args=(None,))


def _row(case: DetectionCase, finding: Finding, chosen: bool) -> None:
    key = f"{'chosen' if chosen else 'finding'}-row-{finding.number}"
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small"):
        crop = figures.draw_thumbnail_of_box(case.image, finding.box, case.view, 2 * CROP_PX)
        st.image(crop, width=CROP_PX, alt=t("Box {number}", number=finding.number))
        with st.container(gap=None):
            label = t(case.card.labels[finding.label].name)
            st.button(
                escape_markdown(f"{finding.number} · {label}, {finding.sure}"), key=f"select-finding-{finding.number}",
                type="tertiary", on_click=case.choose, args=(finding,),
            )  # fmt: skip
            st.caption(escape_markdown(describe_box(finding.box, case.image)))
