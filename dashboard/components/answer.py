"""The answer in large type, how sure it is, and what to beware of."""

from __future__ import annotations

import streamlit as st

from dashboard import figures
from dashboard.components import states
from dashboard.language import later, t
from models import Card, Classification, Detections, Segmentation


def show(prediction: Classification, card: Card) -> bool:
    """Show the answer; where the model abstains, its reason, and the answer only on demand.

    Returns
    -------
    bool
        Whether the answer is on the screen.
    """
    with st.container(border=True, key="answer"):
        if prediction.abstained:
            if withheld(prediction, card):
                return False
        else:
            _headline(prediction, card)
        st.plotly_chart(
            figures.bars(prediction, card), key="bars", config={"displayModeBar": False},
            alt=t("Probability of each label"),
        )  # fmt: skip
        st.caption(t("Answered in {seconds:.2f} s", seconds=prediction.seconds))
        states.notes(prediction.warnings)
    return True


def withheld(prediction: Classification | Segmentation | Detections, card: Card) -> bool:
    """Say that the model abstains and why, and return whether the reader leaves it at that."""
    st.markdown(t(":material/block: **No answer**"))
    reason = prediction.reason or later("the image is unlike those it was trained on.")
    st.markdown(states.plain(states.sentence(t(reason))))
    if not st.toggle(t("Show anyway"), key=f"anyway-{prediction.sha256[:12]}-{card.id}", persist_state="session"):
        return True
    st.caption(t("What the model would have said; do not rely on it."))
    return False


def _headline(prediction: Classification, card: Card) -> None:
    label = card.labels[card.index(prediction.label)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(states.plain(t(label.name)), anchor=False, width="content")
        with st.container(key="confidence", width="content", gap=None, horizontal_alignment="right"):
            st.markdown(f"{prediction.confidence:.0%}", width="content")
            st.caption(t("calibrated") if card.calibration else t("not calibrated"), width="content")
    if label.definition:
        st.caption(states.plain(t(label.definition)))
