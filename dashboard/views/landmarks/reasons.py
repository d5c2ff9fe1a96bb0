"""Why a point lies where it does: what in the film speaks for its place."""

from __future__ import annotations

import math

import streamlit as st

import models
from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, t
from dashboard.views.landmarks.case import LandmarkCase
from models import Explanation
from models.trust.methods import POINT_METHODS


def show_reasons_of_point(case: LandmarkCase) -> Explanation | None:
    """Let the reader choose a point and a method, and return the heat of its place."""
    names = case.names
    key = st.selectbox(t("Point"), list(names), format_func=names.__getitem__, key=f"why-point-{case.identity}")
    method = st.segmented_control(
        t("Method"), list(POINT_METHODS), format_func=lambda method: t(POINT_METHODS[method].name),
        default=next(iter(POINT_METHODS)), required=True, key="point-method", persist_state="session",
        label_visibility="collapsed", width="stretch",
    )  # fmt: skip
    st.caption(escape_markdown(t(POINT_METHODS[method].sentence)))
    why = session.compute_once(
        lambda: models.explain(case.image, case.card.id, method, label=key, frame=case.view.frame),
        "why-point", case.identity, key, method, *session.name_weights(case.card),
    )  # fmt: skip
    radius = float(case.answer.radius_px[case.answer.names.index(key)])
    if math.isfinite(radius):
        st.caption(
            t(
                "Nine of ten such points lie within **{radius} px** of the true place (conformal, on held-out knees).",
                radius=format_number(radius, ".1f"),
            )
        )
    return why
