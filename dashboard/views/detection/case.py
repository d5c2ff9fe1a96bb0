"""What the pieces of the detection page share: one frame with the detector's boxes and the reader's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dashboard import session
from dashboard.i18n import format_number, later, t
from dashboard.style.figures import View
from models import Card, Detections, Image
from models.tasks.detection.edit import DrawnBox, Edits, apply_box_edits


def detect_on_page(image: Image, card: Card, frame: int = 0) -> Detections:
    """Return the card's boxes on a frame, of a second look too where the reader wants one.

    Raises
    ------
    ModelError
        As `models.predict`.
    """
    return session.predict_as(Detections, image, card, frame, fused=bool(session.get(name_second_look(card))))


def name_second_look(card: Card) -> str:
    """Return the key of whether the reader wants a detector to look again mirrored and enlarged."""
    return f"fused-{card.id}"


@dataclass(frozen=True)
class Finding:
    """One box that is shown.

    Attributes
    ----------
    number
        As on the screen, from 1.
    row
        Of `DetectionCase.kept`; `original` is that of the network's own answer, None for a box drawn by hand.
    key
        Names the box as long as nothing is drawn or deleted.
    label
        Index of the card's label.
    """

    number: int
    row: int
    key: str
    box: NDArray[np.float32]
    label: int
    score: float
    original: int | None

    @property
    def by_hand(self) -> bool:
        """Whether a reader drew it."""
        return self.original is None

    @property
    def sure(self) -> str:
        """How certain it is, in words."""
        return later("by hand") if self.by_hand else format_number(self.score, ".0%")


@dataclass(frozen=True)
class DetectionCase:
    """One frame with what was found on it.

    Attributes
    ----------
    answer
        What the network said, never changed.
    fused
        Whether that was over flips and scales.
    threshold, point
        From which score on a box is shown, and the name of the operating point, or `verdict.OWN`.
    """

    image: Image
    card: Card
    answer: Detections
    view: View
    fused: bool
    threshold: float
    point: str

    @property
    def frame(self) -> str:
        """Names the frame and the model, for the keys of widgets and of the session."""
        return f"{self.image.sha256[:12]}-{self.view.frame}-{self.card.id}"

    @property
    def identity(self) -> str:
        """Names the answer, likewise."""
        return f"{self.frame}-{'fused' if self.fused else 'once'}"

    @property
    def edits(self) -> Edits:
        """What the reader drew, on this frame, and took away, of this answer."""
        return Edits(session.get(f"drawn-{self.frame}", ()), session.get(f"deleted-{self.identity}", ()))

    def edit(self, edits: Edits) -> None:
        """Keep other edits; what was chosen among the old boxes is chosen no more."""
        session.put(f"drawn-{self.frame}", edits.drawn)
        session.put(f"deleted-{self.identity}", edits.deleted)
        session.put(f"chosen-{self.identity}", None)

    def draw(self, box: DrawnBox) -> None:
        """Add a box drawn by hand."""
        self.edit(replace(self.edits, drawn=(*self.edits.drawn, box)))

    def delete(self, finding: Finding) -> None:
        """Take a box away."""
        edits = self.edits
        if finding.original is not None:
            self.edit(replace(edits, deleted=(*edits.deleted, finding.original)))
        else:
            self.edit(replace(edits, drawn=(*edits.drawn[: finding.row], *edits.drawn[finding.row + 1 :])))

    @property
    def kept(self) -> Detections:
        """The boxes with the reader's edits, at the reader's threshold."""
        return apply_box_edits(replace(self.answer, threshold=self.threshold, operating_point=self.point), self.edits)

    @property
    def findings(self) -> Sequence[Finding]:
        """The boxes that are shown, those drawn by hand first, then the most certain."""
        kept, edits = self.kept, self.edits
        rows = np.setdiff1d(np.arange(len(self.answer.boxes)), edits.deleted)
        originals = [None] * len(edits.drawn) + [int(row) for row in rows]
        return [
            Finding(
                number, int(row), f"drawn-{row}" if originals[row] is None else f"box-{originals[row]}",
                kept.boxes[row], int(kept.classes[row]), float(kept.scores[row]), originals[row],
            )
            for number, row in enumerate(kept.shown, 1)
        ]  # fmt: skip

    @property
    def chosen(self) -> Finding | None:
        """The finding that the reader chose; None where none is, or it is not shown."""
        key = session.get(f"chosen-{self.identity}")
        return next((finding for finding in self.findings if finding.key == key), None)

    def choose(self, finding: Finding | None) -> None:
        """Choose a finding and zoom to it; None shows the whole image."""
        session.put(f"chosen-{self.identity}", finding and finding.key)
        box = None if finding is None else tuple(float(side) for side in finding.box)
        count = session.get(f"zoom-{self.frame}", (None, 0))[1]
        session.put(f"zoom-{self.frame}", (box, count + 1))

    @property
    def zoom(self) -> tuple[tuple[float, float, float, float] | None, int]:
        """The box zoomed to, None for the whole image, and how often the reader has zoomed."""
        return session.get(f"zoom-{self.frame}", (None, 0))


def describe_box(box: NDArray[np.float32], image: Image) -> str:
    """Say how large a box is and where its middle lies, in mm too where the image is calibrated."""
    x, y, width, height = (float(side) for side in box)
    said = [f"{format_number(width, '.0f')} × {format_number(height, '.0f')} px"]
    if image.spacing_mm:
        down, across = image.spacing_mm
        said.append(f"{format_number(width * across, '.1f')} × {format_number(height * down, '.1f')} mm")
    said.append(t("middle at column {x:.0f}, row {y:.0f}", x=x + width / 2, y=y + height / 2))
    return " · ".join(said)
