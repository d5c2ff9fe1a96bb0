"""Offer a file: what is in it is made when the reader asks for it, and the page is not drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

MEDIA_TYPE = {
    "csv": "text/csv", "geojson": "application/geo+json", "gif": "image/gif", "html": "text/html",
    "json": "application/json", "jts": "text/plain", "mot": "text/plain", "pdf": "application/pdf", "png": "image/png",
    "trc": "text/plain", "zip": "application/zip",
}  # fmt: skip
"""Of a file with that ending."""


def offer_file(
    label: str, data: bytes | Callable[[], bytes], file: str, *, icon: str, help: str | None = None,
    key: str | None = None,
) -> None:  # fmt: skip
    """Draw the button of one of several files, which share their row."""
    st.download_button(
        label, data, file, MEDIA_TYPE[file.rpartition(".")[2]], icon=f":material/{icon}:", key=key, help=help,
        on_click="ignore", width="stretch",
    )  # fmt: skip
