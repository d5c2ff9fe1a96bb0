"""Warn before a page with a user's files on the table is closed or loaded anew; forget them when nobody is there.

They live as long as the page does, and no longer than a user who went away may have meant: after a while without a
touch everything is forgotten. A component without a look of its own tells the browser when to ask, and notices hands
(docs.streamlit.io/develop/concepts/custom-components/components-v2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import login, session
from dashboard.case import pages
from dashboard.i18n import t
from models.settings import settings

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

from dashboard.style import ASSETS

SCRIPT = ASSETS / "leaving.js"
KEY = "leaving"


def warn_before_leaving() -> None:
    """Have the browser ask, while there are files that are no cases of the gallery; never in conference mode."""
    staged = session.find_stage() is not None
    own = any(not item.origin for item in session.list_queue())
    minutes = settings().idle_minutes if holds_anything() and not staged else 0
    ends_ms = settings().idle_minutes * 60_000 if login.is_login_asked() else 0
    told = {"asks": own and not staged, "idle_ms": minutes * 60_000, "login_ends_ms": ends_ms}
    _script()(key=KEY, data=told, on_idle_change=_idle, height=1)


def holds_anything() -> bool:
    """Whether there is anything of the user's to forget."""
    return bool(session.list_queue()) or pages.find_page_of_studies()[1].holds()


def say_forgotten() -> None:
    """Say once, in place of what was there, that it was forgotten."""
    if minutes := session.get("forgotten-after"):
        st.info(
            t("Nobody was here for {minutes:.0f} minutes: everything was forgotten.", minutes=minutes),
            icon=":material/delete_sweep:",
        )
        if holds_anything():
            session.put("forgotten-after", None)


def _idle() -> None:
    """Forget everything, unless the user waits for long work, or what the browser tells is of before."""
    component = session.get(KEY)
    if component is None or not component.idle or session.find_stage() is not None or session.is_working():
        return
    session.forget_session()
    session.put("forgotten-after", settings().idle_minutes)


@lru_cache(maxsize=1)
def _script() -> ComponentRenderer:
    return st.components.v2.component("ortholens_leaving", js=SCRIPT.read_text("utf-8"))
