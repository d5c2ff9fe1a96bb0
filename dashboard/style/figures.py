"""Plotly figures of images and of heat on them; what else an answer says of places is drawn in the folder of its kind.

A radiograph goes to the browser as one PNG of at most `LONGEST_PX` a side, under plotly's axes, so that zoom, pan and
axes in mm cost nothing; a coarse invisible heat map above it carries the values that hovering shows
(plotly.com/python/images).
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image as Pillow

from dashboard.i18n import find_separators, format_number, later, spoken, t
from models import Card, Classification, Image, Judged
from models.drawing import draw
from models.drawing.draw import HeatLook
from models.drawing.plate import choose_scale_bar, square_pixels
from models.reporting import reason
from models.types import Pixels, Window

LONGEST_PX = 1400
HOVER_PX = 320
"""Longest side of the picture, and of the grid of values, that the browser gets."""

GAP = 0.06
"""Between two pictures, as a share of the width."""
PAPER, INK, FAINT, ACCENT = "#07090B", "#D5DCE1", "#7A8791", "#2FA79B"
FONT = "Source Sans, sans-serif"
TEXT_PX, ROW_PX = 12, 30
"""Type of the bars, which in a theme's own size would be that of the page when they were drawn, and their distance."""

Picture = NDArray[np.float32 | np.uint8]
"""(H, W[, 3]) in [0, 1], or bytes."""
Value = TypeVar("Value", bound=np.generic)

Layout = Literal["Overlay", "Side by side", "Image only"]
LAYOUTS = (later("Overlay"), later("Side by side"), later("Image only"))
"""The same, for the catalogues."""


@dataclass(frozen=True)
class View:
    """How the reader looks at an image.

    Attributes
    ----------
    window
        Part of the grey range that is shown.
    layout
        Where the heat is drawn; opacity, threshold and colours as in `models.drawing.draw.HeatLook`.
    """

    frame: int = 0
    window: Window | None = None
    invert: bool = False
    layout: Layout = "Overlay"
    opacity: float = 0.6
    threshold: float = 0.15
    colours: str = "inferno"

    @property
    def look(self) -> HeatLook:
        """How heat is drawn."""
        return HeatLook(self.opacity, self.threshold, self.colours)

    def shown(self, image: Image) -> Pixels:
        """Return the frame as displayed, without heat: (H, W) or (H, W, 3) in [0, 1]."""
        shown = image.shown(self.frame, self.window)
        return 1 - shown if self.invert else shown


def draw_figure(prediction: Judged | None, image: Image, view: View) -> go.Figure:
    """Return the viewer: the image, and on it the heat of the prediction's explanation, where it has one.

    Parameters
    ----------
    prediction
        None shows the image alone.
    """
    shown = shrink_picture(view.shown(image), LONGEST_PX)
    why = prediction.explanation if prediction else None
    if prediction is None or why is None or view.layout == "Image only":
        return draw_viewer(image, [encode_raster(shown)], view.frame)
    probability = prediction.probability_of(why.target)
    look = reason.choose_heat_look(view.look, probability)
    hot = encode_raster(
        draw.blend_heat(shown, shrink_picture(reason.lift_drawn_heat(why), LONGEST_PX), look), exact=False
    )
    fig = draw_viewer(
        image, [encode_raster(shown), hot] if view.layout == "Side by side" else [hot], view.frame, why.heat
    )
    return describe_heat(fig, reason.title_reason(prediction, why, probability, spoken()), look)


def describe_heat(fig: go.Figure, title: str, look: HeatLook) -> go.Figure:
    """Write on a viewer what its heat is about, and draw the bar of its colours."""
    lowest = draw.find_colour_map(look.colours).lowest
    steps = look.ramp(33)
    scale = [[i / 32, f"rgb({red},{green},{blue})"] for i, (red, green, blue) in enumerate(steps.tolist())]
    fig.add_scatter(
        x=[None], y=[None], mode="markers", hoverinfo="skip", showlegend=False,
        marker={
            "color": [lowest], "cmin": lowest, "cmax": 1, "colorscale": scale, "showscale": True,
            "colorbar": {
                "x": 1, "xanchor": "left", "xpad": 6, "y": 0, "yanchor": "bottom", "len": 0.6, "thickness": 10,
                "outlinewidth": 0, "tickvals": [lowest, 1], "ticktext": [t(look.low), t(look.high)],
                "ticklabelposition": "outside", "tickangle": -90, "tickfont": {"color": INK, "size": 12},
            },
        },
    )  # fmt: skip
    fig.add_annotation(
        xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom", yshift=6, showarrow=False,
        text=title, font={"family": FONT, "size": 14, "color": INK},
    )  # fmt: skip
    return fig.update_layout(margin_r=40)


