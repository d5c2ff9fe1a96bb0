"""An exported picture as a plate: large enough to show, with its label, colour bar, legend, scale and words round it.

Nothing is drawn over the picture: what belongs to it stands in margins above and below, in the reader's language. A
small picture is enlarged, and one whose pixels are not square stretched to its true proportions, before anything is
drawn on it, so that lines and letters stay sharp; files that are data, such as label maps, keep their own pixels and
never come here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from models.drawing.draw import RGB, HeatLook, load_font
from models.i18n import IN_ENGLISH, Language
from models.types import Image, Pixels
from models.words import later

LEAST_PX = 1024
"""Longest side that a picture has at least."""
MOST_PX = 4096
"""Longest side of a stretched picture, where the stored one is not longer: a file may state any proportions."""
SQUARE = 0.005
"""By which the sides of a pixel may differ, as a share, and be taken as equal."""
NARROWEST_PX = 480
"""Width of a plate at least, for the words."""
SCALE_BARS_MM = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
BAR_SHARE = 0.4
"""Width of a colour bar, as a share of the plate."""


def find_square_grid(
    shape: Sequence[int], cell: tuple[float, float], least_px: int = 0, most_px: int = MOST_PX
) -> tuple[int, int]:
    """Return the (rows, columns) of square pixels that a picture is drawn in.

    Parameters
    ----------
    shape
        (rows, columns, …) of the picture as it is stored.
    cell
        (height, width) of a pixel, in any unit: `Image.cell`.
    least_px, most_px
        Longest side at least; and at most, where the stored one is not longer.
    """
    rows, columns = shape[:2]
    down, across = (1.0, 1.0) if abs(cell[0] / cell[1] - 1) < SQUARE else cell
    tall, wide = rows * down, columns * across
    whole = max(tall, wide) / min(down, across)  # side at which no pixel is lost
    scale = max(least_px, min(whole, max(most_px, rows, columns))) / max(tall, wide)
    return max(1, round(tall * scale)), max(1, round(wide * scale))


def square_pixels(shown: Pixels, cell: tuple[float, float], most_px: int = MOST_PX) -> Pixels:
    """(H, W[, 3]) in [0, 1] → the same in its true proportions, bicubic; `most_px` as in `find_square_grid`."""
    return fit_to_grid(shown, find_square_grid(shown.shape, cell, most_px=most_px))


def enlarge_for_plate(shown: Pixels, cell: tuple[float, float]) -> Pixels:
    """(H, W[, 3]) in [0, 1] → the same in its true proportions, with a longest side of `LEAST_PX` at least."""
    return fit_to_grid(shown, find_square_grid(shown.shape, cell, LEAST_PX))


def fit_to_grid(pixels: Pixels, shape: Sequence[int]) -> Pixels:
    """(H, W[, 3]) → the same over another grid of (rows, columns), within the range of its values."""
    rows, columns = shape[:2]
    if pixels.shape[:2] == (rows, columns):
        return pixels
    planes = [pixels] if pixels.ndim == 2 else [pixels[..., channel] for channel in range(pixels.shape[2])]
    how = Pillow.Resampling.BICUBIC
    sized = [
        np.asarray(Pillow.fromarray(np.ascontiguousarray(plane, np.float32)).resize((columns, rows), how))
        for plane in planes
    ]
    out = sized[0] if pixels.ndim == 2 else np.stack(sized, -1)
    within: Pixels = np.clip(out, float(pixels.min()), float(pixels.max()))
    return within


def measure_pixel_mm(image: Image, picture: RGB) -> float | None:
    """Return how wide a pixel of a picture of the whole image is; None where the image is not calibrated."""
    return None if image.spacing_mm is None else image.spacing_mm[1] * image.shape[1] / picture.shape[1]


def choose_scale_bar(width_mm: float) -> float:
    """Return a round length that fits into a third of a width, in mm."""
    return max((bar for bar in SCALE_BARS_MM if bar <= width_mm / 3), default=SCALE_BARS_MM[0])


@dataclass(frozen=True)
class Plate:
    """A picture and what stands round it.

    Attributes
    ----------
    picture
        (H, W, 3), enlarged already where it was small.
    lines
        Said below it, the disclaimer last.
    title
        Above it, such as the label that is explained.
    pixel_mm
        Width of a pixel of the picture; None: not calibrated.
    heat
        How heat is drawn on it; None without any.
    legend
        (colour "#RRGGBB", name) of what is painted on it.
    """

    picture: RGB
    lines: tuple[str, ...]
    title: str = ""
    pixel_mm: float | None = None
    heat: HeatLook | None = None
    legend: tuple[tuple[str, str], ...] = ()
    say: Language = IN_ENGLISH


def encode_plate(plate: Plate) -> bytes:
    """Encode a plate as PNG."""
    out = io.BytesIO()
    Pillow.fromarray(compose_plate(plate)).save(out, "PNG")
    return out.getvalue()


def compose_plate(plate: Plate) -> RGB:
    """Return a plate as a picture: its title, the picture untouched, scale, colour bar, legend and words."""
    height, across = plate.picture.shape[:2]
    width = max(across, NARROWEST_PX)
    size = max(15, width // 60)
    desk = _Desk(width, size)
    if plate.title:
        desk.write(plate.title, round(1.2 * size))
    left, top = (width - across) // 2, desk.bottom()
    desk.leave(height)
    desk.scale(plate.pixel_mm, across, left, plate.say)
    if plate.heat:
        desk.colour_bar(plate.heat, plate.say)
    if plate.legend:
        desk.legend(plate.legend)
    for line in plate.lines:
        desk.write(line, size)
    sheet = np.zeros((desk.bottom(), width, 3), np.uint8)
    sheet[top : top + height, left : left + across] = plate.picture
    return desk.drawn(sheet)


class _Desk:
    """Lays rows out from the top down; they are drawn once the height is known."""

    def __init__(self, width: int, size: int) -> None:
        self.width, self.size, self.at = width, size, size // 2
        self._strokes: list[Callable[[ImageDraw.ImageDraw], object]] = []

    def bottom(self) -> int:
        """Return the row that the next thing starts in."""
        return self.at

    def leave(self, height: int) -> None:
        """Leave so many rows to something else, and a little below it."""
        self.at += height + self.size // 2

    def drawn(self, sheet: RGB) -> RGB:
        """Draw everything on a sheet."""
        picture = Pillow.fromarray(sheet)
        pen = ImageDraw.Draw(picture)
        for stroke in self._strokes:
            stroke(pen)
        return np.asarray(picture)

    def write(self, line: str, size: int) -> None:
        """Write a line of text, wrapped to the width."""
        face = load_font(size)
        for row in wrap_line(line, face, self.width - 2 * self.size):
            self._text((self.size, self.at), row, face)
            self.at += round(1.4 * size)

    def scale(self, pixel_mm: float | None, across: int, left: int, say: Language) -> None:
        """Draw a bar of a round length under the picture, or say that there is no scale."""
        if pixel_mm is None:
            self.write(say(later("Not calibrated: no scale.")), self.size)
            return
        length_mm = choose_scale_bar(pixel_mm * across)
        length, line = round(length_mm / pixel_mm), max(2, self.size // 6)
        top = self.at + self.size // 2
        ends = (left, top, left + length - 1, top + line - 1)
        self._strokes.append(lambda pen: pen.rectangle(ends, fill="white"))
        words = f"{say.number(length_mm, 'g')} mm"
        self._text((left + length + self.size // 2, self.at - self.size // 4), words, load_font(self.size))
        self.at += round(1.6 * self.size)

    def colour_bar(self, look: HeatLook, say: Language) -> None:
        """Draw the colours of heat as they lie on a mid grey, with what their ends mean."""
        face, wide, high = load_font(self.size), round(BAR_SHARE * self.width), self.size
        low, high_words = say(look.low), say(look.high)
        at, top = self.size, self.at
        self._text((at, top), low, face)
        start = at + round(face.getlength(low)) + self.size // 2
        for column, colour in enumerate(look.ramp(wide)):
            line = (start + column, top + 2, start + column, top + high)
            self._strokes.append(lambda pen, line=line, colour=colour: pen.line(line, tuple(int(c) for c in colour)))  # type: ignore[misc]
        self._text((start + wide + self.size // 2, top), high_words, face)
        self.at += round(1.6 * self.size)
        if look.said:
            self.write(say(look.said), self.size)

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Draw a swatch and a name for each colour, in as many rows as they need."""
        face, side, x = load_font(self.size), self.size, self.size
        for colour, name in entries:
            needed = side + side // 2 + round(face.getlength(name)) + 2 * side
            if x > self.size and x + needed > self.width:
                x, self.at = self.size, self.at + round(1.4 * side)
            box = (x, self.at + 2, x + side - 1, self.at + side + 1)
            self._strokes.append(lambda pen, box=box, colour=colour: pen.rectangle(box, fill=colour))  # type: ignore[misc]
            self._text((x + side + side // 2, self.at), name, face)
            x += needed
        self.at += round(1.6 * side)

    def _text(self, at: tuple[int, int], text: str, face: ImageFont.FreeTypeFont) -> None:
        self._strokes.append(lambda pen: pen.text(at, text, fill="white", font=face))


def wrap_line(line: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Return a line cut between words into rows that are no wider than `width` pixels."""
    rows = [""]
    for word in line.split():
        longer = f"{rows[-1]} {word}".strip()
        if face.getlength(longer) <= width or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows
