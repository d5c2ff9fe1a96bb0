"""What every decoder hands over, and how it becomes an `Image`: one convention for the grey range.

- 8 bits or fewer: black is 0 and white the largest value of that depth; shown over the full range.
- More bits, or floating point: [0, 1] spans the smallest to the largest value that occurs, since files seldom fill the
  depth they declare; shown in the file's own windows or, without any, between the 0.5 and 99.5 % quantiles.
- RGB whose channels agree (within the chroma noise of JPEG and WebP) is grey.

Windows of DICOM are in modality units (after rescale), as PS3.3 C.11.2 has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import TooLarge
from models.types import NARROWEST, Geometry, Image, Pixels, Window
from models.words import later

FULL = Window("Full range", 0.0, 1.0)
CHROMA_NOISE = 2
"""Levels of 255 by which the channels of a grey picture may differ."""
NOT_SQUARE = later("The file's pixels are not square: the picture is shown stretched to its true proportions.")
WINDOW_OUTSIDE = later("The file's display window lies outside its values: it is shown in another.")
WHOLE_32 = (np.dtype(np.int32), np.dtype(np.uint32))
ROWS = 128
"""Rows that are looked at together: few enough for a processor's cache."""


@dataclass(frozen=True)
class Limits:
    """What a file may declare before anything of it is decoded."""

    side_px: int
    decoded_mb: int
    frames: int

    def check(self, rows: int, columns: int, frames: int, pixel_bytes: float, samples: int = 1) -> None:
        """Raise `TooLarge` where the declared size is over a limit: as stored, and as the float32 that come of it."""
        size_mb = rows * columns * frames * max(pixel_bytes, 4 * samples) / 2**20
        problem = None
        if max(rows, columns) > self.side_px:
            said = {"columns": columns, "rows": rows, "most": self.side_px}
            problem = later("declares {columns:,} × {rows:,} pixels, more than {most:,} on a side", **said)
            limit = "MAX_SIDE_PX"
        elif frames > self.frames:
            problem = later("declares {frames:,} frames, more than {most:,}", frames=frames, most=self.frames)
            limit = "MAX_FRAMES"
        elif size_mb > self.decoded_mb:
            problem = later(
                "declares {size:,.0f} MB of pixels, more than {most:,} MB", size=size_mb, most=self.decoded_mb
            )
            limit = "MAX_DECODED_MB"
        if problem:
            raise TooLarge(problem, fix=later("Crop or reduce it, or raise the limit ORTHOLENS_{limit}.", limit=limit))


