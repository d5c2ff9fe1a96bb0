"""Figures of a segmentation: classes on the image, the Jaccard picture, entropy, reasons, measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image as Pillow

import models
from dashboard.i18n import later, spoken, t
from dashboard.style.figures import (
    ACCENT,
    LONGEST_PX,
    Picture,
    View,
    describe_heat,
    draw_viewer,
    encode_raster,
    shrink_picture,
)
from models import Card, Explanation, Image, Segmentation
from models.drawing import draw, paint
from models.drawing.draw import HeatLook
from models.reporting import reason
from models.types import Box, Pixels

REASON_OPACITY = 0.7
ENTROPY = HeatLook(0.9, 0.05, "inferno", low=later("certain"), high=later("uncertain"))
NAMES_PX = 150
"""Longest side of the grid that tells the class under the pointer."""

Layout = Literal["Overlay", "Side by side", "Mask", "Image"]
Style = Literal["Fill", "Contour"]
CHOICES = (later("Mask"), later("Image"), later("Fill"), later("Contour"))
"""Those that are not in `dashboard.style.figures.LAYOUTS`, for the catalogues."""


@dataclass(frozen=True)
class TissueView(View):
    """How the reader looks at a segmentation.

    Attributes
    ----------
    classes
        What is drawn: over the image, beside it, alone, or not at all.
    hidden
        Keys of classes that are not drawn.
    """

    opacity: float = 0.45
    classes: Layout = "Overlay"
    style: Style = "Fill"
    hidden: frozenset[str] = frozenset()


def draw_segmentation(prediction: Segmentation, image: Image, view: TissueView) -> go.Figure:
    """Return the image with its classes as the view asks; hovering names the class."""
    card, shown = models.card(prediction.card), render_for_screen(image, view)
    if view.classes == "Image":
        pictures = [encode_raster(shown)]
    elif view.classes == "Mask":
        pictures = [
            encode_raster(
                colour_classes(np.zeros(shown.shape[:2], np.float32), prediction, card, replace(view, opacity=1))
            )
        ]
    else:
        over = encode_raster(colour_classes(shown, prediction, card, view))
        pictures = [encode_raster(shown), over] if view.classes == "Side by side" else [over]
    return name_classes_on_hover(draw_viewer(image, pictures, view.frame), prediction, image, card)


def render_for_screen(image: Image, view: View) -> Pixels:
    """Return the frame as displayed, no side over `LONGEST_PX`: (h, w) or (h, w, 3) in [0, 1]."""
    step = max(1, max(image.shape) // (2 * LONGEST_PX))  # a slide is thinned out before it is copied
    return shrink_picture(view.shown(replace(image, pixels=image.pixels[:, ::step, ::step])), LONGEST_PX)


def colour_classes(shown: Pixels, prediction: Segmentation, card: Card, view: TissueView) -> NDArray[np.uint8]:
    """Paint the classes on a picture of any size: (h, w, 3)."""
    mask = paint.fit_classes(prediction.mask, shown.shape[:2])
    lines, width = None, paint.choose_contour_width(mask.shape)
    if view.style == "Contour":
        lines = paint.outline_areas(mask, width)
    if prediction.instances is not None:
        objects = paint.outline_areas(paint.fit_classes(prediction.instances, mask.shape))
        lines = objects if lines is None else lines | objects
    opacity = 0 if view.style == "Contour" and view.classes != "Mask" else view.opacity
    return paint.paint_classes(shown, mask, paint.find_class_colours(card, view.hidden), opacity, lines)


def name_classes_on_hover(fig: go.Figure, prediction: Segmentation, image: Image, card: Card) -> go.Figure:
    """Make hovering tell the class and how sure the model is of it."""
    step = max(1, -(-max(image.shape) // NAMES_PX))
    part = (slice(step // 2, None, step),) * 2
    unit, (down, across) = "mm" if image.spacing_mm else "px", image.cell
    names = np.array([t(label.name) for label in card.labels], object)[prediction.mask[part]]
    sure = t("sure")
    return fig.update_traces(
        z=(prediction.certainty[part].astype(np.float32) / 2.55).round().astype(np.uint8),
        customdata=names, x0=step // 2 * across, dx=step * across, y0=step // 2 * down, dy=step * down,
        hovertemplate=f"%{{customdata}}<br>{sure} %{{z}} %<br>%{{x:.1f}}, %{{y:.1f}} {unit}<extra></extra>",
        selector={"type": "heatmap"},
    )  # fmt: skip


def draw_picture_over_image(image: Image, drawn: Picture, view: View, beside: Picture | None = None) -> go.Figure:
    """Return a picture made elsewhere, of any size, over the image's own axes; `beside` stands on its left."""
    return draw_viewer(image, [encode_raster(one) for one in (beside, drawn) if one is not None], view.frame)


