"""The page of tasks that place landmarks: points on a film, the measures between them, and a hand that moves them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

import models
from dashboard.case.page_kind import CardPage, Tile
from dashboard.i18n import spoken
from models import Card, Image, Judged
from models.answers.record import write_headline
from models.cases import Case
from models.drawing.plate import enlarge_for_plate
from models.types import Landmarks


class LandmarksPage(CardPage):
    """Points, and what is measured between them."""

    name = "landmarks"
    panel = "landmarks-panel"

    def panels(self) -> Collection[str]:
        from dashboard.views.landmarks import page

        return page.PANELS

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.landmarks import page

        page.show_landmarks_page(task, invitation)

    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        from dashboard.views.landmarks.case import place_landmarks_on_page

        return place_landmarks_on_page(image, card, frame)

    def tile(self, case: Case) -> Tile:
        """Place the points on a case, which was made for another question."""
        image, card = models.read(case.path), next(iter(models.cards_of("landmarks")))
        answer = models.predict(image, card.id)
        return Tile(self.picture(image, answer), answer, write_headline(answer, spoken()))

    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        from models.tasks.landmarks.marks import draw_landmarks

        assert isinstance(answer, Landmarks)  # by the card's kind
        return draw_landmarks(image, answer, enlarge_for_plate(image.shown(answer.frame), image.cell))

    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        return write_headline(answer, spoken())


PAGE = LandmarksPage()
