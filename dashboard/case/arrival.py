"""Where a file that was dropped or chosen belongs, and what stands on the screen while that is found out.

The picture comes first, bare; then `models.triage` is asked which card knows it best, once; then the answer, and only
then the page where it belongs, so that it is drawn once, and last the other cards that know it. A page whose card knows
the image keeps it, any other gives it to the page and card that know it best; what no card knows stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

import models
from dashboard import session
from dashboard.case import pages, viewer
from dashboard.case.places import lay_out_places
from dashboard.i18n import t
from dashboard.session import Item
from dashboard.style.figures import View
from models import Card, Image, OrthoLensError, Triage


@dataclass(frozen=True)
class Place:
    """A page, and the card that it asks; None: the one that it has."""

    task: str
    card: str | None = None


def find_page_of_arrival(item: Item, known: Triage, here: str | None) -> Place | None:
    """Return where an image belongs; None where no page is its own and no card knows it.

    Parameters
    ----------
    known
        The cards that know it.
    here
        Task of the page that is open, which keeps what its card knows; None on a page of no task.
    """
    home = item.task or here
    by_hand = session.find_card_chosen_by_hand(home) if home else None
    if home and by_hand and (item.task or _knows(known, by_hand)):
        return Place(home, by_hand)
    best = next((fit for fit in known.ranked if fit.task == home), None if item.task else known.best)
    if best is None:
        return Place(home) if home else None
    by_hand = session.find_card_chosen_by_hand(best.task)
    return Place(best.task, by_hand if by_hand and _base_id(by_hand) == _base_id(best.card) else best.card)


def draw_first_look(image: Image, card: Card, ask: Callable[[Image, Card, int], object], *, stay: bool = False) -> None:
    """Draw the bare picture of an image that is not answered yet, find its place, and have it answered.

    The page is then drawn anew with the answer, here or where the image belongs; where it was answered before, nothing
    is done.

    Parameters
    ----------
    stay
        Whether the image stays here, whatever knows it: to a reader who reads first, where it goes says what it is.
    """
    item = session.find_selected_file()
    if item is None or (session.was_looked_at(image.sha256, card.id) and not session.has_arrived()):
        return
    draw_before_answer(image)
    if session.has_arrived():
        found = Place(card.task, card.id) if stay else _place(item, image, card.task)
        _settle(found)
        if found.task != card.task:
            _answer(image, found)
            pages.go_to_task_page(found.task)
        card = models.card(found.card) if found.card else card
    with suppress(OrthoLensError):  # said where the answer would stand
        ask(image, card, viewer.find_shown_frame(image))
    session.note_looked_at(image.sha256, card.id)
    st.rerun()


def leave_for_page_of_arrival(tasks: Collection[str]) -> None:
    """From a page of no task, go to the page of a file that was dropped or chosen; nothing where there is none."""
    item = session.find_selected_file()
    if item is None or not session.has_arrived():
        return
    here = session.get("visited")
    found = Place(item.task or (here if here in tasks else next(iter(tasks))))
    if item.task is None:
        with suppress(OrthoLensError):  # the page says why it cannot be read
            if session.read_slide(item):
                found = Place(pages.find_task_of_slides())
            else:
                image = session.read(item)
                draw_before_answer(image)
                found = find_page_of_arrival(item, _known(item, image, None), None) or found
                _settle(found)
                _answer(image, found)
    pages.go_to_task_page(found.task)


def slide_opens_elsewhere(item: Item, task: str) -> bool:
    """Whether a file is a slide that the page of the task cannot show."""
    if pages.find_page_kind(task).takes_slides or not session.has_arrived():
        return False
    with suppress(OrthoLensError):
        return session.read_slide(item) is not None
    return False


def draw_before_answer(image: Image) -> None:
    """Draw an image as its page will, without an answer, at the very places, so that the answer takes them over."""
    with st.container():  # as a fragment has one
        picture, _, right = lay_out_places()
    with picture:
        viewer.show_viewer(image, None, View(frame=viewer.find_shown_frame(image)))
    with right, st.container(border=True, key="answer"), st.container(key="looking"):  # hides what stood here before
        st.markdown(t(":material/hourglass_top: Looking at the image…"))


def _place(item: Item, image: Image, here: str) -> Place:
    base_ids = {card.base_id for card in models.cards_of(here)}
    if item.task == here and len(base_ids) == 1:
        return Place(here)
    return find_page_of_arrival(item, _known(item, image, here), here) or Place(here)


def _known(item: Item, image: Image, here: str | None) -> Triage:
    """Return the cards that know an image, as far as its place hangs on them; the others are asked later."""
    home = item.task or here
    if home and session.find_card_chosen_by_hand(home):  # which stays if it is any that knows the image
        return session.triage(image, image.first_frame)
    return session.find_first_fit(image, image.first_frame, home or "")


def _settle(found: Place) -> None:
    session.settle_arrival()
    if found.card:
        session.choose_card(found.task, found.card, by_hand=found.card == session.find_card_chosen_by_hand(found.task))


def _answer(image: Image, found: Place) -> None:
    """Have an image answered before its page opens, which so is drawn once, with the answer."""
    cards = {card.id: card for card in models.cards_of(found.task)}
    card = cards.get(session.find_card_of_page(found.task) or "", next(iter(cards.values()), None))
    if card is None or pages.find_page_of_card(card).is_slow(image, card):
        return
    with suppress(OrthoLensError):  # said where the answer would stand
        pages.find_page_of_card(card).ask(image, card, viewer.find_shown_frame(image))
    session.note_looked_at(image.sha256, card.id)


def _knows(known: Triage, card: str) -> bool:
    return _base_id(card) in {_base_id(fit.card) for fit in known.ranked}


def _base_id(card: str) -> str:
    return models.card(card).base_id
