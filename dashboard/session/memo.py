"""What is made once for a user and kept ready, and how it is let go: results, and errors too.

Caches of a session are noted when they are used, so that what belongs to a file can be freed with it. Their keys name
every input, images by the hash of their file: arrays are passed as `_underscore` arguments, since Streamlit hashes only
a sample of a large array (docs.streamlit.io/develop/concepts/architecture/caching).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.caching.cache_utils import CachedFunc
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.session.sweep import sweep_soon
from dashboard.session.user import name_user_of_thread
from models import OrthoLensError
from models.io.worker import Crashed

T = TypeVar("T")

MOST_KEPT = 24
"""Results of other work than answers that a session keeps."""
READY, PARTS = "ready", "parts"
"""Keys: what is kept ready, as caches and the keys in them, and the file of which each region is a part."""


def compute_once(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns, done once a session for each key; the key names every input, images by their hash.

    Raises
    ------
    OrthoLensError
        The one that the work raised.
    """
    done: T | OrthoLensError = keep_ready(_once, work, key)
    return raise_error(done)


def keep_ready(cached: Callable[..., T], subject: object, *key: object) -> T:
    """Return what a cache has, and take note that it is there."""
    sweep_soon()
    st.session_state.setdefault(READY, set()).add((cached, key))
    return cached(subject, *key)


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


def catch_error(work: Callable[[], T]) -> T | OrthoLensError:
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


def raise_error(outcome: T | OrthoLensError) -> T:
    """Return what `catch_error` returned, or raise the error that it is."""
    if isinstance(outcome, OrthoLensError):
        raise outcome
    return outcome


@st.cache_resource(scope="session", max_entries=MOST_KEPT, show_spinner="Looking at the image…")
def _once(_work: Callable[[], T], key: tuple[str | float, ...]) -> T | OrthoLensError:
    return catch_error(_work)
