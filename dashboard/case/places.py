"""Where picture, answer and the picture's controls stand, on every page that answers one image.

Side by side where there is room: the picture above its controls, the answer beside them. Elsewhere one below the other:
the answer, which so is in sight, the picture, its controls, and what the answer rests on. The order of a narrow page
stands in `style/style.css`.
"""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

WIDER = 1.75
"""How many times as wide as the answer the picture is."""


class Places(NamedTuple):
    """What a page draws into."""

    picture: DeltaGenerator
    controls: DeltaGenerator
    answer: DeltaGenerator


def lay_out_places(wider: float = WIDER) -> Places:
    """Lay out a page.

    Parameters
    ----------
    wider
        How many times as wide as the answer the picture is.
    """
    left, right = st.container(key="workspace").columns([wider, 1], gap="medium")
    return Places(left.container(key="film"), left.container(key="film-controls"), right)
