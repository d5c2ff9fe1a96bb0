"""The pages: home, and one for each task that has a card.

A task with a script of its name in the folder of its kind gets that page; any other gets the one that all tasks of its
kind share, so adding a task needs no change here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

import models
from dashboard.case.page_kind import CardPage, PageKind, StudyPage
from dashboard.i18n import later, t
from models import Card
from models.tasks import question_of, questions

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

VIEWS = Path(__file__).parents[1] / "views"
FIRST = ("implant", "pathology", "landmarks", "tissue", "detection")
"""Tasks in the order in which the talk tells them; any other follows."""
ANY = later("Drop an image.")


@lru_cache(maxsize=1)
def list_page_kinds() -> Mapping[str, PageKind]:
    """Return what the page of each kind of task does in its own way, by the kind's name."""
    views = import_module("dashboard.views")
    folders = (import_module(f"{views.__name__}.{found.name}") for found in iter_modules(views.__path__) if found.ispkg)
    return MappingProxyType({folder.PAGE.name: folder.PAGE for folder in folders if hasattr(folder, "PAGE")})


def find_page_kind(task: str) -> PageKind:
    """Return what the page of a task does in its own way.

    Raises
    ------
    UnknownCard
        When there is no task of that name.
    """
    return list_page_kinds()[question_of(task).kind]


def find_page_of_card(card: Card) -> CardPage:
    """Return how the answers of a card are asked for, drawn and told."""
    page = find_page_kind(card.task)
    assert isinstance(page, CardPage)  # a kind without one has no cards
    return page


def home() -> StreamlitPage:
    """Return the page that a user meets first."""
    return st.Page(VIEWS / "home.py", title=t("Home"), default=True)


def model_cards() -> StreamlitPage:
    """Return the page of the model cards."""
    return st.Page(VIEWS / "model_cards" / "model_cards.py", title=t("Model cards"))


def how_it_works() -> StreamlitPage:
    """Return the page of the lessons."""
    return st.Page(VIEWS / "lessons" / "how_it_works.py", title=t("How it works"))


def train() -> StreamlitPage:
    """Return the page on which a user trains a model of their own."""
    return st.Page(VIEWS / "train" / "train.py", title=t("Train"))


def archive() -> StreamlitPage:
    """Return the page of the archive, from which images come and to which answers go."""
    return st.Page(VIEWS / "archive" / "archive.py", title=t("Archive"))


def worklist() -> StreamlitPage:
    """Return the page of all files of the table, to which the list of them leads."""
    return st.Page(VIEWS / "worklist.py", title=t("Worklist"), visibility="hidden")


def list_task_pages() -> dict[str, StreamlitPage]:
    """Return a page for each task, by its name; those without a card come last."""
    return {name: task(name) for name in list_tasks_with_page()}


def list_tasks_with_page() -> tuple[str, ...]:
    """Return the tasks that have a page, in the order of the pages."""
    answered = [card.task for card in models.cards().values()]
    told = [name for name in FIRST if name in answered]
    alone = [asked.name for asked in questions().values() if isinstance(list_page_kinds().get(asked.kind), StudyPage)]
    return tuple(dict.fromkeys([*told, *answered, *alone]))


def find_task_of_slides() -> str:
    """Return the task whose page shows what is too large to be looked at as a whole."""
    return next(task for task in list_tasks_with_page() if find_page_kind(task).takes_slides)


def find_page_script(name: str) -> str:
    """Return where the script of a task's own page would lie, beside the script of all pages."""
    return f"{VIEWS.name}/{question_of(name).kind}/{name}.py"


def list_panels_of_page(address: str) -> Collection[str]:
    """Return the names of the panels of a page, of which one is read off the picture at a time; often none."""
    return find_page_kind(address).panels() if address in list_tasks_with_page() else ()


def find_page_of_studies() -> tuple[str, StudyPage]:
    """Return the task that answers a study of several files together, and its page."""
    found = ((name, find_page_kind(name)) for name in list_tasks_with_page())
    return next((name, page) for name, page in found if isinstance(page, StudyPage))


def task(name: str) -> StreamlitPage:
    """Return the page of a task."""
    own = VIEWS.parent / find_page_script(name)
    page = own if own.exists() else partial(find_page_kind(name).show, name, t(ANY))
    return st.Page(page, title=t(name.replace("_", " ").capitalize()), url_path=name)


def go_to_task_page(task_name: str) -> NoReturn:
    """Leave for the page of a task; the script starts again there."""
    st.switch_page(task(task_name))
