"""The speaker's own page, `?presenter=TOKEN`: notes, this step and the next, the clock, and what drives the stage.

It follows a stage of the same server by the token that the stage's own browser was told, opened in a second window by a
key; the audience's page shows neither notes nor token.
"""

from __future__ import annotations

import time
from datetime import datetime

import streamlit as st

from dashboard import session
from dashboard.case import states
from dashboard.case.polling import poll_every
from dashboard.conference import Playlist, Stage, Step, Wish, link
from dashboard.conference.link import Link
from dashboard.i18n import later, t, tn
from dashboard.stage import keys
from dashboard.stage import show as shown
from dashboard.style import ASSETS

IN_ADDRESS = "presenter"
EVERY_S = 0.7
"""How often the page looks where the stage stands."""
VOTES = {
    "off": later("Ask the audience"), "waiting": later("Ask the audience"),
    "open": later("Reveal the model's answer"), "revealed": later("Go on"),
}  # fmt: skip
"""What the next command does with the vote."""
SEEN = "presenter-seen"
"""Key: the turn, the vote and the playing that the page shows; another one draws it anew."""


def is_presenter_asked() -> bool:
    """Whether the address asks for this page."""
    return IN_ADDRESS in st.query_params


def show_presenter() -> None:
    """Draw the page."""
    st.html(ASSETS / "style.css")
    st.html(ASSETS / "presenter.css")
    followed = link.find_link(st.query_params[IN_ADDRESS])
    if followed is None:
        st.subheader(t("No stage to follow"), anchor=False)
        st.markdown(t("Start conference mode, and press N there: this page opens in a window of its own."))
        return
    now = followed.follow()
    session.put(SEEN, _mark(now))
    poll_every(EVERY_S)(_watch)(followed)
    _buttons(now)
    here, coming = st.columns([1.7, 1], gap="large")
    with here:
        st.header(states.escape_markdown(t(now.step.title)), anchor=False)
        with st.container(key="presenter-notes"):
            st.markdown(states.escape_markdown(t(now.step.notes or later("No notes for this step."))))
    with coming:
        _next(now.playlist, now.playlist.step[(now.position + 1) % len(now.playlist.step)])
    keys.follow_speaker_keys(_wished)


def _watch(followed: Link) -> None:
    """Draw the clocks, and the whole page where the stage went on."""
    if link.find_link(followed.token) is None or _mark(followed.follow()) != session.get(SEEN):
        st.rerun()
    now = followed.stage
    passed = int(time.monotonic() - followed.begun)
    with st.container(key="presenter-clocks", horizontal=True, vertical_alignment="center", gap="large"):
        st.markdown(f"**{now.position + 1}** / {len(now.playlist.step)}", width="content")
        st.markdown(f":material/timer: **{passed // 60}:{passed % 60:02}**", width="content", help=t("Since it began"))
        st.markdown(f":material/schedule: **{datetime.now():%H:%M}**", width="content")
        if followed.booth is not None:
            votes = followed.booth.poll.tally.votes
            address = followed.booth.address
            said = tn("{n} vote at {address}", "{n} votes at {address}", votes, address=address)
            st.markdown(f":material/how_to_vote: {states.escape_markdown(said)}", width="content")


def _mark(now: Stage) -> tuple[object, ...]:
    return now.turn, now.vote, now.looping


def _buttons(now: Stage) -> None:
    with st.container(key="presenter-drive", horizontal=True, gap="small"):
        _button(t("Previous"), ":material/chevron_left:", "previous")
        _button(t("Next"), ":material/chevron_right:", "next")
        _button(*((t("Wait"), ":material/pause:") if now.looping else (t("Loop"), ":material/autorenew:")), "play")
        if now.step.votable:
            _button(t(VOTES[now.vote]), ":material/how_to_vote:", "vote")
        if now.vote != "off":
            _button(t("End the vote"), ":material/wifi_off:", "end-vote")


def _button(label: str, icon: str, wish: Wish) -> None:
    st.button(
        label, icon=icon, type="primary" if wish == "next" else "secondary", key=f"presenter-{wish}",
        on_click=_wish, args=(wish,),
    )  # fmt: skip


def _next(playlist: Playlist, step: Step) -> None:
    st.caption(t("Next"))
    st.subheader(states.escape_markdown(t(step.title)), anchor=False)
    picture = session.compute_once(
        lambda: shown.draw_thumbnail_of_step(playlist, step), "thumbnail", str(playlist.folder), step.title
    )
    if picture is not None:
        st.image(picture, width="stretch")
    if step.notes:
        st.caption(states.escape_markdown(t(step.notes)))


def _wish(wish: Wish) -> None:
    followed = link.find_link(st.query_params.get(IN_ADDRESS, ""))
    if followed is not None:
        followed.wish(wish)


def _wished() -> None:
    """Do what keys say, once, as the stage does with its own."""
    for key in keys.list_new_keys():
        if key != "shortcuts":  # only the pages of the program have that list
            _wish(key)
