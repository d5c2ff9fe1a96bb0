"""The kinds of task, found by themselves: every folder of this package may hold `KINDS` and `QUESTIONS`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from models.errors import UnknownCard
from models.tasks.kind import Kind, Question

if TYPE_CHECKING:
    from models.tasks.task import Task


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, Kind]:
    """Return every kind of task by its name."""
    return MappingProxyType({kind.name: kind for folder in _folders() for kind in getattr(folder, "KINDS", ())})


@lru_cache(maxsize=1)
def questions() -> Mapping[str, Question]:
    """Return every question that cards can answer by its name."""
    asked = (question for folder in _folders() for question in getattr(folder, "QUESTIONS", ()))
    return MappingProxyType({question.name: question for question in asked})


def _folders() -> list[ModuleType]:
    return [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__) if found.ispkg]


def question_of(name: str) -> Question:
    """Return one question.

    Raises
    ------
    UnknownCard
        When there is none of that name.
    """
    try:
        return questions()[name]
    except KeyError:
        raise UnknownCard(f"there is no task {name!r}", fix=f"Choose one of {', '.join(questions())}.") from None


def kind_of(name: str) -> Kind:
    """Return the kind of a task by the task's name.

    Raises
    ------
    UnknownCard
        When there is no task of that name, or no card answers it alone.
    """
    try:
        return kinds()[question_of(name).kind]
    except KeyError:
        raise UnknownCard(f"no card answers {name!r} alone", fix=f"Use `ortholens {name}`.") from None


def task_of(name: str) -> Task:
    """Return how an image becomes a network's input for a task, and its output an answer.

    Raises
    ------
    UnknownCard
        When there is no task of that name.
    """
    return kind_of(name).task(question_of(name))
