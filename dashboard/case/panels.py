"""The panels of a page: what a reader can look at or do with an answer, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from dashboard.i18n import t

Panel = TypeVar("Panel")


def choose_panel(panels: Mapping[str, Panel], key: str) -> Panel:
    """Draw the names of the panels, and return the one chosen; the first by default."""
    names = list(panels)
    chosen = st.segmented_control(
        t("Look at"),
        names,
        format_func=t,
        default=names[0],
        required=True,
        key=key,
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    return panels[chosen]
