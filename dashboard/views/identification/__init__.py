"""The pages of tasks that name an implant by its shape: the contours of the designs that fit, laid over the film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dashboard.case.page_kind import CardPage
from dashboard.i18n import spoken, t
from models import Card, Image, Judged
from models.cases import Case


class IdentificationPage(CardPage):
    """A design of the library, or none."""

    name = "identification"

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.identification import page

        page.show_identification_page(task, invitation)

    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        from dashboard import session

        return session.predict(image, card, frame)

    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        import models
        from models.reporting import pictures
        from models.tasks.identification.account import draw_contours
        from models.tasks.identification.answer import Identification

        assert isinstance(answer, Identification)  # by the card's kind
        return draw_contours(pictures.render_report_frame(image, answer.frame), answer, models.card(answer.card))

    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        from models.answers.record import write_headline

        return t("answered: {answer}", answer=write_headline(answer, spoken()))


PAGE = IdentificationPage()
