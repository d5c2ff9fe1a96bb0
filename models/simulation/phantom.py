"""Simulated radiographs with known content: the same seed gives the same picture, on every machine.

They let a user see the program at work before anything is downloaded, and tests measure against them. They are not
training data for any shipped model (the films of `models.simulation.stifle_phantom` are, of one card that says so), and
nothing here is copied from a patient or from a maker's product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.simulation import xray
from models.simulation.files import write_simulated_dicom, write_simulated_png
from models.simulation.knee_phantom import KneeJoint, compute_knee_depth
from models.simulation.leg_phantom import LegBreak, compute_leg_depth
from models.simulation.shoulder_phantom import Anatomy, ShoulderImplant, compute_shoulder_depth
from models.simulation.xray import Beam, Exposure, Field

Side = Literal["R", "L"]

OVERSAMPLED = 2
"""Rays a pixel in each direction; the detector adds them up."""


@dataclass(frozen=True, eq=False)
class SimulatedRadiograph:
    """A picture and what is known of it.

    Attributes
    ----------
    pixels
        (H, W) uint16 in [0, xray.WHITE], bright = dense.
    metal
        (H, W) bool: the implant, True where at least one ray of the pixel meets it.
    beam
        The geometry of the exposure.
    side
        "R" or "L".
    """

    pixels: NDArray[np.uint16]
    metal: NDArray[np.bool_]
    beam: Beam
    side: Side

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Between rows and between columns, in the plane of the joint."""
        spacing = self.beam.pixel_mm / self.beam.magnification
        return spacing, spacing


def simulate_shoulder(
    seed: int,
    *,
    implant: ShoulderImplant | None = None,
    anatomy: Anatomy | None = None,
    beam: Beam | None = None,
    exposure: Exposure | None = None,
    side: Side = "R",
) -> SimulatedRadiograph:
    """Simulate a shoulder arthroplasty from the front; what is not given is drawn from `seed`."""
    rng = np.random.default_rng(seed)
    drawn = _random_shoulder(rng)
    implant, anatomy = implant or drawn[0], anatomy or drawn[1]
    beam = beam or Beam((640, 512), 0.42, centre_mm=(24.0, 49.0))
    depth, metal = compute_shoulder_depth(implant, anatomy, finer(beam), rng)
    # as soft as the small pictures that the shoulder model has learned from, to which a crisp one is unfamiliar
    exposure = exposure or Exposure(border_mm=(6.0, 5.0, 6.0, 5.0), detector_mm=0.9, detail=0.0)
    return _taken(depth, metal, beam, exposure, side, rng)


def simulate_knee(
    seed: int,
    *,
    joint: KneeJoint,
    density: float | None = None,
    beam: Beam | None = None,
    exposure: Exposure | None = None,
    side: Side = "R",
) -> SimulatedRadiograph:
    """Simulate a knee from the front; what is not given is drawn from `seed`."""
    rng = np.random.default_rng(seed)
    density = rng.uniform(0.8, 1.1) if density is None else density
    beam = beam or Beam((512, 512), 0.265, centre_mm=(0.0, 2.0), source_object_mm=1050.0)
    depth = compute_knee_depth(joint, float(density), finer(beam), rng)
    exposure = exposure or Exposure(photons=30000.0, scatter=0.5, contrast=0.7, detector_mm=0.2)
    return _taken(depth, np.zeros(depth.shape, bool), beam, exposure, side, rng)


def simulate_leg(
    seed: int,
    *,
    broken: LegBreak | None,
    density: float = 1.0,
    beam: Beam | None = None,
    exposure: Exposure | None = None,
    side: Side = "R",
) -> SimulatedRadiograph:
    """Simulate a lower leg from the front, broken or, with None, not; noise is drawn from `seed`."""
    rng = np.random.default_rng(seed)
    beam = beam or Beam((640, 408), 0.45, centre_mm=(-6.0, -4.0), source_object_mm=1050.0)
    depth = compute_leg_depth(broken, density, finer(beam), rng)
    exposure = exposure or Exposure(photons=30000.0, contrast=0.8, detector_mm=0.2, border_mm=(5.0, 4.0, 5.0, 4.0))
    return _taken(depth, np.zeros(depth.shape, bool), beam, exposure, side, rng)


def finer(beam: Beam) -> Beam:
    """Return a beam with `OVERSAMPLED` rays a pixel in each direction, for `binned`."""
    rows, columns = beam.shape
    return replace(beam, shape=(rows * OVERSAMPLED, columns * OVERSAMPLED), pixel_mm=beam.pixel_mm / OVERSAMPLED)


