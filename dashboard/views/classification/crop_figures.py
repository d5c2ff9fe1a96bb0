"""The whole film with the parts that are answered, on which a reader can draw another."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.style.figures import ACCENT, View, draw_viewer, encode_raster
from models import Box, Image

FAINT = "#D5DCE1"


def draw_crops(image: Image, boxes: Sequence[Box], chosen: int | None) -> go.Figure:
    """Return the film with its numbered boxes; dragging on it selects an area."""
    fig = draw_viewer(image, [encode_raster(View().shown(image))])
    down, across = image.cell
    for number, box in enumerate(boxes):
        colour = ACCENT if number == chosen else FAINT
        left, top = (box.column - 0.5) * across, (box.row - 0.5) * down
        fig.add_shape(
            type="rect", x0=left, x1=left + box.width * across, y0=top, y1=top + box.height * down,
            line={"color": colour, "width": 3 if number == chosen else 2},
        )  # fmt: skip
        fig.add_annotation(
            x=left, y=top, text=f"<b>{number + 1}</b>", showarrow=False, xanchor="left", yanchor="bottom",
            font={"color": colour, "size": 15},
        )  # fmt: skip
    rows, columns = image.shape
    fig.add_scatter(  # plotly lets an area be selected only where there are points
        x=[0, columns * across],
        y=[0, rows * down],
        mode="markers",
        marker_opacity=0,
        hoverinfo="skip",
        showlegend=False,
    )
    return fig.update_layout(dragmode="select", newselection_line={"color": ACCENT, "dash": "solid"})


def read_selected_box(image: Image, x: Sequence[float], y: Sequence[float]) -> Box:
    """Return the box of an area selected on the film."""
    down, across = image.cell
    (rows, columns), corners = image.shape, [(y, down), (x, across)]
    (top, bottom), (left, right) = (sorted(round(at / unit) for at in ends) for ends, unit in corners)
    top, left = min(max(top, 0), rows - 1), min(max(left, 0), columns - 1)
    return Box(top, left, max(1, min(bottom, rows) - top), max(1, min(right, columns) - left))
