"""The files of a reference standard that a reader drops beside an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import t

Files = Sequence[tuple[str, bytes]]
"""Name and content of each."""


def take_reference_files(label: str, state: str, key: str) -> Files:
    """Draw the uploader, or what was dropped and the button that removes it.

    Parameters
    ----------
    state
        Where the files are kept, with the frame they belong to: an uploader forgets between pages.
    key
        Of the container.
    """
    files: Files = session.get(state, ())
    upload = f"{state}-upload-{session.get(f'{state}-count', 0)}"
    if not files and (brought := session.get(upload)):
        files = tuple((file.name, file.getvalue()) for file in brought)
        session.put(state, files)
        session.put(f"{state}-count", session.get(f"{state}-count", 0) + 1)
    if not files:
        with st.container(key=key):
            st.file_uploader(label, accept_multiple_files=True, key=upload)
        return ()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {', '.join(escape_markdown(name) for name, _ in files)}", width="stretch")
        st.button(
            "", icon=":material/close:", type="tertiary", key="reference-remove",
            help=t("Remove the reference standard"),
            on_click=session.put, args=(state, ()),
        )  # fmt: skip
    return files


def hash_reference_files(files: Files) -> str:
    """Return a hash of names and contents."""
    digest = hashlib.sha256()
    for name, data in files:
        digest.update(f"{name} {len(data)} ".encode() + data)
    return digest.hexdigest()
