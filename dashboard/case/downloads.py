"""Keep the result: the overlay as PNG and the answer as JSON, both named by the hash of the file."""

from __future__ import annotations

import json

import streamlit as st

import models
from dashboard import session
from dashboard.case import report
from dashboard.case.offer import offer_file
from dashboard.case.ruler.files import with_ruler
from dashboard.i18n import Language, spoken, t
from dashboard.session import Answered
from dashboard.style.figures import View
from models import DISCLAIMER, Image, Judged
from models.answers.picture import export_picture_png
from models.answers.record import write_record
from models.drawing import plate
from models.reporting import reason
from models.reporting.case import Case
from models.tasks import kind_of_card


def show_downloads(prediction: Judged, image: Image, view: View) -> None:
    """Offer the files; each is made when it is asked for."""
    name, say = f"ortholens-{prediction.task}-{prediction.sha256[:12]}", spoken()
    with st.container(horizontal=True):
        offer_file(
            t("Overlay"), lambda: export_overlay(prediction, image, view, say), f"{name}.png", icon="image",
            help=t("The image with the heat, its colours, a scale and a caption, to show."),
        )  # fmt: skip
        offer_file(
            t("Result"), with_ruler(lambda: export_record(prediction), image), f"{name}.json", icon="data_object",
            help=t("The answer as JSON, as `ortholens predict` writes it."),
        )  # fmt: skip
    _report(prediction, image, view, name)


def export_overlay(prediction: Judged, image: Image, view: View, say: Language) -> bytes:
    """Return the picture as it is shown, 1,024 pixels at least on its longest side, with what belongs to it."""
    return export_picture_png(image, prediction, view.shown(image), view.look, say)


def _report(prediction: Judged, image: Image, view: View, name: str) -> None:
    """Offer the report of the answer as it is shown, and remember how to answer the file again."""
    item = session.find_selected_file()
    origin, simulated = (item.origin, report.is_simulated(item)) if item else ("", False)
    told = report.keep_audited_faithfulness(prediction)

    def make() -> Case:
        shown = plate.square_pixels(view.shown(image), image.cell)
        drawn = reason.draw_heat_over(shown, prediction, view.look)[0] if prediction.explanation else None
        return Case(image, told, shown, drawn, simulated, origin)

    answered = None
    if item:
        part, card, frame = report.cut_out_part(item, image), prediction.card, prediction.frame
        method = kind_of_card(models.card(card)).explained_by

        def again() -> Case:
            seen = part or item.read()
            return Case(seen, models.predict(seen, card, frame=frame, explain=method), None, None, simulated, origin)

        answered = Answered(item.sha256, f"{image.sha256}-{frame}-{card}", again)
    report.show_reports(prediction.task, name, make, answered)


def export_record(prediction: Judged) -> bytes:
    """Return the answer as `ortholens predict` writes it, and the disclaimer."""
    return json.dumps({**write_record(prediction), "disclaimer": DISCLAIMER}, indent=2, ensure_ascii=False).encode()
