"""A whole model card on the screen, after Mitchell et al. 2019, "Model Cards for Model Reporting".

Nothing is computed here: the words are the card's, the figures those that `ortholens evaluate` wrote beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.case import learning_curve, measures
from dashboard.case.measures import MEASURES
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import format_number, t, tn
from dashboard.views.model_cards import boxes, trials
from dashboard.views.model_cards import figures as card_figures
from models import Card

Figures = Mapping[str, Any]
CHART = {"displayModeBar": False}
HEADLINE_PX = 230
"""Least width of a headline figure: its name and its value fit, in any language."""


def show_model_card(card: Card) -> None:
    """Draw one card from purpose to provenance."""
    figures = card.figures
    _purpose(card)
    if "trials" in figures:
        st.subheader(t("How good it is"), anchor=False)
        trials.show_trials(card)
        boxes.show_operating_points(card)
        if "ood" in figures:
            with st.container(border=True):
                _draw_ood_sets(figures["ood"])
    elif figures:
        st.subheader(t("How good it is"), anchor=False)
        st.caption(
            t(
                "{how}. {n:,} images of {groups:,} groups (a patient is in one "
                "group only), {measured}. Intervals hold 95 % of {resamples} of the groups.",
                how=write_as_sentence(t(figures["how"])),
                n=figures["n"],
                groups=figures["groups"],
                measured=figures["measured"],
                resamples=_resamples(figures),
            )
        )
        _headline(card, figures)
        _charts(card, figures)
        st.subheader(t("How far to trust it"), anchor=False)
        _trust(figures)
        if "elsewhere" in figures:
            _elsewhere(figures)
        if "learning" in figures:
            with st.container(border=True):
                learning_curve.show_learning_curve(card)
        _errors(card, figures["worst"])
    else:
        _unmeasured(card)
    st.subheader(t("What it learned from, and what it is"), anchor=False)
    _provenance(card, figures)


def _resamples(figures: Figures) -> str:
    return t("{resamples:,} resamples", resamples=figures["resamples"]) if "resamples" in figures else t("resamples")


def _purpose(card: Card) -> None:
    st.markdown(escape_markdown(t(card.summary)))
    columns = st.columns(3, border=True)
    with columns[0]:
        st.markdown(t(":material/check_circle: **For**\n\n{intended}", intended=escape_markdown(t(card.use.intended))))
    with columns[1]:
        st.markdown(
            t(":material/block: **Not for**\n\n{not_intended}", not_intended=escape_markdown(t(card.use.not_intended)))
        )
    with columns[2]:
        st.markdown(
            t(":material/warning: **Limits**\n")
            + "\n".join(f"- {escape_markdown(t(limit))}" for limit in card.use.limits)
        )
    with st.expander(t("What the labels mean"), icon=":material/menu_book:"):
        show_label_definitions(card)


def show_label_definitions(card: Card) -> None:
    """Say what each label means."""
    st.markdown(
        "\n".join(
            f"- **{escape_markdown(t(label.name))}:** {escape_markdown(t(label.definition))}" for label in card.labels
        )
    )


def _unmeasured(card: Card) -> None:
    with st.container(border=True, key="unmeasured", horizontal_alignment="center", gap="xsmall"):
        st.markdown(t("#### :material/monitoring: Not measured yet"), text_alignment="center")
        st.markdown(t("Nothing here says yet how often this model is right."), text_alignment="center")
        if card.folder is None:
            st.code(f"ortholens evaluate {card.id}", language="bash", width="content")
        if card.published:
            reached = (
                f"{escape_markdown(row.what)} {format_number(row.value, 'g')} ({escape_markdown(row.source)})"
                for row in card.published
            )
            st.caption(t("What others reached: ") + "; ".join(reached), text_alignment="center")


def _headline(card: Card, figures: Figures) -> None:
    shown = [key for key in MEASURES if key in figures["metrics"]]
    with st.grid(min_column_width=HEADLINE_PX, gap="small"):
        for key in shown[:4]:
            row, measure = figures["metrics"][key], MEASURES[key]
            with st.container(border=True):
                st.metric(t(measure.name), measures.format_measure(row["value"], measure.unit), help=t(measure.meaning))
                st.caption(t("95 % interval {interval}", interval=measures.format_interval(row, measure.unit)))
    rows = [_beside(card, key, figures["metrics"][key]) for key in shown]
    st.table(_columns(rows), hide_index=True, alt=t("Every figure beside the published ones"))


def _beside(card: Card, key: str, row: Mapping[str, float]) -> dict[str, str]:
    measure = MEASURES[key]
    published = [
        f"{measures.format_measure(other.value, measure.unit)}: {other.what} ({other.source})"
        for other in card.published
        if other.measure == key
    ]
    return {
        t("Figure"): t(measure.name),
        t("This model (95 % interval)"): measures.format_measure_with_interval(row, measure.unit),
        t("Better"): t("more is better") if measure.better == "more" else t("less is better"),
        t("Published"): "  \n".join(map(escape_markdown, published)) or "–",
        t("What it says"): t(measure.meaning),
    }


def _charts(card: Card, figures: Figures) -> None:
    first, second = st.columns(2, border=True), st.columns(2, border=True)
    with first[0]:
        _chart(t("Confusion matrix"), card_figures.draw_confusion(card, figures["confusion"]),
               t("Each row is a true label and adds up to 100 %; what lies off the diagonal is wrong."))  # fmt: skip
    with first[1]:
        _chart(t("Reliability"), card_figures.draw_reliability(figures["reliability"]),
               t("On the dotted line, 80 % confidence is right 8 times in 10; below it the model is too sure. "
               "Grey bars show how many answers each point stands on."))  # fmt: skip
    with second[0]:
        _chart(t("ROC of each label"), card_figures.draw_roc(card, figures["roc"]),
               t("How many of a label are found for how many false positives; the diagonal is chance."))  # fmt: skip
    with second[1]:
        _chart(t("Recall of each label"), card_figures.draw_recall(card, figures["recall"]),
               t("A wide interval means that the test held few images of the label."))  # fmt: skip


def _chart(title: str, fig: Any, meaning: str) -> None:
    st.markdown(f"**{title}**")
    st.plotly_chart(fig, key=f"chart-{title}", config=CHART, alt=f"{title}. {meaning}")
    st.caption(meaning)


def _trust(figures: Figures) -> None:
    left, right = st.columns(2, border=True)
    with left:
        st.markdown(t("**Prediction sets**"))
        st.table(
            _columns(
                [
                    {
                        t("Promised"): measures.format_measure(row["coverage"], "%"),
                        t("Measured (95 % interval)"): measures.format_measure_with_interval(row, "%"),
                        t("Mean size"): measures.format_measure(row["mean_size"], "labels"),
                    }
                    for row in figures["conformal"]
                ]
            ),
            hide_index=True, alt=t("Promised and measured coverage of the prediction sets"),
        )  # fmt: skip
        st.caption(t("How often the set held the true label; the smaller the set, the more it tells."))
    with right:
        _draw_ood_sets(figures["ood"])
    for name, values in figures["subgroups"].items():
        with st.container(border=True):
            st.markdown(t("**Accuracy by {name}**", name=escape_markdown(name)))
            rows = [
                {
                    write_as_sentence(name): value,
                    "n": format_number(row["n"]),
                    t("Accuracy (95 % interval)"): measures.format_measure_with_interval(row, "%"),
                }
                for value, row in values.items()
            ]
            st.table(_columns(rows), hide_index=True, alt=t("Accuracy by {name}", name=name))
            st.caption(
                t("Intervals that do not overlap would mean that the model serves one group worse than the other.")
            )


def _elsewhere(figures: Figures) -> None:
    """Draw every figure beside the same of images from another place."""
    there = figures["elsewhere"]
    with st.container(border=True):
        st.markdown(t("**Elsewhere**"))
        rows = [
            {
                t("Figure"): t(measure.name),
                t("Here (95 % interval)"): measures.format_measure_with_interval(figures["metrics"][key], measure.unit),
                t("Elsewhere (95 % interval)"): measures.format_measure_with_interval(
                    there["metrics"][key], measure.unit
                ),
            }
            for key, measure in MEASURES.items()
            if key in there["metrics"]
        ]
        st.table(_columns(rows), hide_index=True, alt=t("Every figure here and elsewhere"))
        st.caption(
            t(
                "{n:,} images of another place, which nothing was learned or chosen from; the model answers {kept} of "
                "them. What is calibrated here need not hold there.",
                n=there["n"],
                kept=measures.format_measure(there["kept"], "%"),
            )
        )


def _draw_ood_sets(ood: Figures) -> None:
    st.markdown(t("**Out-of-distribution sets**"))
    st.table(
        _columns(
            [
                {
                    t("Images"): write_as_sentence(row["set"]),
                    "n": format_number(row['n']),
                    t("AUROC"): measures.format_measure(row["auroc"]),
                    t("Refused"): measures.format_measure(row["refused"], "%"),
                }
                for row in ood["sets"]
            ]
        ),
        hide_index=True, alt=t("How well images of another kind are refused"),
    )  # fmt: skip
    st.caption(
        t(
            "The model should refuse all of these, and answers {kept} of the "
            "{n:,} images of its own kind. An AUROC of 1 tells the two apart without error.",
            kept=measures.format_measure(ood["kept"], "%"),
            n=ood["n"],
        )
    )
    if "measured" in ood:  # after the card's other figures
        st.caption(t("Measured {day}.", day=ood["measured"]))


def _errors(card: Card, worst: Sequence[Mapping[str, Any]]) -> None:
    with st.container(border=True):
        st.markdown(t("**Its worst errors**"))
        names = {label.key: t(label.name) for label in card.labels}
        st.markdown(
            "\n".join(
                t(
                    "- answered **{answer}**, true label **{truth}**, confidence {confidence}",
                    answer=escape_markdown(names[row["answer"]]),
                    truth=escape_markdown(names[row["truth"]]),
                    confidence=escape_markdown(measures.format_measure(row["confidence"], "%")),
                )
                for row in worst
            )
        )
        st.caption(t("The wrong answers it was surest of, in words: no picture of a patient is shown."))


def _provenance(card: Card, figures: Figures) -> None:
    data, left, right = card.data, *st.columns(2, border=True)
    with left:
        simulated = t("**Simulated images.** ") if data.simulated else ""
        st.markdown(
            t(
                "**Data**\n\n{simulated}[{name}]({url}), {n:,} images.",
                simulated=simulated,
                name=escape_markdown(data.name),
                url=data.url,
                n=data.n,
            )
        )
        st.markdown(t("**Split**\n\n{split}", split=escape_markdown(t(data.split))))
        st.markdown(t("**Licence**\n\n{licence}", licence=escape_markdown(data.licence)))
        st.markdown(t("**Cite**\n\n{citation}", citation=escape_markdown(data.citation)))
    with right:
        count = tn("{n} network", "{n} networks", len(card.members))
        st.markdown(
            t(
                "**Model**\n\n`{id}`: {count} of {name}, input {rows} × {columns} px",
                id=card.id,
                count=count,
                name=escape_markdown(card.net.name),
                rows=card.input.size[0],
                columns=card.input.size[1],
            )
        )
        hashes = [member.sha256 for member in card.members]
        st.markdown(t("**Weights, SHA-256**\n") + ("\n".join(f"- `{sha}`" for sha in hashes) or t("\nnot trained yet")))
        if figures:
            if figures["weights"] != hashes:
                st.warning(t("The figures were measured on other weights than these."), icon=":material/warning:")
            versions = ", ".join(
                f"{escape_markdown(name)} {escape_markdown(number)}" for name, number in figures["versions"].items()
            )
            st.markdown(
                t(
                    "**Measured with**\n\n{versions}; {machine}; {measured}; `{command}`",
                    versions=versions,
                    machine=escape_markdown(figures["machine"]),
                    measured=escape_markdown(figures["measured"]),
                    command=figures.get("command", f"ortholens evaluate {card.id}"),
                )
            )


def _columns(rows: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Turn rows of one set of keys into columns, as tables take them."""
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}
