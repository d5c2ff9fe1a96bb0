"""The page of a detector: the picture with its boxes on the left; on the right the answer and what to do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.case import abstention, also, shell, states, viewer, worklist
from dashboard.case.panels import choose_panel
from dashboard.case.places import lay_out_places
from dashboard.case.ruler.panel import show_ruler
from dashboard.case.staged import stage_viewer
from dashboard.case.states import HEIGHT_PX, escape_markdown
from dashboard.i18n import later, spoken, t
from dashboard.style import figures
from dashboard.style.figures import View
from dashboard.views.detection import downloads, findings, hand, reasons, reference
from dashboard.views.detection import figures as detection_figures
from dashboard.views.detection import threshold as detection_threshold
from dashboard.views.detection.case import DetectionCase, detect_on_page, name_second_look
from dashboard.views.segmentation.case import Sheet
from models import Card, Image, OrthoLensError
from models.tasks.detection.verdict import word_detection_caveat, word_detection_verdict

PANELS: dict[str, Callable[[DetectionCase], Sheet]] = {
    later("Findings"): findings.show_findings,
    later("Why"): reasons.show_reasons_of_box,
    later("Reference"): reference.show_detection_reference,
    later("By hand"): hand.show_boxes_by_hand,
}
"""What a reader can do with boxes; each draws its controls and says what stands on the left."""


def show_detection_page(task: str, invitation: str) -> None:
    """Draw the page of the task."""
    card, image = shell.open_shell(task, invitation, ask=detect_on_page, readable=False)
    if image is not None:
        draw_detection_workspace(image, card)


@st.fragment
def draw_detection_workspace(image: Image, card: Card) -> None:
    """Draw the image, its boxes and every control of them; a control reruns only this."""
    picture, controls, right = lay_out_places()
    with controls:
        view = viewer.draw_display_controls(image, View(frame=viewer.draw_frame_slider(image)))
        shell.show_image_facts(image)
    with right:
        try:
            sheet, fill = _answered(image, card, view)
        except OrthoLensError as problem:
            states.show_error(problem)
            sheet, fill = Sheet(figures.draw_figure(None, image, view), "image"), None
    with picture:
        if not show_ruler(image, view):
            _draw(sheet, image)
    if fill:
        fill()


def _answered(image: Image, card: Card, view: View) -> tuple[Sheet, Callable[[], None] | None]:
    """Draw the answer and the controls of one look at it; return what the image shows, and what is drawn last."""
    answer, fused = detect_on_page(image, card, view.frame), bool(session.get(name_second_look(card)))
    threshold, point = detection_threshold.find_chosen_threshold(card, answer)
    case = DetectionCase(image, card, answer, view, fused, threshold, point)
    worklist.tell_worklist(case.kept)
    if not _headline(case):
        return Sheet(figures.draw_figure(None, image, view), "image"), None
    fill = also.show_other_cards(image, card)
    detection_threshold.show_threshold(case)
    sheet = choose_panel(PANELS, "detection-panel")(case)
    detection_figures.zoom_to_box(sheet.figure, image, *case.zoom)
    detection_threshold.show_threshold_elsewhere(case)
    downloads.show_detection_downloads(case)
    return sheet, fill


def _headline(case: DetectionCase) -> bool:
    """Show whether anything is suspected; where the model abstains, its reason, and the answer only on demand."""
    found, card = case.answer, case.card
    with st.container(border=True, key="answer"):
        if found.abstained and abstention.show_abstention(found, case.image, card):
            return False
        _score(case)
        if card.data.simulated:
            st.badge(t("trained on simulated images"), icon=":material/science:", color="gray")
        st.toggle(
            t("Second look (flips and scales, slower)"), key=name_second_look(card), persist_state="session",
            help=t("The image is searched again mirrored and enlarged, and the boxes of all looks are fused."),
        )  # fmt: skip
        st.caption(t("Searched in {seconds:.2f} s", seconds=found.seconds))
        states.show_notes(case.kept.warnings)  # edits by hand among them
    return True


def _score(case: DetectionCase) -> None:
    """Say whether anything is suspected at the operating point, by what score, or why that rules nothing out."""
    kept, card = case.kept, case.card
    st.header(escape_markdown(word_detection_verdict(kept, card, spoken())), anchor=False)
    text = later("Best box **{score:.0%}** (calibrated); boxes are shown from {threshold:.0%}.")
    if card.detecting is None:
        text = later("Best box **{score:.0%}** (not calibrated); boxes are shown from {threshold:.0%}.")
    st.markdown(t(text, score=kept.score, threshold=kept.threshold))
    st.caption(t("A score is how often a box of such a score met what it is round."))
    if words := word_detection_caveat(kept, card, spoken()):
        st.markdown(f":material/warning: {escape_markdown(words)}")


def _draw(sheet: Sheet, image: Image) -> None:
    """Draw what a look says about places."""
    key = f"viewer-{image.sha256[:12]}-{sheet.key}"
    selects: dict[str, Any] = {}
    if sheet.select:
        callback: Callable[[Mapping[str, Any]], None] = sheet.select
        selects = {
            "on_select": lambda: session.take_selection(key, callback),
            "selection_mode": ("box",) if sheet.box else ("points",),
        }
    st.plotly_chart(
        stage_viewer(sheet.figure, image, viewer.find_shown_frame(image)), key=key, height=HEIGHT_PX, theme=None,
        alt=sheet.says or t("The image with its boxes"),
        config={
            "scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d", "lasso2d"],
        },
        **selects,
    )  # fmt: skip
    if sheet.says:
        st.caption(sheet.says)
