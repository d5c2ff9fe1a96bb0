"""A part of a page that is drawn anew every so often, in a place of its own.

Of a run of the whole page, Streamlit's server drops what it has not yet sent of a fragment once that fragment is about
to run by itself. Where a timer fell into the run and the browser gets both at once, the fragment's old drawing is
cleared away as stale, what stands below it moves up, and the fragment is drawn over it (seen with 1.67 on the wire:
`ForwardMsgQueue.clear`). In a container that belongs to the page, nothing stands below it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

Given = ParamSpec("Given")


def poll_every(every_s: float | None) -> Callable[[Callable[Given, None]], Callable[Given, None]]:
    """Return what makes a function one that draws itself anew every so many seconds; None: only by its controls."""

    def with_timer(draw: Callable[Given, None]) -> Callable[Given, None]:
        @wraps(draw)
        def draw_in_place(*args: Given.args, **kwargs: Given.kwargs) -> None:
            with st.container():
                st.fragment(draw, run_every=every_s)(*args, **kwargs)

        return draw_in_place

    return with_timer
