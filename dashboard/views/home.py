"""The first page: what the program is, where to drop, and one live example of each page."""

import streamlit as st

from dashboard.case import arrival, door, gallery, pages, showcase
from dashboard.i18n import t

tasks = pages.tasks()
arrival.depart(tasks)

with st.container(key="hero", gap="small"):
    st.title(t("See what a neural network sees in an orthopaedic image."), anchor=False)
door.show(
    t("Drop any orthopaedic image here."),
    t("The model that knows it answers at once, shows where it looked, and says how far to trust it."),
    280,
)
showcase.show(tasks)
gallery.public(tasks)
