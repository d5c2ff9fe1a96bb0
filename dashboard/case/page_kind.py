"""What the page of a kind of task does in its own way; `pages` finds each, so that the shell names none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

import models
from models import Card, Image, Judged
from models.cases import Case
from models.tasks import kind_of_card


@dataclass(frozen=True)
class Tile:
    """What stands on one tile of Home: a picture (H, W, 3), the answer, and what it says in few words.

    Of what cannot be answered there is no more than the bare picture: None.
    """

    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    answer: Judged | None = None
    says: str = ""


class PageKind(ABC):
    """The page of a kind of task."""

    name: ClassVar[str]
    """That of the kind, as in `models.tasks`."""
    takes_slides: ClassVar[bool] = False
    """Whether it answers what is too large to be looked at as a whole."""
    panel: ClassVar[str | None] = None
    """Key of the control that says what is read off the picture; None without one."""

    def panels(self) -> Collection[str]:
        """Return the names that this control offers."""
        return ()

    def still(self) -> Image | None:
        """Return a picture of what the page opens with where no case is named; None for what has none."""
        return None

    @abstractmethod
    def show(self, task: str, invitation: str) -> None:
        """Draw the page of a task.

        Parameters
        ----------
        invitation
            What to drop, said while there is no image.
        """

    @abstractmethod
    def tile(self, case: Case) -> Tile:
        """Answer a case for a tile of Home."""


class StudyPage(PageKind):
    """The page of a kind that answers a study of several files together, which are not on the table."""

    @abstractmethod
    def take(self, study: Sequence[tuple[str, bytes]], second: Sequence[tuple[str, bytes]] = ()) -> None:
        """Put the files of a study, names and contents, to those that are there, and those of its second view."""

    @abstractmethod
    def holds(self) -> bool:
        """Whether there are files of the user's."""

    @abstractmethod
    def awaits(self) -> bool:
        """Whether the page is open for files of a study."""


class CardPage(PageKind):
    """The page of a kind that cards answer: how an answer is asked for, drawn and told, outside its own page too."""

    @abstractmethod
    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        """Return the answer that the page shows of a frame, made once.

        Raises
        ------
        ModelError
            As `models.predict`.
        """

    def is_slow(self, image: Image, card: Card) -> bool:
        """Whether an image is so large that it is answered beside the page, when its reader says so."""
        return False

    def tile(self, case: Case) -> Tile:
        """Answer a case, and draw it with its answer."""
        image, card = models.read(case.path), models.card(case.card)
        answer = models.predict(image, card.id, explain=kind_of_card(card).explained_by)
        return Tile(self.picture(image, answer), answer)

    @abstractmethod
    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        """Draw an image with its answer, (H, W, 3), for a small picture."""

    @abstractmethod
    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        """Return the answer to a case in a few words, beside which stands what it was made for."""
