"""Images and answers, made once and kept ready, for one user or, where nothing is a patient's, for all.

Their keys are (hash of the file, card, hashes of the weights, parameters): arrays are passed as `_underscore`
arguments, since Streamlit hashes only a sample of a large array
(docs.streamlit.io/develop/concepts/architecture/caching).
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.caching.cache_utils import CachedFunc
from streamlit.runtime.scriptrunner import get_script_run_ctx

import models
from dashboard.session.sweep import sweep_soon
from dashboard.session.table import QUEUE_FILES, Item
from dashboard.session.user import name_user_of_thread
from dashboard.style import figures
from models import Box, Card, Explanation, Image, Judged, OrthoLensError, Triage
from models.io import slide as slides
from models.io.slide import Slide
from models.io.worker import Crashed
from models.tasks import kind_of_card

T = TypeVar("T")
J = TypeVar("J", bound=Judged)

DECODED, ANSWERED = 3, 12
"""Images and answers kept ready; both can be large."""
READY, PARTS = "ready", "parts"
"""Keys: what is kept ready, as caches and the keys in them, and the file of which each region is a part."""


def read(item: Item) -> Image:
    """Return a file as an image, decoded once.

    Raises
    ------
    InputError
        As `models.read`.
    """
    return _raised(_ready(_read, item, item.sha256))


def draw_thumbnail_of_file(item: Item) -> bytes | None:
    """Return a small square PNG of a file's first frame; None where it cannot be read."""
    try:
        return _ready(_thumbnail, item, item.sha256)
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

    return _raised(_ready(_predict, ask, image.sha256, card.id, name_weights(card), frame, fused))


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
    return _raised(_ready(_explain, image, image.sha256, card.id, name_weights(card), (method, label, frame, stage)))


def read_slide(item: Item) -> Slide | None:
    """Return a file as a slide; None where it is read as a whole.

    Raises
    ------
    InputError
        As `models.io.slide.slide`.
    """
    return compute_once(lambda: None if item.members else slides.slide(item.data, item.name), "slide", item.sha256)


def read_region(item: Item, level: int, box: Box) -> Image:
    """Return a part of a slide at one of its levels.

    Raises
    ------
    InputError
        As `models.io.slide.region`.
    """
    part = (box.row, box.column, box.height, box.width)
    found = _raised(_ready(_region, item, item.sha256, level, part))
    st.session_state.setdefault(PARTS, {})[found.sha256] = item.sha256
    return found


def triage(image: Image, frame: int = 0) -> Triage:
    """Return which cards know a frame, each asked once."""
    return _ready(_triage, (image, _begun(image, frame)), image.sha256, frame)


def find_first_fit(image: Image, frame: int, page: str) -> Triage:
    """Return the cards that are enough to find an image's place: the page's own that know it, else the best.

    Parameters
    ----------
    page
        Task whose cards are asked first; empty for none.
    """
    return _triaged(image, frame, whole=True) or _ready(_first_fit, image, image.sha256, frame, page)


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


