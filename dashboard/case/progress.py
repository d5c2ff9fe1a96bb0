"""How far long work is, in words and with the time left, and the button that cancels it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import session
from dashboard.i18n import format_number, later, t, tn
from models.jobs import Job

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
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, say_how_far(job, doing))
        st.button(t("Cancel"), icon=":material/close:", key=cancel_key, on_click=job.stop)


def say_how_far(job: Job[Any], doing: str) -> str:
    """Return what is being done, how much of it and the time left; of work that waits, its place in the line."""
    seconds = job.done_in_s if job.waiting else job.left_s
    left = "" if seconds is None else t(", about {seconds} s left", seconds=max(1, round(seconds)))
    if job.waiting:
        return (
            tn("Waiting: {n} piece of work is before it", "Waiting: {n} pieces of work are before it", job.before)
            + left
        )
    return f"{t(job.doing or doing)} · {format_number(job.share, '.0%')}{left}"
