"""The pictures of a report: an image and what was found on it, small enough to send and sharp enough to print.

At 82 mm, half the width of a page, 1,200 pixels are 370 a inch. JPEG without chroma subsampling, so that thin coloured
lines stay crisp (ITU-T T.81, 1992).
"""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from models.drawing import plate
from models.drawing.draw import RGB, HeatLook
from models.reporting.parts import Picture
from models.reporting.reason import draw_heat_over
from models.types import Box, Image, Pixels, Prediction, Window

LONGEST_PX = 1200
QUALITY = 88


def make_report_picture(seen: RGB, alt: str, caption: str) -> Picture:
    """Return (H, W, 3) bytes of any size as a part of a report; shrunk, never enlarged."""
    sheet = Pillow.fromarray(seen)
    if max(sheet.size) > LONGEST_PX:
        sheet.thumbnail((LONGEST_PX, LONGEST_PX), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return Picture(out.getvalue(), *sheet.size, alt, caption)


def render_report_frame(image: Image, frame: int, window: Window | None = None) -> Pixels:
    """Return a frame as displayed, in its true proportions: (h, w[, 3]).

    It is thinned out where it is far larger than the report shows it.
    """
    step = max(1, max(image.shape) // (2 * LONGEST_PX))
    return plate.square_pixels(replace(image, pixels=image.pixels[:, ::step, ::step]).shown(frame, window), image.cell)


def draw_report_heat(image: Image, prediction: Prediction, place: Box | None = None) -> RGB:
    """Draw the heat of an explanation in the colours that the page starts with, and a frame round the place asked."""
    below = render_report_frame(image, prediction.frame)
    size = (below.shape[1], below.shape[0])
    seen = draw_heat_over(below, prediction, HeatLook(colours="inferno"), place)[0]
    if place is None:
        return seen
    sheet = Pillow.fromarray(seen)
    down, across = (drawn / whole for drawn, whole in zip(below.shape, image.shape, strict=False))
    left, top = place.column * across, place.row * down
    corner = (left + place.width * across, top + place.height * down)
    line = max(1, max(size) // 300)
    for colour, width in (("black", 2 * line), ("white", line)):  # a dark line within, for bright tissue
        ImageDraw.Draw(sheet).rectangle((left, top, *corner), outline=colour, width=width)
    return np.asarray(sheet)
