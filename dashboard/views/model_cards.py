"""What each model is for, how good it is and how that was measured: the page only reads what `evaluate` wrote.

The address may name a card: `/model_cards?card=knee-kl`.
"""

import streamlit as st

import models
from dashboard import pages
from dashboard.case import arrival
from dashboard.components import card_page
from dashboard.language import t

arrival.depart(pages.tasks())
cards = models.cards()
asked = st.query_params.get("card")
ids = list(cards)
chosen = st.selectbox(
    t("Model"), ids, ids.index(asked) if asked in cards else 0, format_func=lambda id: t(cards[id].title), width=520,
)  # fmt: skip
st.header(t(cards[chosen].title), anchor=False)
card_page.show(cards[chosen])
