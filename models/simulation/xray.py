"""A radiograph from bodies of known shape: path lengths, Beer-Lambert's law, and what the detector makes of it.

The world is in mm: x to the right, y down, z towards the tube; the joint lies near the origin. A `Beam` says where each
pixel's ray crosses a plane; bodies (`models.simulation.bodies`) give the length of each ray inside them; lengths times
attenuation coefficients add up; `expose_xray` turns the sum into grey values (scatter, focal spot, photon noise,
the processing of a clinical system). Coefficients are those of narrow-beam water, bone and alloys near 60 keV.

Reference: J. H. Hubbell and S. M. Seltzer, Tables of X-ray mass attenuation coefficients, NISTIR 5632, 1995.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from scipy import ndimage

Field = NDArray[np.float64]

MUSCLE, FAT, LUNG = 0.0214, 0.0187, 0.0065
CORTICAL, CANCELLOUS, MARROW = 0.0600, 0.0275, 0.0200
CEMENT, TITANIUM, COBALT_CHROME = 0.0480, 0.34, 0.95
"""Linear attenuation in 1/mm."""

WHITE = 4095
"""Largest pixel value: the detector has 12 bits."""


@dataclass(frozen=True)
class Beam:
    """The rays of one exposure: one for each pixel, from the focal spot, or parallel where the distances are infinite.

    Attributes
    ----------
    shape
        (rows, columns) of the picture.
    pixel_mm
        Pitch of the detector, square pixels.
    centre_mm
        World (x, y) that the central ray crosses at z = 0; it meets the detector at the picture's centre.
    source_object_mm, source_detector_mm
        Focal spot to the plane z = 0, and to the detector.
    """

    shape: tuple[int, int]
    pixel_mm: float
    centre_mm: tuple[float, float] = (0.0, 0.0)
    source_object_mm: float = 1000.0
    source_detector_mm: float = 1150.0

    @property
    def magnification(self) -> float:
        """Detector lengths over lengths in the plane z = 0."""
        return 1.0 if math.isinf(self.source_object_mm) else self.source_detector_mm / self.source_object_mm

    def plane(self, z_mm: float = 0.0) -> tuple[Field, Field]:
        """Where the rays cross the plane at `z_mm`: x of each column (W,) and y of each row (H,), in mm."""
        scale = self.pixel_mm / self.magnification
        if not math.isinf(self.source_object_mm):
            scale *= 1 - z_mm / self.source_object_mm
        rows, columns = (scale * (np.arange(n, dtype=np.float64) - (n - 1) / 2) for n in self.shape)
        return self.centre_mm[0] + columns, self.centre_mm[1] + rows

    def rays(self) -> tuple[Field, Field]:
        """Points at z = 0 and unit directions towards the detector, both (H, W, 3)."""
        x, y = self.plane()
        points = np.stack([*np.meshgrid(x, y), np.zeros(self.shape)], axis=-1)
        if math.isinf(self.source_object_mm):
            return points, np.broadcast_to(np.array([0.0, 0.0, -1.0]), points.shape)
        directions = points - np.array([*self.centre_mm, self.source_object_mm])
        return points, np.asarray(directions / np.linalg.norm(directions, axis=-1, keepdims=True), float)


@dataclass(frozen=True)
class Exposure:
    """How the picture is taken and shown.

    Attributes
    ----------
    photons
        Detected in an unattenuated pixel; fewer are noisier.
    scatter
        Scattered over primary signal behind the thickest part, after the grid.
    scatter_mm, focal_spot_mm, detector_mm
        Widths of the blur of scatter (standard deviation), of the focal spot (diameter) and of the detector (sd).
    border_mm
        Collimated margin on the left, top, right, bottom, shown black.
    contrast, detail
        Steepness of the S-shaped grey curve; share of edge enhancement that clinical systems add.
    """

    photons: float = 6000.0
    scatter: float = 0.35
    scatter_mm: float = 22.0
    focal_spot_mm: float = 0.6
    detector_mm: float = 0.12
    border_mm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    contrast: float = 1.0
    detail: float = 0.35


def expose_xray(optical_depth: Field, beam: Beam, exposure: Exposure, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Take the picture.

    Parameters
    ----------
    optical_depth
        (H, W), sum of attenuation coefficient times length along each ray; without unit.

    Returns
    -------
    (H, W) uint16 in [0, WHITE]; bright = dense.
    """
    spot_mm = exposure.focal_spot_mm * (beam.magnification - 1) / 2.355
    primary = ndimage.gaussian_filter(np.exp(-optical_depth), math.hypot(spot_mm, exposure.detector_mm) / beam.pixel_mm)
    scattered = exposure.scatter * ndimage.gaussian_filter(primary, exposure.scatter_mm / beam.pixel_mm, mode="nearest")
    photons = rng.poisson(exposure.photons * (primary + scattered))
    density = -np.log(np.maximum(photons, 1.0) / exposure.photons)
    broad = ndimage.gaussian_filter(density, 1.5 / beam.pixel_mm)
    return _shown(density + exposure.detail * (density - broad), beam, exposure)


def _shown(density: Field, beam: Beam, exposure: Exposure) -> NDArray[np.uint16]:
    """Map density to grey values: the usual tissue to mid-grey, then an S-curve; black out what is collimated."""
    left, top, right, bottom = (round(mm / beam.pixel_mm) for mm in exposure.border_mm)
    rows, columns = density.shape
    field = np.zeros(density.shape)
    field[top : rows - bottom, left : columns - right] = 1.0
    seen = density[field > 0]
    low, middle, high = np.percentile(seen, [1, 55, 99.7])
    span = max(high - low, 1e-6)
    gamma = np.clip(np.log(0.42) / np.log(np.clip((middle - low) / span, 0.01, 0.99)), 0.6, 2.0)
    unit = 0.97 * np.maximum((density - low) / span, 0) ** gamma
    grey = 0.5 + 0.5 * np.tanh(2 * exposure.contrast * (unit - 0.5)) / np.tanh(exposure.contrast)
    penumbra = ndimage.gaussian_filter(field, 0.5 / beam.pixel_mm)
    return np.asarray(np.round(np.clip(grey * penumbra, 0, 1) * WHITE), np.uint16)


def annotate_xray(pixels: NDArray[np.uint16], text: str, height_mm: float, beam: Beam) -> NDArray[np.uint16]:
    """Write letters into the top left corner, as the console of a machine does."""
    rows, columns = pixels.shape
    sheet = PillowImage.new("L", (columns, rows))
    font = ImageFont.load_default(height_mm / beam.pixel_mm)
    ImageDraw.Draw(sheet).multiline_text((0.07 * columns, 0.05 * rows), text, fill=235, font=font)
    letters = np.asarray(sheet, np.uint16) * np.uint16(WHITE // 255)
    return np.asarray(np.maximum(pixels, letters))
