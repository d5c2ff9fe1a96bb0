"""Conference mode of one user: where it stands, what its clock says, and how everything of a user is forgotten.

`dashboard.conference` has the rules; here they meet Streamlit's session
(docs.streamlit.io/develop/api-reference/caching-and-state).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Literal, get_args

import streamlit as st
from streamlit.runtime.caching.cache_utils import CachedFunc
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.conference import Playlist, Stage, Wish
from dashboard.conference import link as links
from dashboard.conference.link import Link
from dashboard.i18n.reader import READ_IN
from dashboard.session import answers, memo, work
from models.settings import settings

Key = Wish | Literal["shortcuts"]
"""What a key asks for: something of the stage, or the list of keys."""
KEYS: frozenset[str] = frozenset((*get_args(Wish), "shortcuts"))
STAGE, SHOWN, LEFT, SHORTCUTS = "stage", "stage-shown", "stage-left", "shortcuts"
"""Keys: the stage, the one whose step the pages show, that somebody left it, and that the list of keys is open."""
LINK = "stage-link"
"""Key: what the stage shares with the speaker's page and with the audience's vote."""
PRESSED = "stage-pressed"
"""Key: when the last key of the stage was pressed, by the browser's clock."""


def read_stage_clock() -> float:
    """Return the time of the stage in seconds; ORTHOLENS_STAGE_CLOCK makes it run faster."""
    return time.monotonic() * settings().stage_clock


def find_stage() -> Stage | None:
    """Return where the conference stands; None outside conference mode."""
    return st.session_state.get(STAGE)


def enter_stage(playlist: Playlist) -> None:
    """Begin with the first step of a playlist."""
    st.session_state[STAGE] = stage = Stage(playlist, read_stage_clock())
    st.session_state[LINK] = links.open_link(stage)
    st.session_state.pop(SHOWN, None)


def leave_stage() -> None:
    """End conference mode, and the vote with it; what is on the table stays there."""
    st.session_state.pop(STAGE, None)
    if (ended := st.session_state.pop(LINK, None)) is not None:
        ended.close()
    st.session_state[LEFT] = True


def find_stage_link() -> Link:
    """Return what the stage shares with other threads; only in conference mode."""
    shared: Link = st.session_state[LINK]
    return shared


def has_left_stage() -> bool:
    """Whether somebody ended conference mode in this session."""
    return LEFT in st.session_state


def wish_on_stage(wish: Key) -> None:
    """Do what a key says; all but the list of keys belong to conference mode."""
    if wish == "shortcuts":
        touch_stage()
        if not is_shortcut_list_open():
            st.session_state[SHORTCUTS] = True
        else:
            close_shortcuts()
    elif stage := find_stage():
        st.session_state[STAGE] = stage.wish(wish, read_stage_clock())


def list_new_keys(told: Iterable[tuple[Key, float]]) -> list[Key]:
    """Return the keys of the browser's latest that were not done yet, in their order, and take note of them.

    What is no key is left out: the browser's word is not trusted.

    Streamlit's front end sends what a component told along with a timer's request that falls together with it, and then
    once more (seen with 1.67 on the wire): the speaker would skip a step. Of two keys that come before the page runs
    again it tells the second alone: a step would be missing.

    Parameters
    ----------
    told
        The latest keys, each with when it was pressed by the browser's clock.
    """
    latest = list(told)
    done = next((place for place, (_, at) in enumerate(latest) if at == st.session_state.get(PRESSED)), -1)
    new = latest[done + 1 :]
    if new:
        st.session_state[PRESSED] = new[-1][1]
    return [key for key, _ in new if key in KEYS]


def touch_stage() -> None:
    """Take note that somebody is there."""
    if stage := find_stage():
        st.session_state[STAGE] = stage.touch(read_stage_clock())


def tick_stage() -> bool:
    """Let time pass once the step is drawn, do what the speaker's page wishes, and return whether to draw anew."""
    stage = find_stage()
    if stage is None or not _open(stage):
        return stage is not None
    st.session_state[STAGE] = later = stage.drawn(read_stage_clock()).tick(read_stage_clock())
    wished = find_stage_link().taken()
    for each in wished:
        touch_stage() if each is None else wish_on_stage(each)
    find_stage_link().tell(st.session_state[STAGE])
    return later.turn != stage.turn or any(each is not None for each in wished)


def find_due_step() -> Stage | None:
    """Return, once for each turn, the stage whose step is to be opened; None while the pages show it.

    Where the stage was reset since, everything of the user is forgotten first.
    """
    stage = find_stage()
    if stage is None or _open(stage):
        return None
    shown: Stage | None = st.session_state.get(SHOWN)
    if shown is not None and shown.resets != stage.resets:
        forget_session()
    close_shortcuts()
    st.session_state[SHOWN] = stage
    find_stage_link().tell(stage)
    return stage


def is_shortcut_list_open() -> bool:
    """Whether the list of keys is open."""
    return SHORTCUTS in st.session_state


def close_shortcuts() -> None:
    """Close the list of keys."""
    st.session_state.pop(SHORTCUTS, None)


def forget_session() -> None:
    """Stop the user's work, empty the table, every cache and picture of the session; a stage stays, in its language.

    What the uploader got is let go too; its key is never used again, so that the browser cannot send the files anew.
    """
    uploads, pressed = st.session_state.get("uploads", {}), st.session_state.get(PRESSED)
    kept = {key: st.session_state.get(key) for key in (STAGE, LINK, READ_IN)}
    work.stop_all_work()
    st.session_state.clear()
    st.session_state["uploads"] = {what: count + 1 for what, count in uploads.items()}
    st.session_state[PRESSED] = pressed  # else the browser's latest keys would be done anew
    if kept[STAGE] is not None:
        st.session_state.update(kept)
    for cached in list_session_caches():
        cached.clear()
    if context := get_script_run_ctx():
        context.uploaded_file_mgr.remove_session_files(context.session_id)
    memo.free_media()


def list_session_caches() -> list[CachedFunc[..., Any]]:
    """Return every cache of a user's own, as `answers` and `memo` declare them."""
    declared = [thing for thing in (*vars(answers).values(), *vars(memo).values()) if isinstance(thing, CachedFunc)]
    return [cached for cached in declared if cached._info.scope == "session"]


def _open(stage: Stage) -> bool:
    """Whether the pages show the stage's step."""
    shown: Stage | None = st.session_state.get(SHOWN)
    return shown is not None and shown.turn == stage.turn
