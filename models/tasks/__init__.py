"""The kinds of task, found by themselves: every folder of this package may hold `KINDS` and `QUESTIONS`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from models.errors import BadCard, UnknownCard
from models.tasks.kind import CardKind, Kind, Question

if TYPE_CHECKING:
    from models.cards import Card
    from models.reporting.account import Account, CardAccount
    from models.tasks.task import Task
    from models.types import Judged, Prediction

Told = TypeVar("Told", bound="Account[Any]")


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
        When there is no task of that name.
    """
    return kinds()[question_of(name).kind]


def kind_of_card(card: Card) -> CardKind:
    """Return the kind of task that answers a card.

    Raises
    ------
    UnknownCard
        When there is no such task, or none that a card answers alone.
    BadCard
        When the card has fewer labels than its kind needs.
    """
    kind = _card_kind(card.task)
    if len(card.labels) < kind.fewest_labels:
        fix = f"Give it {kind.fewest_labels} labels at least."
        raise BadCard(f"{kind.name} with {len(card.labels)} label answers nothing", fix=fix, file=f"{card.id}.toml")
    return kind


def _card_kind(name: str) -> CardKind:
    kind = kind_of(name)
    if not isinstance(kind, CardKind):
        raise UnknownCard(f"no card answers {name!r} alone", fix=f"Use `ortholens {name}`.")
    return kind


def task_of(name: str) -> Task:
    """Return how an image becomes a network's input for a task, and its output an answer.

    Raises
    ------
    UnknownCard
        When there is no task of that name, or no card answers it alone.
    """
    return _card_kind(name).task(question_of(name))


def account_of(answer: Prediction) -> Account[Any]:
    """Return how an answer is told.

    Raises
    ------
    TypeError
        For an answer that is not of the kind of its task.
    """
    return _checked(kind_of(answer.task).account(), answer)


def card_account_of(answer: Judged) -> CardAccount[Any]:
    """Return how a card's answer is told.

    Raises
    ------
    TypeError
        For an answer that is not of the kind of its task, or that no card gives.
    """
    return _checked(_card_kind(answer.task).account(), answer)


def _checked(account: Told, answer: Prediction) -> Told:
    if not isinstance(answer, account.of):
        raise TypeError(f"{answer.task} is not answered by a {type(answer).__name__}")
    return account
