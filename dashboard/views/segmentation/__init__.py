"""The page of tasks that name every pixel: classes, corrections, slides, and a reference standard."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from dashboard.case.page_kind import CardPage
from dashboard.i18n import format_number, t
from models import Card, Image, Judged, Segmentation
from models.cases import Case


class SegmentationPage(CardPage):
    """A class for every pixel."""

    name = "segmentation"
    takes_slides = True
    panel = "tissue-panel"

    def panels(self) -> Collection[str]:
        from dashboard.views.segmentation import page

        return page.PANELS

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.segmentation import page

        page.show_segmentation_page(task, invitation)

    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        from dashboard.views.segmentation.case import segment_on_page

        return segment_on_page(image, card, frame)

    def is_slow(self, image: Image, card: Card) -> bool:
        from dashboard.views.segmentation import slide

        return slide.is_large_slide(image, card)

    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        from models.tasks.segmentation.account import paint_frame

        assert isinstance(answer, Segmentation)  # by the card's kind
        return paint_frame(image, answer)

    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        from models.tasks.segmentation.account import compute_mean_dice

        assert isinstance(answer, Segmentation)  # by the card's kind
        share = float("nan") if case.reference is None else compute_mean_dice(answer, case.reference)
        return t("answered: as drawn, mean Dice {share}", share=format_number(share, ".2f"))


PAGE = SegmentationPage()