def draw_viewer(image: Image, pictures: list[str], frame: int = 0, heat: Pixels | None = None) -> go.Figure:
    """Draw pictures of one frame side by side, with linked zoom, in mm where the image is calibrated.

    Parameters
    ----------
    pictures
        Data addresses of PNGs that cover the whole frame.
    heat
        (H, W) in [−1, 1], for hovering.
    """
    unit, (down, across) = "mm" if image.spacing_mm else "px", image.cell
    rows, columns = image.shape
    ticks = {
        "color": FAINT, "tickfont": {"size": 11}, "showgrid": False, "zeroline": False, "nticks": 6,
        "constrain": "domain", "ticksuffix": f" {unit}",
    }  # fmt: skip
    layout: dict[str, object] = {
        "paper_bgcolor": PAPER, "plot_bgcolor": PAPER, "dragmode": "pan", "uirevision": image.sha256,
        "separators": find_separators(), "margin": {"l": 52, "r": 16, "t": 36, "b": 32},
        "font": {"family": FONT, "color": INK},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": FAINT, "activecolor": INK},
        "hoverlabel": {"bgcolor": "#1A2026", "bordercolor": "#2B333A", "font": {"color": "#E4E9EC"}},
    }  # fmt: skip
    places, grids = [], []
    wide = (1 - GAP * (len(pictures) - 1)) / len(pictures)
    for number, picture in enumerate(pictures):
        own = str(number + 1) if number else ""
        places.append(
            {
                "source": picture, "xref": f"x{own}", "yref": f"y{own}", "layer": "below", "sizing": "stretch",
                "x": -across / 2, "y": -down / 2, "sizex": columns * across, "sizey": rows * down,
            }
        )  # fmt: skip
        grids.append(draw_value_grid(image, frame, heat).update(xaxis=f"x{own}", yaxis=f"y{own}"))
        left = number * (wide + GAP)
        layout[f"xaxis{own}"] = ticks | {
            "range": [-across / 2, (columns - 0.5) * across], "matches": "x" if number else None, "anchor": f"y{own}",
            "domain": [left, min(1.0, left + wide)],
        }  # fmt: skip
        layout[f"yaxis{own}"] = ticks | {
            "range": [(rows - 0.5) * down, -down / 2], "matches": "y" if number else None, "anchor": f"x{own}",
            "scaleanchor": f"x{own}", "showticklabels": not number, "ticks": "" if number else "outside",
        }  # fmt: skip
    fig = go.Figure(grids, {**layout, "images": places, "template": "none"})  # at once: each update costs a millisecond
    if image.spacing_mm:
        add_scale_bar(fig, rows * down, columns * across)
    return fig


