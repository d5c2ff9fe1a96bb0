"""The audience against the model, on the stage: the picture, where to vote, the tally as it grows, both answers.

The vote itself is `dashboard.conference.vote`; it is open only while the speaker has it so.
"""

from __future__ import annotations

from html import escape

import segno
import streamlit as st

import models
from dashboard import session
from dashboard.case import states
from dashboard.case.polling import poll_every
from dashboard.conference import Stage
from dashboard.conference.address import parse_address
from dashboard.conference.ballot_page import Said
from dashboard.conference.vote import Booth, Question, Tally
from dashboard.i18n import find_current_language, t, tn
from dashboard.stage import show
from dashboard.style import figures
from models import OrthoLensError
from models.answers.worklist import describe_outcome
from models.settings import settings

EVERY_S = 1.0
"""How often the tally is drawn."""
PHONE_PX = 640
"""Longest side of the picture on a phone."""
TROUBLE = "stage-vote-trouble"
"""Key: why the vote could not be opened."""


def attend_vote(now: Stage) -> None:
    """Open or close the vote, and ask or answer its question, as the stage says."""
    link = session.find_stage_link()
    if now.vote == "off":
        session.put(TROUBLE, None)
        if link.booth is not None:
            link.booth.stop()
            link.booth = None
        return
    if link.booth is None or not link.booth.on:
        try:
            link.booth = Booth(_said(), parse_address(settings().vote_address))
        except OrthoLensError as problem:
            session.put(TROUBLE, problem)
            return
        session.put(TROUBLE, None)
    poll = link.booth.poll
    if now.vote == "waiting":
        poll.ask(None)
    elif now.vote == "open" and (poll.asked is None or poll.asked.key != _name(now)):
        poll.ask(_question(now))


def draw_vote(now: Stage | None) -> bool:
    """Draw the vote in the page's place, or its outcome above the page; return whether the page stays off."""
    if now is None or now.vote not in ("open", "revealed"):
        return False
    if (problem := session.get(TROUBLE)) is not None:
        states.show_error(problem)
    booth = session.find_stage_link().booth
    if booth is None:
        return False
    if now.vote == "open":
        _ballot(now, booth)
        return True
    _outcome(now, booth)
    return False


def _ballot(now: Stage, booth: Booth) -> None:
    with st.container(key="hall"):
        left, right = st.columns([1.5, 1], gap="large", vertical_alignment="center")
        with left, st.container(key="hall-film"):
            item = session.find_selected_file()
            if item is not None:
                image = session.read(item)
                st.image(figures.encode_still(image, figures.LONGEST_PX), width="stretch")
                if item.origin:
                    st.caption(t(item.origin))
        with right:
            st.header(states.escape_markdown(t(now.step.title)), anchor=False)
            poll_every(EVERY_S)(_counting)(booth)
            code = segno.make(booth.address, error="m", micro=False)
            picture = code.svg_data_uri(scale=8, border=4, dark="#0E1114", light="#FFFFFF")
            said = escape(t("Scan, or open {address} on a phone in this network", address=booth.address))
            st.html(f'<div class="hall-code"><img src="{picture}" alt="{said}"><p>{said}</p></div>')


def _counting(booth: Booth) -> None:
    tally = booth.poll.tally
    if tally.votes != session.get("stage-votes"):
        session.put("stage-votes", tally.votes)
        session.touch_stage()  # a hall that votes is there
    asked = booth.poll.asked
    if asked is not None:
        st.html(_bars(asked.labels, tally))
    st.markdown(tn("{n} vote", "{n} votes", tally.votes))


def _outcome(now: Stage, booth: Booth) -> None:
    """Say what the hall and the model say, above the model's own page."""
    item, card, asked = session.find_selected_file(), now.step.asked, booth.poll.asked
    if item is None or card is None or asked is None:
        return
    try:
        answer = session.predict(session.read(item), card)
    except OrthoLensError as problem:
        states.show_error(problem)
        return
    known = None if answer.abstained else describe_outcome(answer)
    place = card.keys.index(known.label) if known and known.label else None
    booth.poll.reveal(place)
    tally = booth.poll.tally
    with st.container(key="stage-verdict", border=True, horizontal=True, vertical_alignment="center", gap="large"):
        if tally.votes:
            best = max(range(len(tally.counts)), key=lambda label: tally.counts[label])
            label, share = states.escape_markdown(asked.labels[best]), tally.counts[best] / tally.votes
            said = t("The hall: **{label}** ({share:.0%} of {n})", label=label, share=share, n=tally.votes)
            st.markdown(said, width="content")
        else:
            st.markdown(t("Nobody voted"), width="content")
        if known is None or place is None:
            st.markdown(t("The model: no answer"), width="content")
        else:
            label = states.escape_markdown(asked.labels[place])
            said = t("The model: **{label}** ({share:.0%})", label=label, share=known.confidence)
            st.markdown(said, width="content")
        st.html(_bars(asked.labels, tally), width="stretch")


def _bars(labels: tuple[str, ...], tally: Tally) -> str:
    """Return the votes for each label as bars; the model's label is marked once it is known."""
    most, rows = max(1, *tally.counts), []
    for number, (label, count) in enumerate(zip(labels, tally.counts, strict=True)):
        kind = ' class="answer"' if number == tally.answer else ""
        rows.append(
            f'<li{kind}><span>{escape(label)}</span><span><i style="width:{100 * count / most:.1f}%"></i></span>'
            f"<b>{count}</b></li>"
        )
    return f'<ul class="hall-bars">{"".join(rows)}</ul>'


def _name(now: Stage) -> str:
    """Return the key of a turn's question."""
    return f"turn-{now.turn}"


def _question(now: Stage) -> Question:
    """Return what is asked; a picture that could be a patient's does not go to the phones."""
    card, item = now.step.asked, session.find_selected_file()
    labels = tuple(t(label.name) for label in card.labels) if card else ()
    picture = None
    if item is not None and show.is_step_of_nobody(now.step):
        picture = figures.encode_still(session.read(item), PHONE_PX)
    return Question(t(now.step.title), labels, picture, _name(now))


def _said() -> Said:
    return Said(
        language=find_current_language(),
        wait=t("Wait for the question"),
        thanks=t("Your vote: {label}. Thank you; look at the screen."),
        model=t("The model says: {label}"),
        voted=t("You have voted already: one vote a phone."),
        over=t("This question is over."),
        full=t("The hall is full: no more phones can vote."),
        too_often=t("Too many questions at once. Wait a moment."),
        no_cookie=t("Your phone keeps no cookies, so that it cannot vote: open it in an ordinary window."),
        privacy=t("Your phone gets a random number, so that it votes once; no name and no address is kept."),
        disclaimer=t(models.DISCLAIMER),
    )
