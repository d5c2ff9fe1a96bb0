"""Conference mode on the screen: the step opened, a discreet bar below it, and the keys that a speaker presses.

Keys and touches are noticed in the browser by two small components without a look of their own
(docs.streamlit.io/develop/concepts/custom-components/components-v2): a key of the speaker begins a new run of the page
at once, even in the middle of an analysis; a touch is only noted, in the fragment that also lets the time pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import session, stage
from dashboard.components import states
from dashboard.language import later, t
from dashboard.stage import Stage, show
from models import OrthoLensError
from models.settings import settings

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer
    from streamlit.navigation.page import StreamlitPage

ASSETS = Path(__file__).parents[1] / "assets"
TICK_S, TOUCH_S = 1.0, 2.0
"""How often the time is looked at, and a touch told, by the clock of the stage; the former no oftener than 0.25 s."""

SPEAKING = (
    (later("Next step"), later("Page down, →, space, clicker")),
    (later("Previous step"), later("Page up, ←, clicker")),
    (later("First or last step"), later("Home, End")),
    (later("Let the steps follow each other, or wait"), later("P")),
    (later("Speaker notes"), later("N")),
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
    (later("Next file of the worklist, and back"), later("J, K")),
)
"""Keys of every page."""


def play(listed: Iterable[StreamlitPage]) -> None:
    """Open the step that is due, before anything is drawn; say what is wrong with a playlist that cannot be played."""
    by_address = {page.url_path or "home": page for page in listed}
    if session.on_stage() is None and settings().stage and not session.left_stage():
        enter(by_address)
    due = session.due()
    if due is not None:
        show.open_step(due.playlist, due.step, by_address)
    now = session.on_stage()
    if now is not None:
        if now.turned is None:
            show.dress(now.step)
        st.html(ASSETS / "stage.css")


def enter(pages: Iterable[str]) -> None:
    """Begin conference mode with the playlist of the settings, else with the program's own."""
    named = settings().stage
    try:
        path = Path(named) if named not in ("", "default") else stage.DEFAULT
        session.enter_stage(stage.load(path, [*pages]))
    except OrthoLensError as problem:
        states.error(problem)


def switch(listed: Iterable[StreamlitPage]) -> None:
    """Draw what begins conference mode, for the sidebar."""
    if session.on_stage() is None:
        pages = [page.url_path or "home" for page in listed]
        st.button(
            t("Conference mode"), icon=":material/slideshow:", type="tertiary", on_click=enter, args=(pages,),
            help=t("Full width, large type, the next case by a key or a presenter's clicker. Press ? for all keys."),
        )  # fmt: skip


def draw() -> None:
    """Draw the bar of conference mode, and listen for keys in any mode."""
    now = session.on_stage()
    if now is not None:
        ticking = max(0.25, TICK_S / settings().stage_clock)
        st.fragment(_watch, run_every=ticking)()  # first: a late tick finds its place even where the page was emptied
        with st.container(key="stage-files" if now.table else "stage-alone"):  # the style sheet hides the sidebar
            _bar(now)
    _listen(now)
    if session.shortcuts():
        _shortcuts(now is not None)


def _bar(now: Stage) -> None:
    if now.notes:
        with st.container(border=True, key="stage-speech"):
            st.markdown(states.plain(t(now.step.notes or later("No notes for this step."))))
    count = len(now.playlist.step)
    with st.container(key="stage-bar", horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        _key(t("Previous"), ":material/chevron_left:", "previous", t("Previous step (Page up, ←)"))
        st.markdown(f"**{now.position + 1}** / {count}", width="content")
        st.markdown(f"**{states.plain(t(now.step.title))}**", width="stretch")
        if now.looping:
            _key(t("Wait"), ":material/pause:", "play", t("The steps follow each other; press to wait (P)"))
        else:
            _key(t("Loop"), ":material/autorenew:", "play", t("Let the steps follow each other (P)"))
        _key(t("Notes"), ":material/speaker_notes:", "notes", t("Speaker notes (N)"))
        _key(t("Files"), ":material/upload_file:", "table", t("Files, to add an image of your own (U)"))
        _key(t("Keys"), ":material/keyboard:", "shortcuts", t("All keys (?)"))
        _key(t("Next"), ":material/chevron_right:", "next", t("Next step (Page down, →, space)"))


def _key(label: str, icon: str, wish: str, says: str) -> None:
    st.button(
        label, key=f"stage-{wish}", icon=icon, type="tertiary", help=says, on_click=session.wish, args=(wish,),
    )  # fmt: skip


def _watch() -> None:
    """Note touches, and let time pass; where another step is due, the whole page is drawn anew."""
    told = {"every_ms": 1000 * TOUCH_S / settings().stage_clock}
    _touches()(key="stage-touches", data=told, on_touch_change=session.touch, height=1)
    if session.tick():
        st.rerun()


def _listen(now: Stage | None) -> None:
    told = {"stage": now is not None, "turn": now.turn if now else 0, "press": now.step.show.press if now else ()}
    told["press"] = [t(name) for name in told["press"]]  # a button is known by what is written on it
    _keys()(key="stage-keys", data=told, on_wish_change=_wished, height=1)


def _wished() -> None:
    told = session.get("stage-keys")
    if told is not None and told.wish:  # nothing is told where the session was forgotten in between
        session.wish_once(told.wish["key"], told.wish["at"])


def _shortcuts(on_stage: bool) -> None:
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
    rows = "\n".join(f"| {t(does)} | {states.plain(t(pressed))} |" for does, pressed in keys)
    what, key = t("What"), t("Key")
    st.markdown(f"**{title}**\n\n| {what} | {key} |\n| --- | --- |\n{rows}")


@lru_cache(maxsize=1)
def _keys() -> ComponentRenderer:
    return st.components.v2.component("ortholens_stage_keys", js=(ASSETS / "stage_keys.js").read_text("utf-8"))


@lru_cache(maxsize=1)
def _touches() -> ComponentRenderer:
    return st.components.v2.component("ortholens_stage_touches", js=(ASSETS / "stage_touches.js").read_text("utf-8"))
