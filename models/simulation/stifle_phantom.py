"""Simulated radiographs of the equine stifle: a stifle, a beam and the habits of a clinic make a picture.

A `Clinic` holds what differs between two places: detector, exposure, positioning, which horses come. The films of a set
are drawn from one seed each; no horse was radiographed for any of them.

Reference: the views, the anatomy and the lesions are those of `models.simulation.stifle_joint` and its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from models.simulation import xray
from models.simulation.bodies import draw_bone_texture
from models.simulation.phantom import Side, SimulatedRadiograph, binned, finer
from models.simulation.stifle_caudocranial import caudocranial
from models.simulation.stifle_joint import FINDINGS, VIEWS, Finding, Stifle, View, drawn, scaled
from models.simulation.stifle_lateromedial import lateromedial
from models.simulation.xray import Beam, Exposure, Field

Range = tuple[float, float]

CENTRES: dict[View, tuple[float, float]] = {"lateromedial": (6.0, -42.0), "caudocranial": (0.0, -34.0)}
"""Where the central ray crosses the joint's plane, in mm."""
FIELD_MM = 350.0
"""Side of the detector."""


@dataclass(frozen=True)
class Clinic:
    """What is usual in one place; a pair of numbers is a range that is drawn from.

    Attributes
    ----------
    photons_mm2
        Detected in an unattenuated square millimetre.
    scatter, contrast, detail, detector_mm
        As in `xray.Exposure`.
    source_detector_mm
        Focal spot to detector.
    border_mm
        Collimated margin on each side.
    mark
        How the marker is written: "{side}" stands for the limb.
    off_square
        How much more than usual the beam is off square.
    size, tissue
        Of the horses that come, as factors.
    mild
        Whether mild lesions are commoner (0 to 1).
    """

    photons_mm2: Range = (60_000.0, 260_000.0)
    scatter: Range = (0.2, 0.6)
    contrast: Range = (0.7, 1.2)
    detail: Range = (0.3, 0.8)
    detector_mm: Range = (0.15, 0.45)
    source_detector_mm: Range = (950.0, 1150.0)
    border_mm: Range = (0.0, 14.0)
    mark: str = "{side}\nSIM"
    off_square: float = 1.0
    size: float = 1.0
    tissue: float = 1.0
    mild: float = 0.0


HOME = Clinic()
ELSEWHERE = Clinic(
    photons_mm2=(25_000.0, 90_000.0),
    scatter=(0.5, 0.9),
    contrast=(1.1, 1.6),
    detail=(0.7, 1.2),
    detector_mm=(0.4, 0.7),
    source_detector_mm=(750.0, 900.0),
    border_mm=(6.0, 26.0),
    mark="SIM {side} STIFLE",
    off_square=1.7,
    size=0.93,
    tissue=1.12,
    mild=0.4,
)
"""A stand-in for another clinic: a portable machine close to smaller horses, hard processing, beams further off
square, milder lesions."""


@dataclass(frozen=True)
class Setting:
    """How one stifle is taken in a clinic."""

    stifle: Stifle
    beam: Beam
    exposure: Exposure
    mark: str


def setting(rng: Generator, finding: Finding, view: View, clinic: Clinic, pixel_mm: float) -> Setting:
    """Draw a stifle with a finding, and how a clinic takes it, with pixels of a size."""
    found = drawn(rng, finding, view, clinic.mild)
    found = replace(
        found,
        size=found.size * clinic.size,
        tissue=found.tissue * clinic.tissue,
        oblique_deg=found.oblique_deg * clinic.off_square,
        tilt_deg=found.tilt_deg * clinic.off_square,
    )
    photons, scatter, contrast, detail, detector, distance = (
        float(rng.uniform(*limits))
        for limits in (
            clinic.photons_mm2, clinic.scatter, clinic.contrast, clinic.detail, clinic.detector_mm,
            clinic.source_detector_mm,
        )
    )  # fmt: skip
    x, y = CENTRES[view]
    off = rng.normal(0, 8, 2)
    side = round(FIELD_MM / pixel_mm)
    left, top, right, bottom = (float(mm) for mm in rng.uniform(*clinic.border_mm, 4))
    exposure = Exposure(
        photons=photons * pixel_mm**2, scatter=scatter, contrast=contrast, detail=detail,
        detector_mm=detector, border_mm=(left, top, right, bottom),
    )  # fmt: skip
    centre = (x * found.size + float(off[0]), y * found.size + float(off[1]))
    beam = Beam((side, side), pixel_mm, centre, distance - 130.0, distance)
    return Setting(found, beam, exposure, clinic.mark)


def stifle_depth(stifle: Stifle, beam: Beam, rng: Generator) -> Field:
    """Optical depth (H, W) of the whole stifle."""
    own = scaled(beam, stifle.size)
    fine, coarse = draw_bone_texture(own, rng, 0.4, 3.0), draw_bone_texture(own, rng, 1.2, 2.0)
    trabeculae = 0.7 * fine + 0.7 * coarse
    depth, bodies = (lateromedial if stifle.view == "lateromedial" else caudocranial)(stifle, own)
    bone = sum((body.depth(own, trabeculae) for body in bodies), np.zeros(beam.shape))
    return np.asarray(stifle.size * (depth * (1 + 0.004 * coarse) + np.maximum(bone, -0.35)))


def simulate_stifle(seed: int, *, clinic: Clinic = HOME, pixel_mm: float = 0.5) -> tuple[SimulatedRadiograph, Stifle]:
    """Simulate a horse's stifle as a clinic takes it, all drawn from `seed`; findings and views take turns with it.

    Returns
    -------
    The picture, with cranial to the left, or lateral to the left in a right limb; and the stifle that was drawn.
    """
    rng = np.random.default_rng(seed)
    finding, view = FINDINGS[seed % len(FINDINGS)], VIEWS[seed // len(FINDINGS) % len(VIEWS)]
    taken = setting(rng, finding, view, clinic, pixel_mm)
    side: Side = "R" if rng.random() < 0.5 else "L"
    depth = binned(stifle_depth(taken.stifle, finer(taken.beam), rng))
    if view == "caudocranial" and side == "L":  # from the side, cranial stands on the left whatever the limb
        depth = depth[:, ::-1]
    shown = xray.expose_xray(depth, taken.beam, taken.exposure, rng)
    pixels = xray.annotate_xray(shown, taken.mark.format(side=side), 11.0, taken.beam)
    return SimulatedRadiograph(pixels, np.zeros(pixels.shape, bool), taken.beam, side), taken.stifle
