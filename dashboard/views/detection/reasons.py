"""Why the network drew a box: Grad-CAM of its score at once, and D-RISE, which only sees the answers, on request."""

from __future__ import annotations

import streamlit as st

import models
from dashboard import session
from dashboard.case import progress
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import later, spoken, t
from dashboard.views.detection import figures
from dashboard.views.detection import findings as detection_findings
from dashboard.views.detection.case import DetectionCase, Finding
from dashboard.views.segmentation.case import Reason, Sheet, keep_reason_for_report
from models import Box, Explanation
from models.drawing import draw
from models.drawing.draw import HeatLook
from models.jobs import Job
from models.reporting import reason
from models.trust.methods import BOX_METHODS

OPACITY, LEAST = 0.65, 0.15
SAYS = later("Bright: speaks for the chosen box. The white box is the one explained.")


def show_reasons_of_box(case: DetectionCase) -> Sheet:
    """Let the reader choose a finding and a method, and return the picture with its heat."""
    findings = case.findings
    if not findings:
        st.caption(t("No box reaches this threshold, so there is none to explain. Lower it first."))
        return detection_findings.draw_findings(case)
    subject = _subject(case)
    method = st.segmented_control(
        t("Method"), list(BOX_METHODS), default=next(iter(BOX_METHODS)), key="box-method", required=True,
        format_func=lambda key: t(BOX_METHODS[key].name), persist_state="session", width="stretch",
    )  # fmt: skip
    st.caption(f"**{t(BOX_METHODS[method].name)}.** {t(BOX_METHODS[method].sentence)}")
    if subject.by_hand:
        st.caption(t("A box drawn by hand: explained is what the network makes of this very place."))
    why = _slowly(case, subject, method) if BOX_METHODS[method].slow else _at_once(case, subject, method)
    marks = figures.mark_findings(case.findings, case.card, subject)
    if why is None:
        fig = figures.draw_boxes(case.image, marks, case.view)
        return Sheet(fig, "boxes", select=lambda selection: detection_findings.pick_finding(case, selection))
    colours = st.selectbox(
        t("Colours"), list(draw.COLOUR_MAPS), list(draw.COLOUR_MAPS).index(case.view.colours),
        format_func=str.capitalize, key="colours", persist_state="session",
    )  # fmt: skip
    keep_reason_for_report(case.identity, Reason(why, _place(subject)))
    at = t(", at {layer}", layer=why.layer) if why.layer else ""
    st.caption(t("Explained in {seconds:.2f} s{at}", seconds=why.seconds, at=at))
    probability = None if subject.by_hand else subject.score
    look = reason.choose_heat_look(HeatLook(OPACITY, LEAST, colours), probability)
    for words in reason.note_limits_of_reason(why, look):
        st.caption(escape_markdown(t(words)))
    marks = [mark for mark in marks if mark.key == subject.key]
    title = reason.title_reason(case.answer, why, probability, spoken())
    fig = figures.draw_boxes(case.image, marks, case.view, figures.Heat(why.heat, look, title))
    return Sheet(fig, "boxes", says=t(SAYS), select=lambda selection: detection_findings.pick_finding(case, selection))


def _place(subject: Finding) -> Box:
    """Return a finding's box in whole pixels: its sides are counted from the middle of the first pixel."""
    column, row, width, height = (float(side) for side in subject.box)
    return Box(round(row + 0.5), round(column + 0.5), round(height), round(width))


def _subject(case: DetectionCase) -> Finding:
    """Let the reader choose which finding is explained; the one chosen in the list comes first."""
    findings = {finding.key: finding for finding in case.findings}
    key, chosen = f"subject-{case.identity}", case.chosen
    wanted = chosen.key if chosen else next(iter(findings))
    if session.get(key) != wanted:
        session.put(key, wanted)
    named = {
        finding.key: f"{finding.number} · {t(case.card.labels[finding.label].name)}, {t(finding.sure)}"
        for finding in findings.values()
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            t("Explain"), list(findings), key=key, format_func=named.__getitem__,
            on_change=lambda: case.choose(findings.get(session.get(key))),
        )  # fmt: skip
        detection_findings.offer_whole_image(case)
    return findings[wanted]


def _at_once(case: DetectionCase, subject: Finding, method: str) -> Explanation:
    return session.compute_once(
        lambda: models.explain_detection(case.image, case.kept, subject.row, method),
        "explain-box", case.identity, *session.name_weights(case.card), _named(subject), method,
    )  # fmt: skip


def _slowly(case: DetectionCase, subject: Finding, method: str) -> Explanation | None:
    """Return the heat of a slow method once its job has run; before that offer it or show how far it is."""
    name = f"explain-{case.identity}-{_named(subject)}-{method}"
    job: Job[Explanation] | None = session.find_job(name)
    if job and job.result:
        return job.result
    if job and job.running:
        _progress(name)
        return None
    kept, row, image = case.kept, subject.row, case.image
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            t("Run {name}", name=t(BOX_METHODS[method].name)),
            icon=":material/play_arrow:",
            type="primary",
            key="box-why-start",
            on_click=session.start_work,
            args=(
                name,
                lambda job: models.explain_detection(
                    image, kept, row, method, progress=job.report, cancelled=job.stopped
                ),
            ),
        )
        st.caption(t("Looks at the image hundreds of times: a minute or more."))
    if job and job.error:
        st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}"))
    return None


@poll_every(0.5)
def _progress(name: str) -> None:
    progress.draw_progress(name, "box-why-cancel", t("Looking through masks"))


def _named(subject: Finding) -> str:
    return f"{subject.label}-{subject.box.tobytes().hex()}"