def _random_shoulder(rng: np.random.Generator) -> tuple[ShoulderImplant, Anatomy]:
    """Draw a plausible implant and patient."""
    anatomic = rng.random() < 0.7
    implant = ShoulderImplant(
        kind="anatomic" if anatomic else "reverse",
        head_radius_mm=float(rng.uniform(21.5, 26.0) if anatomic else rng.uniform(18.0, 20.5)),
        head_base_mm=float(rng.uniform(2.0, 7.0)),
        stem_length_mm=float(rng.uniform(85, 140)),
        stem_radius_mm=float(rng.uniform(5.0, 7.2)),
        metal=float(rng.choice([xray.TITANIUM, xray.COBALT_CHROME])),
        version_deg=float(rng.uniform(0, 25)),
        fin_holes=int(rng.choice([0, 2, 3, 4])),
        collar=bool(rng.random() < 0.4),
        glenoid=bool(rng.random() < 0.5),
        cement=bool(rng.random() < 0.3),
    )
    anatomy = Anatomy(
        abduction_deg=float(rng.uniform(2, 22)),
        scale=float(rng.uniform(0.96, 1.06)),
        arm_depth_mm=float(rng.uniform(75, 110)),
        trunk_depth_mm=float(rng.uniform(115, 160)),
        fat_mm=float(rng.uniform(6, 16)),
        cortex_mm=float(rng.uniform(3.6, 5.4)),
        density=float(rng.uniform(0.8, 1.1)),
    )
    return implant, anatomy


def binned(field: Field) -> Field:
    """Mean (H, W) over the rays of each pixel."""
    rows, columns = (n // OVERSAMPLED for n in field.shape)
    return np.asarray(field.reshape(rows, OVERSAMPLED, columns, OVERSAMPLED).mean((1, 3)))


def _taken(
    depth: Field, metal: NDArray[np.bool_], beam: Beam, exposure: Exposure, side: Side, rng: np.random.Generator
) -> SimulatedRadiograph:
    depth, seen = binned(depth), binned(metal.astype(float)) > 0
    if side == "L":
        depth, seen = depth[:, ::-1], seen[:, ::-1]
    pixels = xray.expose_xray(depth, beam, exposure, rng)
    return SimulatedRadiograph(xray.annotate_xray(pixels, f"{side}\nSIM", 11.0, beam), seen, beam, side)


def write_radiographs(folder: Path) -> tuple[Path, ...]:
    """Make the radiographs of `models.cases` again, in `folder`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    anatomic = ShoulderImplant(stem_length_mm=118.0, version_deg=14.0)
    cemented = ShoulderImplant(
        head_radius_mm=22.5, head_base_mm=6.0, stem_length_mm=132.0, stem_radius_mm=5.4, version_deg=6.0,
        fin_holes=0, collar=True, glenoid=True, cement=True,
    )  # fmt: skip
    reverse = ShoulderImplant(kind="reverse", head_radius_mm=19.0, stem_length_mm=92.0, metal=0.6, version_deg=4.0)
    relaxed = Anatomy(abduction_deg=7.0)
    slim = Anatomy(abduction_deg=17.0, arm_depth_mm=80.0, trunk_depth_mm=122.0, cortex_mm=4.0, density=0.95)
    coarse = Beam((512, 408), 0.52, centre_mm=(24.0, 49.0))  # keeps files of 16 bits under 300 kB
    shoulders = [folder / f"shoulder_{name}" for name in ("anatomic.dcm", "cemented.png", "reverse.png")]
    write_simulated_dicom(
        simulate_shoulder(11, implant=anatomic, anatomy=Anatomy(), beam=coarse),
        shoulders[0],
        ("SHOULDER", "16982005", "Shoulder region"),
    )
    write_simulated_png(simulate_shoulder(12, implant=cemented, anatomy=slim, side="L"), shoulders[1])
    write_simulated_png(simulate_shoulder(13, implant=reverse, anatomy=relaxed, beam=coarse), shoulders[2], bits=16)
    write_simulated_png(simulate_knee(14, joint=KneeJoint.of_grade(0), density=1.0), folder / "knee_healthy.png")
    write_simulated_png(simulate_knee(15, joint=KneeJoint.of_grade(4), density=0.9, side="L"), folder / "knee_worn.png")
    write_simulated_png(simulate_leg(16, broken=LegBreak()), folder / "leg_broken.png")
    return (*shoulders, *(folder / f"{name}.png" for name in ("knee_healthy", "knee_worn", "leg_broken")))
