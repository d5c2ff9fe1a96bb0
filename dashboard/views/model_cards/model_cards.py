"""What each model is for, how good it is and how that was measured: the page only reads what `evaluate` wrote.

The address may name a card: `/model_cards?card=knee-kl`.
"""

import streamlit as st

import models
from dashboard.case import arrival, card_summary, pages
from dashboard.case.states import escape_markdown
from dashboard.i18n import t, tn
from dashboard.views.model_cards import card as card_page
from dashboard.views.model_cards import generator as card_generator
from models.cases import generated

arrival.leave_for_page_of_arrival(pages.list_task_pages())
cards = models.cards()
generator = generated.load_generator_card()
titles = {**{id: card.title for id, card in cards.items()}, card_generator.ADDRESS: generator.title}
asked = st.query_params.get("card")
ids = list(titles)
chosen = st.selectbox(
    t("Model"), ids, ids.index(asked) if asked in titles else 0, format_func=lambda id: t(titles[id]), width=520,
)  # fmt: skip
if cards.refused:
    with st.container(border=True, key="refused"):
        n = len(cards.refused)
        st.markdown(
            tn(
                ":material/warning: **{n} model from outside is left out**",
                ":material/warning: **{n} models from outside are left out**",
                n,
            )
        )
        for problem in cards.refused:
            st.caption(escape_markdown(str(problem)))
st.header(escape_markdown(t(titles[chosen])), anchor=False)
if chosen == card_generator.ADDRESS:
    card_generator.show_generator_card(generator)
else:
    if cards[chosen].folder is not None:
        st.caption(t(card_summary.OUTSIDE))
    card_page.show_model_card(cards[chosen])
