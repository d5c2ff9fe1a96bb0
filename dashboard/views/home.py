"""The first page: what the program is, and cases to try it on."""

import streamlit as st

from dashboard import pages, session
from dashboard.components import gallery
from dashboard.language import t

tasks = pages.tasks()
if (task := session.destination(default=next(iter(tasks)))) is not None:
    st.switch_page(tasks[task])

with st.container(key="hero", gap="small"):
    st.title(t("See what a neural network sees in an orthopaedic image."), anchor=False)
    st.markdown(t("Drop a radiograph. OrthoLens answers, shows where it looked, and says how far to trust it."))
st.space("small")
gallery.simulated(tasks)
st.space("small")
gallery.public(tasks)
