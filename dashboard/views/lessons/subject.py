"""Whom a lesson is shown on: the image selected in the queue, else a simulated one, which says so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import states, viewer
from dashboard.case.examples import KINDS
from dashboard.i18n import later, t
from models import Card, Image, OrthoLensError
from models.cases import Case, cases, list_first_cases
from models.lessons.smear import simulate_smear

SMEAR = later("Stained smear")
SMEAR_SAYS = later("Simulated by OrthoLens: stained cell nuclei, no patient.")


@dataclass(frozen=True)
class Subject:
    """One frame of an image.

    Attributes
    ----------
    origin
        Where it comes from, as it stands below the picture; empty for a file of the user.
    card
        Id of the card that the picture was made for; empty where nobody knows.
    """

    image: Image
    frame: int
    origin: str
    card: str = ""

    @property
    def key(self) -> str:
        """Names the frame, in keys of caches and widgets."""
        return f"{self.image.sha256[:16]}-{self.frame}"

    @property
    def words(self) -> str:
        """What it is called in a caption."""
        return later("the simulated picture") if "imulated" in self.origin else later("your image")


def choose_lesson_subject() -> Subject | None:
    """Return what the lesson is shown on, and say where it comes from; None where the file cannot be read."""
    item = session.find_selected_file()
    if item is None:
        return _sample()
    try:
        image = session.read(item)
    except OrthoLensError as problem:
        states.show_error(problem)
        return None
    origin = f" {t(item.origin)}" if item.origin else ""
    st.caption(":material/image: " + t("On the image selected in the queue.") + states.escape_markdown(origin))
    card = next((card.id for card in models.cards_of(item.task)), "") if item.task else ""
    return Subject(image, viewer.draw_frame_slider(image), item.origin, card)


def _sample() -> Subject:
    found = {case.title: case for case in _shown()}
    with st.container(horizontal=True, vertical_alignment="center"):
        title = st.selectbox(
            t("Sample"), [*found, SMEAR], format_func=t, key="how-sample", persist_state="session", width=300,
            label_visibility="collapsed", help=t("Add an image on the left to see all this on it."),
        )  # fmt: skip
        says = SMEAR_SAYS if title == SMEAR else found[title].origin
        st.badge(t("simulated") if title == SMEAR else t(KINDS[found[title].kind]), color="gray")
        st.caption(
            t("{says} Add an image on the left to see all this on it.", says=states.escape_markdown(t(says))),
            width="stretch",
        )
    if title == SMEAR:
        return Subject(simulate_lesson_smear(), 0, SMEAR_SAYS, "histology-nuclei")
    case = found[title]
    image = session.compute_once(lambda: models.read(case.path), "how-sample", case.file)
    return Subject(image, 0, case.origin, case.card)


def _shown() -> list[Case]:
    """Return the cases of a lesson, first those that it opens with; the others are radiographs, drawn."""
    first = list_first_cases("how_it_works")
    return [*first, *(case for case in cases() if not (case.pages or case in first))]


def simulate_lesson_pictures(card: Card) -> dict[str, Image]:
    """Return the simulated pictures, by title, in which a channel of a card is looked for beside the subject."""
    if card.input.channels == "rgb":
        return {SMEAR: simulate_lesson_smear()}
    return {
        case.title: session.compute_once(partial(models.read, case.path), "how-sample", case.file) for case in _shown()
    }


def simulate_lesson_smear() -> Image:
    """Return the simulated smear."""
    return session.compute_once(_stained, "how-smear")


def _stained() -> Image:
    pixels = simulate_smear(3).pixels
    return Image(pixels[None], SMEAR, hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest())