def draw_blank_figure() -> go.Figure:
    """Return a chart of nothing, with which the browser gets ready to draw pictures."""
    fig = go.Figure()
    fig.update_layout(template="none", paper_bgcolor=PAPER, plot_bgcolor=PAPER, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    return fig


def draw_value_grid(image: Image, frame: int, heat: Pixels | None) -> go.Heatmap:
    """Return the invisible grid that tells position, grey value and heat under the pointer."""
    unit, (down, across) = "mm" if image.spacing_mm else "px", image.cell
    step = max(1, -(-max(image.shape) // HOVER_PX))
    pixels = image.pixels[frame, step // 2 :: step, step // 2 :: step]
    grey = (pixels.mean(-1) if image.colour else pixels) * 100
    grey_word, heat_word = t("grey"), t("heat")
    hover = f"%{{x:.1f}}, %{{y:.1f}} {unit}<br>{grey_word} %{{z:.0f}} %"
    extra = {}
    if heat is not None:
        extra["customdata"] = heat[step // 2 :: step, step // 2 :: step].round(2)
        hover += f"<br>{heat_word} %{{customdata:+.2f}}"
    return go.Heatmap(
        z=grey.round().clip(0, 100).astype(np.uint8),
        x0=step // 2 * across, dx=step * across, y0=step // 2 * down, dy=step * down,
        opacity=0, showscale=False, hovertemplate=hover + "<extra></extra>", **extra,
    )  # fmt: skip


def add_scale_bar(fig: go.Figure, height_mm: float, width_mm: float) -> None:
    """Draw a bar of a round length in the lower left corner of the first picture."""
    length = choose_scale_bar(width_mm)
    left, bottom = width_mm * 0.04, height_mm * 0.955
    fig.add_shape(type="line", x0=left, x1=left + length, y0=bottom, y1=bottom, line={"color": "#FFFFFF", "width": 3})
    fig.add_annotation(
        x=left + length / 2, y=bottom, text=f"{format_number(length, 'g')} mm", showarrow=False, yshift=12,
        font={"color": "#FFFFFF", "size": 12}, bgcolor="rgba(7,9,11,0.8)",
    )  # fmt: skip


def draw_probability_bars(prediction: Classification, card: Card, chosen: str | None = None) -> go.Figure:
    """Return the probability of each label as horizontal bars; `chosen` stands out, by default the answer."""
    chosen = chosen or prediction.label
    names = [t(label.name) for label in card.labels]
    shares = prediction.probabilities.astype(float)
    colours = [ACCENT if label == chosen else "rgba(128,140,150,0.55)" for label in prediction.labels]
    fig = go.Figure()
    common = {"y": names, "orientation": "h", "width": 0.46}
    fig.add_bar(x=[1] * len(names), marker_color="rgba(128,140,150,0.13)", hoverinfo="skip", **common)
    fig.add_bar(
        x=shares, marker_color=colours, hovertemplate="%{y}: %{x:.1%}<extra></extra>", **common,
    )  # fmt: skip
    for name, share in zip(names, shares, strict=True):
        fig.add_annotation(x=1, y=name, text=format_number(share, ".1%"), showarrow=False, xanchor="left", xshift=8)
    fig.update_layout(
        barmode="overlay", showlegend=False, height=ROW_PX * len(names) + 8, bargap=0.5, barcornerradius=4,
        margin={"l": 0, "r": 56, "t": 0, "b": 0}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        separators=find_separators(), font_size=TEXT_PX,
    )  # fmt: skip
    fig.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    fig.update_yaxes(
        autorange="reversed", fixedrange=True, showgrid=False, ticklabelstandoff=8, title=None, tickfont_size=TEXT_PX,
    )  # fmt: skip
    return fig


def shrink_picture(pixels: NDArray[Value], longest: int) -> NDArray[Value]:
    """(H, W) or (H, W, 3) → the same with no side over `longest`, by averaging."""
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    channels = [pixels] if pixels.ndim == 2 else [pixels[..., c] for c in range(3)]
    planes = [Pillow.fromarray(np.ascontiguousarray(c)).resize(size, Pillow.Resampling.BOX) for c in channels]
    return np.asarray(planes[0]) if pixels.ndim == 2 else np.stack([np.asarray(plane) for plane in planes], -1)


def encode_still(image: Image, longest: int) -> bytes:
    """Return the first frame as PNG, in its true proportions."""
    return encode_png(square_pixels(shrink_picture(image.shown(), longest), image.cell, longest))


def encode_thumbnail(image: Image, side: int = 160) -> bytes:
    """Return the middle square of the first frame as PNG, in its true proportions."""
    (rows, columns), (down, across) = image.shape, image.cell
    short = min(rows * down, columns * across)
    tall, wide = max(1, round(short / down)), max(1, round(short / across))
    top, left = (rows - tall) // 2, (columns - wide) // 2
    middle = replace(image, pixels=image.pixels[:1, top : top + tall, left : left + wide])
    return encode_png(square_pixels(shrink_picture(middle.shown(), side), image.cell, side))


def encode_png(picture: Picture) -> bytes:
    """Encode (H, W[, 3]) in [0, 1] or bytes, quickly rather than small."""
    if picture.dtype != np.uint8:
        picture = (picture * 255).round().astype(np.uint8)
    out = io.BytesIO()
    Pillow.fromarray(picture).save(out, "PNG", compress_level=1)
    return out.getvalue()


def inline_png(encoded: bytes) -> str:
    """Return a PNG as a data address: the server keeps no picture, so that none is asked for when its page is gone."""
    return "data:image/png;base64," + base64.b64encode(encoded).decode()


def encode_raster(picture: Picture, *, exact: bool = True) -> str:
    """Return a picture as a data address, with no side over `LONGEST_PX`.

    Parameters
    ----------
    exact
        Whether every grey value counts. Heat over a film needs no such care: as a JPEG it is made ten times as fast,
        and a fifth as large on its way to the browser.
    """
    if picture.dtype != np.uint8:
        picture = shrink_picture(picture, LONGEST_PX)
    if exact:
        return inline_png(encode_png(picture))
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(picture)).decode()


def encode_jpeg(picture: Picture) -> bytes:
    """Encode (H, W[, 3]) in [0, 1] or bytes, with colours at full resolution; no eye sees the difference."""
    if picture.dtype != np.uint8:
        picture = (picture * 255).round().astype(np.uint8)
    out = io.BytesIO()
    Pillow.fromarray(picture).save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()
