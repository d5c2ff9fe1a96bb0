"""Warn before a page with a visitor's files on the table is closed or loaded anew: they live as long as the page does.

A component without a look of its own tells the browser when to ask
(docs.streamlit.io/develop/concepts/custom-components/components-v2).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import session

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parents[1] / "assets" / "leaving.js"


def warn() -> None:
    """Have the browser ask, while there are files that are no cases of the gallery; never in conference mode."""
    own = any(not item.origin for item in session.queue())
    _script()(key="leaving", data={"asks": own and session.on_stage() is None}, height=1)


@lru_cache(maxsize=1)
def _script() -> ComponentRenderer:
    return st.components.v2.component("ortholens_leaving", js=SCRIPT.read_text("utf-8"))
