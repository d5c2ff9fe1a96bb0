"""The answer in large type, how sure it is, and what to beware of."""

from __future__ import annotations

import streamlit as st

from dashboard import figures, session
from dashboard.components import states
from dashboard.components.states import plain
from dashboard.language import later, t
from models import Card, Classification, Image, Judged


def show(prediction: Classification, image: Image, card: Card) -> bool:
    """Show the answer; where the model abstains, its reason, and the answer only on demand.

    Returns
    -------
    bool
        Whether the answer is on the screen.
    """
    with st.container(border=True, key="answer"):
        if prediction.abstained:
            if withheld(prediction, image, card):
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


def withheld(prediction: Judged, image: Image, card: Card) -> bool:
    """Say that the model abstains and why, offer one made for such images, and return whether the reader leaves it."""
    st.markdown(t(":material/block: **No answer**"))
    reason = prediction.reason or later("the image is unlike those it was trained on.")
    st.markdown(plain(states.sentence(t(reason))))
    offer(image, card, prediction.frame)
    if not st.toggle(t("Show anyway"), key=f"anyway-{prediction.sha256[:12]}-{card.id}", persist_state="session"):
        return True
    st.caption(t("What the model would have said; do not rely on it."))
    return False


def offer(image: Image, card: Card, frame: int = 0) -> None:
    """Offer to ask the model that was made for such images, where there is one, on its own page."""
    other = session.made_for(image, card.task, frame)
    if other is None or other.data.shows == card.data.shows:
        return
    st.caption(plain(t("It looks like {shows}.", shows=t(other.data.shows))))
    if st.button(
        plain(t("Ask “{title}”", title=t(other.title))),
        icon=":material/arrow_forward:",
        key=f"offer-{other.id}",
        on_click=session.put,
        args=(f"card-{other.task}", other.id),
    ):
        st.switch_page(f"views/{other.task}.py")


def _headline(prediction: Classification, card: Card) -> None:
    label = card.labels[card.index(prediction.label)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(plain(t(label.name)), anchor=False, width="content")
        with st.container(key="confidence", width="content", gap=None, horizontal_alignment="right"):
            st.markdown(f"{prediction.confidence:.0%}", width="content")
            st.caption(t("calibrated") if card.calibration else t("not calibrated"), width="content")
    if label.definition:
        st.caption(plain(t(label.definition)))
