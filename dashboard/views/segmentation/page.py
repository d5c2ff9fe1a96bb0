"""The page of a segmentation: the picture on the left; on the right the answer, and one way at a time to look at it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import session
from dashboard.case import abstention, also, card_summary, shell, states, viewer, worklist
from dashboard.case.panels import choose_panel
from dashboard.case.places import lay_out_places
from dashboard.case.ruler.panel import show_ruler
from dashboard.case.staged import stage_viewer
from dashboard.case.states import HEIGHT_PX, escape_markdown
from dashboard.i18n import format_number, later, t
from dashboard.session import Item
from dashboard.style import figures
from dashboard.views.segmentation import classes, correction, downloads, reasons, reference
from dashboard.views.segmentation import slide as tissue_slide
from dashboard.views.segmentation.case import SegmentationCase, Sheet, segment_on_page
from dashboard.views.segmentation.figures import TissueView
from models import Card, Image, OrthoLensError, Segmentation

PANELS: dict[str, Callable[[SegmentationCase], Sheet]] = {
    later("Classes"): classes.show_classes,
    later("Reference"): reference.show_segmentation_reference,
    later("Entropy"): reasons.show_entropy,
    later("Why"): reasons.show_reasons_of_class,
    later("Correct"): correction.show_correction,
}
"""What a reader can do with a segmentation; each draws its controls and says what stands on the left."""


def show_segmentation_page(task: str, invitation: str) -> None:
    """Draw the page of the task."""
    card, image = shell.open_shell(task, invitation, _read, _ask, readable=False)
    if image is not None and not tissue_slide.wait_for_large_segmentation(image, card):
        draw_segmentation_workspace(image, card)


def _read(item: Item) -> Image | None:
    slide = session.read_slide(item)
    return tissue_slide.choose_slide_region(item, slide) if slide else session.read(item)


def _ask(image: Image, card: Card, frame: int) -> Segmentation | None:
    return None if tissue_slide.is_large_slide(image, card) else segment_on_page(image, card, frame)


@st.fragment
def draw_segmentation_workspace(image: Image, card: Card) -> None:
    """Draw the image, its classes and every control of them; a control reruns only this."""
    picture, controls, right = lay_out_places()
    with controls:
        seen = viewer.draw_display_controls(image, TissueView(frame=viewer.draw_frame_slider(image)))
        view = classes.choose_classes(card, seen)
        shell.show_image_facts(image)
    with right:
        try:
            sheet, fill = _answered(SegmentationCase(image, card, segment_on_page(image, card, view.frame), view))
        except OrthoLensError as problem:
            states.show_error(problem)
            sheet, fill = Sheet(figures.draw_figure(None, image, view), "image"), None
    with picture:
        if not show_ruler(image, view):
            _draw(sheet, image)
    if fill:
        fill()


def _answered(case: SegmentationCase) -> tuple[Sheet, Callable[[], None] | None]:
    """Draw the answer and the controls of one look at it; return what the image shows, and what is drawn last."""
    worklist.tell_worklist(case.shown)
    if not _headline(case):
        return Sheet(figures.draw_figure(None, case.image, case.view), "image"), None
    fill = also.show_other_cards(case.image, case.card)
    sheet = choose_panel(PANELS, "tissue-panel")(case)
    downloads.show_segmentation_downloads(case)
    return sheet, fill


def _headline(case: SegmentationCase) -> bool:
    """Show the answer in one line; where the model abstains, its reason, and the answer only on demand."""
    found, card = case.shown, case.card
    with st.container(border=True, key="answer"):
        if found.abstained:
            if abstention.show_abstention(found, case.image, card):
                return False
        else:
            st.subheader(escape_markdown(_found(case)), anchor=False)
        card_summary.mark_simulated(card)
        st.caption(t("Segmented in {seconds:.2f} s", seconds=found.seconds))
        states.show_notes(found.warnings)  # corrections by hand among them
    return True


def _found(case: SegmentationCase) -> str:
    """Return what `models.answers.record.write_headline` says, in the user's language."""
    areas = classes.measure_areas_of_case(case)[1:]
    names = {label.key: t(label.name) for label in case.card.labels}
    if case.shown.instances is not None:
        counted = sum(area.objects.count for area in areas if area.objects)
        return t("{names}: {n:,} counted", names=", ".join(names[area.key] for area in areas), n=counted)
    found = sorted(((area.share, area.key) for area in areas if area.pixels), reverse=True)
    return ", ".join(f"{names[key]} {format_number(share, '.1%')}" for share, key in found) or t(
        "Nothing but background"
    )


def _draw(sheet: Sheet, image: Image) -> None:
    """Draw what a look says about places."""
    key = f"viewer-{image.sha256[:12]}-{sheet.key}"
    select = sheet.select
    st.plotly_chart(
        stage_viewer(sheet.figure, image, viewer.find_shown_frame(image)), key=key, height=HEIGHT_PX, theme=None,
        alt=sheet.says or t("The image with its classes"),
        config={"scrollZoom": True, "displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d"]},
        on_select=(lambda: session.take_selection(key, select)) if select else "ignore",
        selection_mode="box" if sheet.box else "lasso",
    )  # fmt: skip
    if sheet.says:
        st.caption(sheet.says)
