"""What a kind of task says of itself: its questions, what makes its networks answer and trains them, how it is told.

Readable without torch. A kind is one folder of `models.tasks` whose `__init__` lists it in `KINDS`, and the questions
that it answers in `QUESTIONS`; `models.tasks` finds them, and with them pages, command line, batch, model cards,
report, record, worklist, triage, stage and benchmark.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from models.types import Box, Explanation, Image, Judged

if TYPE_CHECKING:
    from threading import RLock

    import torch
    from torch import nn

    from models.cards import Card
    from models.progress import Progress
    from models.reporting.account import Account, CardAccount
    from models.tasks.task import Task
    from models.training.own_files import Files
    from models.training.own_set import Look


@dataclass(frozen=True)
class Question:
    """One question that cards answer.

    Attributes
    ----------
    name
        As on the command line, and in the address of its page.
    asks
        What the page asks of an image, in plain words.
    kind
        Name of the kind of task that it is.
    """

    name: str
    asks: str
    kind: str


@dataclass(frozen=True)
class Request:
    """How a card is asked about a frame.

    Attributes
    ----------
    explain, label
        Key of a method of explanation, and the label that it explains; None: no explanation, and the answer's own.
    point
        Of a detector: key of one of its operating points; None: its first.
    fused
        Of a detector: look again mirrored and enlarged, and fuse what was found. Five times as slow.
    progress, cancelled
        Told the share done, and asked whether to stop, before any explanation.
    """

    explain: str | None = None
    label: str | None = None
    point: str | None = None
    fused: bool = False
    progress: Callable[[float], None] | None = None
    cancelled: Callable[[], bool] | None = None


ANSWER = Request()
"""The answer alone."""


@dataclass(frozen=True)
class Why:
    """What is to be explained.

    Attributes
    ----------
    method
        Key of a method of `models.trust.methods`.
    label
        By default the answer's own, of a detector that of its best box.
    stage
        Of the network; by default the card's own, of a detector the level that the box comes from.
    box
        Of a segmenter: why is this part so? Of a detector: why is, or is not, a box like this one drawn?
    """

    method: str
    label: str | None = None
    stage: str | None = None
    box: Box | None = None


class Predictor(Protocol):
    """A card's networks on their device, ready to answer from any thread."""

    does: ClassVar[str]
    """What its card does, for messages: "names a whole image"."""
    card: Card
    lock: RLock
    """Held by whoever runs a network, which is not thread-safe while it is explained."""

    @property
    def members(self) -> Sequence[nn.Module]:
        """The networks, in eval mode; of several, the mean counts."""

    @property
    def bytes(self) -> int:
        """Memory of the parameters."""

    def passes(self, image: Image) -> Mapping[str, Callable[[], object]]:
        """Return what runs the networks alone on an image, by name, for a benchmark; empty for what is not one pass."""

    def warm_up(self) -> None:
        """Answer a blank image, so that the first real one does not wait."""

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Judged:
        """Answer one frame.

        Raises
        ------
        Cancelled
            When the request was cancelled; nothing is kept.
        UnknownCard
            For a method, label or operating point that the card does not have.
        """

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        """Explain what the card says of one frame.

        Raises
        ------
        UnknownCard
            For a method, label, stage or box that it cannot be asked about.
        """


@runtime_checkable
class BatchPredictor(Predictor, Protocol):
    """A predictor whose networks take several images in one pass."""

    def predict_many(self, frames: Sequence[tuple[Image, int]]) -> Sequence[Judged]:
        """Answer images, each with the number of its frame, as `predict` answers each."""


class Trials(Protocol):
    """What trains and measures the cards of a kind: a module with these functions."""

    def train(self, card_id: str, progress: Progress, /) -> None:
        """Train what ships, and write it and its out-of-distribution detector into the card.

        Raises
        ------
        UnknownCard, Unreachable
            For a card without a set, or a set that is not here.
        """

    def evaluate(self, card_id: str, folds: int, test: bool, progress: Progress, /) -> None:
        """Measure a card on images that it was not trained on, and write its figures.

        Parameters
        ----------
        folds
            Parts of a cross-validation.
        test
            Whether to touch the test split, of a set that has one.

        Raises
        ------
        UnknownCard, Unreachable
            As `train`.
        """

    def ood(self, card_id: str, progress: Progress, /) -> None:
        """Fit a card's out-of-distribution detector anew on the weights that ship, and measure it.

        Raises
        ------
        BadCard
            For a kind that fits it only with the network.
        UnknownCard, Unreachable
            As `train`.
        """


class OwnSets(Protocol):
    """What reads sets of a user's own for a kind, and drafts cards for them: a module with these names."""

    KNOWS_IMAGENET: bool
    """Whether its networks can start from photographs of everyday things."""

    def look(self, files: Files, progress: Progress, /) -> Look:
        """Read the set of a user's files, and look at it.

        Raises
        ------
        InputError, Unreachable
            When there is nothing of the form that the kind learns from.
        """

    def describe_card(self, seen: Any, quick: bool, /) -> Mapping[str, object]:
        """Return the fields of a card that hang on what it learns: summary, labels, input, net, training.

        Parameters
        ----------
        quick
            Whether it is a trial, in a fraction of the time.
        """

    def may_start_from(self, card: Card, /) -> bool:
        """Whether a card's trunk can be the start of a new one of the kind."""

    def measure_curve(self, card_id: str, progress: Progress, /) -> None:
        """Measure how a card's figures grow with the number of pictures, where that is cheap enough."""


class Kind(ABC):
    """One kind of task."""

    name: ClassVar[str]
    """That of its folder."""

    @abstractmethod
    def account(self) -> Account[Any]:
        """Return how its answers are told."""


class CardKind(Kind):
    """One kind of task whose questions a card answers alone."""

    fewest_labels: ClassVar[int] = 1
    """That a card has."""
    one_label: ClassVar[bool] = False
    """Whether an answer is one label of a few, so that an audience can vote on it."""
    explained_by: ClassVar[str | None] = None
    """Key of the method whose heat goes with every answer that is shown; None for an answer that stands alone."""
    adds: ClassVar[bool] = False
    """Whether its cards only measure what those of another kind name: of an image that both know, those come first."""
    batched: ClassVar[bool] = False
    """Whether its predictors are of those that answer several images in one pass (`BatchPredictor`)."""
    seeks: ClassVar[bool] = False
    """Whether it has operating points, and can look again (`Request.point`, `Request.fused`)."""

    @abstractmethod
    def account(self) -> CardAccount[Any]:
        """Return how its answers are told."""

    @abstractmethod
    def task(self, question: Question) -> Task:
        """Return how an image becomes a network's input for a question, and its output an answer."""

    @abstractmethod
    def predictor(self, card: Card, device: torch.device) -> Predictor:
        """Load a card's networks.

        Raises
        ------
        BadWeights
            When a file of weights is missing, or not the one that the card names.
        """

    def own_sets(self) -> OwnSets | None:
        """Return what reads a user's own sets; None where no card of the kind can be trained on any."""
        return None

    @abstractmethod
    def trials(self) -> Trials:
        """Return what trains and measures its cards; it needs the extra `train`."""
