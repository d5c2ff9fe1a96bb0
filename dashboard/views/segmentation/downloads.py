"""Keep the result: label map, overlay, contours, measurements and DICOM SEG; both versions of a corrected mask."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, replace

import streamlit as st

import models
from dashboard import session
from dashboard.case import report, states
from dashboard.case.offer import audit_export, offer_file
from dashboard.i18n import Language, later, spoken, t
from dashboard.session import Answered, Item
from dashboard.views.segmentation import figures
from dashboard.views.segmentation import reference as segmentation_reference
from dashboard.views.segmentation.case import CORRECTED, NETWORK, SegmentationCase, find_reason_for_report
from dashboard.views.segmentation.figures import TissueView
from models import Card, Image, OrthoLensError, Segmentation
from models.answers.record import write_caption
from models.drawing import paint, plate
from models.io.kinds import find_file_kind
from models.reporting.case import Case
from models.tasks.segmentation.areas import measure_areas
from models.tasks.segmentation.contours import write_geojson
from models.tasks.segmentation.edit import CorrectedSegmentation, apply_corrections
from models.tasks.segmentation.label_png import encode_label_png
from models.tasks.segmentation.reference import ReferenceMask, compare_with_reference_mask
from models.tasks.segmentation.seg import check_seg_source, write_seg
from models.tasks.segmentation.table import Measured, export_tissue_csv
from models.tasks.segmentation.thickness import BAND, measure_thickness


@dataclass(frozen=True)
class Kept:
    """What the files are made of; they are made when they are asked for, where the session cannot be asked.

    Attributes
    ----------
    versions
        The network's classes, and the corrected ones where there are any.
    shown
        The version that the reader looks at.
    """

    image: Image
    card: Card
    view: TissueView
    versions: tuple[Segmentation, ...]
    shown: Segmentation
    reference: ReferenceMask | None = None


def show_segmentation_downloads(case: SegmentationCase) -> None:
    """Offer the files; each is made when it is asked for."""
    kept = _kept(case)
    answer, say = kept.shown, spoken()
    name = f"ortholens-{answer.task}-{answer.sha256[:12]}{'-corrected' if _corrections(answer) else ''}"
    with st.container(key="downloads", horizontal=True, gap="small"):
        offer_file(
            t("Label map"), lambda: export_label_map(answer, kept.card), f"{name}.png", icon="grid_on",
            help=t("PNG in the image's own pixels; each is the index of its class."),
        )  # fmt: skip
        offer_file(
            t("Overlay"), lambda: export_segmentation_overlay(kept, answer, say), f"{name}-overlay.png", icon="image",
            help=t("The image with its classes as they are shown, their legend, a scale and a caption."),
        )  # fmt: skip
        offer_file(
            t("Contours"), lambda: export_contours(answer, kept.card), f"{name}.geojson", icon="polyline",
            help=t("GeoJSON that QuPath opens."),
        )  # fmt: skip
        offer_file(
            t("Measurements"), lambda: export_measurements(kept), f"{name}.csv", icon="table",
            help=t("CSV: areas, counts, thickness and agreement, of both versions where there are two."),
        )  # fmt: skip
        if len(kept.versions) > 1:
            offer_file(
                t("Both versions"), lambda: export_everything(kept, say), f"{name}.zip", icon="folder_zip",
                help=t("All files of the network's mask and of the corrected."),
            )  # fmt: skip
    item = session.find_selected_file()
    data = item.file_of(kept.view.frame, kept.image.frames) if item else b""
    if data and find_file_kind(data, "") == "DICOM":
        _seg(kept, data, f"{name}.dcm")
    _report(kept, case, item, name)


def _report(kept: Kept, case: SegmentationCase, item: Item | None, name: str) -> None:
    """Offer the report of the version that is shown, and remember how to segment the file again."""
    origin, simulated = (item.origin, report.is_simulated(item)) if item else ("", False)
    answer, image, view = kept.shown, kept.image, kept.view
    reason = find_reason_for_report(case.identity)

    def make() -> Case:
        shown = plate.square_pixels(view.shown(image), image.cell)
        agreements = (
            compare_with_reference_mask(answer.mask, kept.reference, kept.card.keys, image.spacing_mm)
            if kept.reference
            else ()
        )
        drawn = figures.colour_classes(shown, answer, kept.card, view)
        explained = replace(answer, explanation=reason.why)
        return Case(image, explained, shown, drawn, simulated, origin, reason.place, agreements)

    answered = None
    if item and item.sha256 == image.sha256:  # a region of a slide is reported alone
        card, frame = kept.card.id, view.frame
        done = tuple(case.corrections) if _corrections(answer) else ()

        def again() -> Case:
            seen = item.read()
            found = models.predict(seen, card, frame=frame)
            assert isinstance(found, Segmentation)  # by the card's task
            return Case(seen, apply_corrections(found, done) if done else found, simulated=simulated, origin=origin)

        answered = Answered(item.sha256, f"{frame}-{card}", again)
    report.show_reports(answer.task, name, make, answered)


def export_label_map(answer: Segmentation, card: Card) -> bytes:
    """Return the classes as PNG, with what was corrected in its text."""
    return encode_label_png(answer.mask, card, {"Version": name_mask_version(answer)})


def export_segmentation_overlay(kept: Kept, answer: Segmentation, say: Language) -> bytes:
    """Return the picture as it is shown, 1,024 pixels at least on its longest side, with legend, scale and caption."""
    picture = figures.colour_classes(
        plate.enlarge_for_plate(kept.view.shown(kept.image), kept.image.cell), answer, kept.card, kept.view
    )
    colours = paint.find_class_colours(kept.card, kept.view.hidden)
    legend = tuple((colour, say(kept.card.labels[index].name)) for index, colour in colours.items())
    title, *lines = write_caption(answer, say)
    made = say(later("Version: {version}"), version=name_mask_version(answer))
    return plate.encode_plate(
        plate.Plate(picture, (made, *lines), title, plate.measure_pixel_mm(kept.image, picture), legend=legend, say=say)
    )


def export_contours(answer: Segmentation, card: Card) -> bytes:
    """Return the outlines as GeoJSON."""
    return json.dumps(write_geojson(answer, paint.find_class_colours(card))).encode()


def export_measurements(kept: Kept) -> bytes:
    """Return the figures of every version as CSV."""
    measured = [_measured(kept, answer) for answer in kept.versions]
    return export_tissue_csv(measured, kept.card, kept.shown.sha256, kept.view.frame)


def export_everything(kept: Kept, say: Language) -> bytes:
    """Return a ZIP with the files of both versions."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for answer in kept.versions:
            folder = "corrected" if _corrections(answer) else "network"
            pack.writestr(f"{folder}/labels.png", export_label_map(answer, kept.card))
            pack.writestr(f"{folder}/overlay.png", export_segmentation_overlay(kept, answer, say))
            pack.writestr(f"{folder}/contours.geojson", export_contours(answer, kept.card))
        pack.writestr("measurements.csv", export_measurements(kept))
    return out.getvalue()


