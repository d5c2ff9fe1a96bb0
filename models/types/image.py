"""An image and what belongs to it: pixels, window, box, geometry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Curve:
    """How a window goes from black to white where that is no straight line: a display table, a sigmoid.

    Attributes
    ----------
    values
        Brightness in [0, 1] at evenly spaced places, straight between them; the first and last hold beyond.
    start, stop
        Places of the first and the last, in widths of the window: 0 is its low end, 1 its high end.
    """

    values: tuple[float, ...]
    start: float
    stop: float

    def turned(self) -> Curve:
        """Return the curve of the negative: of 1 − x it makes 1 − y."""
        return Curve(tuple(1 - value for value in reversed(self.values)), 1 - self.stop, 1 - self.start)


NARROWEST = 1e-6
"""Width of a window that is a step."""


@dataclass(frozen=True)
class Window:
    """Part of the grey range that is shown, in units of `Image.pixels` ([0, 1]); its course where it is no line."""

    name: str
    low: float
    high: float
    curve: Curve | None = None

    def shown(self, pixels: Pixels) -> Pixels:
        """Return pixels of any shape as they are displayed, in [0, 1]."""
        if self.curve is None and (self.low, self.high) == (0, 1):  # most pictures: no arithmetic on every pixel
            whole: Pixels = np.clip(pixels, 0, 1)
            return whole
        places = (pixels - self.low) / max(self.high - self.low, NARROWEST)
        if self.curve is None:
            line: Pixels = np.clip(places, 0, 1, dtype=np.float32)
            return line
        steps = np.linspace(self.curve.start, self.curve.stop, len(self.curve.values))
        curved: Pixels = np.interp(places, steps, self.curve.values).astype(np.float32)
        return curved


@dataclass(frozen=True)
class Geometry:
    """Where the X-ray source stood."""

    source_detector_mm: float
    source_object_mm: float | None = None
    principal_point_px: tuple[float, float] | None = None
    """(row, column) on the image where the central ray meets the detector; None: not stated."""
    pitch_mm: tuple[float, float] | None = None
    """(between rows, between columns) on the detector, which no calibration of lengths in the patient changes."""


@dataclass(frozen=True)
class Box:
    """A part of an image, in whole source pixels.

    Attributes
    ----------
    row, column
        Its first pixel.
    height, width
        How many rows and columns it takes.
    ood_score
        Out-of-distribution score divided by the card's threshold, as in `Judged`; None where a reader drew it.
    """

    row: int
    column: int
    height: int
    width: int
    ood_score: float | None = None

    @property
    def part(self) -> tuple[slice, slice]:
        """Rows and columns of an array of the image's size that lie in it."""
        top, left = max(0, round(self.row)), max(0, round(self.column))
        return slice(top, top + round(self.height)), slice(left, left + round(self.width))


@dataclass(frozen=True, eq=False)
class Image:
    """One file as the models and the screen see it, without anything that names a patient.

    Attributes
    ----------
    pixels
        (T, H, W) grey or (T, H, W, 3) RGB, float32 in [0, 1] over the whole range of the file; bright = dense in a
        radiograph (MONOCHROME1 is inverted on reading). Windowing is left to `shown`.
    name
        The file's name as the user gave it, without a folder. It may identify a patient: it goes into messages to that
        user, never into a log, a key or an export.
    sha256
        Of the file's bytes; the identity used in caches and results.
    windows
        At least one; the first is the default, but for `frame_windows`.
    frame_windows
        The default of each frame where a sequence has one a frame; else empty.
    spacing_mm
        (between rows, between columns) or None where the image is not calibrated: then no millimetre can be printed.
    spacing_source
        Where the spacing comes from, in words for the screen; None where there is none.
    aspect
        (height, width) of a pixel as multiples of its smaller side, where a spacing in mm is not known.
    tags
        The allow-listed DICOM attributes (modality, body part, view, manufacturer of the machine…).
    warnings
        What the reader had to assume, sentences for the screen.
    first_frame
        The frame to look at first: of slices of a volume the middle one.
    """

    pixels: Pixels
    name: str
    sha256: str
    windows: tuple[Window, ...] = (Window("Full range", 0.0, 1.0),)
    frame_windows: tuple[Window, ...] = ()
    spacing_mm: tuple[float, float] | None = None
    spacing_source: str | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    geometry: Geometry | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    first_frame: int = 0

    @property
    def frames(self) -> int:
        """Number of frames T; 1 for a still."""
        return int(self.pixels.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a frame."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def colour(self) -> bool:
        """Whether the frames are RGB."""
        return self.pixels.ndim == 4

    def shown(self, frame: int = 0, window: Window | None = None) -> Pixels:
        """Frame as it is displayed: windowed and clipped to [0, 1], (H, W) or (H, W, 3)."""
        return (window or self.window(frame)).shown(self.pixels[frame])

    def window(self, frame: int = 0) -> Window:
        """Return the default window of a frame."""
        return self.frame_windows[frame] if frame < len(self.frame_windows) else self.windows[0]

    @property
    def cell(self) -> tuple[float, float]:
        """(height, width) of a pixel: in mm where that is known, else as a shape alone."""
        return self.spacing_mm or self.aspect

    def grey(self, frame: int = 0) -> Pixels:
        """Frame in the default window as luminance (H, W), Rec. 601 weights for RGB."""
        shown = self.shown(frame)
        luminance: Pixels = shown @ np.array([0.299, 0.587, 0.114], np.float32) if self.colour else shown
        return luminance

    def crop(self, box: Box) -> Image:
        """Return a part of every frame as an image of its own identity, which says what was cut out.

        A box that reaches beyond the image is cut at its edge.
        """
        (top, bottom), (left, right) = (
            (min(max(start, 0), side - 1), min(max(start + length, 1), side))
            for start, length, side in zip((box.row, box.column), (box.height, box.width), self.shape, strict=True)
        )
        where = f"rows {top} to {bottom - 1} and columns {left} to {right - 1}"
        geometry = self.geometry
        if geometry and geometry.principal_point_px:
            row, column = geometry.principal_point_px
            geometry = replace(geometry, principal_point_px=(row - top, column - left))
        return replace(
            self,
            pixels=self.pixels[:, top:bottom, left:right],
            sha256=hashlib.sha256(f"{self.sha256} {where}".encode()).hexdigest(),
            geometry=geometry,
            warnings=(*self.warnings, f"cropped to {where} of {self.shape[0]} × {self.shape[1]} pixels"),
        )
