"""A model that will not answer says so once: why, how far off the image is, whom to ask instead.

Every page of an image takes it from here, so that a refusal looks and reads the same everywhere.
"""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.case import also, states, trust_figures
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from models import Card, Image, Judged
from models.trust.quality import note_quality

UNKNOWN = later("the image is unlike those it was trained on")


def show_abstention(prediction: Judged, image: Image, card: Card) -> bool:
    """Say that the model abstains, inside the box of the answer.

    Returns
    -------
    bool
        Whether the answer stays off the screen: the reader has not asked to see it all the same.
    """
    st.markdown(t(":material/block: **No answer**"))
    st.markdown(f"{escape_markdown(states.write_as_sentence(t(prediction.reason or UNKNOWN)).rstrip('.'))}.")
    if prediction.ood_score is not None:
        draw_ood_score(prediction.ood_score)
    states.show_notes(note_quality(image, prediction.frame))
    other = st.container()
    with st.container(key="anyway"):
        key = f"anyway-{prediction.sha256[:12]}-{card.id}"
        anyway = st.toggle(t("Show anyway"), key=key, persist_state="session")
        if anyway:
            st.caption(t("What the model would have said; do not rely on it."))
    with other:  # filled last: asking every model takes a while
        offer_models_that_know(image, card, prediction.frame)
    return not anyway


def draw_ood_score(ood_score: float) -> None:
    """Draw how far an image is from the training images, and say at what distance the model abstains."""
    st.plotly_chart(
        trust_figures.draw_ood_gauge(ood_score), key="gauge", config={"displayModeBar": False, "staticPlot": True},
        alt=t("OOD score {score:.2f}, of which the limit is 1", score=ood_score),
    )  # fmt: skip
    st.caption(t("OOD score {score:.2f}: over 1 the model abstains.", score=ood_score))


def offer_models_that_know(image: Image, card: Card, frame: int = 0) -> None:
    """Offer to ask the models that know such images; where none does, say what it looks most like."""
    others = also.list_other_cards(image, card, frame)
    if others:
        st.caption(escape_markdown(t("It looks like {shows}.", shows=t(others[0].data.shows))))
        also.draw_buttons_of_other_cards(t("Ask:"), others)
    elif (looks := session.triage(image, frame).resembles) and looks != card.data.shows:
        st.caption(
            escape_markdown(t("It looks most like {shows}, but no model here knows it well enough.", shows=t(looks)))
        )
