"""Keep the result: the picture with its boxes, COCO JSON, the answer as JSON, and a DICOM SR of a DICOM image."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import report, states
from dashboard.case.offer import audit_export, offer_file
from dashboard.case.ruler.files import with_ruler
from dashboard.i18n import Language, later, spoken, t
from dashboard.session import Answered, Item
from dashboard.style.figures import View
from dashboard.views.detection.case import DetectionCase
from dashboard.views.detection.reference import read_dropped_boxes
from dashboard.views.segmentation.case import Reason, find_reason_for_report
from models import DISCLAIMER, Card, Detections, Image, OrthoLensError
from models.answers.record import write_record
from models.drawing import plate
from models.io.kinds import find_file_kind
from models.reporting.case import Case
from models.tasks.detection.boxes import (
    Mark,
    draw_box_marks,
    export_boxes_png,
    mark_shown_boxes,
    place_marks,
    write_coco_json,
)
from models.tasks.detection.edit import EditedDetections, mark_by_hand
from models.tasks.detection.judge import judge_detections
from models.tasks.detection.reference import ReferenceBoxes
from models.tasks.detection.sr import check_sr_source, write_sr


@dataclass(frozen=True)
class Kept:
    """What the files are made of; they are made when they are asked for, where the session cannot be asked."""

    image: Image
    card: Card
    view: View
    found: Detections
    reference: ReferenceBoxes | None = None


def show_detection_downloads(case: DetectionCase) -> None:
    """Offer the files; each is made when it is asked for."""
    kept = Kept(case.image, case.card, case.view, case.kept, _reference(case))
    by_hand = "-by-hand" if isinstance(kept.found, EditedDetections) else ""
    name, say = f"ortholens-{kept.found.task}-{kept.found.sha256[:12]}{by_hand}", spoken()
    with st.container(key="downloads", horizontal=True, gap="small"):
        offer_file(
            t("Picture"), lambda: export_boxes_picture(kept, say), f"{name}.png", icon="image",
            help=t("The image with the boxes that are shown, a scale and a caption; with a reference standard, hits, "
            "misses and false positives."),
        )  # fmt: skip
        offer_file(
            t("COCO"), lambda: export_coco(kept), f"{name}-coco.json", icon="select_all",
            help=t("The boxes that are shown as COCO JSON, in the image's own pixels."),
        )  # fmt: skip
        offer_file(
            t("Result"), with_ruler(lambda: export_detections(kept), kept.image), f"{name}.json", icon="data_object",
            help=t("Every box above 0.01 as JSON, as `ortholens predict` writes it."),
        )  # fmt: skip
    item = session.find_selected_file()
    data = item.file_of(kept.view.frame, kept.image.frames) if item else b""
    if data and find_file_kind(data, "") == "DICOM":
        _sr(kept, data, f"{name}-sr.dcm")
    _report(kept, find_reason_for_report(case.identity), item, name)


def _report(kept: Kept, reason: Reason, item: Item | None, name: str) -> None:
    """Offer the report of the boxes as they are shown, and remember how to search the file again."""
    say = spoken()
    origin, simulated = (item.origin, report.is_simulated(item)) if item else ("", False)
    found = kept.found

    def make() -> Case:
        shown = plate.square_pixels(kept.view.shown(kept.image), kept.image.cell)
        boxed = draw_box_marks(shown, place_marks(mark_exported_boxes(kept, say), kept.image.shape, shown.shape), say)
        explained = replace(found, explanation=reason.why)
        return Case(kept.image, explained, shown, boxed, simulated, origin, place=reason.place)

    answered = None
    if item:
        card, frame, threshold, point = kept.card.id, found.frame, found.threshold, found.operating_point

        def again() -> Case:
            seen = item.read()
            answer = models.predict(seen, card, frame=frame)
            assert isinstance(answer, Detections)  # by the card's task
            return Case(seen, replace(answer, threshold=threshold, operating_point=point), simulated=simulated,
                        origin=origin)  # fmt: skip

        answered = Answered(item.sha256, f"{frame}-{card}-{threshold}", again)
    report.show_reports(found.task, name, make, answered)


def export_boxes_picture(kept: Kept, say: Language) -> bytes:
    """Return the frame as it is displayed with boxes, and what belongs to it in its margins."""
    return export_boxes_png(kept.image, kept.found, kept.view.shown(kept.image), mark_exported_boxes(kept, say), say)


def mark_exported_boxes(kept: Kept, say: Language) -> list[Mark]:
    """Return the boxes as they are drawn in files: against the reference standard where there is one."""
    found = mark_shown_boxes(kept.found, kept.card, say)
    by_hand = _by_hand(kept.found)[kept.found.shown]
    if kept.reference is None:
        return [
            Mark(mark.box, mark.kind, say(later("by hand")), mark.colour) if hand else mark
            for mark, hand in zip(found, by_hand, strict=True)
        ]
    verdict = judge_detections(kept.found, kept.reference, {label.key: label.name for label in kept.card.labels})
    told = [
        Mark(mark.box, "hit" if true >= 0 else "false positive", say(later("by hand")) if hand else mark.words)
        for mark, true, hand in zip(found, verdict.reference_of_box, by_hand, strict=True)
    ]
    missed = [(float(x), float(y), float(w), float(h)) for x, y, w, h in kept.reference.boxes[list(verdict.missed)]]
    return [*told, *(Mark(box, "miss") for box in missed)]


def export_coco(kept: Kept) -> bytes:
    """Return the boxes that are shown as COCO JSON; those drawn by hand say so."""
    return mark_by_hand(write_coco_json(kept.found, kept.image, kept.card), kept.found).encode()


def export_detections(kept: Kept) -> bytes:
    """Return the answer as `ortholens predict` writes it, what a hand did to it, and the disclaimer."""
    said = write_record(kept.found)
    if isinstance(kept.found, EditedDetections):
        boxes = [
            {**box, "score": None if hand else box["score"], "source": "drawn by hand" if hand else "model"}
            for box, hand in zip(said["boxes"], kept.found.by_hand, strict=True)
        ]
        said = {**said, "boxes": boxes}
    return json.dumps({**said, "disclaimer": DISCLAIMER}, indent=2, ensure_ascii=False).encode()


def _sr(kept: Kept, data: bytes, name: str) -> None:
    """Offer the structured report of a DICOM image."""
    with st.container(key="sr", horizontal=True, vertical_alignment="center", gap="small"):
        try:
            session.compute_once(lambda: check_sr_source(data), "sr", kept.image.sha256, kept.view.frame)
        except OrthoLensError as problem:
            st.caption(
                states.escape_markdown(t("No DICOM SR: it {problem}. {fix}", problem=problem.problem, fix=problem.fix))
            )
            return
        keep = st.checkbox(
            t("Keep the patient's identity, so that it files into the study"), key="sr-identity",
            help=t("Off, the report belongs to the image as `ortholens deidentify` writes it here."),
        )  # fmt: skip
        st.download_button(
            t("DICOM SR"), audit_export(lambda: write_sr(data, kept.found, kept.card, keep_identity=keep), name), name,
            "application/dicom", icon=":material/lab_profile:", on_click="ignore",
            help=t("A measurement report with a region for each box that is shown."),
        )  # fmt: skip


def _reference(case: DetectionCase) -> ReferenceBoxes | None:
    try:
        return read_dropped_boxes(case)
    except OrthoLensError:
        return None  # the page says what is wrong with it


def _by_hand(found: Detections) -> np.ndarray:
    return found.by_hand if isinstance(found, EditedDetections) else np.zeros(len(found.boxes), bool)
