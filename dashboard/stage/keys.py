"""Keys that a speaker presses, on the stage and on the speaker's page, and the list of them.

They are noticed in the browser by a small component without a look of its own
(docs.streamlit.io/develop/concepts/custom-components/components-v2): a key begins a new run of the page at once, even
in the middle of an analysis. It also hears the buttons of the stage's bar, so that both count once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import session
from dashboard.case import states
from dashboard.conference import Stage
from dashboard.i18n import later, t
from dashboard.session.stage import Key

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

from dashboard.style import ASSETS

KEY = "stage-keys"

SPEAKING = (
    (later("Next step"), later("Page down, →, space, clicker")),
    (later("Previous step"), later("Page up, ←, clicker")),
    (later("First or last step"), later("Home, End")),
    (later("Let the steps follow each other, or wait"), later("P")),
    (later("Speaker's page in a window of its own: notes, next step, clock"), later("N")),
    (later("Audience's vote: ask, then reveal the model's answer, then go on"), later("V")),
    (later("Files: add an image of your own"), later("U")),
    (later("Black screen, until the next key"), later("B or full stop")),
    (later("Scroll"), later("↑, ↓")),
)
"""Keys of conference mode; arrows and space belong to a control that has the focus."""
ALWAYS = (
    (later("This list"), later("?")),
    (later("Close a window"), later("Esc")),
    (later("To the next control, and back"), later("Tab, Shift + Tab")),
    (later("Press a button, switch a toggle"), later("Enter, space")),
    (later("Move a slider, choose another tab or frame"), later("←, →")),
    (later("Zoom the picture, and see all of it again"), later("Mouse wheel, double click")),
)
"""Keys of every page."""


def listen_for_keys(now: Stage | None) -> None:
    """Listen for keys on a page of the program; `now` is None outside conference mode."""
    told: dict[str, object] = {"mode": "page"}
    if now is not None:
        press = [t(name) for name in now.step.show.press]  # a button is known by what is written on it
        told = {"mode": "stage", "turn": now.turn, "press": press}
        told |= {"token": session.find_stage_link().token, "root": f"/{st.get_option('server.baseUrlPath').strip('/')}"}
    _keys()(key=KEY, data=told, on_wish_change=_wished, height=1)


def follow_speaker_keys(wished: Callable[[], None]) -> None:
    """Listen for keys on the speaker's page."""
    _keys()(key=KEY, data={"mode": "presenter"}, on_wish_change=wished, height=1)


def list_new_keys() -> list[Key]:
    """Return the keys that were pressed since they were last asked for, in their order."""
    component = session.get(KEY)  # nothing is told where the session was forgotten in between
    told = component.wish if component is not None and component.wish else ()
    return session.list_new_keys((one["key"], one["at"]) for one in told)


def _wished() -> None:
    for key in list_new_keys():
        session.wish_on_stage(key)


def show_key_list(on_stage: bool) -> None:
    """Draw the list of keys in a window."""

    @st.dialog(t("Keys"), width="medium", icon=":material/keyboard:", on_dismiss=session.close_shortcuts)
    def window() -> None:
        if on_stage:
            _table(t("Conference mode"), SPEAKING)
        _table(t("Every page"), ALWAYS)
        if on_stage and st.button(t("Leave conference mode"), icon=":material/close_fullscreen:"):
            session.close_shortcuts()
            session.leave_stage()
            st.rerun()  # a button of a window draws nothing but the window anew

    window()


def _table(title: str, keys: Iterable[tuple[str, str]]) -> None:
    rows = "\n".join(f"| {t(does)} | {states.escape_markdown(t(pressed))} |" for does, pressed in keys)
    what, key = t("What"), t("Key")
    st.markdown(f"**{title}**\n\n| {what} | {key} |\n| --- | --- |\n{rows}")


@lru_cache(maxsize=1)
def _keys() -> ComponentRenderer:
    return st.components.v2.component("ortholens_stage_keys", js=(ASSETS / "stage_keys.js").read_text("utf-8"))
