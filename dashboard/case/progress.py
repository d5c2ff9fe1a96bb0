"""How far long work is, in words and with the time left, and the button that cancels it."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.i18n import format_number, later, t

STARTING = later("Starting")


def draw_progress(name: str, cancel_key: str, doing: str = STARTING) -> None:
    """Draw the progress of a job that runs, inside a fragment that polls; one that has ended draws the page anew.

    Parameters
    ----------
    doing
        What is being done, said while the work has not said so itself.
    """
    job = session.find_job(name)
    if job is None or not job.running:
        st.rerun()
    left = "" if job.left_s is None else t(", about {seconds} s left", seconds=max(1, round(job.left_s)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, f"{t(job.doing or doing)} · {format_number(job.share, '.0%')}{left}")
        st.button(t("Cancel"), icon=":material/close:", key=cancel_key, on_click=job.stop)
