"""The page of tasks that draw boxes: what was found, at which threshold, why, and against a reference standard."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from dashboard.case.page_kind import CardPage
from dashboard.i18n import spoken
from models import Card, Detections, Image, Judged
from models.cases import Case


class DetectionPage(CardPage):
    """Boxes round what matters."""

    name = "detection"
    panel = "detection-panel"

    def panels(self) -> Collection[str]:
        from dashboard.views.detection import page

        return page.PANELS

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.detection import page

        page.show_detection_page(task, invitation)

    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        from dashboard.views.detection.case import detect_on_page

        return detect_on_page(image, card, frame)

    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        from models.tasks.detection.boxes import draw_numbered_boxes

        assert isinstance(answer, Detections)  # by the card's kind
        return draw_numbered_boxes(image, answer, spoken())

    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        from models.tasks.detection.verdict import word_detection_verdict

        assert isinstance(answer, Detections)  # by the card's kind
        return word_detection_verdict(answer, card, spoken())


PAGE = DetectionPage()
