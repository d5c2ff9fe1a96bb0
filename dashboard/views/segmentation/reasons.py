"""Where the model is uncertain, and why it calls a place what it calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, t
from dashboard.views.classification import crop_figures
from dashboard.views.segmentation import figures
from dashboard.views.segmentation.case import Reason, SegmentationCase, Sheet, keep_reason_for_report
from models import Box
from models.reporting import reason

MOST_PX = 8_000_000
"""Pixels up to which flips and scales are answered at once."""


def show_entropy(case: SegmentationCase) -> Sheet:
    """Return the entropy of the classes over flips and scales of the image."""
    image, card, view = case.image, case.card, case.view
    if image.shape[0] * image.shape[1] > MOST_PX:
        st.caption(t("Too large to be segmented again in every flip and scale: draw a smaller region."))
        return Sheet(figures.draw_segmentation(case.answer, image, view), "entropy-none")
    entropy = session.compute_once(
        lambda: models.uncertainty(image, card.id, frame=view.frame),
        "entropy",
        case.identity,
        *session.name_weights(card),
    )
    st.markdown(
        t(
            "The image is segmented again mirrored and at other scales. Where the answers differ, or none is sure, it "
            "glows: look there before you believe a figure."
        )
    )
    found = case.answer.mask > 0
    with st.container(horizontal=True):
        st.metric(
            t("Mean entropy"),
            format_number(float(entropy.mean()), ".3f"),
            help=t("Entropy: 0 none, 1 every class alike."),
        )
        if found.any():
            st.metric(t("Within the classes"), format_number(float(entropy[found].mean()), ".3f"))
        st.metric(
            t("Uncertain"),
            format_number(float((entropy > 0.5).mean()), ".1%"),
            help=t("Share of the image with entropy over 0.5."),
        )
    return Sheet(figures.draw_entropy(image, entropy, view), "entropy", says=t("Dark: certain. Bright: uncertain."))


def show_reasons_of_class(case: SegmentationCase) -> Sheet:
    """Let the reader choose a class, and a box on the image, and return what speaks for that class there."""
    image, card, view = case.image, case.card, case.view
    names = {label.key: t(label.name) for label in card.labels}
    found = [card.keys[index] for index in np.unique(case.answer.mask) if index]
    keys = [*found, *(key for key in card.keys[1:] if key not in found)]
    key = st.selectbox(t("Class"), keys, format_func=names.__getitem__, key=f"why-class-{case.identity}")
    state = f"why-box-{case.identity}"
    box: Box | None = session.get(state)
    where = (
        t("anywhere in the image")
        if box is None
        else t("in the box of {width} × {height} px", width=box.width, height=box.height)
    )
    st.markdown(t("What speaks for **{name}** {where}?", name=escape_markdown(names[key]), where=where))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t("Drag a box on the image to ask about that place."))
        st.button(
            t("Whole image"), icon=":material/close:", disabled=box is None, key="why-whole",
            on_click=session.put, args=(state, None),
        )  # fmt: skip
    explained = session.compute_once(
        lambda: models.explain(image, card.id, "grad-cam", label=key, frame=view.frame, box=box),
        "why", case.identity, key, repr(box), *session.name_weights(card),
    )  # fmt: skip
    keep_reason_for_report(case.identity, Reason(explained, box))
    st.caption(
        t(
            "Grad-CAM for segmentation (Vinogradova et al. 2020, arXiv:2002.11434): the gradient of the class, summed "
            "over its pixels in the box, weighs the network's features."
        )
    )

    def draw(selection: Mapping[str, Any]) -> None:
        if selection["box"]:
            session.put(
                state, crop_figures.read_selected_box(image, selection["box"][-1]["x"], selection["box"][-1]["y"])
            )

    probability = case.answer.probability_of(explained.target, box)
    for words in reason.note_limits_of_reason(explained, reason.choose_heat_look(view.look, probability)):
        st.caption(escape_markdown(t(words)))
    fig = figures.draw_reasons_of_class(image, case.answer, explained, view, box)
    return Sheet(fig, f"why-{box}", select=draw, box=True, says=t("Bright: speaks for the class. The box is dotted."))