@dataclass(frozen=True)
class Header:
    """What a file says on showing and measuring its pixels: fields of `Image`, but windows in modality units."""

    windows: tuple[Window, ...] = ()
    frame_windows: tuple[Window, ...] = ()
    spacing_mm: tuple[float, float] | None = None
    spacing_source: str | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    geometry: Geometry | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file's pixels at their own depth, and its header.

    Attributes
    ----------
    stored
        (T, H, W) or (T, H, W, 3), as the file holds them.
    bits
        Depth of a sample; over 8 the range is taken from the values.
    header
        On showing and measuring them.
    rescale
        (T, 2) slope and intercept from stored values to modality units; None: these are modality units.
    inverted
        Whether low values are shown bright (MONOCHROME1).
    padding
        Smallest and largest stored value that mean "no image here".
    """

    stored: NDArray[Any]
    bits: int
    header: Header = Header()
    rescale: NDArray[np.float32] | None = None
    inverted: bool = False
    padding: tuple[float, float] | None = None

    def image(self, name: str, sha256: str) -> Image:
        """Return the `Image`: grey range normalised to [0, 1], windows in the same units."""
        if self.stored.ndim == 4:
            colours = self.stored.astype(np.float32)
            colours /= 2**self.bits - 1
            return self._image(name, sha256, np.clip(colours, 0, 1, out=colours), (FULL,))
        low, high = self._range()
        span = high - low
        span = span if span > 0 else 1.0
        pixels = np.empty(self.stored.shape, np.float32)  # (T, H, W)
        for index, frame in enumerate(self.stored):
            values = self._modality(frame, index)
            values -= low
            values /= -span if self.inverted else span
            np.add(values, float(self.inverted), out=pixels[index])
            if self.padding:
                pixels[index][(frame >= self.padding[0]) & (frame <= self.padding[1])] = 0
        if self.stored.dtype.kind == "f":
            np.nan_to_num(pixels, copy=False)
        np.clip(pixels, 0, 1, out=pixels)
        windows, of_frames = (
            [_turned(window, low, span, self.inverted) for window in given]
            for given in (self.header.windows, self.header.frame_windows)
        )
        kept = [window for window in windows if window.low < 1 and window.high > 0]
        outside = (WINDOW_OUTSIDE,) if windows and not kept and not of_frames else ()
        if not kept and self.bits > 8:
            kept = [self._automatic(pixels)]
        image = self._image(name, sha256, pixels, (*kept, FULL))
        return replace(image, frame_windows=tuple(of_frames), warnings=(*image.warnings, *outside))

    def slimmed(self) -> Decoded:
        """Return one channel where the colours are but noise on grey: a third of the bytes to hand over.

        At 8 bits, since black and white of a colour are declared, and are not to be sought among the values.
        """
        if self.stored.ndim == 4 and self._grey_in_colour():
            grey = np.ascontiguousarray(self.stored[..., 1])
            if self.bits > 8:
                grey = np.rint(grey * (255 / (2**self.bits - 1))).astype(np.uint8)
            return replace(self, stored=grey, bits=min(self.bits, 8))
        return self

    def _grey_in_colour(self) -> bool:
        noise = CHROMA_NOISE / 255 * (2**self.bits - 1)
        signed = np.int16 if self.bits <= 8 else np.int32
        for frame in self.stored:
            for top in range(0, len(frame), ROWS):  # the first rows of a true colour picture tell
                red, *others = (frame[top : top + ROWS, :, channel].astype(signed) for channel in range(3))
                if any(int(np.abs(red - other).max(initial=0)) > noise for other in others):
                    return False
        return True

    def _image(self, name: str, sha256: str, pixels: Pixels, windows: tuple[Window, ...]) -> Image:
        pixels.flags.writeable = False
        return Image(
            pixels=pixels,
            name=name,
            sha256=sha256,
            windows=windows,
            spacing_mm=self.header.spacing_mm,
            spacing_source=self.header.spacing_source,
            aspect=self.header.aspect,
            geometry=self.header.geometry,
            tags=self.header.tags,
            warnings=self.header.warnings,
        )

    def _modality(self, frame: NDArray[Any], index: int) -> NDArray[Any]:
        """Return a frame's values after the rescale, in twice the precision where float32 would confuse neighbours."""
        values: NDArray[Any] = frame.astype(
            np.float64 if frame.dtype.itemsize > 4 or frame.dtype in WHOLE_32 else np.float32
        )
        if self.rescale is not None:
            slope, intercept = self.rescale[index]
            np.multiply(values, slope, out=values)
            np.add(values, intercept, out=values)
        return values

    def _range(self) -> tuple[float, float]:
        """Return the modality values that become 0 and 1."""
        ends: list[float] = []
        for index, frame in enumerate(self.stored):
            if self.bits <= 8:
                declared = np.array([0, 2**self.bits - 1]) - (2 ** (self.bits - 1) if frame.dtype.kind == "i" else 0)
                ends += self._modality(declared, index).tolist()
                continue
            used = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
            if self.padding:
                used = used[(used < self.padding[0]) | (used > self.padding[1])]
            if used.size:
                ends += self._modality(np.array([used.min(), used.max()]), index).tolist()
        return (min(ends), max(ends)) if ends else (0.0, 1.0)

    def _automatic(self, pixels: Pixels) -> Window:
        """Return the window between the 0.5 and 99.5 % quantiles of what is not background."""
        sample = pixels[pixels > 0] if self.padding else pixels.ravel()
        sample = sample[:: max(1, sample.size // 1_000_000)]
        low, high = np.quantile(sample, (0.005, 0.995)).tolist() if sample.size else (0.0, 1.0)
        return Window("Automatic", low, high) if high > low else FULL


def _turned(window: Window, low: float, span: float, inverted: bool) -> Window:
    """Return a window in modality units as one of [0, 1], a step at least; turned over with the pixels."""
    start, stop = (window.low - low) / span, (window.high - low) / span
    stop = max(stop, start + NARROWEST)
    if not inverted:
        return Window(window.name, start, stop, window.curve)
    return Window(window.name, 1 - stop, 1 - start, window.curve and window.curve.turned())
