"""What all sessions of a process share: models in memory, and what is simulated or a picture of nobody."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import TypeVar

import streamlit as st

import models
from dashboard.style import figures
from models import OrthoLensError

T = TypeVar("T")


def share_work(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns, done once a process for each key: for what is simulated, and no patient's."""
    return _shared(work, key)


def share_picture_of_nobody(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns of a picture of nobody, done once a process for each key."""
    return _of_nobody(work, key)


@st.cache_resource(show_spinner=False)
def warm_up() -> Thread:
    """Load the models of a process beside the first page that it draws; one thread a process."""
    from models.io.worker import load_dicom_package

    load_dicom_package()
    leaving = Event()
    thread = Thread(target=_load_models, args=(leaving,), name="warm-up", daemon=True)
    thread.start()

    def leave() -> None:
        leaving.set()
        thread.join()  # a process that ends under torch's feet aborts

    atexit.register(leave)
    return thread


def _load_models(leaving: Event) -> None:
    from models.io.pool import find_decoder_pool
    from models.io.worker import load_decoders
    from models.predictors.engine import engine
    from models.trust.image_kinds import load_image_kinds

    find_decoder_pool().stand_by()
    load_decoders()  # else the first file of a kind waits for them
    with suppress(OrthoLensError):  # the page that needs a model says what is wrong with it
        load_image_kinds()
    for card in models.cards().values():
        if card.members and not leaving.is_set():
            with suppress(OrthoLensError):
                engine().prepare(card)


@st.cache_data(max_entries=64, show_spinner="Drawing the cases…")
def draw_exhibit(path: str) -> bytes:
    """Return a picture of a case of the gallery as PNG: the one image that sessions share, since it is no patient's."""
    return figures.encode_thumbnail(models.read(path), 480)


@st.cache_resource(max_entries=32, show_spinner=False)
def _of_nobody(_work: Callable[[], T], key: tuple[str | float, ...]) -> T:
    return _work()


@st.cache_resource(max_entries=2, show_spinner="Simulating the sequence…")
def _shared(_work: Callable[[], T], key: tuple[str | float, ...]) -> T:
    return _work()