def draw_entropy(image: Image, entropy: Pixels, view: View) -> go.Figure:
    """Return the image with the entropy of its classes, (H, W) in [0, 1]."""
    shown = _dimmed(render_for_screen(image, view))
    heat = _resized(entropy, shown.shape)
    return describe_heat(
        draw_viewer(image, [encode_raster(draw.blend_heat(shown, heat, ENTROPY))], view.frame, entropy),
        t("Predictive entropy"),
        ENTROPY,
    )


def draw_reasons_of_class(
    image: Image, prediction: Segmentation, why: Explanation, view: View, box: Box | None
) -> go.Figure:
    """Return the image with the heat of an explanation and the box it is about; a box can be drawn on it."""
    shown = _dimmed(render_for_screen(image, view)) if image.colour else render_for_screen(image, view)
    probability = prediction.probability_of(why.target, box)
    look = reason.choose_heat_look(replace(view.look, opacity=REASON_OPACITY), probability)
    hot = draw.blend_heat(shown, _resized(why.heat, shown.shape), look)
    fig = draw_viewer(image, [encode_raster(hot)], view.frame, why.heat)
    describe_heat(fig, reason.title_reason(prediction, why, probability, spoken()), look)
    if box:
        down, across = image.cell
        left, top = (box.column - 0.5) * across, (box.row - 0.5) * down
        fig.add_shape(
            type="rect", x0=left, x1=left + box.width * across, y0=top, y1=top + box.height * down,
            line={"color": "#FFFFFF", "width": 2, "dash": "dot"},
        )  # fmt: skip
    return let_select_area(fig, image, "select")


def _dimmed(shown: Pixels) -> Pixels:
    """Return a frame as a dark grey ground, on which heat stands out whatever the tissue's own colour."""
    return np.float32(0.45) * (shown.mean(-1) if shown.ndim == 3 else shown)


def _resized(heat: Pixels, shape: tuple[int, ...]) -> Pixels:
    size = (shape[1], shape[0])
    return np.asarray(Pillow.fromarray(heat.astype(np.float32)).resize(size, Pillow.Resampling.BILINEAR))


def let_select_area(fig: go.Figure, image: Image, mode: Literal["select", "lasso"]) -> go.Figure:
    """Let the reader select an area by dragging; plotly allows it only where there are points."""
    down, across = image.cell
    rows, columns = image.shape
    fig.add_scatter(
        x=[0, columns * across], y=[0, rows * down], mode="markers", marker_opacity=0, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    return fig.update_layout(dragmode=mode, newselection_line={"color": ACCENT, "dash": "solid", "width": 2})


def add_lines(
    fig: go.Figure, image: Image, lines: Sequence[tuple[tuple[float, float], tuple[float, float]]], colour: str = ACCENT
) -> go.Figure:
    """Draw segments, each from (row, column) to (row, column) in source pixels, as one trace."""
    down, across = image.cell
    x: list[float | None] = []
    y: list[float | None] = []
    for begin, end in lines:
        x += [begin[1] * across, end[1] * across, None]
        y += [begin[0] * down, end[0] * down, None]
    return fig.add_scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": 1.5}, hoverinfo="skip", showlegend=False
    )
