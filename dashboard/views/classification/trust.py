"""How far to trust one answer: the labels still possible, the grade, how familiar the image is, how steady the answer.

Each part says in a sentence what it means. The maths is that of `models.trust`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

import models
from dashboard import session
from dashboard.case import abstention, states, trust_figures
from dashboard.case.measures import format_measure
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import format_number, t
from dashboard.views.model_cards import card as card_page
from models import Card, Classification, Image, Judged
from models.jobs import Job
from models.trust.conformal import make_prediction_set
from models.trust.grades import compute_dichotomised_probability, compute_expected_grade
from models.trust.quality import note_quality

if TYPE_CHECKING:
    from models.tasks.classification.robustness import Perturbation

LEAST, MOST = 80, 99
"""Coverages that can be picked, in %."""
CHART = {"displayModeBar": False, "staticPlot": True}
NO_BREAK = "\u00a0"
"""A space at which no line ends, between a number and its unit."""


def show_trust(prediction: Classification, image: Image, card: Card) -> None:
    """Draw everything that helps to believe an answer or not, the answer being on the screen."""
    chosen = _set(prediction, card)
    if card.ordinal:
        _grade(prediction, card, chosen)
    show_familiarity(prediction, image, card)
    _steadiness(prediction, image, card)
    with st.expander(t("What the labels mean"), icon=":material/menu_book:"):
        card_page.show_label_definitions(card)


def show_familiarity(prediction: Judged, image: Image, card: Card) -> None:
    """Draw how like the training images the image is, and what is odd about it; where the model abstained, that did."""
    if prediction.abstained:
        return
    if prediction.ood_score is not None:
        st.markdown(t("**Is this an image it knows?**"))
        st.caption(escape_markdown(write_as_sentence(t("this looks like {shows}", shows=t(card.data.shows)))))
        abstention.draw_ood_score(prediction.ood_score)
    states.show_notes(note_quality(image, prediction.frame))


def _set(prediction: Classification, card: Card) -> tuple[str, ...]:
    """Let the reader pick a coverage, draw the labels of its set, and return their keys."""
    if card.conformal is None:
        return ()
    st.markdown(t("**Which labels are still possible?**"))
    percent = st.slider(
        t("Coverage"), LEAST, MOST, 90, key="coverage", persist_state="session", format="%d %%",
        help=t("How often the set should hold the true label. More coverage, more labels."),
    )  # fmt: skip
    kept = make_prediction_set(prediction.probabilities, card, percent / 100)
    with st.container(horizontal=True, gap="small", key="prediction-set"):
        for key in kept:
            st.badge(
                escape_markdown(t(card.labels[card.index(key)].name)),
                color="primary" if key == prediction.label else "gray",
            )
    measured = next((row for row in card.figures.get("conformal", ()) if round(row["coverage"] * 100) == percent), None)
    share = format_measure(measured["value"], "%").replace(" ", NO_BREAK) if measured else ""
    seen = t(", {share} when it was measured", share=escape_markdown(share)) if measured else ""
    st.caption(
        t(
            "Of images like this, {percent} in 100 have their true label in such a set{seen}.",
            percent=percent,
            seen=seen,
        )
    )
    return kept


def _grade(prediction: Classification, card: Card, kept: tuple[str, ...]) -> None:
    left, right = st.columns(2)
    grade = compute_expected_grade(prediction.probabilities)
    with left:
        st.metric(
            t("Expected grade"),
            format_number(grade, ".1f"),
            help=t("The mean of the grades, each weighted by its probability."),
        )
        if kept:
            st.caption(t("Grade {low} to {high} at this coverage", low=kept[0], high=kept[-1]))
    dichotomised = compute_dichotomised_probability(prediction.probabilities, card)
    if card.dichotomised and dichotomised is not None:
        with right:
            st.metric(
                t("Dichotomised"),
                format_measure(dichotomised, "%"),
                help=t("Probability of {name}.", name=escape_markdown(t(card.dichotomised.name))),
            )
            st.caption(escape_markdown(write_as_sentence(t(card.dichotomised.name))))


def _steadiness(prediction: Classification, image: Image, card: Card) -> None:
    """Offer the answers under small changes; they are computed when asked for."""
    name = f"spread-{image.sha256}-{prediction.frame}-{card.id}"
    job = session.find_job(name)
    st.markdown(t("**Is the answer steady?**"))
    if job and job.running:
        _progress(name)
    elif job and job.result:
        _changes(job.result, card.index(prediction.label))
    else:
        st.button(
            t("Move, turn and brighten it a little"), icon=":material/vibration:", key="spread-start", width="stretch",
            on_click=session.start_work, args=(name, lambda job: _measure(job, image, card, prediction.frame)),
            help=t("Answers a dozen slightly changed copies of the image."),
        )  # fmt: skip
        if job and job.error:
            st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}"))


def _changes(perturbations: Sequence[Perturbation], label: int) -> None:
    st.plotly_chart(
        trust_figures.draw_robustness_strip(perturbations, label),
        key="spread",
        config=CHART,
        alt=t("The answer under small changes"),
    )
    shares = [float(perturbation.probabilities[label]) for perturbation in perturbations]
    stays = sum(int(perturbation.probabilities.argmax()) == label for perturbation in perturbations[1:])
    st.caption(
        t(
            "The answer stays under {stays} of {all} small changes that should not matter; its probability "
            "runs from {low:.0%} to {high:.0%}. A steady answer can still be wrong.",
            stays=stays,
            all=len(perturbations) - 1,
            low=min(shares),
            high=max(shares),
        )
    )


def _measure(job: Job[tuple[Perturbation, ...]], image: Image, card: Card, frame: int) -> tuple[Perturbation, ...]:
    return models.measure_robustness(image, card.id, frame=frame, progress=job.report, cancelled=job.stopped)


@poll_every(0.4)
def _progress(name: str) -> None:
    job = session.find_job(name)
    if job is None or not job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, t("Changed copies answered, {share:.0%}", share=job.share))
        st.button(t("Cancel"), icon=":material/close:", key="spread-cancel", on_click=job.stop)
