"""The first page: what the program is, and cases to try it on."""

import streamlit as st

from dashboard import pages
from dashboard.case import arrival
from dashboard.components import gallery
from dashboard.language import t

tasks = pages.tasks()
arrival.depart(tasks)

with st.container(key="hero", gap="small"):
    st.title(t("See what a neural network sees in an orthopaedic image."), anchor=False)
    st.markdown(t("Drop a radiograph. OrthoLens answers, shows where it looked, and says how far to trust it."))
st.space("small")
gallery.simulated(tasks)
st.space("small")
gallery.public(tasks)
