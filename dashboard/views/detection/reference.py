"""True boxes beside the answer: dropped by the reader, matched, and drawn as hits, misses and false positives."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import session
from dashboard.case import reference_files, states
from dashboard.case.reference_files import Files
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, later, t
from dashboard.views.detection import figures
from dashboard.views.detection import findings as detection_findings
from dashboard.views.detection.case import DetectionCase, Finding
from dashboard.views.detection.figures import FALSE, HIT, MISSED, Mark
from dashboard.views.segmentation.case import Sheet
from models import OrthoLensError
from models.tasks.detection.judge import Verdict, judge_detections
from models.tasks.detection.reference import ReferenceBoxes, read_reference_boxes

INVITATION = later(
    "Drop true boxes: COCO JSON, Pascal VOC XML, or YOLO text (with *classes.txt*, if you have it). A file of "
    "several images is searched for this one by its name or its size."
)
SAYS = later(
    "**Solid blue**: hit. **Dotted mauve**: false positive. **Dashed vermilion**: missed. "
    "Thin white dashes: the reference of a hit."
)


def show_detection_reference(case: DetectionCase) -> Sheet:
    """Take a reference standard, compare it with the boxes that are shown, and return the picture of both."""
    files = reference_files.take_reference_files(t("True boxes"), _state(case), "true-boxes")
    if not files:
        st.caption(t(INVITATION))
        return detection_findings.draw_findings(case)
    try:
        reference = read_dropped_boxes(case)
    except OrthoLensError as problem:
        states.show_error(problem)
        return detection_findings.draw_findings(case)
    assert reference is not None  # there are files
    for warning in reference.warnings:
        st.warning(t(warning), icon=":material/warning:")
    verdict = judge_detections(case.kept, reference, {label.key: label.name for label in case.card.labels}, case.answer)
    _figures(verdict, case)
    marks = mark_hits_and_misses(verdict, case.findings, reference)
    fig = figures.draw_boxes(case.image, marks, case.view)
    detection_findings.offer_whole_image(case)
    return Sheet(fig, "boxes", says=t(SAYS), select=lambda selection: detection_findings.pick_finding(case, selection))


def read_dropped_boxes(case: DetectionCase) -> ReferenceBoxes | None:
    """Return what the reader dropped for this frame, read once; None where nothing was.

    Raises
    ------
    InputError
        When the files hold no boxes of this image.
    """
    files: Files = session.get(_state(case), ())
    if not files:
        return None
    image = case.image
    return session.compute_once(
        lambda: read_reference_boxes(files, image.name, image.shape),
        "true-boxes",
        case.frame,
        reference_files.hash_reference_files(files),
    )


def mark_hits_and_misses(verdict: Verdict, findings: Sequence[Finding], reference: ReferenceBoxes) -> list[Mark]:
    """Return hits, false positives and misses as they are drawn; each says in words which it is."""
    marks = []
    for index, box in enumerate(reference.boxes):
        if index in verdict.missed:
            marks.append(
                Mark(
                    box,
                    "missed",
                    t("missed: {labels}", labels=escape_markdown(t(reference.labels[index]))),
                    MISSED,
                    "dash",
                    2.5,
                )
            )
        else:
            marks.append(Mark(box, "", "", figures.CHOSEN, "dash", 1))
    for finding, true in zip(findings, verdict.reference_of_box, strict=True):
        hit = true >= 0
        word = t("hit") if hit else t("false positive")
        marks.append(
            Mark(
                finding.box, f"{finding.number} · {word}", f"{finding.number}: {word}, {t(finding.sure)}",
                HIT if hit else FALSE, "solid" if hit else "dot", 2.5, finding.key,
            )
        )  # fmt: skip
    return marks


def _figures(verdict: Verdict, case: DetectionCase) -> None:
    with st.container(horizontal=True, key="verdict"):
        st.metric(t("Hits"), verdict.hits)
        st.metric(t("Missed"), len(verdict.missed))
        st.metric(t("False positives"), verdict.false_positives)
        st.metric(t("AP50"), "–" if verdict.ap50 is None else format_number(verdict.ap50, ".2f"))
    st.caption(
        t(
            "A hit overlaps a true box by at least half (intersection over union); each true box can be hit once. "
            "Counts are of the boxes shown. AP50 is the average precision over all thresholds, of the network's own "
            "boxes on this one image: figures of a model need many images, and stand on its card."
        )
    )
    if not verdict.by_label and len(case.card.labels) > 1:
        st.caption(t("The reference standard names other labels than the model, so boxes were matched by place alone."))


def _state(case: DetectionCase) -> str:
    return f"true-boxes-{case.frame}"
