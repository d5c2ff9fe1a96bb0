"""The pages of tasks that name a whole image: its label, why, and how far to trust it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dashboard.case.page_kind import CardPage
from dashboard.i18n import t
from models import Card, Classification, Image, Judged
from models.cases import Case


class ClassificationPage(CardPage):
    """One label for a whole image."""

    name = "classification"

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.classification import page

        page.show_classification_page(task, invitation)

    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        from dashboard import session

        return session.predict(image, card, frame)

    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        from models.reporting import pictures

        return pictures.draw_report_heat(image, answer)

    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        assert isinstance(answer, Classification)  # by the card's kind
        return t("answered: {answer}", answer=t(card.labels[card.index(answer.label)].name))


PAGE = ClassificationPage()
