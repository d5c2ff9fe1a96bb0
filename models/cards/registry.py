"""The registry of every card: the program's own, those of installed packages, and those of the user's folder.

Its cards are read without torch, so listing the models is instant. One of the program's own that is wrong stops the
program; one from outside is left out, and it is said why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from models.cards.card import CARDS_DIR, Card, load_card
from models.cards.figures import check_figures
from models.cards.outside import cards_in, folders
from models.errors import BadCard, OrthoLensError, UnknownCard, why
from models.settings import settings


class Cards(Mapping[str, Card]):
    """Every card by its id, those of the program first, each lot in the order of file names.

    One from outside whose title another has already has its id before it, where the eye falls first.

    Parameters
    ----------
    outside
        Folders of cards from outside.
    check
        Raises where the program cannot answer such a card.

    Attributes
    ----------
    refused
        What is wrong with each card from outside that cannot be used; the others do without it.
    """

    def __init__(self, outside: Iterator[Path], check: Callable[[Card], object]) -> None:
        paths = sorted(CARDS_DIR.glob("*.toml"), key=lambda path: path.stem)  # an alternative's longer id comes later
        self._cards = {path.stem: load_card(path) for path in paths}
        refused: list[OrthoLensError] = []
        for folder in outside:
            try:
                found = cards_in(folder)
            except OSError as error:
                fix = "Check who may read it, or set ORTHOLENS_CARDS_DIR to another."
                refused.append(BadCard(f"cannot be read: {why(error)}", fix=fix, file=folder.name))
                continue
            for path in found:
                try:
                    self._add(path, check)
                except OrthoLensError as problem:
                    problem.file = problem.file or path.name
                    refused.append(problem)
        self.refused = tuple(refused)

    def _add(self, path: Path, check: Callable[[Card], object]) -> None:
        card = load_card(path, outside=True)
        if card.id in self._cards:
            raise BadCard(f"there is a model {card.id!r} already", fix="Give it another id, or take it out.")
        check(card)
        missing = [part.file for part in card.parts if not (path.parent / part.file).is_file()]
        if missing:
            raise BadCard(f"{missing[0]} is not beside it", fix="Put it there, or take the card out.")
        if card.title in {other.title for other in self._cards.values()}:
            card = card.model_copy(update={"title": f"{card.id} · {card.title}"})
        check_figures(card)
        self._cards[card.id] = card

    def __getitem__(self, id: str) -> Card:
        return self._cards[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)


def cards() -> Cards:
    """Return every card: the program's own, those of installed packages, and those that the user's folder holds now."""
    folder = settings().cards_dir
    try:
        changed_ns = folder.stat().st_mtime_ns
    except OSError:  # there is none, or nobody may look
        changed_ns = 0
    return _cards(folder, changed_ns)


@lru_cache(maxsize=1)
def _cards(folder: Path, changed_ns: int) -> Cards:
    return Cards(folders(folder), _answerable)


def _accept(card: Card) -> None:
    """Find nothing wrong with a card."""


_answerable: Callable[[Card], object] = _accept


def check_outside(check: Callable[[Card], object]) -> None:
    """Have each card from outside checked by those who know the kinds of task, which are built on cards."""
    global _answerable
    _answerable = check
    reload_cards()


def reload_cards() -> None:
    """Read all cards anew when they are asked for next."""
    _cards.cache_clear()


def card(id: str) -> Card:
    """Return one card.

    Raises
    ------
    UnknownCard
        When there is none of that id; the message lists those there are.
    """
    try:
        return cards()[id]
    except KeyError:
        raise UnknownCard(f"there is no model {id!r}", fix=f"Choose one of {', '.join(cards())}.") from None


def cards_of(task: str) -> tuple[Card, ...]:
    """Return the cards of a task, those that learned from real pictures first; the first is the default.

    One from outside without weights is a draft of a user's own, which has not learned anything yet: it is left out.

    Raises
    ------
    UnknownCard
        When no card has that task.
    """
    found = tuple(
        sorted(
            (card for card in cards().values() if card.task == task and (card.members or card.folder is None)),
            key=lambda card: card.data.simulated,
        )
    )
    if not found:
        tasks = sorted({card.task for card in cards().values()})
        raise UnknownCard(f"there is no task {task!r}", fix=f"Choose one of {', '.join(tasks)}.")
    return found
