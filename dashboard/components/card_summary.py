"""The card of a model, one click away: what it is for, what it is not for, what it learned from."""

from __future__ import annotations

import streamlit as st

from models import Card


def show(card: Card) -> None:
    """Draw the button that opens the card."""
    with st.popover("About this model", icon=":material/badge:"):
        st.markdown(f"**{card.title}**  \n{card.summary}")
        st.markdown(f"**For**  \n{card.use.intended}")
        st.markdown(f"**Not for**  \n{card.use.not_intended}")
        if card.use.limits:
            st.markdown("**Limits**\n" + "\n".join(f"- {limit}" for limit in card.use.limits))
        simulated = "Simulated images. " if card.data.simulated else ""
        data = f"{simulated}{card.data.name}, {card.data.n:,} images ({card.data.licence}). {card.data.split}"
        st.markdown(f"**Trained on**  \n{data}")
        st.caption(card.data.citation)
        size = f"{card.input.size[0]} × {card.input.size[1]} px"
        st.caption(f"{card.net.name}, {len(card.members)} network{'s' * (len(card.members) != 1)}, input {size}")
        for member in card.members:
            st.caption(f"`{member.sha256[:16]}`")
        st.page_link(
            "views/model_cards.py", label="How good it is", icon=":material/monitoring:", query_params={"card": card.id}
        )
