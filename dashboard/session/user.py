"""Whose visit it is."""

from __future__ import annotations

from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.login import find_subject
from models.audit_log import subject
from models.io.pool import user


def name_user_of_thread() -> None:
    """Say whose files are read from now on in this thread, and who asks: no user waits for another's."""
    if context := get_script_run_ctx(suppress_warning=True):
        user.set(context.session_id)
        subject.set(find_subject())
