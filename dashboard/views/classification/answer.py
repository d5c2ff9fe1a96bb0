"""The answer in large type, how sure it is, and what to beware of."""

from __future__ import annotations

import streamlit as st

from dashboard.case import abstention, card_summary, states
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, t
from dashboard.style import figures
from models import Card, Classification, Image


def show_classification(prediction: Classification, image: Image, card: Card) -> bool:
    """Show the answer; where the model abstains, its reason, and the answer only on demand.

    Returns
    -------
    bool
        Whether the answer is on the screen.
    """
    with st.container(border=True, key="answer"):
        if prediction.abstained:
            if abstention.show_abstention(prediction, image, card):
                return False
        else:
            _headline(prediction, card)
        card_summary.mark_simulated(card)
        st.plotly_chart(
            figures.draw_probability_bars(prediction, card), key="bars", config={"displayModeBar": False},
            alt=t("Probability of each label"),
        )  # fmt: skip
        st.caption(t("Answered in {seconds:.2f} s", seconds=prediction.seconds))
        states.show_notes(prediction.warnings)
    return True


def _headline(prediction: Classification, card: Card) -> None:
    label = card.labels[card.index(prediction.label)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(escape_markdown(t(label.name)), anchor=False, width="content")
        with st.container(key="confidence", width="content", gap=None, horizontal_alignment="right"):
            st.markdown(format_number(prediction.confidence, ".0%"), width="content")
            st.caption(t("calibrated") if card.calibration else t("not calibrated"), width="content")
    if label.definition:
        st.caption(escape_markdown(t(label.definition)))
