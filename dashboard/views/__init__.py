"""The pages: home, and one for each task that has a card.

A task with a file of its name in `dashboard.views` gets that page; any other gets the one that all single-image tasks
share, so adding a task needs no change here.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import models
from dashboard.case import shell
from dashboard.i18n import t

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

VIEWS = Path(__file__).parent / "views"

WITHOUT_CARD = ("kinematics",)
"""Tasks of several images at once, which no card answers alone."""
FIRST = ("implant", "pathology", "tissue", "detection")
"""Tasks in the order in which the talk tells them; any other follows."""


def home() -> StreamlitPage:
    """Return the page that a visitor meets first."""
    return st.Page(VIEWS / "home.py", title=t("Home"), default=True)


def model_cards() -> StreamlitPage:
    """Return the page of the model cards."""
    return st.Page(VIEWS / "model_cards.py", title=t("Model cards"))


def how_it_works() -> StreamlitPage:
    """Return the page of the lessons."""
    return st.Page(VIEWS / "how_it_works.py", title=t("How it works"))


def worklist() -> StreamlitPage:
    """Return the page of all files of the table, to which the list of them leads."""
    return st.Page(VIEWS / "worklist.py", title=t("Worklist"), visibility="hidden")


def tasks() -> dict[str, StreamlitPage]:
    """Return a page for each task, by its name; those without a card come last."""
    answered = [card.task for card in models.cards().values()]
    told = [name for name in FIRST if name in answered]
    return {name: _task(name) for name in dict.fromkeys([*told, *answered, *WITHOUT_CARD])}


def _task(name: str) -> StreamlitPage:
    own = VIEWS / f"{name}.py"
    page = own if own.exists() else partial(shell.show, name)
    return st.Page(page, title=t(name.replace("_", " ").capitalize()), url_path=name)