def name_mask_version(answer: Segmentation) -> str:
    """Say which version of a mask this is."""
    done = _corrections(answer)
    return f"corrected by hand in {done} place{'s' * (done > 1)}" if done else "network"


def _kept(case: SegmentationCase) -> Kept:
    versions = [case.at(NETWORK).shown]
    if case.corrections:
        versions.append(case.at(CORRECTED).shown)
    try:
        reference = segmentation_reference.read_dropped_masks(case)
    except OrthoLensError:
        reference = None  # the page says what is wrong with it
    return Kept(case.image, case.card, case.view, tuple(versions), case.shown, reference)


def _measured(kept: Kept, answer: Segmentation) -> Measured:
    card, spacing = kept.card, kept.image.spacing_mm
    agreements = compare_with_reference_mask(answer.mask, kept.reference, card.keys, spacing) if kept.reference else ()
    band = answer.mask == card.index(BAND) if BAND in card.keys else None
    thick = (BAND, measure_thickness(band, spacing)) if band is not None and band.any() else None
    return Measured(name_mask_version(answer), measure_areas(answer, kept.image), agreements, thick)


def _seg(kept: Kept, data: bytes, name: str) -> None:
    """Offer the DICOM SEG of a DICOM image."""
    with st.container(key="seg", horizontal=True, vertical_alignment="center", gap="small"):
        try:
            session.compute_once(lambda: check_seg_source(data), "seg", kept.image.sha256, kept.view.frame)
        except OrthoLensError as problem:
            st.caption(
                states.escape_markdown(t("No DICOM SEG: it {problem}. {fix}", problem=problem.problem, fix=problem.fix))
            )
            return
        keep = st.checkbox(
            t("Keep the patient's identity, so that it files into the study"), key="seg-identity",
            help=t("Off, the SEG belongs to the image as `ortholens deidentify` writes it here."),
        )  # fmt: skip
        st.download_button(
            t("DICOM SEG"),
            audit_export(lambda: write_seg(data, kept.shown, kept.card, keep_identity=keep), name), name,
            "application/dicom", icon=":material/layers:", on_click="ignore", disabled=not kept.shown.mask.any(),
        )  # fmt: skip


def _corrections(answer: Segmentation) -> int:
    return len(answer.corrections) if isinstance(answer, CorrectedSegmentation) else 0
