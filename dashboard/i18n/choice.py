"""The choice of the language, for the sidebar; the page tells its language to screen readers too.

A page names its language in its root element (www.w3.org/WAI/WCAG22/Understanding/language-of-page), which Streamlit
always calls English.
"""

from __future__ import annotations

import streamlit as st

from dashboard.i18n import find_current_language, list_languages, reader, t, write_language_script


def remember_language() -> None:
    """Note which language is read, for pages whose address does not say it; before any other page is gone to."""
    st.session_state[reader.READ_IN] = find_current_language()


def show_language_choice() -> None:
    """Draw the languages, each by its own name."""
    code, names = find_current_language(), list_languages()
    st.session_state[reader.LANGUAGE] = code  # the address has the first word
    st.selectbox(
        t("Language"), list(names), key=reader.LANGUAGE, format_func=lambda one: names[one],
        on_change=reader.take_language,
    )  # fmt: skip
    st.html(f"<script>{write_language_script(code)}</script>", unsafe_allow_javascript=True)
