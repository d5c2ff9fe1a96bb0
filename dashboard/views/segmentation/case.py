"""What the pieces of the tissue page share: one image with its classes, and what is to be drawn of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go

from dashboard import session
from dashboard.i18n import later
from dashboard.views.segmentation.figures import TissueView
from models import Box, Card, Explanation, Image, Segmentation
from models.jobs import Job
from models.tasks.segmentation.edit import Correction, apply_corrections

NETWORK, CORRECTED = later("The network's"), later("Corrected")
"""The two versions of the classes."""


@dataclass(frozen=True)
class Reason:
    """What a reader was last told of why, and the place it is about; None: nothing yet, and the whole image."""

    why: Explanation | None = None
    place: Box | None = None


def keep_reason_for_report(identity: str, reason: Reason) -> None:
    """Keep what the reader is told of an answer, for its report."""
    session.put(f"reason-{identity}", reason)


def find_reason_for_report(identity: str) -> Reason:
    """Return what the reader was last told of an answer."""
    return session.get(f"reason-{identity}", Reason())


def segment_on_page(image: Image, card: Card, frame: int = 0) -> Segmentation:
    """Return the card's classes for every pixel of a frame; of a large image those of the job that found them.

    Raises
    ------
    ModelError
        As `models.predict`.
    """
    done: Job[Segmentation] | None = session.find_job(name_segmentation_job(image, card))
    if done and done.result and frame == 0:
        return done.result
    return session.predict_as(Segmentation, image, card, frame)


def name_segmentation_job(image: Image, card: Card) -> str:
    """Return the name of the job that segments a large image."""
    return f"segment-{image.sha256}-{card.id}"


@dataclass(frozen=True)
class SegmentationCase:
    """One frame with the network's classes and the reader's corrections.

    Attributes
    ----------
    answer
        What the network said, never changed.
    choice
        `NETWORK` or `CORRECTED`; None: the one that the reader looks at.
    """

    image: Image
    card: Card
    answer: Segmentation
    view: TissueView
    choice: str | None = None

    @property
    def identity(self) -> str:
        """Names the frame and the model, for the keys of widgets and of the session."""
        return f"{self.image.sha256[:12]}-{self.view.frame}-{self.card.id}"

    @property
    def corrections(self) -> Sequence[Correction]:
        """What the reader has drawn, the oldest first."""
        return session.get(f"corrections-{self.identity}", ())

    @property
    def version(self) -> str:
        """Names the classes that are shown: "network", or a hash of the corrections."""
        choice = self.choice or session.get(f"version-{self.identity}")
        if not self.corrections or choice == NETWORK:
            return "network"
        return hashlib.sha256(repr(self.corrections).encode()).hexdigest()[:12]

    def at(self, choice: str) -> SegmentationCase:
        """Return the same with one version of its classes."""
        return replace(self, choice=choice)

    @property
    def shown(self) -> Segmentation:
        """The classes that are shown, measured and exported: corrected where the reader did so and looks at it."""
        return self.answer if self.version == "network" else self.corrected

    @property
    def corrected(self) -> Segmentation:
        """The classes with every correction."""
        if not self.corrections:
            return self.answer
        return session.compute_once(
            lambda: apply_corrections(self.answer, self.corrections), "corrected", self.identity, repr(self.corrections)
        )


@dataclass(frozen=True)
class Sheet:
    """What stands on the left of the page.

    Attributes
    ----------
    key
        Of the chart: another key is another chart, with the view and the selection of a new one.
    says
        What the picture shows, where its colours need words.
    select
        Called with the selection that the reader draws, a box where `box` is set, else a closed line.
    """

    figure: go.Figure
    key: str
    says: str = ""
    select: Callable[[Mapping[str, Any]], None] | None = None
    box: bool = False
