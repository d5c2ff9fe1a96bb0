"""What the page of a kind of task does in its own way; `dashboard.case.pages` finds each, so that the shell names none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models import Card, Image, Prediction
from models.cases import Case


class PageKind(ABC):
    """The page of a kind of task."""

    name: ClassVar[str]
    """That of the kind, as in `models.tasks`."""
    names_the_whole: ClassVar[bool] = False
    """Whether an answer is one label of a few, so that an audience can vote on it and its heat goes with it."""
    takes_slides: ClassVar[bool] = False
    """Whether it answers what is too large to be looked at as a whole."""
    panel: ClassVar[str | None] = None
    """Key of the control that says what is read off the picture; None without one."""

    @abstractmethod
    def show(self, task: str, invitation: str) -> None:
        """Draw the page of a task.

        Parameters
        ----------
        invitation
            What to drop, said while there is no image.
        """


class CardPage(PageKind):
    """The page of a kind that cards answer: how an answer is asked for, drawn and told, outside its own page too."""

    @abstractmethod
    def ask(self, image: Image, card: Card, frame: int = 0) -> Prediction:
        """Return the answer that the page shows of a frame, made once.

        Raises
        ------
        ModelError
            As `models.predict`.
        """

    @abstractmethod
    def picture(self, image: Image, answer: Prediction) -> NDArray[np.uint8]:
        """Draw an image with its answer, (H, W, 3), for a small picture."""

    @abstractmethod
    def tell(self, case: Case, card: Card, answer: Prediction) -> str:
        """Return the answer to a case in a few words, beside which stands what it was made for."""
