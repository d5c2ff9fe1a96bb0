"""How the answers of a kind of task are told: in a record, a caption, a line of the worklist, a chapter of a report.

Each kind has one account, in its own folder; `models.answers` finds it by the task of an answer. An abstention is told
there, in the place of the answer, so that no kind can give away what its model withholds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.i18n import Language
from models.reporting.case import Case
from models.reporting.finding import Finding
from models.reporting.model import describe_image
from models.reporting.outcome import Outcome, fill_common_outcome
from models.reporting.parts import Answer, Pictures, Section
from models.reporting.trust import report_plain_picture, report_trust
from models.types import Image, Judged, Prediction

A = TypeVar("A", bound=Prediction)
J = TypeVar("J", bound=Judged)
Record = dict[str, Any]
"""Ready for JSON."""
Keep = Callable[[str, Callable[[], bytes]], str | None]
"""Keeps a PNG, made when it is called for, under a name of the image and this word; returns where, None for nowhere."""


class Account(ABC, Generic[A]):
    """How the answers of one kind are written up in a report."""

    of: type[A]
    """Type of the answers."""

    def title(self, task: str, card: Card | None, say: Language) -> str:
        """Return the title of a chapter."""
        return say(card.title) if card else task.capitalize()

    @abstractmethod
    def summary(self, answer: A, say: Language) -> tuple[str, str]:
        """Return the answer in one line, and how sure it is ("" where that is not said), for a table of contents."""

    @abstractmethod
    def sections(self, answer: A, case: Case) -> list[Section]:
        """Return the sections that a chapter begins with; the first has no title."""

    def findings(self, answer: A, image: Image) -> list[Finding]:
        """Return what an answer says in numbers and points, in English, for a structured report."""
        return []

    def about(self, case: Case) -> Section:
        """Say what was answered."""
        return describe_image(case)


class CardAccount(Account[J]):
    """How the answers of a kind that cards answer are told everywhere."""

    films: ClassVar[bool] = True
    """Whether it is asked about radiographs, of which is said what in them may mislead."""
    files: ClassVar[bool] = False
    """Whether `keep` keeps any."""

    @abstractmethod
    def fields(self, answer: J) -> Record:
        """Return what the record of an answer has of its own."""

    @abstractmethod
    def line(self, answer: J, say: Language) -> str:
        """Return the answer in one short line."""

    def keep(self, answer: J, image: Image, keep: Keep) -> Record:
        """Keep what of an answer is a file of its own, and return what only the command line's record has."""
        return {}

    def outcome(self, answer: J) -> Outcome:
        """Return what stands of an answer in the worklist."""
        return Outcome(**fill_common_outcome(answer))

    def labels(self, card: Card) -> Mapping[str, str]:
        """Return the keys that `Outcome.label` can be, with their names; none where the answer is no single label."""
        return {}

    def is_right(self, answer: J, labels: Sequence[str], drawn: NDArray[np.uint8] | None) -> bool:
        """Whether an answer says what a picture was made for.

        Parameters
        ----------
        labels
            Keys of the labels that are to be found in it.
        drawn
            (H, W) index of the class of every pixel, where it is known.
        """
        return [self.outcome(answer).label] == list(labels)

    def summary(self, answer: J, say: Language) -> tuple[str, str]:
        """Return the line of the answer alone."""
        return self.line(answer, say), ""

    def sections(self, answer: J, case: Case) -> list[Section]:
        """Return the answer beside its picture, and how far to trust it."""
        said, sure = self.summary(answer, case.say)
        parts = (Answer(said, sure), Pictures((report_plain_picture(case),)))
        return [Section("", parts), report_trust(answer, case, films=self.films)]
