"""What each model is for, how good it is and how that was measured: the page only reads what `evaluate` wrote.

The address may name a card: `/model_cards?card=knee-kl`.
"""

import streamlit as st

import models
from dashboard.components import card_page
from dashboard.language import t

cards = models.cards()
asked = st.query_params.get("card")
chosen = st.segmented_control(
    t("Model"), list(cards), default=asked if asked in cards else next(iter(cards)), required=True,
    format_func=lambda id: t(cards[id].title), label_visibility="collapsed",
)  # fmt: skip
st.header(t(cards[chosen].title), anchor=False)
card_page.show(cards[chosen])
