"""The frame of every page: navigation, the one uploader with its queue, and the disclaimer.

Streamlit runs this file from top to bottom at every interaction
(docs.streamlit.io/develop/concepts/multipage-apps/page-and-navigation); the page itself is a file of `dashboard.views`.
"""

import streamlit as st

from dashboard import session
from dashboard.case import door, drop, leaving, pages, states, worklist
from dashboard.i18n import choice
from dashboard.stage import bar, hall, presenter
from dashboard.style import ASSETS

st.set_page_config(page_title="OrthoLens", page_icon=str(ASSETS / "mark.svg"), layout="wide", initial_sidebar_state=264)
if presenter.asked():
    presenter.show()
    st.stop()
session.warm_up()
session.answer_under_the_shown_page()
session.open_example(None)
st.html(ASSETS / "style.css")
st.logo(ASSETS / "logo.svg", icon_image=ASSETS / "mark.svg", size="large")
listed = [
    pages.home(),
    *pages.tasks().values(),
    pages.how_it_works(),
    pages.model_cards(),
    pages.worklist(),
]
page = st.navigation(listed, position="top")
choice.remember()
bar.play(listed)
drop.follow(page, listed)

with st.sidebar:
    door.uploader(drop.take)
    waiting = st.container(gap="xsmall")  # filled last, so that thumbnails never hold up an answer
    bar.switch(listed)
    choice.show()

drop.told()
leaving.said()
if not hall.draw(session.on_stage()):
    page.run()
    with waiting:
        worklist.show()
with st.bottom:
    bar.draw()
    states.disclaimer()
    leaving.warn()
session.forget_left_controls()
