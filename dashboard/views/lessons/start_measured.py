"""Tips on measured figures: how accuracy grows, what the starting weights are worth, and how to read two charts.

Every number is read from what `ortholens curves` and `ortholens evaluate` wrote beside a card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import streamlit as st

from dashboard.case import measures
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import later, t
from dashboard.views.lessons import start_figures
from dashboard.views.model_cards import figures
from models import Card
from models.cards import cards
from models.lessons import temperature

STARTS = {"imagenet": later("frozen ImageNet features"), "random": later("frozen random features")}
STATIC = {"displayModeBar": False}
READINGS = (later("The diagonal"), later("A row"), later("A column"), later("Far misses"))
FAR = 2
"""Grades apart from which an error counts as far."""


def show_amount_of_images() -> None:
    """Show how accuracy grows with the number of training images."""
    st.markdown(
        t(
            "**More images help, ever more slowly.** On such an axis each step to the right doubles the work of "
            "collecting."
        )
    )
    card, report = _measured()
    if card is None:
        return
    trained = card.figures["metrics"]["accuracy"] if card.figures else None
    st.plotly_chart(
        start_figures.draw_learning_curves(report, {"imagenet": STARTS["imagenet"]}, trained), key="start-amount",
        config=STATIC,
        alt=t("Accuracy against the number of training images"),
    )  # fmt: skip
    rows = report["curves"]["imagenet"]
    steps = [b["value"] - a["value"] for a, b in pairwise(rows)]
    st.markdown(
        t(
            "From {first:,} to {last:,} images accuracy goes from {before} to "
            "{after}. A doubling is worth {start} points at the start and {end} at "
            "the end.",
            first=rows[0]["n"],
            last=rows[-1]["n"],
            before=_share(rows[0]),
            after=_share(rows[-1]),
            start=_points(steps[0]),
            end=_points(steps[-1]),
        )
    )
    _how(card, report)
    if trained:
        st.caption(
            t(
                "The band is the card's own network, whose later layers were trained too, on the whole training split: "
                "{with_interval} on the same validation images.",
                with_interval=measures.format_measure_with_interval(trained, "%"),
            )
        )


def show_transfer_learning() -> None:
    """Show what the starting weights are worth."""
    st.markdown(
        t(
            "**Do not start from nothing.** A network that has seen a million photographs already knows edges, "
            "textures and shapes. Here both are frozen, and only the last layer learns."
        )
    )
    card, report = _measured()
    if card is None:
        return
    st.plotly_chart(
        start_figures.draw_learning_curves(report, STARTS, None), key="start-transfer", config=STATIC,
        alt=t("Accuracy against the number of training images, with ImageNet and with random features"),
    )  # fmt: skip
    ours, nothing = report["curves"]["imagenet"], report["curves"]["random"]
    enough = next((row["n"] for row in ours if row["value"] >= nothing[-1]["value"]), None)
    says = t(
        "With {n:,} images: {one} against {other}.", n=ours[-1]["n"], one=_share(ours[-1]), other=_share(nothing[-1])
    )
    if enough is not None:
        says += t(
            " ImageNet features are as good with {enough:,} images as random ones with {n:,}.",
            enough=enough,
            n=nothing[-1]["n"],
        )
    st.markdown(says)
    _how(card, report)
    st.caption(
        t(
            "Random features are those of one network of random weights, its normalisation fitted to the training "
            "images. This compares frozen features, and says nothing of a network whose layers are all trained from "
            "scratch."
        )
    )


def show_chart_reading() -> None:
    """Guide through a confusion matrix and a reliability diagram."""
    st.markdown(t("**Read two charts before you believe one number.** These are measured, and belong to a card."))
    found = [card for card in cards().values() if "confusion" in card.figures and "reliability" in card.figures]
    if not found:
        st.caption(t("No classifier has been measured yet: `ortholens evaluate` does it."))
        return
    names = {card.id: card.title for card in sorted(found, key=lambda card: not card.ordinal)}
    id = st.selectbox(
        t("Card"), list(names), format_func=lambda id: t(names[id]), key="charts-card", persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    card = cards()[id]
    left, right = st.columns(2, gap="medium", border=True)
    with left:
        _confusion(card)
    with right:
        _reliability(card)
    st.caption(
        escape_markdown(t("{how}. n = {n:,} images.", how=write_as_sentence(card.figures["how"]), n=card.figures["n"]))
    )


def _confusion(card: Card) -> None:
    counts = card.figures["confusion"]
    options = READINGS if card.ordinal else READINGS[:3]
    reading = st.segmented_control(
        t("Look at"),
        options,
        format_func=t,
        default=options[0],
        required=True,
        key=f"charts-reading-{card.id}",
        persist_state="session",
    )
    reading = reading if reading in options else options[0]
    k = len(counts)
    chosen = 0
    if reading in ("A row", "A column"):
        keys = [label.name for label in card.labels]
        label = st.selectbox(
            t("Label"), keys, format_func=t, index=min(1, k - 1), key=f"charts-label-{card.id}", persist_state="session"
        )
        chosen = keys.index(label)
    cells, says = read_confusion(counts, reading, chosen, [t(label.name) for label in card.labels])
    st.plotly_chart(
        start_figures.mark_confusion(card, counts, cells), key="start-confusion", config=STATIC,
        alt=t("Confusion matrix, {reading} framed. {says}", reading=t(reading).lower(), says=says),
    )  # fmt: skip
    st.markdown(escape_markdown(says))


def read_confusion(
    counts: Sequence[Sequence[int]], reading: str, label: int, names: Sequence[str]
) -> tuple[list[tuple[int, int]], str]:
    """Return the cells (row, column) of a confusion matrix that a reading looks at, and what they say."""
    k, n = len(counts), sum(map(sum, counts))
    if reading == "A row":
        total, right = sum(counts[label]), counts[label][label]
        says = t(
            "Of {total:,} images that are {label}, it found {right:,}: {share}. This is recall.",
            total=total,
            label=names[label],
            right=right,
            share=_of(right, total),
        )
        return [(label, column) for column in range(k)], says
    if reading == "A column":
        total, right = sum(row[label] for row in counts), counts[label][label]
        says = t(
            "When it says {label}, {right:,} of {total:,} are: {share}. This is precision.",
            label=names[label],
            right=right,
            total=total,
            share=_of(right, total),
        )
        return [(row, label) for row in range(k)], says
    if reading == "Far misses":
        cells = [(row, column) for row in range(k) for column in range(k) if abs(row - column) >= FAR]
        far = sum(counts[row][column] for row, column in cells)
        says = t(
            "{far:,} of {n:,} answers ({share}) are {grades} or more grades off. Accuracy counts all misses alike.",
            far=far,
            n=n,
            share=_of(far, n),
            grades=FAR,
        )
        return cells, says
    right = sum(counts[i][i] for i in range(k))
    says = t(
        "On the diagonal it is right: {right:,} of {n:,}, {share}. This is accuracy; it hides who is missed.",
        right=right,
        n=n,
        share=_of(right, n),
    )
    return [(i, i) for i in range(k)], says


def _reliability(card: Card) -> None:
    bins = card.figures["reliability"]
    divisor = st.slider(
        t("What if: confidence divided by a temperature of"), 0.4, 2.5, 1.0, 0.1, key="charts-temperature",
        persist_state="session", help=t("1 is the card as it was measured, already calibrated."),
    )  # fmt: skip
    moved = temperature.rebin_at_temperature(bins, divisor)
    before, after = (
        temperature.compute_lesson_calibration_error(bins),
        temperature.compute_lesson_calibration_error(moved),
    )
    st.plotly_chart(
        figures.draw_reliability(moved),
        key="start-reliability",
        config=STATIC,
        alt=t(
            "Reliability diagram at temperature {temperature:g}: calibration error {after:.1f} points",
            temperature=divisor,
            after=after * 100,
        ),
    )
    if divisor == 1:
        st.markdown(
            t(
                "Below the dotted line it is too sure, above too modest. Calibration error **{before:.1f} points**.",
                before=before * 100,
            )
        )
    else:
        how = t("Surer of the same answers: ") if divisor < 1 else t("Less sure of the same answers: ")
        st.markdown(
            how
            + t(
                "calibration error **{after:.1f} points** in place of {before:.1f}. No answer changed, so accuracy did "
                "not.",
                after=after * 100,
                before=before * 100,
            )
        )
        st.caption(t("Computed from the mean of each point, its answer against all other labels: close, not exact."))


def _measured() -> tuple[Card | None, Mapping[str, Any]]:
    """Return the first card with learning curves, and the curves."""
    for card in cards().values():
        if card.curves:
            return card, card.curves
    st.caption(t("No learning curve has been measured yet: `ortholens curves` does it in minutes."))
    return None, {}


def _how(card: Card, report: Mapping[str, Any]) -> None:
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    st.caption(
        escape_markdown(
            t(
                "{title}: {how}. n = {n:,} images of {groups:,} patients, "
                "{draws} draws; bars hold 95 % of {resamples:,} resamples of draws and patients. "
                "Measured {measured} by ortholens curves {id}; {versions}.",
                title=t(card.title),
                how=report["how"],
                n=report["n"],
                groups=report["groups"],
                draws=report["draws"],
                resamples=report["resamples"],
                measured=report["measured"],
                id=card.id,
                versions=versions,
            )
        )
    )


def _share(row: Mapping[str, float]) -> str:
    return f"**{measures.format_measure(row['value'], '%')}** ({measures.format_interval(row, '%')})"


def _points(gain: float) -> str:
    return f"{gain * 100:.1f}"


def _of(part: int, total: int) -> str:
    return measures.format_measure(part / max(1, total), "%")
