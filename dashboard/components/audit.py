"""The explanation audit of one answer: methods side by side, each put to the tests, and a sentence on each figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

import models
from dashboard import audit_figures, session
from dashboard.components import progress
from dashboard.components.states import plain, sentence
from dashboard.figures import View
from dashboard.jobs import Job
from models import Card, Classification, Image
from models.trust.methods import METHODS

if TYPE_CHECKING:
    from models.trust.audit import Audit, Finding

FEWEST, MOST = 2, 4
FIRST = ("grad-cam", "guided-grad-cam", "integrated-gradients")
"""Methods chosen unless the reader picks others: coarse and fine, stages and pixels, in seconds."""
MAPS_PX = 400
STATIC = {"displayModeBar": False, "staticPlot": True}
STRONG, PARTLY = 0.7, 0.4
"""Mean rank correlation from which methods agree well, and in part."""
SAME = 0.999
"""Grad-CAM and HiResCAM are one map where the network only averages behind the stage."""


def show(prediction: Classification, image: Image, card: Card, view: View) -> None:
    """Offer the audit of the label that is explained on the page, and draw it once it has run."""
    if prediction.explanation is None:
        return
    label = card.labels[card.index(prediction.explanation.target)]
    with st.expander("Audit the explanation", icon=":material/fact_check:"):
        st.markdown(
            f"Is the heat for **{plain(label.name)}** a reason, or decoration? Several methods explain the same "
            "answer, and each is put to the tests of the literature."
        )
        methods = st.pills(
            "Methods, two to four", list(METHODS), selection_mode="multi", default=FIRST, key="audit-methods",
            format_func=lambda key: METHODS[key].name, persist_state="session",
            help="\n".join(f"- **{method.name}**: {method.sentence}" for method in METHODS.values()),
        )  # fmt: skip
        methods = [key for key in METHODS if key in methods]
        name = f"audit-{image.sha256}-{view.frame}-{card.id}-{label.key}-{'+'.join(methods)}"
        job: Job[Audit] | None = session.job(name)
        if job and job.running:
            _progress(name)
        elif job and job.result:
            _results(job.result, image, card, view)
        else:
            _offer(name, methods, job, lambda job: _run(job, image, card, view.frame, methods, label.key))


def _offer(name: str, methods: Sequence[str], job: Job[Audit] | None, work: object) -> None:
    fits = FEWEST <= len(methods) <= MOST
    slow = any(METHODS[key].slow for key in methods)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Run the audit", icon=":material/play_arrow:", key="audit-start", type="primary", disabled=not fits,
            on_click=session.start, args=(name, work),
        )  # fmt: skip
        if not fits:
            st.caption(f"Choose {FEWEST} to {MOST} methods.")
        elif slow:
            st.caption("Methods that look at every pixel run the network hundreds of times: up to a minute or two.")
        else:
            st.caption("A few seconds.")
    if job and job.error:
        st.caption(plain(f"{sentence(job.error.problem)}. {job.error.fix}"))


def _run(job: Job[Audit], image: Image, card: Card, frame: int, methods: Sequence[str], label: str) -> Audit:
    return models.audit(
        image, card.id, methods, label=label, frame=frame, cancelled=job.stopped,
        progress=lambda share, words: job.report(share, 1, words),
    )  # fmt: skip


@st.fragment(run_every=0.5)
def _progress(name: str) -> None:
    progress.of(name, "audit-cancel")


def _results(audit: Audit, image: Image, card: Card, view: View) -> None:
    st.plotly_chart(
        audit_figures.maps(audit, image, view), key="audit-maps", height=MAPS_PX, theme=None,
        config={"scrollZoom": True, "displayModeBar": False},
        alt="The map of each method on the image",
    )  # fmt: skip
    st.caption(
        "Each picture explains the same answer by another method; zoom one and all follow. The seconds are those of "
        "one map, and its hottest fiftieth is drawn at full strength."
    )
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        st.markdown("**Is the map faithful?**")
        st.plotly_chart(
            audit_figures.curves(audit), key="audit-curves", config={"displayModeBar": False},
            alt="Probability of the label as the picture is taken away or uncovered",
        )  # fmt: skip
        st.caption(_faithful(audit))
    with right:
        st.markdown("**Do the methods agree?**")
        st.plotly_chart(
            audit_figures.agreement(audit), key="audit-agreement", config=STATIC, alt="Rank correlation of the maps"
        )  # fmt: skip
        st.caption(_agreed(audit))
    st.markdown("**Does the map fall apart when the network forgets?**")
    st.plotly_chart(
        audit_figures.sanity(audit, view), key="audit-sanity", theme=None, config=STATIC,
        alt="The maps of ever more randomised networks",
    )  # fmt: skip
    st.caption(_forgotten(audit))
    if card.task == "implant":
        st.markdown("**Does it look at the metal?**")
        st.caption(_metal(audit))
    st.markdown("**In figures**")
    st.dataframe(_table(audit, card), hide_index=True, width="stretch")


def _faithful(audit: Audit) -> str:
    chance = audit.random.insertion_area
    ranked = sorted(audit.findings, key=lambda finding: -finding.curves.insertion_area)
    best, blind = ranked[0], [_name(finding) for finding in ranked if finding.curves.insertion_area <= chance]
    words = (
        "A map that points at what the network uses makes the probability fall at once when its hottest places are "
        "greyed, and rise at once when they are uncovered in a blurred picture. "
    )
    if len(blind) == len(ranked):
        return f"{words}Here no method beats a random map: lean on none of them."
    words += f"Here {_name(best)} is the most faithful: area {best.curves.insertion_area:.2f} when uncovering"
    words += f", and {chance:.2f} for a random map."
    return f"{words} Not better than random: {', '.join(blind)}." if blind else words


def _agreed(audit: Audit) -> str:
    pairs = audit.agreement[np.triu_indices(len(audit.findings), 1)]
    mean = float(pairs.mean())
    how = "agree well" if mean >= STRONG else "agree in part" if mean >= PARTLY else "hardly agree"
    words = f"1 is the same order of places, 0 none. These methods {how} ({mean:.2f} on average)"
    if pairs.max() > SAME:
        one, other = np.argwhere(np.triu(audit.agreement > SAME, 1))[0]
        words += f"; {_name(audit.findings[one])} and {_name(audit.findings[other])} give one and the same map here"
    return f"{words}. Agreement does not make them right."


def _forgotten(audit: Audit) -> str:
    words = (
        "From left to right ever more of the network is replaced by random weights: its head, then all down to the "
        "stage named. Below each map stands its rank correlation with the first. A map that stays shows the picture, "
        "not the reason."
    )
    for verdict, apart in (("Falls apart, as a map must", True), ("Stays", False)):
        if names := [_name(finding) for finding in audit.findings if finding.cascade.falls_apart is apart]:
            words += f" {verdict}: {', '.join(names)}."
    return words


def _metal(audit: Audit) -> str:
    if not audit.metal:
        return "No metal was found by its brightness."
    shares = ", ".join(f"{finding.on_metal:.0%} of {_name(finding)}" for finding in audit.findings)
    return (
        f"By brightness, metal covers {audit.metal:.0%} of the picture; on it lies this share of the heat that speaks "
        f"for the label: {shares}. A map that ignored the metal would show {audit.metal:.0%}."
    )


def _table(audit: Audit, card: Card) -> list[dict[str, object]]:
    rows = []
    for finding in audit.findings:
        row = {
            "Method": _name(finding),
            "Seconds a map": round(finding.explanation.seconds, 2),
            "Deletion area (low is good)": round(finding.curves.deletion_area, 3),
            "Insertion area (high is good)": round(finding.curves.insertion_area, 3),
            "Left when all is random (near 0 is good)": round(finding.cascade.steps[-1].agreement, 2),
        }
        rows.append(row | ({"Heat on metal": f"{finding.on_metal:.0%}"} if card.task == "implant" else {}))
    chance = {"Method": "Random map", "Deletion area (low is good)": round(audit.random.deletion_area, 3)}
    return [*rows, chance | {"Insertion area (high is good)": round(audit.random.insertion_area, 3)}]


def _name(finding: Finding) -> str:
    return METHODS[finding.explanation.method].name
