"""The one way in for files: a drop anywhere in the window, a click on the inviting area, or the sidebar's uploader.

Streamlit's uploader is the only one that brings bytes to the server; it stands in the sidebar of every page. A small
script of the browser hears drops in the whole window and hands them to it, folders too, and keeps what is dropped while
a page still loads or changes (docs.streamlit.io/develop/concepts/custom-components/components-v2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import session
from dashboard.i18n import t
from dashboard.style import figures
from models.settings import settings

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

from dashboard.style import ASSETS

AREA_PX = 300
"""Height of the inviting area."""


def draw_uploader() -> None:
    """Draw the uploader of the sidebar, and listen for drops in the whole window."""
    st.file_uploader(
        t("Add images"),
        accept_multiple_files=True,
        key=session.name_uploader(),
        help=t("DICOM, PNG, JPEG, TIFF, WebP or BMP, with or without a file extension. Images stay on this machine."),
    )
    most = settings().max_file_mb
    says = {
        "drop": t("Drop to open"),
        "opening": t("Opening…"),
        "large": t("larger than {most} MB, left out", most=most),
        "many": t("Too many files at once: the first ones are opened."),
        "most_mb": most,
    }
    _listener()(key="door", data=says, height=1)
    if not session.list_queue():
        with st.container(key="charts-ready"):  # the browser loads what draws pictures before the first one comes
            st.plotly_chart(
                figures.draw_blank_figure(),
                key="blank",
                height=1,
                theme=None,
                config={"staticPlot": True},
                alt=t("No image yet"),
            )


def show_drop_area(invitation: str, offer: str = "", height_px: int = AREA_PX, *, compact: bool = False) -> None:
    """Draw the area that invites to drop, in the main column: a click chooses files, or a folder.

    Parameters
    ----------
    invitation
        What to drop, in large type.
    offer
        What is then done with it; nothing where it is empty.
    height_px
        Of the area; a compact one is as high as what it says.
    compact
        Whether it stands above something else, and takes little of the page.
    """
    says = {
        "invitation": invitation,
        "offer": offer,
        "files": t("Choose files"),
        "folder": t("A folder"),
        "kinds": t("DICOM, PNG, JPEG, TIFF, WebP or BMP, one or several, a folder or a ZIP file: drop them anywhere."),
        "compact": compact,
    }
    with st.container(key="empty-state"):
        _area()(key="door-area", data=says, height="content" if compact else height_px)


@lru_cache(maxsize=1)
def _listener() -> ComponentRenderer:
    return st.components.v2.component("ortholens_door", js=(ASSETS / "door.js").read_text("utf-8"))


@lru_cache(maxsize=1)
def _area() -> ComponentRenderer:
    html, css, js = ((ASSETS / f"door_area.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("ortholens_door_area", html=html, css=css, js=js)
