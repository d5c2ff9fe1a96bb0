"""A whole model card on the screen, after Mitchell et al. 2019, "Model Cards for Model Reporting".

Nothing is computed here: the words are the card's, the figures those that `ortholens evaluate` wrote beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import card_figures, measures
from dashboard.components import card_trials
from dashboard.components.states import plain, sentence
from dashboard.measures import MEASURES
from models import Card

Figures = Mapping[str, Any]
CHART = {"displayModeBar": False}


def show(card: Card) -> None:
    """Draw one card from purpose to provenance."""
    figures = card.figures
    _purpose(card)
    if "trials" in figures:
        st.subheader("How good it is", anchor=False)
        card_trials.show(card)
    elif figures:
        st.subheader("How good it is", anchor=False)
        st.caption(
            f"{sentence(figures['how'])}. {figures['n']:,} images of {figures['groups']:,} groups (a patient is in one "
            f"group only), {figures['measured']}. Intervals hold 95 % of {_resamples(figures)} of the groups."
        )
        _headline(card, figures)
        _charts(card, figures)
        st.subheader("How far to trust it", anchor=False)
        _trust(figures)
        _errors(card, figures["worst"])
    else:
        _unmeasured(card)
    st.subheader("What it learned from, and what it is", anchor=False)
    _provenance(card, figures)


def _resamples(figures: Figures) -> str:
    return f"{figures['resamples']:,} resamples" if "resamples" in figures else "resamples"


def _purpose(card: Card) -> None:
    st.markdown(plain(card.summary))
    columns = st.columns(3, border=True)
    with columns[0]:
        st.markdown(f":material/check_circle: **For**\n\n{plain(card.use.intended)}")
    with columns[1]:
        st.markdown(f":material/block: **Not for**\n\n{plain(card.use.not_intended)}")
    with columns[2]:
        st.markdown(":material/warning: **Limits**\n" + "\n".join(f"- {plain(limit)}" for limit in card.use.limits))
    with st.expander("What the labels mean", icon=":material/menu_book:"):
        definitions(card)


def definitions(card: Card) -> None:
    """Say what each label means."""
    st.markdown("\n".join(f"- **{plain(label.name)}:** {plain(label.definition)}" for label in card.labels))


def _unmeasured(card: Card) -> None:
    with st.container(border=True, key="unmeasured", horizontal_alignment="center", gap="xsmall"):
        st.markdown("#### :material/monitoring: Not measured yet", text_alignment="center")
        st.markdown("Nothing here says yet how often this model is right.", text_alignment="center")
        st.code(f"ortholens evaluate {card.id}", language="bash", width="content")
        if card.published:
            st.caption("What others reached: " + "; ".join(
                f"{plain(row.what)} {row.value:g} ({plain(row.source)})" for row in card.published
            ), text_alignment="center")  # fmt: skip


def _headline(card: Card, figures: Figures) -> None:
    shown = [key for key in MEASURES if key in figures["metrics"]]
    for column, key in zip(st.columns(4, border=True), shown, strict=False):
        row, measure = figures["metrics"][key], MEASURES[key]
        with column:
            st.metric(measure.name, measures.text(row["value"], measure.unit), help=measure.meaning)
            st.caption(f"95 % interval {measures.interval(row, measure.unit)}")
    rows = [_beside(card, key, figures["metrics"][key]) for key in shown]
    st.table(_columns(rows), hide_index=True, alt="Every figure beside the published ones")


def _beside(card: Card, key: str, row: Mapping[str, float]) -> dict[str, str]:
    measure = MEASURES[key]
    published = [
        f"{measures.text(other.value, measure.unit)}: {other.what} ({other.source})"
        for other in card.published
        if other.measure == key
    ]
    return {
        "Figure": measure.name,
        "This model (95 % interval)": measures.with_interval(row, measure.unit),
        "Better": f"{measure.better} is better",
        "Published": "  \n".join(map(plain, published)) or "–",
        "What it says": measure.meaning,
    }


def _charts(card: Card, figures: Figures) -> None:
    first, second = st.columns(2, border=True), st.columns(2, border=True)
    with first[0]:
        _chart("Confusion matrix", card_figures.confusion(card, figures["confusion"]),
               "Each row is a true label and adds up to 100 %; what lies off the diagonal is wrong.")  # fmt: skip
    with first[1]:
        _chart("Reliability", card_figures.reliability(figures["reliability"]),
               "On the dotted line, 80 % confidence is right 8 times in 10; below it the model is too sure. "
               "Grey bars show how many answers each point stands on.")  # fmt: skip
    with second[0]:
        _chart("ROC of each label", card_figures.roc(card, figures["roc"]),
               "How many of a label are found for how many false alarms; the diagonal is chance.")  # fmt: skip
    with second[1]:
        _chart("Recall of each label", card_figures.recall(card, figures["recall"]),
               "A wide interval means that the test held few images of the label.")  # fmt: skip


def _chart(title: str, fig: Any, meaning: str) -> None:
    st.markdown(f"**{title}**")
    st.plotly_chart(fig, key=f"chart-{title}", config=CHART, alt=f"{title}. {meaning}")
    st.caption(meaning)


def _trust(figures: Figures) -> None:
    left, right = st.columns(2, border=True)
    with left:
        st.markdown("**Prediction sets**")
        st.table(
            _columns(
                [
                    {
                        "Promised": measures.text(row["coverage"], "%"),
                        "Measured (95 % interval)": measures.with_interval(row, "%"),
                        "Mean size": measures.text(row["mean_size"], "labels"),
                    }
                    for row in figures["conformal"]
                ]
            ),
            hide_index=True, alt="Promised and measured coverage of the prediction sets",
        )  # fmt: skip
        st.caption("How often the set held the truth; the smaller the set, the more it tells.")
    with right:
        st.markdown("**Strangers**")
        gate = figures["gate"]
        st.table(
            _columns(
                [
                    {
                        "Images": sentence(row["set"]),
                        "n": f"{row['n']:,}",
                        "AUROC": measures.text(row["auroc"]),
                        "Refused": measures.text(row["refused"], "%"),
                    }
                    for row in gate["strangers"]
                ]
            ),
            hide_index=True, alt="How well images of another kind are refused",
        )  # fmt: skip
        st.caption(
            f"The model should refuse all of these, and answers {measures.text(gate['kept'], '%')} of the "
            f"{gate['n']:,} images of its own kind. An AUROC of 1 tells the two apart without error."
        )
    for name, values in figures["subgroups"].items():
        with st.container(border=True):
            st.markdown(f"**Accuracy by {plain(name)}**")
            rows = [
                {
                    sentence(name): value,
                    "n": f"{row['n']:,}",
                    "Accuracy (95 % interval)": measures.with_interval(row, "%"),
                }
                for value, row in values.items()
            ]
            st.table(_columns(rows), hide_index=True, alt=f"Accuracy by {name}")
            st.caption("Intervals that do not overlap would mean that the model serves one group worse than the other.")


def _errors(card: Card, worst: Sequence[Mapping[str, Any]]) -> None:
    with st.container(border=True):
        st.markdown("**Its worst errors**")
        names = {label.key: label.name for label in card.labels}
        st.markdown(
            "\n".join(
                f"- answered **{plain(names[row['answer']])}**, truth **{plain(names[row['truth']])}**, "
                f"confidence {plain(measures.text(row['confidence'], '%'))}"
                for row in worst
            )
        )
        st.caption("The wrong answers it was surest of, in words: no picture of a patient is shown.")


def _provenance(card: Card, figures: Figures) -> None:
    data, left, right = card.data, *st.columns(2, border=True)
    with left:
        simulated = "**Simulated images.** " if data.simulated else ""
        st.markdown(f"**Data**\n\n{simulated}[{plain(data.name)}]({data.url}), {data.n:,} images.")
        st.markdown(f"**Split**\n\n{plain(data.split)}")
        st.markdown(f"**Licence**\n\n{plain(data.licence)}")
        st.markdown(f"**Cite**\n\n{plain(data.citation)}")
    with right:
        count = f"{len(card.members)} network{'s' * (len(card.members) != 1)}"
        st.markdown(f"**Model**\n\n`{card.id}`: {count} of {plain(card.net.name)}, input "
                    f"{card.input.size[0]} × {card.input.size[1]} px")  # fmt: skip
        hashes = [member.sha256 for member in card.members]
        st.markdown("**Weights, SHA-256**\n" + ("\n".join(f"- `{sha}`" for sha in hashes) or "\nnot trained yet"))
        if figures:
            if figures["weights"] != hashes:
                st.warning("The figures were measured on other weights than these.", icon=":material/warning:")
            versions = ", ".join(f"{plain(name)} {plain(number)}" for name, number in figures["versions"].items())
            st.markdown(f"**Measured with**\n\n{versions}; {plain(figures['machine'])}; {plain(figures['measured'])}; "
                        f"`ortholens evaluate {card.id}`")  # fmt: skip


def _columns(rows: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Turn rows of one set of keys into columns, as tables take them."""
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}
