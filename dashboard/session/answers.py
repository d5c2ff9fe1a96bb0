"""A user's images and answers, made once and kept ready.

Their keys are (hash of the file, card, hashes of the weights, parameters).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

import models
from dashboard.session.memo import PARTS, READY, catch_error, compute_once, keep_ready, raise_error
from dashboard.session.table import QUEUE_FILES, Item
from dashboard.style import figures
from models import Box, Card, Explanation, Image, Judged, OrthoLensError, Triage
from models.geometry.ruler import leave_out_old_notes
from models.io import slide as slides
from models.io.slide import Slide
from models.io.worker import Crashed
from models.tasks import kind_of_card

J = TypeVar("J", bound=Judged)

DECODED, ANSWERED = 3, 12
"""Images and answers kept ready; both can be large."""


def read(item: Item) -> Image:
    """Return a file as an image, decoded once.

    Raises
    ------
    InputError
        As `models.read`.
    """
    return raise_error(keep_ready(_read, item, item.sha256))


def draw_thumbnail_of_file(item: Item) -> bytes | None:
    """Return a small square PNG of a file's first frame; None where it cannot be read."""
    try:
        return keep_ready(_thumbnail, item, item.sha256)
    except Crashed:
        return None


def predict(image: Image, card: Card, frame: int = 0, *, fused: bool = False) -> Judged:
    """Return the card's answer on a frame, with the heat that goes with answers of its kind, both from one pass.

    Parameters
    ----------
    fused
        Of a card that draws boxes: look again mirrored and enlarged.

    Raises
    ------
    ModelError
        As `models.predict`.
    """
    method = kind_of_card(card).explained_by

    def ask() -> Judged:
        told = None if method or fused else _told(image, card, frame)
        return told or models.predict(image, card.id, frame=frame, explain=method, fused=fused)

    answer = raise_error(keep_ready(_predict, ask, image.sha256, card.id, name_weights(card), frame, fused))
    return leave_out_old_notes(answer, image)


def predict_as(of: type[J], image: Image, card: Card, frame: int = 0, *, fused: bool = False) -> J:
    """Return `predict`'s answer, of the type that the card's kind gives."""
    answer = predict(image, card, frame, fused=fused)
    assert isinstance(answer, of)  # by the card's kind
    return answer


def explain(image: Image, card: Card, *, method: str, label: str, frame: int, stage: str) -> Explanation:
    """Return why the card gives a label its probability.

    Raises
    ------
    ModelError
        As `models.explain`.
    """
    return raise_error(
        keep_ready(_explain, image, image.sha256, card.id, name_weights(card), (method, label, frame, stage))
    )


def read_slide(item: Item) -> Slide | None:
    """Return a file as a slide; None where it is read as a whole.

    Raises
    ------
    InputError
        As `models.io.slide.open_slide`.
    """
    return compute_once(lambda: None if item.members else slides.open_slide(item.data, item.name), "slide", item.sha256)


def read_region(item: Item, level: int, box: Box) -> Image:
    """Return a part of a slide at one of its levels.

    Raises
    ------
    InputError
        As `models.io.slide.read_slide_region`.
    """
    part = (box.row, box.column, box.height, box.width)
    found = raise_error(keep_ready(_region, item, item.sha256, level, part))
    st.session_state.setdefault(PARTS, {})[found.sha256] = item.sha256
    return found


def triage(image: Image, frame: int = 0) -> Triage:
    """Return which cards know a frame, each asked once."""
    return keep_ready(_triage, (image, _begun(image, frame)), image.sha256, frame)


def find_first_fit(image: Image, frame: int, page: str) -> Triage:
    """Return the cards that are enough to find an image's place: the page's own that know it, else the best.

    Parameters
    ----------
    page
        Task whose cards are asked first; empty for none.
    """
    return _triaged(image, frame, whole=True) or keep_ready(_first_fit, image, image.sha256, frame, page)


def known(item: Item) -> Triage | None:
    """Return which cards know a file, without their answers; None where nobody asked, or need ask."""
    if item.task or (_read, (item.sha256,)) not in st.session_state.get(READY, ()):
        return None
    try:
        image = read(item)
    except OrthoLensError:
        return None
    asked = _triaged(image, image.first_frame)
    return triage(image, image.first_frame).without_answers() if asked else None


def _told(image: Image, card: Card, frame: int) -> Judged | None:
    """Return what a card said of a frame while it was found out which cards know it."""
    triaged = _triaged(image, frame)
    return triaged.answer(card.id) if triaged else None


def _triaged(image: Image, frame: int, *, whole: bool = False) -> Triage | None:
    """Return which cards know a frame, as far as they were asked; None where nobody asked, or not for the whole."""
    if (_triage, (image.sha256, frame)) in st.session_state.get(READY, ()):
        return triage(image, frame)
    return None if whole else _begun(image, frame)


def _begun(image: Image, frame: int) -> Triage | None:
    """Return what was found when an image's place was; None where it never was."""
    asked = (key for cached, key in st.session_state.get(READY, ()) if cached is _first_fit)
    key = next((key for key in asked if key[:2] == (image.sha256, frame)), None)
    return _first_fit(image, *key) if key else None


@st.cache_resource(scope="session", max_entries=DECODED, show_spinner="Reading the image…")
def _read(_item: Item, sha256: str) -> Image | OrthoLensError:
    return catch_error(_item.read)


@st.cache_resource(scope="session", max_entries=QUEUE_FILES, show_spinner=False)
def _thumbnail(_item: Item, sha256: str) -> bytes | None:
    image = keep_ready(_read, _item, sha256)
    return None if isinstance(image, OrthoLensError) else figures.encode_thumbnail(image)


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Looking for a model made for such images…")
def _first_fit(_image: Image, sha256: str, frame: int, page: str) -> Triage:
    return models.triage(_image, frame, page=page)


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner=False)
def _triage(_asked: tuple[Image, Triage | None], sha256: str, frame: int) -> Triage:
    image, begun = _asked
    return models.triage(image, frame, begun=begun) if begun is None or begun.left else begun


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Looking at the image…")
def _predict(
    _ask: Callable[[], Judged], sha256: str, card_id: str, weights: tuple[str, ...], frame: int, fused: bool
) -> Judged | OrthoLensError:
    return catch_error(_ask)


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Explaining the answer…")
def _explain(
    _image: Image, sha256: str, card_id: str, weights: tuple[str, ...], asked: tuple[str, str, int, str]
) -> Explanation | OrthoLensError:
    method, label, frame, stage = asked
    return catch_error(lambda: models.explain(_image, card_id, method, label=label, frame=frame, stage=stage))


@st.cache_resource(scope="session", max_entries=1, show_spinner="Reading the region…")
def _region(_item: Item, sha256: str, level: int, part: tuple[int, int, int, int]) -> Image | OrthoLensError:
    return catch_error(lambda: slides.read_slide_region(_item.data, level, Box(*part), _item.name))


def name_weights(card: Card) -> tuple[str, ...]:
    """Return what names a card's weights in a key."""
    return tuple(member.sha256 for member in card.members)
