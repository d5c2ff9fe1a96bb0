"""The frame of every page: navigation, the one uploader with its queue, and the disclaimer.

Streamlit runs this file from top to bottom at every interaction
(docs.streamlit.io/develop/concepts/multipage-apps/page-and-navigation); the page itself is a file of `dashboard.views`.
"""

import streamlit as st

from dashboard import login, session
from dashboard.case import door, drop, leaving, pages, states, worklist
from dashboard.i18n import choice, t
from dashboard.stage import bar, hall, presenter
from dashboard.style import ASSETS
from models.service.callers import Role
from models.settings import settings

st.set_page_config(page_title="OrthoLens", page_icon=str(ASSETS / "mark.svg"), layout="wide", initial_sidebar_state=264)
if presenter.is_presenter_asked():
    presenter.show_presenter()
    st.stop()
session.warm_up()
drop.take_drop()
session.answer_under_the_shown_page()
session.open_example(None)
st.html(ASSETS / "style.css")
st.logo(ASSETS / "logo.svg", icon_image=ASSETS / "mark.svg", size="large")
listed = [
    pages.home(),
    *pages.list_task_pages().values(),
    pages.how_it_works(),
    pages.model_cards(),
    *([pages.train()] if settings().training and login.may(Role.AUTHOR) else []),
    *([pages.archive()] if settings().archive_url and login.may(Role.AUTHOR) else []),
    pages.worklist(),
]
page = st.navigation(listed, position="top")
choice.remember_language()
bar.play_due_step(listed)
drop.follow_open_page(page, listed)

with st.sidebar:
    door.draw_uploader()
    waiting = st.container(gap="xsmall")  # filled last, so that thumbnails never hold up an answer
    bar.draw_conference_switch(listed)
    choice.show_language_choice()
    if login.is_login_asked():
        st.button(t("Log out"), icon=":material/logout:", key="log-out", on_click=st.logout)

drop.say_what_was_left_out()
leaving.say_forgotten()
if not hall.draw_vote(session.find_stage()):
    page.run()
    with waiting:
        worklist.show_worklist()
with st.bottom:
    bar.draw_stage_bar()
    states.show_disclaimer()
    leaving.warn_before_leaving()
session.forget_left_controls()
