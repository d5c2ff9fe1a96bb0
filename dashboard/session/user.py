"""Whose visit it is."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.audit_log import subject
from models.io.pool import user


def name_user_of_thread() -> None:
    """Say whose files are read from now on in this thread, and who asks: no user waits for another's."""
    if context := get_script_run_ctx(suppress_warning=True):
        user.set(context.session_id)
        subject.set(find_subject())


def find_subject() -> str:
    """Return who is logged in, as the provider's subject; "anyone" where nobody logs in here."""
    return str(st.user.to_dict().get("sub") or "anyone")
