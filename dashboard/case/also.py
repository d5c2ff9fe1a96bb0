"""The other models that know an image, as buttons beside the answer: a click asks one, on its own page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

import models
from dashboard import session
from dashboard.case import pages
from dashboard.case.states import escape_markdown
from dashboard.i18n import t
from models import Card, Image


def show_other_cards(image: Image, card: Card) -> Callable[[], None]:
    """Make room for the other models that know the whole image; of a part of it, or of an example, there are none.

    Returns
    -------
    Callable
        Offers them there. It is called when all else is drawn, since asking the models may take a while.
    """
    item, room = session.find_selected_file(), st.container()

    def fill() -> None:
        if item is not None and item.sha256 == image.sha256 and not session.is_example(item):
            with room:
                draw_buttons_of_other_cards(t("Also:"), list_other_cards(image, card, image.first_frame))

    return fill


def list_other_cards(image: Image, card: Card, frame: int = 0) -> list[Card]:
    """Return the cards of another kind that know a frame, the best first."""
    fits = (models.card(fit.card) for fit in session.triage(image, frame).ranked)
    return [fit for fit in fits if fit.base_id != card.base_id]


def draw_buttons_of_other_cards(says: str, cards: Sequence[Card]) -> None:
    """Draw a button for each card that takes the image to it; nothing where there is none."""
    if not cards:
        return
    with st.container(key="also", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(says, width="content")
        for card in cards:
            if st.button(escape_markdown(t(card.title)), icon=":material/arrow_forward:", key=f"also-{card.id}"):
                session.choose_card(card.task, card.id, by_hand=True)
                session.settle_arrival()
                pages.go_to_task_page(card.task)
