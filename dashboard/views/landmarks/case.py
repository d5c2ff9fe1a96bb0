"""What the pieces of the page of landmarks share: one frame with the network's points and those that a person moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard import session
from dashboard.case.handles import Touch
from dashboard.i18n import t
from dashboard.style.figures import View
from models import Card, Image
from models.tasks.landmarks.account import measure_answer
from models.tasks.landmarks.edit import Move, move_points
from models.tasks.landmarks.measures import Measurement, Side
from models.types import Landmarks

Turn = tuple[float, Move]
"""A move, and what names the drag, the spell of keys or the typed place that it belongs to."""


def place_landmarks_on_page(image: Image, card: Card, frame: int = 0) -> Landmarks:
    """Return the card's points on a frame.

    Raises
    ------
    ModelError
        As `models.predict`.
    """
    return session.predict_as(Landmarks, image, card, frame)


@dataclass(frozen=True)
class LandmarkCase:
    """One frame with its points.

    Attributes
    ----------
    answer
        What the network said, never changed.
    """

    image: Image
    card: Card
    answer: Landmarks
    view: View

    @property
    def identity(self) -> str:
        """Names the frame and the model, for the keys of widgets and of the session."""
        return f"{self.image.sha256[:12]}-{self.view.frame}-{self.card.id}"

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What a person moved, the oldest first."""
        return session.get(f"turns-{self.identity}", ())

    @property
    def moves(self) -> tuple[Move, ...]:
        """The same without what names the turns."""
        return tuple(move for _, move in self.turns)

    @property
    def names(self) -> Mapping[str, str]:
        """The points' names in the user's language, by their keys."""
        return {label.key: t(label.name) for label in self.card.labels}

    def take(self, touch: Touch) -> None:
        """Take what a hand did on the film; of one drag, or of one spell of keys, the last place counts."""
        if touch.kind == "moved" and touch.key in self.answer.names:
            self.move(Move(touch.key, *touch.points[0]), touch.turn)

    def move(self, move: Move, turn: float) -> None:
        """Move one point, to a place on the frame."""
        rows, columns = self.image.shape
        x, y = (round(min(max(at, -0.5), most - 0.5), 2) for at, most in ((move.x, columns), (move.y, rows)))
        before = self.turns[:-1] if self.turns and self.turns[-1][0] == turn else self.turns
        self.keep((*before, (turn, Move(move.name, x, y))))

    def keep(self, turns: tuple[Turn, ...]) -> None:
        """Keep other turns."""
        session.put(f"turns-{self.identity}", turns)

    @property
    def shown(self) -> Landmarks:
        """The points that are shown, measured and exported: moved where a person did so, by the reader's side."""
        return self._sided(move_points(self.answer, self.moves))

    @property
    def side(self) -> Side | None:
        """Of the patient: what the reader says, else what the file does; None: not known."""
        return session.get(name_side(self.image), self.answer.side)

    @property
    def measurements(self) -> Sequence[Measurement]:
        """What is measured between the points that are shown."""
        return measure_answer(self.shown)

    @property
    def measured_by_network(self) -> Sequence[Measurement]:
        """What would be measured had nobody moved a point."""
        return measure_answer(self._sided(self.answer))

    def _sided(self, answer: Landmarks) -> Landmarks:
        """Return points with the image's own scale, which a reader may have set, and with the side."""
        return replace(answer, spacing_mm=self.image.spacing_mm, side=self.side)


def name_side(image: Image) -> str:
    """Return the key of the side that the reader says."""
    return f"side-{image.sha256[:12]}"
