"""The card of what generates first cases: what it draws, from what, how often that is right, and how near to a copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

import models
from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, t
from models.cases import Case, cases
from models.cases.generated import GeneratorCard

ADDRESS = "generated"
"""What the address of the page calls it: `/model_cards?card=generated`."""
PICTURE_PX = 76
"""Of a picture in the row of all."""


def show_generator_card(card: GeneratorCard) -> None:
    """Draw the card from purpose to provenance."""
    shown = [case for case in cases() if case.kind == "generated"]
    st.markdown(escape_markdown(t(card.summary)))
    with st.container(horizontal=True, gap="small"):
        for case in shown:
            st.image(session.draw_exhibit(str(case.path)), width=PICTURE_PX, alt=t(case.title))
    st.markdown("\n".join(f"- {escape_markdown(t(limit))}" for limit in card.limits))
    st.subheader(t("Chosen among how many"), anchor=False)
    st.caption(t("Of the pictures drawn for a label, those count that the model answers, and with that label."))
    st.dataframe(_chosen(card.figures["chosen"]), hide_index=True, width="stretch")
    st.subheader(t("Whether any is a copy"), anchor=False)
    _copies(card.figures["memorisation"], shown)
    st.subheader(t("What it learned from, and what it is"), anchor=False)
    st.markdown(escape_markdown(t(card.recipe)))
    for data in card.data:
        st.caption(escape_markdown(f"{data['name']} ({data['licence']}). {data['citation']}."))


def _chosen(chosen: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[dict[str, Any]]:
    return [
        {t("Model"): t(models.card(id).title), t("Label"): label, t("Drawn"): n["drawn"], t("Right"): n["right"]}
        for id, labels in chosen.items() if id in models.cards()
        for label, n in labels.items()
    ]  # fmt: skip


def _copies(measured: Mapping[str, Any], shown: list[Case]) -> None:
    """Draw the distance of every picture from the training picture nearest to it, beside the least that is allowed."""
    st.caption(
        t(
            "Distance from the nearest training picture, by normalised cross-correlation after alignment and by the "
            "model's own features. The limit is the {percentile}th percentile of the nearest distances between "
            "pictures of different patients: what is nearer may be a copy.",
            percentile=measured["percentile"],
        )
    )
    titles = {case.file: t(case.title) for case in shown}
    rows = []
    for file, row in measured["cases"].items():
        if file in titles:
            rows.append(
                {
                    t("Picture"): titles[file],
                    t("Correlation distance"): format_number(row["correlation"], ".3f"),
                    t("its limit"): format_number(row["correlation_limit"], ".3f"),
                    t("Feature distance"): format_number(row["features"], ".3f"),
                    t("Limit of features"): format_number(row["features_limit"], ".3f"),
                    t("Training pictures"): format_number(row["n"]),
                }
            )
    st.dataframe(rows, hide_index=True, width="stretch")
