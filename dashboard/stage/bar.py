"""Conference mode on the screen: the step opened, a discreet bar below it, and touches that are noted.

A touch is noticed in the browser by a component without a look of its own, and only noted, in the fragment that also
lets the time pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import conference, session
from dashboard.case import states
from dashboard.case.pages import list_panels_of_page
from dashboard.case.polling import poll_every
from dashboard.conference import Stage
from dashboard.i18n import t
from dashboard.stage import hall, keys, show
from models import OrthoLensError
from models.settings import settings

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer
    from streamlit.navigation.page import StreamlitPage

from dashboard.style import ASSETS

TICK_S, FOLLOWED_TICK_S, TOUCH_S = 1.0, 0.5, 2.0
"""How often the time is looked at, also while another page follows, and a touch told, by the clock of the stage."""


def play_due_step(listed: Iterable[StreamlitPage]) -> None:
    """Open the step that is due, before anything is drawn; say what is wrong with a playlist that cannot be played."""
    by_address = {page.url_path or "home": page for page in listed}
    if session.find_stage() is None and settings().stage and not session.has_left_stage():
        enter_conference(by_address)
    due = session.find_due_step()
    if due is not None:
        show.open_step(due.playlist, due.step, by_address)
    now = session.find_stage()
    if now is not None:
        if now.turned is None:
            show.set_controls_of_step(now.step)
        st.html(ASSETS / "stage.css")
        _scale()(key="stage-scale", height=1)
        hall.attend_vote(now)


def enter_conference(pages: Iterable[str]) -> None:
    """Begin conference mode with the playlist of the settings, else with the program's own."""
    named = settings().stage
    try:
        path = Path(named) if named not in ("", "default") else conference.DEFAULT
        session.enter_stage(conference.load_playlist(path, {page: list_panels_of_page(page) for page in pages}))
    except OrthoLensError as problem:
        states.show_error(problem)


def draw_conference_switch(listed: Iterable[StreamlitPage]) -> None:
    """Draw what begins conference mode, for the sidebar."""
    if session.find_stage() is None:
        pages = [page.url_path or "home" for page in listed]
        st.button(
            t("Conference mode"), icon=":material/slideshow:", type="tertiary", on_click=enter_conference,
            args=(pages,),
            help=t("Full width, large type, the next case by a key or a presenter's clicker. Press ? for all keys."),
        )  # fmt: skip


def draw_stage_bar() -> None:
    """Draw the bar of conference mode, and listen for keys in any mode."""
    now = session.find_stage()
    if now is not None:
        poll_every(_ticking())(_watch)()
        with st.container(key="stage-files" if now.table else "stage-alone"):  # the style sheet hides the sidebar
            _bar(now)
    keys.listen_for_keys(now)
    if session.is_shortcut_list_open():
        keys.show_key_list(now is not None)


def _ticking() -> float:
    """Return how often the time is looked at, s: oftener while somebody follows on another page or a phone."""
    followed = session.find_stage_link().followed or session.find_stage_link().booth is not None
    return max(0.25, (FOLLOWED_TICK_S if followed else TICK_S) / settings().stage_clock)


def _bar(now: Stage) -> None:
    count = len(now.playlist.step)
    with st.container(key="stage-bar", horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        _key(t("Previous"), ":material/chevron_left:", "previous", t("Previous step (Page up, ←)"))
        st.markdown(f"**{now.position + 1}** / {count}", width="content")
        st.markdown(f"**{states.escape_markdown(t(now.step.title))}**", width="stretch")
        if now.looping:
            _key(t("Wait"), ":material/pause:", "play", t("The steps follow each other; press to wait (P)"))
        else:
            _key(t("Loop"), ":material/autorenew:", "play", t("Let the steps follow each other (P)"))
        if now.step.votable:
            _key(t("Vote"), ":material/how_to_vote:", "vote", t("Ask the audience, then reveal the answer (V)"))
        if now.vote != "off":
            _key(t("End the vote"), ":material/wifi_off:", "end-vote", t("Close the vote's port"))
        _key(t("Speaker"), ":material/co_present:", "presenter", t("Notes and next step, in another window (N)"))
        _key(t("Files"), ":material/upload_file:", "table", t("Files, to add an image of your own (U)"))
        _key(t("Keys"), ":material/keyboard:", "shortcuts", t("All keys (?)"))
        _key(t("Next"), ":material/chevron_right:", "next", t("Next step (Page down, →, space)"))


def _key(label: str, icon: str, wish: str, says: str) -> None:
    """Draw a button of the bar; where scripts run, `stage_keys.js` hears it and tells it as a key."""
    st.button(
        label, key=f"stage-{wish}", icon=icon, type="tertiary", help=says, on_click=session.wish_on_stage, args=(wish,),
    )  # fmt: skip


def _watch() -> None:
    """Note touches, and let time pass; where another step is due, the whole page is drawn anew."""
    told = {"every_ms": 1000 * TOUCH_S / settings().stage_clock}
    _touches()(key="stage-touches", data=told, on_touch_change=session.touch_stage, height=1)
    if session.tick_stage():
        st.rerun()


@lru_cache(maxsize=1)
def _scale() -> ComponentRenderer:
    return st.components.v2.component("ortholens_stage_scale", js=(ASSETS / "stage_scale.js").read_text("utf-8"))


@lru_cache(maxsize=1)
def _touches() -> ComponentRenderer:
    return st.components.v2.component("ortholens_stage_touches", js=(ASSETS / "stage_touches.js").read_text("utf-8"))
