"""The frame of every page: navigation, the one uploader with its queue, and the disclaimer.

Streamlit runs this file from top to bottom at every interaction
(docs.streamlit.io/develop/concepts/multipage-apps/page-and-navigation); the page itself is a file of `dashboard.views`.
"""

from pathlib import Path

import streamlit as st

from dashboard import pages, session
from dashboard.components import queue, states

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="OrthoLens", page_icon=str(ASSETS / "mark.svg"), layout="wide", initial_sidebar_state=288)
session.warm_up()
st.html(ASSETS / "style.css")
st.logo(ASSETS / "logo.svg", icon_image=ASSETS / "mark.svg", size="large")
page = st.navigation([pages.home(), *pages.tasks().values(), pages.model_cards()], position="top")

with st.sidebar:
    st.file_uploader(
        "Add images",
        accept_multiple_files=True,
        key=session.uploader_key(),
        on_change=session.take_uploads,
        help="DICOM, PNG, JPEG, TIFF, WebP or BMP, with or without a file extension. Images stay on this machine.",
    )
    waiting = st.container(gap="xsmall")  # filled last, so that thumbnails never hold up an answer

page.run()

with waiting:
    queue.show()
with st.bottom:
    states.disclaimer()
