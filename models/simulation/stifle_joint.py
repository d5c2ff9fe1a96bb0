"""A horse's stifle in numbers: which view, which finding, how far it has gone, and the horse around it.

Where lesions sit, and in which view they show, follows the literature; none of it is copied from a picture. The lateral
trochlear ridge of the femur is the commonest site of osteochondrosis in the stifle (about the middle of the ridge in
warmblood foals: Dik et al., Equine Vet J Suppl 31:9-15, 1999); subchondral cystic lesions lie in the weight-bearing,
distal part of the medial femoral condyle and show best from behind (Whitman et al., Proc AAEP 52, 2006); osteophytes of
osteoarthritis are most frequent in the medial femorotibial joint (De Lasalle et al., Vet Radiol Ultrasound 57:489-501,
2016). The finding is an intention of the simulation and no reader's verdict.

Reference for the views: V. Busoni and F. Audigié, The equine stifle and tarsus, in D. Thrall (ed.), Textbook of
Veterinary Diagnostic Radiology.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.random import Generator

from models.simulation import xray
from models.simulation.bodies import HERE, Knots, Part, Points, Pose, smooth_closed_outline
from models.simulation.xray import Beam, Field

Finding = Literal["normal", "osteochondrosis", "cyst", "osteoarthritis"]
View = Literal["lateromedial", "caudocranial"]

FINDINGS: tuple[Finding, ...] = get_args(Finding)
VIEWS: tuple[View, ...] = get_args(View)

AGES: dict[Finding, tuple[float, float]] = {
    "normal": (0.8, 16.0),
    "osteochondrosis": (0.8, 6.0),
    "cyst": (0.8, 12.0),
    "osteoarthritis": (4.0, 20.0),
}
"""Years between which a horse with a finding is drawn: osteochondrosis shows in the young, osteoarthritis later."""
CLOSED = 2.5
"""Years at which the growth plates beside the joint have closed; those of the tuberosity follow half a year later."""


@dataclass(frozen=True)
class Stifle:
    """One stifle, a right one, and how it stands to the beam.

    Attributes
    ----------
    finding, view
        What it has, and from where it is seen.
    severity
        Of the finding, from 0, just visible, to 1.
    age_years
        Decides the growth plates.
    size
        Of all lengths; 1 in a horse of about 500 kg.
    density
        Of all bone, 1 in an adult.
    flexion_deg
        Of the femur against its place in the standing horse.
    turn_deg
        Of the whole limb in the picture's plane.
    oblique_deg, tilt_deg
        How far the beam is off square, horizontally and vertically: the halves of the joint part.
    tissue
        Thickness of the soft tissue, 1 on average.
    effusion
        Share, 0 to 1, of the fat behind the patellar ligaments that a distended joint displaces.
    shape
        Seed of this horse's own form and of the form of its lesion.
    """

    finding: Finding = "normal"
    view: View = "lateromedial"
    severity: float = 0.6
    age_years: float = 6.0
    size: float = 1.0
    density: float = 1.0
    flexion_deg: float = 0.0
    turn_deg: float = 0.0
    oblique_deg: float = 0.0
    tilt_deg: float = 0.0
    tissue: float = 1.0
    effusion: float = 0.0
    shape: int = 0

    def open_mm(self, closing_years: float = CLOSED) -> float:
        """Width in mm of a growth plate that closes at an age; 0 when it has."""
        return max(0.0, 3.2 * (1 - self.age_years / closing_years))

    def severe(self, finding: Finding) -> float:
        """Severity of a finding, 0 where the stifle has another or none."""
        return self.severity if self.finding == finding else 0.0

    def lesion(self) -> Generator:
        """Return what draws the form of the lesion, the same in every view."""
        return np.random.default_rng((self.shape, 1))

    def placed(self, points: Points, z_mm: float) -> list[tuple[float, float]]:
        """Points of a body whose middle lies at `z_mm`, with this horse's form, moved as an oblique beam shows them."""
        rng = np.random.default_rng((self.shape, 0))
        at = np.array([[x, y, z_mm] for x, y in points])
        form = np.zeros((len(at), 2))
        for _ in range(6):  # waves that bend all bones a little, neighbours alike
            wave = rng.normal(0, 1, 3) / (18, 18, 14)
            form += rng.normal(0, 0.75, 2) * np.sin(at @ wave + rng.uniform(0, 2 * np.pi))[:, None]
        oblique = z_mm * np.tan(np.radians([self.oblique_deg, self.tilt_deg]))
        return [(float(x), float(y)) for x, y in at[:, :2] + form + oblique]


@dataclass(frozen=True)
class Placed:
    """A body and its place; `spongy` is how much its inside varies with the trabeculae."""

    part: Part
    pose: Pose = HERE
    spongy: float = 0.0

    def depth(self, beam: Beam, trabeculae: Field) -> Field:
        """Optical depth (H, W)."""
        shell, core = self.part.depths(beam, self.pose)
        return np.asarray(shell + core * (1 + self.spongy * trabeculae))


@dataclass(frozen=True)
class Bone:
    """What a piece of bone is made of: sizes in mm, how much of the outer layer is cortex, how dense the inside."""

    depth_mm: float
    roundness_mm: float
    z_mm: float = 0.0
    cortex: Knots = ((0.0, 1.0),)
    fill: Knots = ((0.0, 1.5),)

    def of(self, stifle: Stifle, outline: Points, pose: Pose = HERE, spurs: Sequence[Points] = ()) -> Placed:
        """Return the bone with an outline, which the beam shows as it stands to it."""
        cortical, spongy = (np.array([xray.CORTICAL, xray.CANCELLOUS]) - xray.MUSCLE) * stifle.density
        part = Part(
            stifle.placed(outline, self.z_mm), self.depth_mm, self.roundness_mm, self.cortex, float(cortical),
            tuple((y, float(spongy) * share) for y, share in self.fill), self.z_mm,
            spurs=tuple(stifle.placed(spur, self.z_mm) for spur in spurs),
        )  # fmt: skip
        return Placed(part, pose, 0.1)


