"""The page of landmarks: the film with its points on the left; on the right what is measured, and ways to look on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.case import abstention, also, card_summary, shell, states, viewer, worklist
from dashboard.case.panels import choose_panel
from dashboard.case.places import lay_out_places
from dashboard.case.ruler.panel import show_ruler
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, spoken, t
from dashboard.style.figures import View
from dashboard.views.landmarks import compare, downloads, measures, points, reasons
from dashboard.views.landmarks.case import LandmarkCase, place_landmarks_on_page
from models import Card, Explanation, Image, OrthoLensError
from models.answers.record import write_headline

PANELS: dict[str, Callable[[LandmarkCase], Explanation | LandmarkCase | None]] = {
    later("Measurements"): measures.show_measurements,
    later("Points"): points.show_points,
    later("Why"): reasons.show_reasons_of_point,
    later("Then and now"): compare.show_comparison,
}
"""What a reader can look at; each draws its controls and returns the heat on the film or the film beside it, if any."""
UNMEASURED = {name: PANELS[name] for name in ("Points", "Why")}
"""The same where nothing is measured between the points, as of an implant."""


@dataclass(frozen=True)
class Sheet:
    """What stands on the left of the page: a case to work on, with heat or another film; None: the film alone."""

    case: LandmarkCase | None = None
    beside: Explanation | LandmarkCase | None = None


def show_landmarks_page(task: str, invitation: str) -> None:
    """Draw the page of the task."""
    card, image = shell.open_shell(task, invitation, ask=place_landmarks_on_page, readable=False)
    if image is not None:
        draw_landmarks_workspace(image, card)


@st.fragment
def draw_landmarks_workspace(image: Image, card: Card) -> None:
    """Draw the film, its points and every control of them; a control, and a point that moves, reruns only this."""
    picture, controls, right = lay_out_places()
    fill: Callable[[], None] | None = None
    sheet = Sheet()
    with controls:
        view = viewer.draw_display_controls(image, View(frame=viewer.draw_frame_slider(image)))
        shell.show_image_facts(image)
    with right:
        try:
            case = LandmarkCase(image, card, place_landmarks_on_page(image, card, view.frame), view)
            sheet, fill = _answered(case)
        except OrthoLensError as problem:
            states.show_error(problem)
    with picture:
        if show_ruler(image, view):
            pass
        elif sheet.case is None:
            viewer.show_viewer(image, None, view)
        elif isinstance(sheet.beside, LandmarkCase):
            compare.show_films(sheet.case, sheet.beside)
        else:
            points.show_film(sheet.case, sheet.beside)
    if fill:
        fill()


def _answered(case: LandmarkCase) -> tuple[Sheet, Callable[[], None] | None]:
    """Draw the answer and one way to look at it; return what stands on the left, and what is drawn last."""
    worklist.tell_worklist(case.shown)
    if not _headline(case):
        return Sheet(), None
    fill = also.show_other_cards(case.image, case.card)
    panels, key = (PANELS, "landmarks-panel") if case.measurements else (UNMEASURED, "landmarks-panel-points")
    beside = choose_panel(panels, key)(case)
    if not isinstance(beside, LandmarkCase):
        downloads.show_landmarks_downloads(case, beside)
    return Sheet(case, beside), fill


def _headline(case: LandmarkCase) -> bool:
    """Show the answer in one line; where the model abstains, its reason, and the answer only on demand."""
    found, card = case.shown, case.card
    with st.container(border=True, key="answer"):
        if found.abstained:
            if abstention.show_abstention(found, case.image, card):
                return False
        else:
            st.subheader(escape_markdown(write_headline(found, spoken())), anchor=False)
        card_summary.mark_simulated(card)
        st.caption(t("Placed in {seconds:.2f} s", seconds=found.seconds))
        states.show_notes(
            case.answer.warnings
        )  # what a hand moved is said below the film, which must not move under it
    return True
