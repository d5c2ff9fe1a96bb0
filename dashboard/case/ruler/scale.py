"""What the scale is set by: a ball, a coin or a length, its true size, and the bone's magnification relative to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from dashboard import session
from dashboard.i18n import later, t
from dashboard.session import RulerSheet
from models.geometry.ruler import KNOWN, Calibration, Known

WHAT, FACTOR = "ruler-known", "ruler-magnification"
"""Keys of the fields; each thing has a field of its own for its size."""
HINTS: Mapping[Known, str] = {
    "ball": later("Click three points on the ball's rim."),
    "coin": later("Click three points on the coin's rim; it must lie flat to the detector."),
    "length": later("Click the two ends of what is known."),
}
USUAL_MM: Mapping[Known, float] = {"ball": 25.0, "coin": 23.25, "length": 100.0}
"""What is taken until another size is typed: the usual ball of templating, a coin of one euro, ten centimetres."""


def choose_known(sheet: RulerSheet) -> Calibration:
    """Let the reader say what is calibrated by, and return it without its points; a calibration there is follows."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        known: Known = st.segmented_control(
            t("By a"), list(KNOWN), format_func=lambda one: t(KNOWN[one]), key=WHAT, required=True, default="ball",
            persist_state="session",
        )  # fmt: skip
        with st.container(width=132):
            st.number_input(
                t("True size (mm)"), 0.1, 2000.0, USUAL_MM[known], 0.5, format="%.2f", key=_size(known),
                persist_state="session", on_change=_resize, args=(sheet, known),
                help=t("Diameter of a ball or of a coin, or the length."),
            )  # fmt: skip
        with st.container(width=132):
            st.number_input(
                t("Magnification"), 0.5, 3.0, 1.0, 0.01, format="%.2f", key=FACTOR, persist_state="session",
                on_change=_resize, args=(sheet, known),
                help=t("How many times larger than this thing the bone is projected; 1 where both are as far from the "
                "detector."),
            )  # fmt: skip
    return _read(known)


def _size(known: Known) -> str:
    return f"ruler-size-{known}"


def _read(known: Known) -> Calibration:
    """Return what the fields say."""
    return Calibration(known, (), session.get(_size(known), USUAL_MM[known]), session.get(FACTOR, 1.0))


def _resize(sheet: RulerSheet, known: Known) -> None:
    """Give the thing that is marked its new size, where it is what the fields are of."""
    there, said = sheet.now.calibration, _read(known)
    if there is not None and there.known == known:
        resized = replace(there, size_mm=said.size_mm, magnification=said.magnification)
        sheet.keep(sheet.now.calibrate(resized))
