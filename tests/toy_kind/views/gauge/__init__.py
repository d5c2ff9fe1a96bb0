"""The page of the toy kind: the picture on the left, the number on the right."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import session
from dashboard.case import abstention, also, downloads, shell, viewer, worklist
from dashboard.case.page_kind import CardPage
from dashboard.case.places import lay_out_places
from dashboard.i18n import spoken
from dashboard.style.figures import View
from models import Card, Image, Judged
from models.answers.record import write_headline
from models.cases import Case
from models.reporting import pictures


class GaugePage(CardPage):
    name = "gauge"

    def show(self, task: str, invitation: str) -> None:
        card, image = shell.open_shell(task, invitation, readable=False)
        if image is None:
            return
        picture, controls, right = lay_out_places()
        with controls:
            view = View(frame=viewer.draw_frame_slider(image))
        answer = self.ask(image, card, view.frame)
        worklist.tell_worklist(answer)
        with picture:
            viewer.show_viewer(image, answer, view)
        with right, st.container(border=True, key="answer"):
            if answer.abstained and abstention.show_abstention(answer, image, card):
                return
            st.header(write_headline(answer, spoken()), anchor=False)
            downloads.show_downloads(answer, image, view)
        also.show_other_cards(image, card)()

    def ask(self, image: Image, card: Card, frame: int = 0) -> Judged:
        return session.predict(image, card, frame)

    def picture(self, image: Image, answer: Judged) -> NDArray[np.uint8]:
        return (pictures.render_report_frame(image, answer.frame) * 255).astype(np.uint8)

    def tell(self, case: Case, card: Card, answer: Judged) -> str:
        return write_headline(answer, spoken())


PAGE = GaugePage()
