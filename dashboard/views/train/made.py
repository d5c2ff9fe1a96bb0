"""Models that were trained here: how good each is, where it answers, and what only its user can say of it."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.case import learning_curve, measures, pages
from dashboard.case.measures import MEASURES, POINT_MEASURES, Measure
from dashboard.case.states import escape_markdown, show_error
from dashboard.i18n import t
from models import Card, OrthoLensError
from models.cards.tables import Use
from models.tasks import own
from models.training.own_set import FOLDS

HEADLINES = ("accuracy", "macro_recall", "macro_auc")
FILLED, PROBLEM = "train-filled", "train-fill-problem"
"""Keys: the card whose lines were filled in last, and what was wrong with them."""


def show_own_models() -> None:
    """Draw the model that was made last, and let the user choose another; nothing where there are none."""
    made = sorted(own.list_made(), key=lambda card: -card.path.stat().st_mtime_ns)
    if not made:
        return
    st.subheader(t("Your models"), anchor=False)
    cards = {card.id: card for card in made}
    chosen = st.selectbox(
        t("Model"), list(cards), format_func=lambda id: t(cards[id].title), key="train-made", width=520,
        label_visibility="collapsed",
    )  # fmt: skip
    card = cards.get(chosen or "", made[0])
    _figures(card)
    if "learning" in card.figures:
        with st.container(border=True):
            learning_curve.show_learning_curve(card)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("Open its page"), icon=":material/open_in_new:", key="train-open", type="primary",
                  on_click=_open, args=(card,))  # fmt: skip
        st.page_link(
            pages.model_cards(), label=t("All figures"), icon=":material/monitoring:", query_params={"card": card.id}
        )
    _open_lines(card)


def _figures(card: Card) -> None:
    figures = own.find_measured(card)
    known = {**MEASURES, **POINT_MEASURES}
    told = [key for key in HEADLINES if key in figures["metrics"]] or list(figures["metrics"])[:3]
    with st.container(horizontal=True, gap="small"):
        for key in told:
            row, measure = figures["metrics"][key], known.get(key, Measure(key[:1].upper() + key[1:], ""))
            with st.container(border=True, width=230):
                st.metric(t(measure.name), measures.format_measure(row["value"], measure.unit),
                          help=t(measure.meaning) if measure.meaning else None)  # fmt: skip
                st.caption(t("95 % interval {interval}", interval=measures.format_interval(row, measure.unit)))
    st.caption(
        t(
            "Measured in {folds} parts by group on all {n} pictures of {groups} groups: each was answered by a network "
            "that had not seen its group.",
            folds=FOLDS, n=figures["n"], groups=figures["groups"],
        )
    )  # fmt: skip


def _open(card: Card) -> None:
    session.choose_card(card.task, card.id, by_hand=True)
    session.go_to(card.task)


def _open_lines(card: Card) -> None:
    """Ask for what nobody else knows of the model: its card says it on every page and in every bundle."""
    with (
        st.expander(t("Fill in its model card"), icon=":material/edit_note:"),
        st.form(f"fill-{card.id}", border=False),
    ):
        told = {
            "intended": st.text_area(t("What it is for"), card.use.intended, key=f"fill-intended-{card.id}"),
            "not_intended": st.text_area(t("What it is not for"), card.use.not_intended, key=f"fill-not-{card.id}"),
            "limits": st.text_area(
                t("Its limits, one a line"), "\n".join(card.use.limits), key=f"fill-limits-{card.id}"
            ),
            "citation": st.text_input(t("Who made it, or what to cite"), card.data.citation, key=f"fill-who-{card.id}"),
            "name": st.text_input(t("What its pictures are called"), card.data.name, key=f"fill-name-{card.id}"),
            "licence": st.text_input(
                t("Who may use its pictures, or their licence"), card.data.licence, key=f"fill-licence-{card.id}"
            ),
            "shows": st.text_input(
                t("What one picture shows, as in “this does not look like …”"), card.data.shows,
                key=f"fill-shows-{card.id}",
            ),
        }  # fmt: skip
        if st.form_submit_button(t("Keep"), icon=":material/save:"):
            _fill_in(card, told)
        if problem := session.get(PROBLEM):
            show_error(problem)
        elif session.get(FILLED) == card.id:
            st.caption(t(":material/check: Kept in {file}", file=escape_markdown(card.path.name)))


def _fill_in(card: Card, told: dict[str, str]) -> None:
    session.put(PROBLEM, None)
    try:
        use = Use(
            intended=told["intended"].strip() or card.use.intended,
            not_intended=told["not_intended"].strip() or card.use.not_intended,
            limits=tuple(line.strip() for line in told["limits"].splitlines() if line.strip()),
        )
        data = {key: told[key].strip() for key in ("citation", "name", "licence", "shows") if told[key].strip()}
        own.fill_in(card.id, use, data)
        session.put(FILLED, card.id)
    except OrthoLensError as problem:
        session.put(PROBLEM, problem)
