"""Keep the result: the overlay as PNG and the answer as JSON, both named by the hash of the file."""

from __future__ import annotations

import json

import streamlit as st

import models
from dashboard import session
from dashboard.components import report
from dashboard.figures import View
from dashboard.language import t
from dashboard.session import Answered
from models import DISCLAIMER, Classification, Image, Prediction
from models.reporting import draw
from models.reporting.record import caption, record
from models.reporting.report_case import Case


def show(prediction: Classification, image: Image, view: View) -> None:
    """Offer the files; each is made when it is asked for."""
    name = f"ortholens-{prediction.task}-{prediction.sha256[:12]}"
    with st.container(horizontal=True):
        st.download_button(
            t("Overlay"), lambda: overlay(prediction, image, view), f"{name}.png", "image/png", icon=":material/image:",
            on_click="ignore", width="stretch", help=t("The image with the heat, in full resolution, with a caption."),
        )  # fmt: skip
        st.download_button(
            t("Result"), lambda: result(prediction), f"{name}.json", "application/json", icon=":material/data_object:",
            on_click="ignore", width="stretch", help=t("The answer as JSON, as `ortholens predict` writes it."),
        )  # fmt: skip
    _report(prediction, image, view, name)


def overlay(prediction: Prediction, image: Image, view: View) -> bytes:
    """Return the picture as it is shown, in the image's own pixels, with its caption below."""
    shown = view.shown(image)
    why = prediction.explanation
    picture = draw.overlay(shown, why.heat, view.opacity, view.threshold, view.colours) if why else draw.rgb(shown)
    return draw.png(picture, caption(prediction))


def _report(prediction: Classification, image: Image, view: View, name: str) -> None:
    """Offer the report of the answer as it is shown, and remember how to answer the file again."""
    item = session.selected()
    origin, simulated = (item.origin, report.simulated(item)) if item else ("", False)
    told = report.faithful(prediction)

    def make() -> Case:
        shown, why = view.shown(image), prediction.explanation
        drawn = draw.overlay(shown, why.heat, view.opacity, view.threshold, view.colours) if why else None
        return Case(image, told, shown, drawn, simulated, origin)

    answered = None
    if item:
        part, card, frame = report.part_of(item, image), prediction.card, prediction.frame

        def again() -> Case:
            seen = part or models.read(item.data, item.name)
            return Case(
                seen, models.predict(seen, card, frame=frame, explain="grad-cam"), None, None, simulated, origin
            )

        answered = Answered(item.sha256, f"{image.sha256}-{frame}-{card}", again)
    report.show(prediction.task, name, make, answered)


def result(prediction: Prediction) -> bytes:
    """Return the answer as `ortholens predict` writes it, and the disclaimer."""
    return json.dumps({**record(prediction), "disclaimer": DISCLAIMER}, indent=2, ensure_ascii=False).encode()
