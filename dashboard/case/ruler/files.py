"""What was measured as files: CSV, JSON, and a DICOM SR of a DICOM image."""

from __future__ import annotations

import json
from collections.abc import Callable

import streamlit as st

from dashboard import session
from dashboard.case.offer import audit_export, offer_file
from dashboard.case.ruler.bench import Bench
from dashboard.case.states import escape_markdown
from dashboard.i18n import t
from models import DISCLAIMER, Image, OrthoLensError
from models.geometry.measure import HandMeasurement, Quantity
from models.geometry.ruler import list_measured, write_ruler_record
from models.io.kinds import find_file_kind
from models.reporting.ruler import export_ruler_csv
from models.reporting.ruler_sr import MeasuredByHand, check_ruler_sr_source, write_ruler_sr


def offer_ruler_files(bench: Bench) -> None:
    """Offer the files of what was measured on an image; a report has it too."""
    image, ruler = bench.image, bench.ruler
    if not ruler.measurements:
        return
    name = f"ortholens-ruler-{image.sha256[:12]}"
    with st.container(key="ruler-files", horizontal=True, gap="small"):
        offer_file(
            t("CSV"), lambda: export_ruler_csv(ruler, image), f"{name}.csv", icon="table",
            help=t("A row for each number, with its points in pixels and what its millimetres rest on."),
        )  # fmt: skip
        offer_file(
            t("JSON"), lambda: export_ruler_json(bench), f"{name}.json", icon="data_object",
            help=t("Everything that was measured by hand, and the calibration."),
        )  # fmt: skip
    made = [(one, numbers) for one, numbers in list_measured(ruler, image) if one.frame == bench.view.frame]
    _offer_sr(bench, [(one, numbers) for one, numbers in made if numbers or one.tool == "point"], f"{name}-sr.dcm")


def export_ruler_json(bench: Bench) -> bytes:
    """Return what was measured on an image as JSON, without the name of its file."""
    told = {"sha256": bench.image.sha256, **write_ruler_record(bench.ruler, bench.image), "disclaimer": DISCLAIMER}
    return json.dumps(told, indent=2, ensure_ascii=False).encode()


def with_ruler(write: Callable[[], bytes], image: Image) -> Callable[[], bytes]:
    """Return what writes a JSON record with what was measured by hand on its image, where anything was."""
    sheets = session.list_ruler_sheets()

    def joined() -> bytes:
        record, sheet = write(), sheets.get(image.sha256)
        if sheet is None or not sheet.now:
            return record
        told = {**json.loads(record), "by_hand": write_ruler_record(sheet.now, image)}
        return json.dumps(told, indent=2, ensure_ascii=False).encode()

    return joined


def _offer_sr(bench: Bench, made: list[tuple[HandMeasurement, tuple[Quantity, ...]]], name: str) -> None:
    """Offer the structured report of what was measured on the frame of a DICOM image."""
    item, image, frame = session.find_selected_file(), bench.image, bench.view.frame
    data = item.file_of(frame, image.frames) if item else b""
    if item is None or not made or not data or find_file_kind(data, "") != "DICOM":
        return
    with st.container(key="ruler-sr", horizontal=True, vertical_alignment="center", gap="small"):
        if image.sha256 != item.sha256:
            st.caption(t("No DICOM SR: this is a part of the file's image. Measure the whole of it."))
            return
        try:
            session.compute_once(lambda: check_ruler_sr_source(data), "ruler-sr", image.sha256, frame)
        except OrthoLensError as problem:
            said = t("No DICOM SR: it {problem}. {fix}", problem=t(problem.problem), fix=t(problem.fix))
            st.caption(escape_markdown(said))
            return
        keep = st.checkbox(
            t("Keep the patient's identity, so that it files into the study"), key="ruler-identity",
            help=t("Off, the report belongs to the image as `ortholens deidentify` writes it here."),
        )  # fmt: skip
        measured = MeasuredByHand(made, image.cell, image.spacing_source, 0 if item.members else frame)
        st.download_button(
            t("DICOM SR"),
            audit_export(lambda: write_ruler_sr(data, measured, keep_identity=keep), name), name, "application/dicom",
            icon=":material/lab_profile:", on_click="ignore",
            help=t("A measurement report with the coordinates of each number that was measured on this frame."),
        )  # fmt: skip
