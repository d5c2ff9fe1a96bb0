"""The explanation audit of one answer: methods side by side, each put to the tests, and a sentence on each figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import audit_figures, progress
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import format_number, t
from dashboard.style.figures import View
from models import Card, Classification, Image
from models.jobs import Job
from models.trust.methods import METHODS

if TYPE_CHECKING:
    from models.tasks.classification.audit import Audit, Finding

FEWEST, MOST = 2, 4
FIRST = ("grad-cam", "guided-grad-cam", "integrated-gradients")
"""Methods chosen unless the reader picks others: coarse and fine, stages and pixels, in seconds."""
MAPS_PX = 400
MINUTE_S = 90
"""From how many seconds on minutes are told."""
STATIC = {"displayModeBar": False, "staticPlot": True}
STRONG, PARTLY = 0.7, 0.4
"""Mean rank correlation from which methods agree well, and in part."""
SAME = 0.999
"""Grad-CAM and HiResCAM are one map where the network only averages behind the stage."""


def show_audit(prediction: Classification, image: Image, card: Card, view: View) -> None:
    """Offer the audit of the label that is explained on the page, and draw it once it has run."""
    if prediction.explanation is None:
        return
    label = card.labels[card.index(prediction.explanation.target)]
    opened = st.expander(t("Audit the explanation"), icon=":material/fact_check:", key="audit-open", on_change="rerun")
    with opened:
        st.markdown(
            t(
                "Is the heat for **{name}** a reason, or decoration? Several methods explain the same "
                "answer, and each is put to the tests of the literature.",
                name=escape_markdown(t(label.name)),
            )
        )
        methods = st.pills(
            t("Methods, two to four"), list(METHODS), selection_mode="multi", default=FIRST, key="audit-methods",
            format_func=lambda key: t(METHODS[key].name), persist_state="session",
            help="\n".join(f"- **{t(method.name)}**: {t(method.sentence)}" for method in METHODS.values()),
        )  # fmt: skip
        methods = [key for key in METHODS if key in methods]
        name = f"audit-{image.sha256}-{view.frame}-{card.id}-{label.key}-{'+'.join(methods)}"
        job: Job[Audit] | None = session.find_job(name)
        if job and job.running:
            _progress(name)
        elif job and job.result:
            _results(job.result, image, card, view)
        else:
            _offer(name, methods, job, lambda job: _run(job, image, card, view.frame, methods, label.key))
            if opened.open and FEWEST <= len(methods) <= MOST:
                st.caption(_estimate(card, methods))


def _estimate(card: Card, methods: Sequence[str]) -> str:
    """Say how long it will take, from passes that are timed here when the audit is looked at first."""
    seconds = session.compute_once(
        lambda: models.audit_seconds(card.id, methods), "audit-seconds", card.id, "+".join(methods)
    )
    if seconds < MINUTE_S:
        return t("About {seconds:,.0f} s on this machine.", seconds=max(1.0, float(f"{seconds:.1g}")))
    return t("About {minutes:,.0f} min on this machine.", minutes=max(1.0, seconds / 60))


def _offer(name: str, methods: Sequence[str], job: Job[Audit] | None, work: object) -> None:
    fits = FEWEST <= len(methods) <= MOST
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            t("Run the audit"), icon=":material/play_arrow:", key="audit-start", type="primary", disabled=not fits,
            on_click=session.start_work, args=(name, work),
        )  # fmt: skip
        if not fits:
            st.caption(t("Choose {fewest} to {most} methods.", fewest=FEWEST, most=MOST))
    if job and job.error:
        st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}"))


def _run(job: Job[Audit], image: Image, card: Card, frame: int, methods: Sequence[str], label: str) -> Audit:
    return models.audit(
        image, card.id, methods, label=label, frame=frame, cancelled=job.stopped,
        progress=lambda share, words: job.report(share, 1, words),
    )  # fmt: skip


@poll_every(0.5)
def _progress(name: str) -> None:
    progress.draw_progress(name, "audit-cancel")


def _results(audit: Audit, image: Image, card: Card, view: View) -> None:
    st.plotly_chart(
        audit_figures.draw_audited_maps(audit, image, view), key="audit-maps", height=MAPS_PX, theme=None,
        config={"scrollZoom": True, "displayModeBar": False},
        alt=t("The map of each method on the image"),
    )  # fmt: skip
    st.caption(
        t(
            "Each picture explains the same answer by another method; zoom one and all follow. The seconds are those "
            "of one map, and its hottest fiftieth is drawn at full strength."
        )
    )
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        st.markdown(t("**Is the map faithful?**"))
        st.plotly_chart(
            audit_figures.draw_faithfulness_curves(audit), key="audit-curves", config={"displayModeBar": False},
            alt=t("Probability of the label as the picture is taken away or uncovered"),
        )  # fmt: skip
        st.caption(_faithful(audit))
    with right:
        st.markdown(t("**Do the methods agree?**"))
        st.plotly_chart(
            audit_figures.draw_map_agreement(audit), key="audit-agreement", config=STATIC,
            alt=t("Rank correlation of the maps")
        )  # fmt: skip
        st.caption(_agreed(audit))
    st.markdown(t("**Does the map fall apart when the network forgets?**"))
    st.plotly_chart(
        audit_figures.draw_sanity_strip(audit, view), key="audit-sanity", theme=None, config=STATIC,
        alt=t("The maps of ever more randomised networks"),
    )  # fmt: skip
    st.caption(_forgotten(audit))
    if card.task == "implant":
        st.markdown(t("**Does it look at the metal?**"))
        st.caption(_metal(audit))
    st.markdown(t("**In figures**"))
    st.dataframe(_table(audit, card), hide_index=True, width="stretch", placeholder="–")


def _faithful(audit: Audit) -> str:
    chance = audit.random.insertion_area
    ranked = sorted(audit.findings, key=lambda finding: -finding.curves.insertion_area)
    best, blind = ranked[0], [_name(finding) for finding in ranked if finding.curves.insertion_area <= chance]
    words = t(
        "A map that points at what the network uses makes the probability fall at once when its hottest places are "
        "greyed, and rise at once when they are uncovered in a blurred picture. "
    )
    if len(blind) == len(ranked):
        return words + t("Here no method beats a random map: lean on none of them.")
    words += t(
        "Here {name} is the most faithful: area {insertion_area:.2f} when uncovering",
        name=_name(best),
        insertion_area=best.curves.insertion_area,
    )
    words += t(", and {chance:.2f} for a random map.", chance=chance)
    return words + t(" Not better than random: {names}.", names=", ".join(blind)) if blind else words


def _agreed(audit: Audit) -> str:
    pairs = audit.agreement[np.triu_indices(len(audit.findings), 1)]
    mean = float(pairs.mean())
    how = t("agree well") if mean >= STRONG else t("agree in part") if mean >= PARTLY else t("hardly agree")
    words = t("1 is the same order of places, 0 none. These methods {how} ({mean:.2f} on average)", how=how, mean=mean)
    if pairs.max() > SAME:
        one, other = np.argwhere(np.triu(audit.agreement > SAME, 1))[0]
        words += t(
            "; {one} and {other} give one and the same map here",
            one=_name(audit.findings[one]),
            other=_name(audit.findings[other]),
        )
    return words + t(". Agreement does not make them right.")


def _forgotten(audit: Audit) -> str:
    words = t(
        "From left to right ever more of the network is replaced by random weights: its head, then all down to the "
        "stage named. Below each map stands its rank correlation with the first. A map that stays shows the picture, "
        "not the reason."
    )
    for verdict, apart in ((t("Falls apart, as a map must"), True), (t("Stays"), False)):
        if names := [_name(finding) for finding in audit.findings if finding.cascade.falls_apart is apart]:
            words += f" {verdict}: {', '.join(names)}."
    return words


def _metal(audit: Audit) -> str:
    if not audit.metal:
        return t("No metal was found by its brightness.")
    shares = ", ".join(
        t("{on_metal:.0%} of {name}", on_metal=finding.on_metal, name=_name(finding)) for finding in audit.findings
    )
    return t(
        "By brightness, metal covers {metal:.0%} of the picture; on it lies this share of the heat that speaks "
        "for the label: {shares}. A map that ignored the metal would show {metal:.0%}.",
        metal=audit.metal,
        shares=shares,
    )


def _table(audit: Audit, card: Card) -> list[dict[str, object]]:
    rows = []
    for finding in audit.findings:
        row = {
            t("Method"): _name(finding),
            t("Seconds a map"): round(finding.explanation.seconds, 2),
            t("Deletion area (low is good)"): round(finding.curves.deletion_area, 3),
            t("Insertion area (high is good)"): round(finding.curves.insertion_area, 3),
            t("Left when all is random (near 0 is good)"): round(finding.cascade.steps[-1].agreement, 2),
        }
        rows.append(
            row | ({t("Heat on metal"): format_number(finding.on_metal, ".0%")} if card.task == "implant" else {})
        )
    chance = {t("Method"): t("Random map"), t("Deletion area (low is good)"): round(audit.random.deletion_area, 3)}
    return [*rows, chance | {t("Insertion area (high is good)"): round(audit.random.insertion_area, 3)}]


def _name(finding: Finding) -> str:
    return t(METHODS[finding.explanation.method].name)
