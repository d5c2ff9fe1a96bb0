"""The page of a classifier: the picture on the left, the answer and its reasons on the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboard import session
from dashboard.case import also, downloads, read_first, shell, states, viewer, worklist
from dashboard.case.places import lay_out_places
from dashboard.case.ruler.panel import show_ruler
from dashboard.i18n import t
from dashboard.style.figures import View
from dashboard.views.classification import answer, audit, crops, saliency, space, trust
from models import Card, Classification, Image, OrthoLensError


def show_classification_page(task: str, invitation: str) -> None:
    """Draw the page of a task.

    Parameters
    ----------
    invitation
        What to drop, said while there is no image.
    """
    card, image = shell.open_shell(task, invitation)
    if image is not None:
        draw_classification_workspace(session.calibrate(crops.choose_crop(image, card)), card)


@st.fragment
def draw_classification_workspace(image: Image, card: Card) -> None:
    """Draw the image, its answer and every control of them; a control reruns only this."""
    picture, controls, right = lay_out_places()
    with controls:
        view = View(frame=viewer.draw_frame_slider(image))
        view = viewer.draw_display_controls(image, view)
        shell.show_image_facts(image)
    prediction: Classification | None = None
    fill: Callable[[], None] | None = None
    with right:
        try:
            said = session.predict_as(Classification, image, card, view.frame)
            if read_first.hides_answer_until_read(said):
                read_first.ask_reader_first(said, card)
            else:
                prediction, view, fill = _answered(said, image, card, view)
        except OrthoLensError as problem:
            states.show_error(problem)
    with picture:
        if not show_ruler(image, view):
            viewer.show_viewer(image, prediction, view)
    if fill:
        fill()
    if prediction and prediction.explanation:  # neither hidden from a first reading nor withheld
        audit.show_audit(prediction, image, card, view)


def _answered(
    prediction: Classification, image: Image, card: Card, view: View
) -> tuple[Classification, View, Callable[[], None] | None]:
    """Draw the answer and its reasons; return what of them the image shows, and what is drawn last."""
    fill = None
    worklist.tell_worklist(prediction)
    read_first.compare_with_reading(prediction, card)
    if answer.show_classification(prediction, image, card):
        space.show_joint_space(prediction, image, card)
        fill = also.show_other_cards(image, card)
        why, trustworthy = st.tabs([t("Why"), t("How far to trust it")])
        with why:
            view = saliency.draw_saliency_controls(view)
            prediction, view = saliency.explain_chosen_label(prediction, image, card, view)
        with trustworthy:
            trust.show_trust(prediction, image, card)
    else:
        crops.search_crops(prediction, image, card)
        prediction = replace(prediction, explanation=None)
    downloads.show_downloads(prediction, image, view)
    return prediction, view, fill
