"""The frame of every page that answers one image: its heading, the image that is open, and what its file says."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import models
from dashboard import session
from dashboard.case import (
    arrival,
    card_summary,
    door,
    examples,
    gallery,
    pages,
    read_first,
    states,
)
from dashboard.i18n import format_significant, t
from dashboard.session import Item
from models import Card, Image, Judged, OrthoLensError
from models.cases import Case

CHOOSER_PX = 300
"""Width of the choice of model: its titles stand in it whole."""
FACTS = ("Modality", "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality")
"""Tags of a DICOM file that stand below its picture."""


def open_shell(
    task: str,
    invitation: str,
    read: Callable[[Item], Image | None] = session.read,
    ask: Callable[[Image, Card, int], Judged | None] = session.predict,
    *,
    readable: bool = True,
) -> tuple[Card, Image | None]:
    """Draw the heading, and return the model chosen and the image selected; where there is none to show, say why.

    Parameters
    ----------
    read
        Makes an image, or the part of it to show, of a file on the table.
    ask
        Has an image answered, so that its answer is there at once when the page is drawn.
    readable
        Whether a reader can commit to an answer before the model's is shown.
    """
    session.note_visited_page(task)
    example = examples.open_with_example(task)
    card = _heading(task, readable)
    item = session.find_selected_file()
    if item is None:
        door.show_drop_area(invitation, t(card.summary))
        examples.draw_examples(task, examples.list_examples(task))
        gallery.show_public_gallery([task])
        return card, None
    if example is not None:
        examples.draw_examples_beside_drop_area(task, invitation, example)
        return card, _exemplified(example, item, card, read, ask)
    if arrival.slide_opens_elsewhere(item, task):
        pages.go_to_task_page(pages.find_task_of_slides())
    try:
        image = _read(item, read)
    except OrthoLensError as problem:
        session.settle_arrival()
        states.show_error(problem)
        return card, None
    if item.origin:
        st.caption(t(item.origin))
    if image is None:
        session.settle_arrival()
    else:
        arrival.draw_first_look(image, card, ask, stay=readable and bool(session.get(session.READ_FIRST)))
    return card, image


def _read(item: Item, read: Callable[[Item], Image | None]) -> Image | None:
    """Return an image of a file, with the spacing that its user gave it."""
    image = read(item)
    return None if image is None else session.calibrate(image)


def _exemplified(
    example: Case,
    item: Item,
    card: Card,
    read: Callable[[Item], Image | None],
    ask: Callable[[Image, Card, int], Judged | None],
) -> Image | None:
    """Return the picture of an example, once what it is, and whether the answer is right, stands above it."""
    image = _read(item, read)
    if image is None:
        return None
    said = st.container()
    arrival.draw_first_look(image, card, ask)
    try:
        answer = ask(image, card, image.first_frame)
    except OrthoLensError:  # said where the answer would stand
        answer = None
    with said:
        examples.judge_example(example, card, answer)
    return image


def _heading(task: str, readable: bool) -> Card:
    """Draw the title with the choice of model, and return the model chosen."""
    cards = {card.id: card for card in models.cards_of(task)}
    with st.container(key="heading", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        title = st.container(width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            chosen = session.find_card_of_page(task)
            chosen = chosen if chosen in cards else next(iter(cards))
            if len(cards) > 1:
                session.put(f"card-{task}", chosen)
                st.selectbox(
                    t("Model"), list(cards), format_func=lambda id: t(cards[id].title), key=f"card-{task}",
                    label_visibility="collapsed", on_change=_choose, args=(task,), width=CHOOSER_PX,
                )  # fmt: skip
            if readable:
                read_first.draw_read_first_toggle()
            card_summary.show_card_summary(cards[chosen])
    title.subheader(states.escape_markdown(t(cards[chosen].title)), anchor=False)
    return cards[chosen]


def _choose(task: str) -> None:
    """Take the reader's choice of a model."""
    if chosen := session.get(f"card-{task}"):  # else everything was forgotten in between
        session.choose_card(task, chosen, by_hand=True)


def show_image_facts(image: Image) -> None:
    """Draw the size and the calibration of an image, and what its file says of it."""
    rows, columns = image.shape
    facts = [t("{columns} × {rows} px", columns=columns, rows=rows)]
    if image.spacing_mm:
        facts.append(
            t(
                "{spacing} mm a pixel ({spacing_source})",
                spacing=format_significant(image.spacing_mm[0]),
                spacing_source=t(image.spacing_source or ""),
            )
        )
    else:
        facts.append(t("not calibrated: no millimetres"))
    facts += [image.tags[tag] for tag in FACTS if tag in image.tags]
    st.caption(states.escape_markdown(" · ".join(facts)))
