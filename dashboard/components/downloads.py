"""Keep the result: the overlay as PNG and the answer as JSON, both named by the hash of the file."""

from __future__ import annotations

import json

import streamlit as st

from dashboard.figures import View
from models import DISCLAIMER, Image, Prediction
from models.reporting import draw
from models.reporting.record import caption, record


def show(prediction: Prediction, image: Image, view: View) -> None:
    """Offer both files; they are made when they are asked for."""
    name = f"ortholens-{prediction.task}-{prediction.sha256[:12]}"
    with st.container(horizontal=True):
        st.download_button(
            "Overlay", lambda: overlay(prediction, image, view), f"{name}.png", "image/png", icon=":material/image:",
            on_click="ignore", width="stretch", help="The image with the heat, in full resolution, with a caption.",
        )  # fmt: skip
        st.download_button(
            "Result", lambda: result(prediction), f"{name}.json", "application/json", icon=":material/data_object:",
            on_click="ignore", width="stretch", help="The answer as JSON, as `ortholens predict` writes it.",
        )  # fmt: skip


def overlay(prediction: Prediction, image: Image, view: View) -> bytes:
    """Return the picture as it is shown, in the image's own pixels, with its caption below."""
    shown = view.shown(image)
    why = prediction.explanation
    picture = draw.overlay(shown, why.heat, view.opacity, view.threshold, view.colours) if why else draw.rgb(shown)
    return draw.png(picture, caption(prediction))


def result(prediction: Prediction) -> bytes:
    """Return the answer as `ortholens predict` writes it, and the disclaimer."""
    return json.dumps({**record(prediction), "disclaimer": DISCLAIMER}, indent=2, ensure_ascii=False).encode()