def compute_once(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns, done once a session for each key; the key names every input, images by their hash.

    Raises
    ------
    OrthoLensError
        The one that the work raised.
    """
    done: T | OrthoLensError = _ready(_once, work, key)
    return _raised(done)


def free_answers(*gone: str) -> None:
    """Let go at once of all that is kept ready of files, by their sha256, and of what the browser was shown so far."""
    sweep_soon()
    parts: dict[str, str] = st.session_state.get(PARTS, {})
    ready: set[tuple[CachedFunc[..., Any], tuple[Any, ...]]] = st.session_state.get(READY, set())
    names = {*gone, *(part for part, whole in parts.items() if whole in gone)}
    for cached, key in [one for one in ready if any(name in repr(one[1]) for name in names)]:
        cached.clear(None, *key)
        ready.discard((cached, key))
    free_media()


def free_media() -> None:
    """Let go of the pictures and downloads that the pages of this session have shown; a run draws its own anew."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or not runtime.exists():
        return
    media = runtime.get_instance().media_file_mgr
    media.clear_session_refs(context.session_id)
    for _ in range(2):  # downloads are spared once, for a browser that is about to ask for one
        media.remove_orphaned_files()


def _ready(cached: Callable[..., T], subject: object, *key: object) -> T:
    """Return what a cache has, and take note that it is there."""
    sweep_soon()
    st.session_state.setdefault(READY, set()).add((cached, key))
    return cached(subject, *key)


def share_work(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns, done once a process for each key: for what is simulated, and no patient's."""
    return _shared(work, key)


def share_picture_of_nobody(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns of a picture of nobody, done once a process for each key."""
    return _of_nobody(work, key)


@st.cache_resource(max_entries=32, show_spinner=False)
def _of_nobody(_work: Callable[[], T], key: tuple[str | float, ...]) -> T:
    return _work()


@st.cache_resource(max_entries=2, show_spinner="Simulating the sequence…")
def _shared(_work: Callable[[], T], key: tuple[str | float, ...]) -> T:
    return _work()


@st.cache_resource(show_spinner=False)
def warm_up() -> Thread:
    """Load the models of a process beside the first page that it draws; one thread a process."""
    leaving = Event()
    thread = Thread(target=_load_models, args=(leaving,), name="warm-up", daemon=True)
    thread.start()

    def leave() -> None:
        leaving.set()
        thread.join()  # a process that ends under torch's feet aborts

    atexit.register(leave)
    return thread


def _load_models(leaving: Event) -> None:
    from models.io.pool import decoders
    from models.io.worker import load_decoders
    from models.predictors.engine import engine
    from models.trust.image_kinds import shared_look

    decoders().stand_by()
    load_decoders()  # else the first file of a kind waits for them
    with suppress(OrthoLensError):  # the page that needs a model says what is wrong with it
        shared_look()
    for card in models.cards().values():
        if card.members and not leaving.is_set():
            with suppress(OrthoLensError):
                engine().predictor(card)


@st.cache_data(max_entries=64, show_spinner="Drawing the cases…")
def draw_exhibit(path: str) -> bytes:
    """Return a picture of a case of the gallery as PNG: the one image that sessions share, since it is no patient's."""
    return figures.encode_thumbnail(models.read(path), 480)


@st.cache_resource(scope="session", max_entries=DECODED, show_spinner="Reading the image…")
def _read(_item: Item, sha256: str) -> Image | OrthoLensError:
    return _kept(_item.read)


@st.cache_resource(scope="session", max_entries=QUEUE_FILES, show_spinner=False)
def _thumbnail(_item: Item, sha256: str) -> bytes | None:
    image = _ready(_read, _item, sha256)
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
    return _kept(_ask)


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Explaining the answer…")
def _explain(
    _image: Image, sha256: str, card_id: str, weights: tuple[str, ...], asked: tuple[str, str, int, str]
) -> Explanation | OrthoLensError:
    method, label, frame, stage = asked
    return _kept(lambda: models.explain(_image, card_id, method, label=label, frame=frame, stage=stage))


@st.cache_resource(scope="session", max_entries=1, show_spinner="Reading the region…")
def _region(_item: Item, sha256: str, level: int, part: tuple[int, int, int, int]) -> Image | OrthoLensError:
    return _kept(lambda: slides.region(_item.data, level, Box(*part), _item.name))


@st.cache_resource(scope="session", max_entries=2 * ANSWERED, show_spinner="Looking at the image…")
def _once(_work: Callable[[], T], key: tuple[str | float, ...]) -> T | OrthoLensError:
    return _kept(_work)


def _kept(work: Callable[[], T]) -> T | OrthoLensError:
    """Return an error as a value, so that a bad file is not read again at every interaction.

    A decoder that died may have been ended from outside: the file is read again when it is next asked for.
    """
    name_user_of_thread()
    try:
        return work()
    except Crashed:
        raise
    except OrthoLensError as error:
        return error


def _raised(outcome: T | OrthoLensError) -> T:
    if isinstance(outcome, OrthoLensError):
        raise outcome
    return outcome


def name_weights(card: Card) -> tuple[str, ...]:
    """Return what names a card's weights in a key."""
    return tuple(member.sha256 for member in card.members)
