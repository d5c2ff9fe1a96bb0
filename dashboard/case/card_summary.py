"""The card of a model, one click away: what it is for, what it is not for, what it learned from."""

from __future__ import annotations

import streamlit as st

import models
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t, tn
from models import Card

OUTSIDE = later("From outside: neither made nor measured by those who made OrthoLens.")


def mark_simulated(card: Card) -> None:
    """Mark an answer of a model that learned from simulated images."""
    if card.data.simulated:
        st.badge(t("trained on simulated images"), icon=":material/science:", color="gray")


def write_invitation(task: str) -> str:
    """Say what to drop on a page: what each of the program's own models of the task was made for."""
    own = (card for card in models.cards_of(task) if card.folder is None)
    taken = (
        t("{shows} (simulated)", shows=t(card.data.shows)) if card.data.simulated else t(card.data.shows)
        for card in own
    )
    return t("Drop {what}.", what=t(" or ").join(dict.fromkeys(taken)))


def show_card_summary(card: Card) -> None:
    """Draw the button that opens the card."""
    with st.popover(t("About this model"), icon=":material/badge:"):
        st.markdown(f"**{escape_markdown(t(card.title))}**  \n{escape_markdown(t(card.summary))}")
        st.markdown(t("**For**  \n{intended}", intended=escape_markdown(t(card.use.intended))))
        st.markdown(t("**Not for**  \n{not_intended}", not_intended=escape_markdown(t(card.use.not_intended))))
        if card.folder is not None:
            st.caption(t(OUTSIDE))
        if card.use.limits:
            st.markdown(t("**Limits**\n") + "\n".join(f"- {escape_markdown(t(limit))}" for limit in card.use.limits))
        simulated = t("Simulated images. ") if card.data.simulated else ""
        data = t(
            "{simulated}{name}, {n:,} images ({licence}). {split}",
            simulated=simulated,
            name=escape_markdown(card.data.name),
            n=card.data.n,
            licence=escape_markdown(card.data.licence),
            split=escape_markdown(t(card.data.split)),
        )
        st.markdown(t("**Trained on**  \n{data}", data=data))
        st.caption(escape_markdown(card.data.citation))
        size = t("{rows} × {columns} px", rows=card.input.size[0], columns=card.input.size[1])
        networks = tn("{n} network", "{n} networks", len(card.members))
        st.caption(t("{net}, {networks}, input {size}", net=card.net.name, networks=networks, size=size))
        for member in card.members:
            st.caption(f"`{member.sha256[:16]}`")
        st.page_link(
            "views/model_cards/model_cards.py",
            label=t("How good it is"),
            icon=":material/monitoring:",
            query_params={"card": card.id},
        )
