"""Offer a file: what is in it is made when the reader asks for it, and the page is not drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import session
from models.audit_log import record_export
from models.settings import settings

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
        label, audit_export(data, file), file, MEDIA_TYPE[file.rpartition(".")[2]], icon=f":material/{icon}:", key=key,
        help=help, on_click="ignore", width="stretch",
    )  # fmt: skip


def audit_export(data: bytes | Callable[[], bytes], file: str) -> bytes | Callable[[], bytes]:
    """Return a file so that the audit log, where there is one, says that it left when it is asked for."""
    if settings().audit_log is None:
        return data
    session.name_user_of_thread()
    return record_export(data if callable(data) else lambda: data, file)
