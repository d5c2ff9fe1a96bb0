"""What the screen says when there is nothing to show, when something is wrong, and always."""

from __future__ import annotations

import re

import streamlit as st

import models
from dashboard.i18n import later, t
from models import OrthoLensError

HEIGHT_PX = 560
"""Of the viewer, with an image or without."""

NO_ANSWER = later("The model cannot answer")
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|:$~])")


def escape_markdown(text: str) -> str:
    """Return a text, such as a file's name, so that markdown shows it as it is."""
    return MARKDOWN.sub(r"\\\1", text)


def show_disclaimer() -> None:
    """Say on every page what the program is not."""
    with st.container(key="disclaimer", horizontal=True, horizontal_alignment="center"):
        words = f"{t(models.DISCLAIMER)} " + t("Images stay on this machine.")
        st.caption(f":material/science: {words}", width="content")


def show_error(problem: OrthoLensError) -> None:
    """Show an error: which file, what is wrong, what to do; nothing else."""
    with st.container(border=True, key="error-state"):
        st.markdown(f":material/error: **{escape_markdown(t(problem.file or NO_ANSWER))}**")
        st.markdown(f"{escape_markdown(write_as_sentence(t(problem.problem)))}.")
        st.caption(escape_markdown(t(problem.fix)))


def show_notes(sentences: tuple[str, ...]) -> None:
    """Say what a reader of the answer should beware of."""
    for text in sentences:
        st.caption(f":material/info: {escape_markdown(write_as_sentence(t(text)))}")


def write_as_sentence(text: str) -> str:
    """Return a clause with a capital letter."""
    return text[:1].upper() + text[1:]
