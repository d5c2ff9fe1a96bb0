"""Keep the result: the film with the contour as PNG, the answer as JSON, and the report."""

from __future__ import annotations

import streamlit as st

import models
from dashboard import session
from dashboard.case import report
from dashboard.case.downloads import export_record
from dashboard.case.offer import offer_file
from dashboard.case.ruler.files import with_ruler
from dashboard.i18n import Language, spoken, t
from dashboard.session import Answered
from dashboard.style.figures import View
from models import Image
from models.answers.record import write_caption
from models.drawing import plate
from models.reporting.case import Case
from models.tasks.identification.account import draw_contours, name_design
from models.tasks.identification.answer import Identification


def show_identification_downloads(answer: Identification, image: Image, view: View, which: int) -> None:
    """Offer the files; each is made when it is asked for."""
    name, say = f"ortholens-{answer.task}-{answer.sha256[:12]}", spoken()
    with st.container(key="downloads", horizontal=True, gap="small"):
        offer_file(
            t("Picture"), lambda: export_contour_picture(answer, image, view, which, say), f"{name}.png", icon="image",
            help=t("The image with the contour that is shown, a scale and a caption."),
        )  # fmt: skip
        offer_file(
            t("Result"), with_ruler(lambda: export_record(answer), image), f"{name}.json", icon="data_object",
            help=t("The answer as JSON, as `ortholens predict` writes it."),
        )  # fmt: skip
    item = session.find_selected_file()
    origin, simulated = (item.origin, report.is_simulated(item)) if item else ("", False)

    def make() -> Case:
        shown = plate.square_pixels(view.shown(image), image.cell)
        return Case(image, answer, shown, None, simulated, origin)

    answered = None
    if item:
        card, frame = answer.card, answer.frame

        def again() -> Case:
            seen = item.read()
            return Case(seen, models.predict(seen, card, frame=frame), None, None, simulated, origin)

        answered = Answered(item.sha256, f"{frame}-{card}", again)
    report.show_reports(answer.task, name, make, answered)


def export_contour_picture(answer: Identification, image: Image, view: View, which: int, say: Language) -> bytes:
    """Return the film as it is shown with the contour of one design, and what belongs to it in its margins."""
    card = models.card(answer.card)
    below = plate.enlarge_for_plate(view.shown(image), image.cell)
    picture = draw_contours(below, answer, card, which)
    title, *lines = write_caption(answer, say)
    legend = tuple((label.colour or "", say(label.name)) for label in card.labels[1:])
    whose = name_design(answer.fits[which], say) if answer.fits else ""
    return plate.encode_plate(
        plate.Plate(picture, (whose, *lines), title, plate.measure_pixel_mm(image, picture), legend=legend, say=say)
    )
