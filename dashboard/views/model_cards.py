"""What each model is for, how good it is and how that was measured: the page only reads what `evaluate` wrote."""

import streamlit as st

import models
from dashboard.components import card_page

cards = models.cards()
chosen = st.segmented_control(
    "Model", list(cards), key="card", bind="query-params", default=next(iter(cards)), required=True,
    format_func=lambda id: cards[id].title, label_visibility="collapsed",
)  # fmt: skip
st.header(cards[chosen].title, anchor=False)
card_page.show(cards[chosen])
