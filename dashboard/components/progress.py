"""How far long work is, in words and with the time left, and the button that cancels it."""

from __future__ import annotations

import streamlit as st

from dashboard import session


def of(name: str, cancel_key: str, doing: str = "Starting") -> None:
    """Draw the progress of a job that runs, inside a fragment that polls; one that has ended draws the page anew.

    Parameters
    ----------
    doing
        What is being done, said while the work has not said so itself.
    """
    job = session.job(name)
    if job is None or not job.running:
        st.rerun()
    left = "" if job.left_s is None else f", about {max(1, round(job.left_s))} s left"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, f"{job.doing or doing} · {job.share:.0%}{left}")
        st.button("Cancel", icon=":material/close:", key=cancel_key, on_click=job.stop)
