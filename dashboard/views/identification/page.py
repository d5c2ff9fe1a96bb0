"""The page of identification: the film with a design's contour on the left; on the right which design it is."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.case import abstention, also, card_summary, shell, states, viewer, worklist
from dashboard.case.places import lay_out_places
from dashboard.case.ruler.panel import show_ruler
from dashboard.case.staged import stage_viewer
from dashboard.case.states import HEIGHT_PX, escape_markdown
from dashboard.i18n import format_number, spoken, t
from dashboard.style import figures
from dashboard.style.figures import View
from dashboard.views.identification import downloads
from dashboard.views.identification.figures import draw_fitted_design
from models import Card, Image, OrthoLensError
from models.answers.record import write_headline
from models.tasks.identification.account import GENERATED, MEANING, OUTLINES, name_design
from models.tasks.identification.answer import FittedDesign, Identification


def show_identification_page(task: str, invitation: str) -> None:
    """Draw the page of a task.

    Parameters
    ----------
    invitation
        What to drop, said while there is no image.
    """
    card, image = shell.open_shell(task, invitation, readable=False)
    if image is not None:
        draw_identification_workspace(image, card)


@st.fragment
def draw_identification_workspace(image: Image, card: Card) -> None:
    """Draw the film, the designs that fit and every control of them; a control reruns only this."""
    picture, controls, right = lay_out_places()
    with controls:
        view = viewer.draw_display_controls(image, View(frame=viewer.draw_frame_slider(image)))
        shell.show_image_facts(image)
    figure, fill = figures.draw_figure(None, image, view), None
    with right:
        try:
            figure, fill = _answered(session.predict_as(Identification, image, card, view.frame), image, card, view)
        except OrthoLensError as problem:
            states.show_error(problem)
    with picture:
        if not show_ruler(image, view):
            _draw(figure, image)
    if fill:
        fill()


def _draw(figure: go.Figure, image: Image) -> None:
    """Draw the film with the contour of a design."""
    st.plotly_chart(
        stage_viewer(figure, image, viewer.find_shown_frame(image)), key=f"viewer-{image.sha256[:12]}",
        height=HEIGHT_PX, theme=None, alt=t("The image with the contours of a design"),
        config={
            "scrollZoom": True, "displaylogo": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "toImage", "autoScale2d"],
        },
    )  # fmt: skip


def _answered(
    answer: Identification, image: Image, card: Card, view: View
) -> tuple[go.Figure, Callable[[], None] | None]:
    """Draw the answer; return what the image shows, and what is drawn last."""
    worklist.tell_worklist(answer)
    if not _headline(answer, image, card):
        return figures.draw_figure(None, image, view), None
    fill = also.show_other_cards(image, card)
    which, filled = _choose_design(answer)
    downloads.show_identification_downloads(answer, image, view, which)
    return draw_fitted_design(answer, image, view, which, filled), fill


def _headline(answer: Identification, image: Image, card: Card) -> bool:
    """Say which design it is, or that none fits; where the model abstains, its reason, and the answer on demand."""
    with st.container(border=True, key="answer"):
        if answer.abstained:
            if abstention.show_abstention(answer, image, card):
                return False
        else:
            st.header(escape_markdown(write_headline(answer, spoken())), anchor=False)
        if answer.fits:
            residual = answer.fits[0].residual_px
            told = t(MEANING, residual=residual, limit=answer.limit_px, compared=answer.compared)
            st.markdown(told)
        card_summary.mark_simulated(card)
        st.caption(t("Answered in {seconds:.2f} s", seconds=answer.seconds))
        states.show_notes(answer.warnings)
    return True


def _choose_design(answer: Identification) -> tuple[int, bool]:
    """Let the reader choose whose contour lies on the film, and whether what was compared is filled."""
    which = 0
    if answer.fits:
        which = st.radio(
            t("Contour laid over the film"), range(len(answer.fits)), key=f"design-{answer.sha256[:12]}",
            format_func=lambda i: escape_markdown(name_design(answer.fits[i], spoken())),
            captions=[_describe(fit) for fit in answer.fits], persist_state="session",
        )  # fmt: skip
    filled = st.toggle(
        t("Outlines of the network"), key="outlines", persist_state="session",
        help=t("What the network takes for metal, with which every design is compared."),
    )  # fmt: skip
    if any(fit.generated for fit in answer.fits):
        st.caption(t(GENERATED))
    st.caption(t(OUTLINES))
    return int(which or 0), bool(filled)


def _describe(fit: FittedDesign) -> str:
    """Say how well a design fits, and its size where the film tells it."""
    told = t("{residual} px left over", residual=format_number(fit.residual_px, ".2f"))
    if fit.width_mm is None:
        return told
    size = t("size {size}, {width} mm wide", size=fit.size, width=format_number(fit.width_mm, ".0f"))
    return f"{told} · {size}"
