"""Which language the reader of a page reads.

That is what the address says (`?lang=de`), else what was read in so far, else the browser's. The choice stays in the
address too, so that it survives a reload (docs.streamlit.io/develop/api-reference/caching-and-state/st.query_params); a
step of the stage opens its page under an address of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

LANGUAGE, READ_IN, IN_ADDRESS = "language", "read-in", "lang"
"""Keys: of the selector, whose value a change of page can lose, of what was read in so far, and of the address."""


def find_reader_language(known: Sequence[str], otherwise: str) -> str:
    """Return the code of the user's language, one of those known.

    Parameters
    ----------
    otherwise
        Where neither address, choice nor browser names one that is known, and outside a page.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return otherwise
    browser = (st.context.locale or "").partition("-")[0].lower()
    asked: tuple[str | None, ...] = (st.query_params.get(IN_ADDRESS), st.session_state.get(READ_IN), browser)
    return next((code for code in asked if code and code in known), otherwise)


def take_language() -> None:
    """Write the selector's choice into the address, which has the first word."""
    if LANGUAGE in st.session_state:  # else everything was forgotten in between
        st.query_params[IN_ADDRESS] = st.session_state[LANGUAGE]
