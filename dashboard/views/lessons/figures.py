"""Figures of the how-it-works page: numbers as colours, a network as a diagram, feature maps as small pictures.

Signed numbers go from blue over white to vermilion (Okabe and Ito, jfly.uni-koeln.de/color) and always stand written in
their cells, so that colour is never alone. Diagrams take their ink from the theme.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image as Pillow
from plotly.subplots import make_subplots

from dashboard.i18n import format_number, t
from dashboard.style.figures import ACCENT, FONT, INK, PAPER, Picture, encode_png, encode_raster
from dashboard.style.maps import enlarge_map, map_to_viridis, tile_maps
from dashboard.style.palette import SIGNED
from models.drawing.draw import find_colour_map, to_rgb_bytes
from models.types import Pixels

DARK_INK = "#0A0D0F"
"""Reads on every colour of `SIGNED`: at least 5 to 1."""
GREYS = [[0.0, "#000000"], [1.0, "#FFFFFF"]]
"""Those of the picture; plotly's own "gray" is uneven, and darker in the middle."""
MIDDLE_GREY = 0.46
"""On which black and white stand out alike: by 4.6 to 1 (WCAG 2.2, 1.4.3 asks for 4.5)."""
CLICK_PX = 4
"""Step of the places that a click can choose."""


def draw_filtered_picture(picture: Pixels, output: NDArray[np.float64], row: int, column: int) -> go.Figure:
    """Return a picture and what the neurons answer everywhere, with one place marked; both can be clicked.

    Parameters
    ----------
    picture
        (H, W) in [0, 1].
    output
        (H, W) of any range; signed values are drawn in two colours, dark at zero.
    """
    fig = make_subplots(1, 2, horizontal_spacing=0.03, subplot_titles=(t("Input"), t("Output")))
    rows, columns = picture.shape
    at = np.mgrid[CLICK_PX // 2 : rows : CLICK_PX, CLICK_PX // 2 : columns : CLICK_PX].reshape(2, -1)
    pictures: tuple[Picture, ...] = (picture, colour_answers(output))
    for number, shown in enumerate(pictures, 1):
        x, y = ("x", "y") if number == 1 else ("x2", "y2")
        fig.add_layout_image(
            source=encode_raster(enlarge_map(shown, 480)), xref=x, yref=y, layer="below", sizing="stretch",
            x=-0.5, y=-0.5, sizex=columns, sizey=rows,
        )  # fmt: skip
        unseen = {"marker": {"opacity": 0}}
        fig.add_scatter(
            x=at[1], y=at[0], mode="markers", marker={"opacity": 0, "size": 8}, selected=unseen, unselected=unseen,
            hovertemplate=t("row %{y}, column %{x}<extra></extra>"), row=1, col=number,
        )  # fmt: skip
        for half, colour in ((1.5, "#FFFFFF"), (5.5, ACCENT)):
            fig.add_shape(
                type="rect", x0=column - half, x1=column + half, y0=row - half, y1=row + half, xref=x, yref=y,
                line={"color": colour, "width": 2},
            )  # fmt: skip
        fig.update_xaxes(range=[-0.5, columns - 0.5], visible=False, constrain="domain", row=1, col=number)
        fig.update_yaxes(range=[rows - 0.5, -0.5], visible=False, scaleanchor=x, constrain="domain", row=1, col=number)
    fig.update_annotations(font={"family": FONT, "color": INK, "size": 14})
    return fig.update_layout(
        template="none", paper_bgcolor=PAPER, plot_bgcolor=PAPER, showlegend=False, clickmode="event+select",
        margin={"l": 8, "r": 8, "t": 34, "b": 8}, dragmode=False, hovermode="closest",
    )  # fmt: skip


def draw_neuron_sums(
    patch: NDArray[np.float64], kernel: NDArray[np.float64], ends: tuple[float, float, float], columns: int = 4
) -> go.Figure:
    """Return nine inputs times nine weights, their products, and what becomes of them, as numbers on colours.

    Parameters
    ----------
    ends
        Bias, sum with the bias, and what the activation makes of it.
    columns
        How many of the four stand in a row.
    """
    bias, total, answer = ends
    products = patch * kernel
    grids = [patch, kernel, products, np.array([[total], [answer]])]
    titles = (t("Input patch"), t("× Kernel"), t("= Products"), t("Sum + bias"))
    deep = 4 // columns
    spaced = {"horizontal_spacing": 0.14 / columns, "vertical_spacing": 0.26 / deep}
    fig = make_subplots(deep, columns, subplot_titles=titles, column_widths=[3, 3, 3, 2][:columns], **spaced)
    words: list[NDArray[np.str_] | list[list[str]]] = [np.vectorize(_two)(grid) for grid in grids[:3]]
    words.append(
        [
            [f"{_two(products.sum())} {'−' if bias < 0 else '+'} {_two(abs(bias))}<br>= <b>{_two(total)}</b>"],
            [t("activation<br>→ <b>{answer:.2f}</b>", answer=answer)],
        ]
    )
    for number, (grid, text) in enumerate(zip(grids, words, strict=True)):
        at = {"row": number // columns + 1, "col": number % columns + 1}
        most = max(float(np.abs(grid).max()), 1e-6)
        pixels = {"colorscale": GREYS, "zmin": 0, "zmax": 1, "texttemplate": ""}
        signed = {
            "colorscale": SIGNED, "zmin": -most, "zmax": most, "texttemplate": "%{text}", "textfont_color": DARK_INK
        }  # fmt: skip
        fig.add_trace(
            go.Heatmap(
                z=grid, text=text, textfont_size=14, showscale=False, xgap=3, ygap=3, hoverinfo="skip",
                **(signed if number else pixels),
            ), **at,
        )  # fmt: skip
        fig.update_xaxes(visible=False, fixedrange=True, **at)
        fig.update_yaxes(visible=False, autorange="reversed", fixedrange=True, **at)
    down, across = np.indices(patch.shape).reshape(2, -1)
    fig.add_scatter(
        x=across, y=down, mode="text", text=np.asarray(words[0]).ravel(), hoverinfo="skip", showlegend=False,
        textfont={"size": 14, "color": ["#000000" if grey > MIDDLE_GREY else "#FFFFFF" for grey in patch.ravel()]},
        row=1, col=1,
    )  # fmt: skip
    return fig.update_layout(
        height=232 if deep == 1 else 150 * deep,
        margin={"l": 0, "r": 0, "t": 30, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )


def draw_map_columns(maps: Sequence[Pixels], titles: Sequence[str]) -> go.Figure:
    """Return feature maps, (n, h, w) a column, as pictures one below the other under their titles."""
    fig = make_subplots(1, len(maps), horizontal_spacing=0.015, subplot_titles=titles)
    for number, own in enumerate(maps, 1):
        picture = tile_maps(own, columns=1)
        rows, wide = picture.shape[:2]
        x, y = (f"{axis}{number if number > 1 else ''}" for axis in "xy")
        fig.add_layout_image(
            source=encode_raster(picture),
            xref=x,
            yref=y,
            layer="below",
            sizing="stretch",
            x=0,
            y=0,
            sizex=wide,
            sizey=rows,
        )
        fig.update_xaxes(range=[0, wide], visible=False, constrain="domain", fixedrange=True, row=1, col=number)
        fig.update_yaxes(
            range=[rows, 0], visible=False, scaleanchor=x, constrain="domain", fixedrange=True, row=1, col=number
        )
    fig.update_annotations(font={"family": FONT, "color": INK, "size": 14})
    return fig.update_layout(
        template="none", paper_bgcolor=PAPER, plot_bgcolor=PAPER, dragmode=False,
        margin={"l": 8, "r": 8, "t": 48, "b": 8},
    )  # fmt: skip


def _two(value: float) -> str:
    return format_number(float(value), ".2f")


def clear_figure(fig: go.Figure) -> go.Figure:
    """Give a figure the theme's own ground and no room to spare."""
    fig.update_xaxes(automargin=True)
    fig.update_yaxes(automargin=True)
    return fig.update_layout(
        margin={"l": 8, "r": 12, "t": 12, "b": 8}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)"
    )


def colour_answers(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colour answers, (H, W) → (H, W, 3): grey where nothing is negative, else two colours, dark at zero."""
    most = max(float(np.abs(values).max()), 1e-6)
    if values.min() >= 0:
        span = max(float(values.max() - values.min()), 1e-6)
        grey = ((values - values.min()) / span * 255).round().astype(np.uint8)
        return np.repeat(grey[..., None], 3, -1)
    return find_colour_map("berlin").colours((values / most).astype(np.float32))


def encode_map_tile(values: Pixels) -> bytes:
    """Return a feature map as PNG, every place of it a block of pixels."""
    return encode_png(map_to_viridis(values))


def tile_map_row(maps: Pixels, gap: int = 4) -> bytes:
    """Return several maps (n, h, w) in a row as one PNG, each scaled by itself."""
    tiles = [map_to_viridis(one) for one in maps]
    height = tiles[0].shape[0]
    spacer = np.full((height, gap, 3), 128, np.uint8)
    parts = [part for one in tiles for part in (one, spacer)][:-1]
    return encode_png(np.concatenate(parts, 1))


def fit_heat(heat: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return heat (H, W) in another size."""
    size = (shape[1], shape[0])
    return np.asarray(Pillow.fromarray(heat.astype(np.float32)).resize(size, Pillow.Resampling.BILINEAR))


def frame_middle(picture: Pixels, side: int) -> bytes:
    """Return a picture with a square of `side` pixels in its middle, dimmed around it, as PNG."""
    rows, columns = picture.shape[:2]
    shown = to_rgb_bytes(picture)
    top, left = max(0, (rows - side) // 2), max(0, (columns - side) // 2)
    inside = np.zeros((rows, columns), bool)
    inside[top : top + side, left : left + side] = True
    dimmed = np.where(inside[..., None], shown, (shown * 0.35).astype(np.uint8))
    big = enlarge_map(dimmed, 360).copy()
    scale = big.shape[0] / rows
    edge = [round(at * scale) for at in (top, min(top + side, rows), left, min(left + side, columns))]
    for at in (edge[0], edge[1] - 2):
        big[at : at + 2, edge[2] : edge[3]] = (255, 255, 255)
    for at in (edge[2], edge[3] - 2):
        big[edge[0] : edge[1], at : at + 2] = (255, 255, 255)
    return encode_png(big)