@dataclass(frozen=True)
class Fused:
    """Pieces of one bone that grow into each other: a ray meets the thickest of them, with no seam where they meet."""

    pieces: tuple[tuple[Placed, ...], ...]

    def depth(self, beam: Beam, trabeculae: Field) -> Field:
        """Optical depth (H, W)."""
        sums = [sum((body.depth(beam, trabeculae) for body in piece), np.zeros(beam.shape)) for piece in self.pieces]
        return np.asarray(sum(np.maximum(one, 0) ** SEAM for one in sums) ** (1 / SEAM))


SEAM = 4.0
"""Exponent of the mean that joins the pieces of a bone; infinite would be the maximum."""


def stuff(stifle: Stifle, outline: Points, depth_mm: float, z_mm: float, per_mm: float, pose: Pose = HERE) -> Placed:
    """Return a body of one substance, `per_mm` more (or less) attenuating than what it displaces, with soft edges."""
    thin = min(np.ptp(np.asarray(outline), axis=0)) / 2
    part = Part(stifle.placed(outline, z_mm), depth_mm, float(thin), ((0.0, 0.0),), 0.0, ((0.0, per_mm),), z_mm)
    return Placed(part, pose)


def blob(
    centre: tuple[float, float], radii: tuple[float, float], turn_deg: float, rng: Generator, rough: float = 0.1
) -> list[tuple[float, float]]:
    """Outline of an uneven ellipse."""
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radius = 1 + rough * rng.normal(0, 1, len(turn))
    points = np.stack([radii[0] * radius * np.cos(turn), radii[1] * radius * np.sin(turn)], 1)
    return [(float(x), float(y)) for x, y in points @ Pose(turn_deg).world_from_body.T + centre]


def hollow(
    stifle: Stifle, inside: Points, z_mm: float, depth_mm: float, pose: Pose = HERE, rim: float = 1.0
) -> list[Placed]:
    """Return a cavity in bone with a rim of denser bone around it: `rim` says how dense."""
    middle = np.mean(inside, axis=0)
    outer = [(float(x), float(y)) for x, y in middle + (np.asarray(inside) - middle) * 1.45]
    spongy = (xray.CANCELLOUS - xray.MUSCLE) * stifle.density
    return [
        stuff(stifle, outer, depth_mm * 1.35, z_mm, 1.3 * spongy * rim, pose),
        stuff(stifle, inside, depth_mm, z_mm, -spongy * (1.9 + 1.3 * rim), pose),
    ]


def dented(outline: Points, at: tuple[float, float], length_mm: float, depth_mm: float, rng: Generator) -> Points:
    """Outline with a flattened, uneven dent of a length and depth in the edge nearest to a point."""
    line = smooth_closed_outline(outline)
    steps = np.linalg.norm(np.diff(line, axis=0, append=line[:1]), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)[:-1]])
    keep = np.unique(np.searchsorted(along, np.arange(0, along[-1], 3.0)))
    line, along, whole = line[keep], along[keep], float(steps.sum())
    place = along[np.argmin(np.linalg.norm(line - at, axis=1))]
    off = np.abs((along - place + whole / 2) % whole - whole / 2) / (length_mm / 2)
    heading = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    normal = np.stack([-heading[:, 1], heading[:, 0]], 1) / np.linalg.norm(heading, axis=1, keepdims=True)
    inward = normal if ((line.mean(0) - line) * normal).sum() > 0 else -normal
    into = depth_mm * np.clip(1.6 * (1 - off), 0, 1) * (1 + 0.25 * rng.normal(0, 1, len(line)))
    return [(float(x), float(y)) for x, y in line + inward * into[:, None]]


def drawn(rng: Generator, finding: Finding, view: View, mild: float = 0.0) -> Stifle:
    """Draw a stifle with a finding in a view; `mild` (0 to 1) makes severe lesions rarer."""
    low, high = AGES[finding]
    age = float(low + (high - low) * rng.beta(1.0, 1.8))
    grown = float(np.clip(0.9 + 0.1 * age / 2.0, 0, 1))
    effusion = rng.uniform(0, 0.25) if finding == "normal" else rng.uniform(0, 0.9)
    return Stifle(
        finding=finding,
        view=view,
        severity=float(rng.uniform(0.15, 1.0) ** (1 + mild)),
        age_years=age,
        size=grown * float(rng.normal(1.0, 0.05)),
        density=float(rng.uniform(0.85, 1.15)),
        flexion_deg=float(rng.normal(0, 4)) if view == "lateromedial" else 0.0,
        turn_deg=float(rng.normal(0, 4)),
        oblique_deg=float(rng.normal(0, 3)),
        tilt_deg=float(rng.normal(0, 3)),
        tissue=float(rng.uniform(0.8, 1.2)),
        effusion=float(effusion),
        shape=int(rng.integers(2**31)),
    )


def scaled(beam: Beam, size: float) -> Beam:
    """Return the beam in the lengths of a horse of size 1."""
    x, y = beam.centre_mm
    return replace(
        beam,
        pixel_mm=beam.pixel_mm / size,
        centre_mm=(x / size, y / size),
        source_object_mm=beam.source_object_mm / size,
        source_detector_mm=beam.source_detector_mm / size,
    )
