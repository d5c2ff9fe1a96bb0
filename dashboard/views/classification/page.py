"""The page of a classifier: the picture on the left, the answer and its reasons on the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboard import session
from dashboard.case import also, downloads, read_first, shell, states, viewer, worklist
from dashboard.case.places import places
from dashboard.i18n import t
from dashboard.style.figures import View
from dashboard.views.classification import answer, audit, crops, saliency, trust
from models import Card, Classification, Image, OrthoLensError


def show(task: str, invitation: str) -> None:
    """Draw the page of a task.

    Parameters
    ----------
    invitation
        What to drop, said while there is no image.
    """
    card, image = shell.opened(task, invitation)
    if image is not None:
        workspace(crops.part(image, card), card)


@st.fragment
def workspace(image: Image, card: Card) -> None:
    """Draw the image, its answer and every control of them; a control reruns only this."""
    picture, controls, right = places()
    with controls:
        view = View(frame=viewer.frame_slider(image))
        view = viewer.display_controls(image, view)
        shell.facts(image)
    prediction: Classification | None = None
    fill: Callable[[], None] | None = None
    with right:
        try:
            said = session.predict_as(Classification, image, card, view.frame)
            if read_first.hidden(said):
                read_first.ask(said, card)
            else:
                prediction, view, fill = _answered(said, image, card, view)
        except OrthoLensError as problem:
            states.error(problem)
    with picture:
        viewer.show(image, prediction, view)
    if fill:
        fill()
    if prediction and prediction.explanation:  # neither hidden from a first reading nor withheld
        audit.show(prediction, image, card, view)


def _answered(
    prediction: Classification, image: Image, card: Card, view: View
) -> tuple[Classification, View, Callable[[], None] | None]:
    """Draw the answer and its reasons; return what of them the image shows, and what is drawn last."""
    fill = None
    worklist.tell(prediction)
    read_first.compare(prediction, card)
    if answer.show(prediction, image, card):
        fill = also.show(image, card)
        why, trustworthy = st.tabs([t("Why"), t("How far to trust it")])
        with why:
            view = saliency.controls(view)
            prediction, view = saliency.explained(prediction, image, card, view)
        with trustworthy:
            trust.show(prediction, image, card)
    else:
        crops.search(prediction, image, card)
        prediction = replace(prediction, explanation=None)
    downloads.show(prediction, image, view)
    return prediction, view, fill
