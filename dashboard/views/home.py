"""The first page: what the program is, where to drop, and one live example of each page."""

import streamlit as st

from dashboard.case import arrival, door, gallery, pages, showcase
from dashboard.i18n import t

tasks = pages.list_task_pages()
arrival.leave_for_page_of_arrival(tasks)

with st.container(key="hero", gap="small"):
    st.title(t("See what a neural network sees in an orthopaedic image."), anchor=False)
door.show_drop_area(
    t("Drop any orthopaedic image here."),
    t("The model that knows it answers at once, shows where it looked, and says how far to trust it."),
    280,
)
showcase.show_showcase(tasks)
gallery.show_public_gallery(tasks)
