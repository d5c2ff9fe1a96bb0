"""Heat over a radiograph as plain RGB, shared by the screen, the command line and every exported file.

Colour maps are perceptually uniform, so that equal steps of heat look equal: inferno and viridis (Smith and van der
Walt 2015, CC0) for evidence in favour, and berlin for signed heat, dark at zero (Crameri et al. 2020,
doi 10.1038/s41467-020-19160-7, MIT). Each is interpolated between 17 of its own colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from models.errors import UnknownCard
from models.types import Pixels

RGB = NDArray[np.uint8]
FONTS = Path(__file__).parent / "fonts"


@dataclass(frozen=True)
class ColourMap:
    """Colours of heat.

    Attributes
    ----------
    signed
        Whether it shows heat in [−1, 1]; else only [0, 1], and evidence against stays invisible.
    anchors
        Equally spaced sRGB colours in hexadecimal, from the lowest heat to the highest.
    """

    name: str
    signed: bool
    anchors: str

    @property
    def lowest(self) -> float:
        """Heat of the first colour."""
        return -1.0 if self.signed else 0.0

    @cached_property
    def table(self) -> RGB:
        """(256, 3), from the lowest heat to the highest."""
        anchors = np.array([list(bytes.fromhex(colour)) for colour in self.anchors.split()])  # (17, 3)
        at = np.linspace(0, 255, len(anchors))
        channels = [np.interp(np.arange(256), at, channel) for channel in anchors.T]
        table: RGB = np.stack(channels, -1).round().astype(np.uint8)
        return table

    def colours(self, heat: Pixels) -> RGB:
        """Colour heat of any shape (…); values off the map get its end colours: (…, 3)."""
        step = (heat - np.float32(self.lowest)) * np.float32(255 / (1 - self.lowest))
        colours: RGB = np.take(self.table, np.clip(step + np.float32(0.5), 0, 255).astype(np.uint8), axis=0)
        return colours


COLOUR_MAPS = {
    colour_map.name: colour_map
    for colour_map in (
        ColourMap(
            "berlin",
            True,
            "9eb0ff 79abed 519fd3 3685ad 286886 1d4b61 14303e 111a20 190c09 2a0e01 3f1201 591c07 7b321c 9c4f3d bc6d61 "
            "dd8d86 ffadad",
        ),
        ColourMap(
            "inferno",
            False,
            "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d04545 e35933 f1711f f98c0a fcaa0f f9c932 "
            "f2e865 fcffa4",
        ),
        ColourMap(
            "viridis",
            False,
            "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1f9f88 27ad81 3dbc74 5cc863 81d34d aadc32 "
            "d5e21a fde725",
        ),
    )
}
"""By name; the first is the default."""


def find_colour_map(name: str) -> ColourMap:
    """Return one colour map.

    Raises
    ------
    UnknownCard
        When there is none of that name.
    """
    try:
        return COLOUR_MAPS[name]
    except KeyError:
        raise UnknownCard(f"there is no colour map {name!r}", fix=f"Choose one of {', '.join(COLOUR_MAPS)}.") from None


def to_rgb_bytes(shown: Pixels) -> RGB:
    """(H, W) grey or (H, W, 3) colour in [0, 1] → (H, W, 3) bytes."""
    picture = (np.clip(shown, 0, 1) * 255).round().astype(np.uint8)
    return np.repeat(picture[..., None], 3, -1) if picture.ndim == 2 else picture


@dataclass(frozen=True)
class HeatLook:
    """How heat is drawn, and what its colours mean.

    Attributes
    ----------
    opacity
        Share of colour where the heat is strongest, in [0, 1].
    threshold
        Heat of a smaller magnitude is not drawn.
    colours
        Name of a colour map; an unsigned one leaves evidence against undrawn.
    strength
        How far up the colour map the strongest heat comes, in [0, 1]; see `compute_heat_strength`.
    low, high
        What the ends of the colour bar mean.
    said
        What must be known to read it.
    """

    opacity: float = 0.6
    threshold: float = 0.15
    colours: str = "berlin"
    strength: float = 1.0
    low: str = ""
    high: str = ""
    said: str = ""

    def ramp(self, steps: int) -> RGB:
        """Return the colours from the lowest heat to the highest, (steps, 3), as they lie on a mid grey."""
        lowest = find_colour_map(self.colours).lowest
        heat = np.linspace(lowest, 1, steps, dtype=np.float32)[None]
        colours: RGB = blend_heat(np.full((1, steps), GROUND, np.float32), heat, self)[0]
        return colours


GROUND = 0.35
"""Grey that a colour bar lies on."""


def compute_heat_strength(probability: float) -> float:
    """Return how brightly the heat of a label glows: by the square root of its probability.

    Every map is scaled by its own largest value, so that of a label with 8 % would glow like that of one with 89 %.
    The square root leaves it visible: 0.28 and 0.94.
    """
    return float(np.sqrt(np.clip(probability, 0, 1)))


def lift_heat(heat: Pixels, full: float = 0.99) -> Pixels:
    """Return heat of single pixels, whose few largest outshine all others, with the rest made visible.

    Parameters
    ----------
    heat
        (H, W) in [-1, 1].
    full
        Share of the pixels with any heat below that which is drawn at full strength.
    """
    magnitude = np.abs(heat)
    some = magnitude[magnitude > 0]
    if not some.size:
        return heat
    seen: Pixels = np.clip(heat / max(float(np.quantile(some, full)), 1e-6), -1, 1).astype(np.float32)
    return seen


def blend_heat(shown: Pixels, heat: Pixels, look: HeatLook | None = None) -> RGB:
    """Blend heat over a frame: the stronger the heat, the more of its colour.

    Parameters
    ----------
    shown
        (H, W) or (H, W, 3) in [0, 1], as `Image.shown` returns it.
    heat
        (H, W) in [−1, 1] in the same pixels.

    Returns
    -------
    ndarray
        (H, W, 3) bytes.
    """
    look = look or HeatLook()
    chosen = find_colour_map(look.colours)
    size = np.clip(np.abs(heat) if chosen.signed else heat, 0, 1)  # (H, W)
    glow = np.float32(look.strength)
    share = (np.float32(look.opacity) * size * (size >= look.threshold))[..., None]
    below = to_rgb_bytes(shown).astype(np.float32)
    blend = chosen.colours(heat * glow).astype(np.float32)  # in place from here: a film has millions of pixels
    blend -= below
    blend *= share
    blend += below
    blend += np.float32(0.5)
    return blend.astype(np.uint8)


@lru_cache(maxsize=16)
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the letters of every exported file, which have all of Latin, Greek and Cyrillic."""
    return ImageFont.truetype(FONTS / "DejaVuSans.ttf", size)
