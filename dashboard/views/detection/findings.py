"""The list of findings: a crop of each, its score, size and place; choosing one zooms the picture to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.case.states import plain
from dashboard.i18n import t
from dashboard.views.detection import figures
from dashboard.views.detection.case import DetectionCase, Finding, measured
from dashboard.views.segmentation.case import Sheet

LISTED = 12
"""Findings in the list; a threshold that shows more is too low to read them one by one."""
CROP_PX = 56


def show(film: DetectionCase) -> Sheet:
    """Draw the list, and return the picture with every finding."""
    findings, chosen = film.findings, film.chosen
    with st.container(key="findings", gap="xsmall"):
        if not findings:
            st.caption(t("No box reaches this threshold. Lower it to see what the model considered."))
        for finding in findings[:LISTED]:
            _row(film, finding, chosen is not None and chosen.key == finding.key)
        if len(findings) > LISTED:
            st.caption(t("And {n} more: raise the threshold to list fewer.", n=len(findings) - LISTED))
    whole_image(film)
    return picture(film)


def picture(film: DetectionCase) -> Sheet:
    """Return the image with every finding; a click on one chooses it."""
    fig = figures.boxed(
        film.image, figures.found(film.findings, film.card, film.chosen), film.view
    )  # fmt: skip
    return Sheet(fig, "boxes", select=lambda selection: pick(film, selection))


def pick(film: DetectionCase, selection: Mapping[str, Any]) -> None:
    """Choose the finding that was clicked; a click beside all changes nothing."""
    keys = [point.get("customdata") for point in selection.get("points", ())]
    keys = [key[0] if isinstance(key, list) else key for key in keys]
    clicked = next((finding for finding in film.findings if finding.key in keys), None)
    if clicked:
        film.choose(clicked)


def whole_image(film: DetectionCase) -> None:
    """Offer the way back from a zoom."""
    if film.zoom[0] is not None:
        st.button(t("Whole image"), icon=":material/zoom_out_map:", key="zoom-out", on_click=film.choose, args=(None,))


def _row(film: DetectionCase, finding: Finding, chosen: bool) -> None:
    key = f"{'chosen' if chosen else 'finding'}-row-{finding.number}"
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small"):
        crop = figures.thumbnail(film.image, finding.box, film.view, 2 * CROP_PX)
        st.image(crop, width=CROP_PX, alt=t("Box {number}", number=finding.number))
        with st.container(gap=None):
            label = t(film.card.labels[finding.label].name)
            st.button(
                plain(f"{finding.number} · {label}, {finding.sure}"), key=f"select-finding-{finding.number}",
                type="tertiary", on_click=film.choose, args=(finding,),
            )  # fmt: skip
            st.caption(plain(measured(finding.box, film.image)))
