"""Why the model answers so: which label to explain, at which stage, and how the heat is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from dashboard.style.figures import Layout, View
from models import Card, Classification, Image
from models.drawing import draw
from models.nets.stages import list_stages
from models.reporting import reason
from models.trust.methods import METHODS, is_same_map

METHOD = "grad-cam"
"""The method that comes with the answer."""
SAME = later(
    "At the last stage Grad-CAM and HiResCAM give one and the same map, by construction: behind it the network only "
    "averages. Choose an earlier stage to see them differ."
)
QUICK = [key for key, method in METHODS.items() if not method.slow]
"""Methods that take no longer than a look; the audit has the others."""


def draw_saliency_controls(view: View) -> View:
    """Let the reader choose how the heat is drawn."""
    layout = st.segmented_control(
        t("Show"),
        get_args(Layout),
        key="layout",
        format_func=t,
        default=view.layout,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    left, right = st.columns(2)
    slider = {"persist_state": "session", "format": "percent", "disabled": layout == "Image only"}
    opacity = left.slider(t("Opacity"), 0.0, 1.0, view.opacity, 0.05, key="opacity", **slider)
    threshold = right.slider(
        t("Threshold"), 0.0, 0.9, view.threshold, 0.05, key="threshold", help=t("Weaker heat is not drawn."), **slider
    )
    return replace(view, layout=layout, opacity=opacity, threshold=threshold)


def explain_chosen_label(
    prediction: Classification, image: Image, card: Card, view: View
) -> tuple[Classification, View]:
    """Let the reader choose what is explained, and return the prediction with that explanation."""
    names = {label.key: t(label.name) for label in card.labels}
    stages = list_stages(card)
    left, right = st.columns(2)
    label = left.selectbox(
        t("Explain"), list(names), index=list(names).index(prediction.label), format_func=names.__getitem__,
        key=f"explained-{image.sha256[:12]}-{view.frame}-{card.id}", persist_state="session",
    )  # fmt: skip
    colours = right.selectbox(
        t("Colours"),
        list(draw.COLOUR_MAPS),
        list(draw.COLOUR_MAPS).index(view.colours),
        format_func=str.capitalize,
        key="colours",
        persist_state="session",
    )
    with st.expander(t("Method"), icon=":material/tune:"):
        method = st.segmented_control(
            t("Method"),
            QUICK,
            default=METHOD,
            format_func=lambda key: t(METHODS[key].name),
            key="method",
            required=True,
            persist_state="session",
            label_visibility="collapsed",
        )
        stage = st.select_slider(
            t("Stage of the network"), stages, value=card.net.stage, key=f"stage-{card.id}", persist_state="session",
            help=t("Early stages are finer and see edges and textures; the last sees what the answer is made of."),
        )  # fmt: skip
        st.caption(f"**{t(METHODS[method].name)}.** {t(METHODS[method].sentence)}")
        if method in ("grad-cam", "hirescam") and is_same_map(card, stage):
            st.caption(t(SAME))
    why = prediction.explanation
    if why is None or (label, stage, method) != (prediction.label, card.net.stage, METHOD):
        why = session.explain(image, card, method=method, label=label, frame=view.frame, stage=stage)
    prediction, view = replace(prediction, explanation=why), replace(view, colours=colours)
    if view.layout != "Image only":
        for words in reason.note_limits_of_reason(
            why, reason.choose_heat_look(view.look, prediction.probability_of(why.target))
        ):
            st.caption(escape_markdown(t(words)))
    return prediction, view
