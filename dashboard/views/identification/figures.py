"""Figures of designs: the contour of one over the film, each component in its colour."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

import models
from dashboard.i18n import t
from dashboard.style.figures import LONGEST_PX, View, draw_viewer, encode_raster, shrink_picture
from models import Image
from models.drawing import paint
from models.tasks.identification.answer import Identification


def draw_fitted_design(answer: Identification, image: Image, view: View, which: int, filled: bool) -> go.Figure:
    """Return the film with the contours of a design.

    Parameters
    ----------
    which
        Place of the design among those that fit.
    filled
        Whether what was compared is filled.
    """
    card, (down, across) = models.card(answer.card), image.cell
    shown = shrink_picture(view.shown(image), LONGEST_PX)
    drawn = encode_raster(shown)
    if filled:
        mask = paint.fit_classes(answer.mask, shown.shape[:2])
        drawn = encode_raster(paint.paint_classes(shown, mask, paint.find_class_colours(card)))
    fig = draw_viewer(image, [drawn], view.frame)
    lines = answer.fits[which].contours if which < len(answer.fits) else ()
    for line, label in zip(lines, card.labels[1:], strict=False):
        if line is not None:
            closed = np.concatenate([line, line[:1]])
            fig.add_scatter(
                x=closed[:, 0] * across, y=closed[:, 1] * down, mode="lines", name=t(label.name), hoverinfo="name",
                line={"color": label.colour, "width": 2}, showlegend=False,
            )  # fmt: skip
    return fig
