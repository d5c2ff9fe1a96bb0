"""Whose visit it is."""

from __future__ import annotations

from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.io.pool import user


def name_user_of_thread() -> None:
    """Say whose files are read from now on in this thread, so that no user waits for another's."""
    if context := get_script_run_ctx(suppress_warning=True):
        user.set(context.session_id)
