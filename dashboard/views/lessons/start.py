"""Getting started: tips for whoever trains a first network, each an exhibit that runs, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard.case import states
from dashboard.i18n import later, t
from dashboard.views.lessons import start_measured, start_pictures, start_splits
from models import OrthoLensError

TIPS: Mapping[str, tuple[str, Callable[[], None]]] = {
    "augment": (later("Augment"), start_pictures.show_augmentation),
    "patients": (later("Split by patient"), start_splits.show_splits),
    "images": (later("How many images"), start_measured.show_amount_of_images),
    "transfer": (later("Transfer"), start_measured.show_transfer_learning),
    "charts": (later("Read the charts"), start_measured.show_chart_reading),
    "heat": (later("Put the heat map to the test"), start_pictures.show_sanity_check),
}
"""Each tip by its key, as in the page's address (`?tip=patients`): its name on the screen, and what draws it."""


def show_start_lesson() -> None:
    """Draw the lesson."""
    tip = st.segmented_control(
        t("Tip"),
        list(TIPS),
        format_func=lambda key: t(TIPS[key][0]),
        default=next(iter(TIPS)),
        required=True,
        key="tip",
        bind="query-params",
        label_visibility="collapsed",
    )
    _tip(tip)


@st.fragment
def _tip(tip: str) -> None:
    try:
        TIPS[tip][1]()
    except OrthoLensError as problem:
        states.show_error(problem)
