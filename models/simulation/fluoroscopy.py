"""Simulated lateral fluoroscopy of a knee arthroplasty: implants from their CAD, with exact masks, in random scenes.

Metal is ray-cast from its mesh, bones and flesh are rounded cones, and everything attenuates after Beer and Lambert.
What makes the real pictures hard is drawn on purpose: trays seen edge-on, titanium keels hardly darker than the bone
around them, bone and cement that fill the pockets between flange, pegs, condyles, tray and keel, tables whose edge runs
through the knee, rails, screws and straps, round and rectangular collimators, processed contrast.
Nothing in a scene is a patient; a background may be a real frame whose implants were covered first.

Reference: Unberath et al. 2018, "DeepDRR: a catalyst for machine learning in fluoroscopy-guided procedures",
arXiv:1803.08606 (that a network taught on simulated projections can work on real ones).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage

from models.simulation.metal import SIDE, Component, Field, trace_metal_thickness

METAL_MM = 0.6
"""Thickness from which a pixel counts as metal in the mask."""


@dataclass(frozen=True, eq=False)
class Implant:
    """The femoral and tibial component of one prosthesis; `gap_mm` lies between their origins in extension."""

    femoral: Component
    tibial: Component
    gap_mm: float


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its reference standard: (H, W) uint8; 0 background, 1 femoral, 2 tibial component."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def rotate_fluoroscope(angle_deg: float, axis: int) -> NDArray[np.float64]:
    """Return the rotation (3, 3) about one axis."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


Background = tuple[NDArray[np.uint8], tuple[int, int]]
"""A real frame (SIDE, SIDE) whose implants are covered, and the pixel where they were."""


def simulate_fluoroscopy(
    seed: int, implants: Sequence[Implant], backgrounds: Sequence[Background] = (), *, kneeling: bool = False
) -> Scene:
    """Simulate a frame; four in ten lie on one of the backgrounds, where there are any.

    Of a knee that kneels the shin lies on a table seen from its side, whose surface crosses the components.
    """
    rng = np.random.default_rng([seed, 20261123])
    real = backgrounds[int(rng.integers(len(backgrounds)))] if backgrounds and rng.random() < 0.4 else None
    middle = np.array(real[1] if real else (SIDE / 2, SIDE / 2)) + rng.normal(0, 20 if real else 45, 2)
    knee = _place(rng, implants[int(rng.integers(len(implants)))], middle, kneeling)
    return show_knee(rng, knee, real[0] if real else None, kneeling=kneeling)


def show_knee(
    rng: np.random.Generator,
    knee: PlacedKnee,
    background: NDArray[np.uint8] | None = None,
    *,
    kneeling: bool = False,
    bright: bool = False,
) -> Scene:
    """Show an implant among bones, flesh and table, or on a background.

    Parameters
    ----------
    background
        (SIDE, SIDE) a real frame whose implants are covered.
    kneeling
        Whether the knee kneels, as in `simulate_fluoroscopy`.
    bright
        Whether metal is bright, as on a radiograph, and not dark, as a fluoroscope shows it.
    """
    light = _surroundings(rng, knee, kneeling) if background is None else background.astype(np.float32) / 255
    for metal in knee.metal:
        light = light * np.exp(-fill_component(rng, metal, knee.px_per_mm))
    for metal, mu in zip(knee.metal, knee.attenuation, strict=True):
        light = light * np.exp(-mu * ndimage.gaussian_filter(metal, 0.6))
    veil = rng.uniform(0.12, 0.32)  # scatter: nothing is quite black
    light = veil + (1 - veil) * light
    pixels = _shown(rng, light.astype(np.float32), processed=background is None)
    if bright:
        pixels = 255 - pixels
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[knee.metal[1] > METAL_MM] = 2
    mask[knee.metal[0] > METAL_MM] = 1
    mask = ndimage.median_filter(mask, 3)
    outside = None if background is not None else _collimated(rng)
    if outside is not None:
        pixels = np.where(outside, np.uint8(rng.integers(0, 12)), pixels)
        mask = np.where(outside, np.uint8(0), mask)
    return Scene(pixels, mask)


@dataclass(frozen=True, eq=False)
class PlacedKnee:
    """Where a simulated knee lies; points are (row, column), directions unit vectors in the picture.

    Attributes
    ----------
    metal, attenuation
        (H, W) thickness in mm, and 1/mm, of the femoral and of the tibial component.
    distal, proximal
        Middles of the femoral and of the tibial component.
    thigh, shin, front
        Towards the hip, the foot and the kneecap.
    px_per_mm
        In the plane of the knee.
    """

    metal: tuple[Field, Field]
    attenuation: tuple[float, float]
    distal: NDArray[np.float64]
    proximal: NDArray[np.float64]
    thigh: NDArray[np.float64]
    shin: NDArray[np.float64]
    front: NDArray[np.float64]
    px_per_mm: float


def _place(rng: np.random.Generator, implant: Implant, middle: NDArray[np.float64], kneeling: bool) -> PlacedKnee:
    """Draw a pose: a tibia at any angle in the plane, a femur flexed by 0 to 140°, a little out of plane both."""
    px_per_mm = float(np.exp(rng.uniform(np.log(1.25), np.log(2.1))))
    flexion, shin_deg = rng.uniform(-5, 140), rng.normal(0, 50) + rng.choice([0, 0, 90, -90])
    tilt = rng.normal(0, 6, 2)  # of the whole knee against the beam
    side = 180.0 if rng.random() < 0.5 else 0.0  # left or right, or seen from the other side
    if kneeling:
        flexion, shin_deg = rng.uniform(60, 140), rng.normal(0, 10) + (90 if side else -90)  # the thigh goes up

    def placed(own_deg: float) -> NDArray[np.float64]:
        out = tilt + rng.normal(0, 5, 2)
        if rng.random() < 0.5:
            out *= 0.25  # edge-on
        return (
            rotate_fluoroscope(shin_deg, 2)
            @ rotate_fluoroscope(out[0], 0)
            @ rotate_fluoroscope(out[1] + side, 1)
            @ rotate_fluoroscope(own_deg, 2)
        )

    shin, thigh = placed(0.0), placed(flexion)
    gap = implant.gap_mm + rng.normal(0, 2)
    centre = shin @ np.array([rng.normal(0, 4) - 0.06 * flexion, gap, 0.0])  # of the femur, seen from the tibia
    size = rng.uniform(0.9, 1.1, 3).astype(np.float32)  # other sizes and makes are not quite similar
    femoral = (implant.femoral.triangles * size) @ thigh.T.astype(np.float32) + centre.astype(np.float32)
    tibial = (implant.tibial.triangles * size) @ shin.T.astype(np.float32)
    at = (float(middle[0]), float(middle[1]))

    def seen(corners: Field) -> NDArray[np.float64]:
        x, y, _ = (corners.reshape(-1, 3).min(0) + corners.reshape(-1, 3).max(0)) / 2
        return middle + px_per_mm * np.array([-y, x], np.float64)

    return PlacedKnee(
        metal=(trace_metal_thickness(femoral, px_per_mm, at), trace_metal_thickness(tibial, px_per_mm, at)),
        attenuation=(float(rng.uniform(0.12, 0.5)), float(np.exp(rng.uniform(np.log(0.05), np.log(0.4))))),
        distal=seen(femoral),
        proximal=seen(tibial),
        thigh=np.array([-thigh[1, 1], thigh[0, 1]]),
        shin=np.array([shin[1, 1], -shin[0, 1]]),
        front=np.array([-shin[1, 0], shin[0, 0]]),
        px_per_mm=px_per_mm,
    )


def _surroundings(rng: np.random.Generator, knee: PlacedKnee, kneeling: bool) -> Field:
    """Light (H, W) behind flesh, bones and table, 1 where nothing is."""
    scale = knee.px_per_mm
    middle = (knee.distal + knee.proximal) / 2
    far = 420 * scale
    hip, ankle = middle + knee.thigh * far, middle + knee.shin * far
    wide = rng.uniform(38, 62) * scale
    flesh = np.maximum(
        _cone(middle, hip, wide, wide * rng.uniform(1.0, 1.5)),
        _cone(middle, ankle, wide * 0.95, wide * rng.uniform(0.6, 1)),
    )
    light: NDArray[np.floating] = np.exp(-rng.uniform(0.002, 0.016) * flesh / scale)
    notch = knee.distal + knee.thigh * rng.uniform(0, 14) * scale
    neck = notch + knee.thigh * rng.uniform(55, 80) * scale
    plateau = knee.proximal + knee.shin * rng.uniform(0, 12) * scale
    waist = plateau + knee.shin * rng.uniform(50, 75) * scale
    thick = rng.uniform(12, 17) * scale
    head = plateau + (knee.shin * 18 - knee.front * 22) * scale
    cap = knee.distal + knee.front * rng.uniform(30, 46) * scale
    bones = [
        [(notch, neck, rng.uniform(24, 30) * scale, thick), (neck, hip, thick, thick)],
        [(plateau, waist, rng.uniform(22, 28) * scale, thick * 0.9), (waist, ankle, thick * 0.9, thick * 0.8)],
        [(head, ankle - knee.front * 14 * scale, 7 * scale, 5 * scale)],  # fibula
        [(cap, cap + knee.thigh * 12 * scale, rng.uniform(7, 12) * scale, rng.uniform(7, 12) * scale)],  # kneecap
    ]
    mu, cortex = rng.uniform(0.008, 0.03), rng.uniform(1.5, 4.5) * scale
    grain = 1 + rng.uniform(0, 0.25) * _cloud(rng, rng.uniform(1.5, 4))
    for bone in bones:
        whole = np.maximum.reduce([_cone(start, stop, first, last) for start, stop, first, last in bone])
        core = np.maximum.reduce(
            [_cone(start, stop, first - cortex, last - cortex) for start, stop, first, last in bone]
        )
        light = light * np.exp(-mu * (whole - rng.uniform(0.4, 0.8) * core * grain) / scale)
    light = light * (1 - rng.uniform(0, 0.12) * np.abs(_cloud(rng, rng.uniform(20, 60))))
    return _enlarged(_furniture(rng, light.astype(np.float32), middle, kneeling))


def fill_component(rng: np.random.Generator, metal: Field, px_per_mm: float) -> Field:
    """Return what fills a component's hollows as optical depth (H, W): bone cut to fit it, cement along its inside.

    Parameters
    ----------
    metal
        (H, W) thickness of the component in mm; a hollow lies between its limbs, as seen in the picture.
    """
    solid = metal[::2, ::2] > METAL_MM
    if not solid.any():
        return np.zeros_like(metal)
    per_mm = px_per_mm / 2
    off = ndimage.distance_transform_edt(~solid) / per_mm  # mm from the metal
    reach = rng.uniform(6, 26)
    hollow = (ndimage.distance_transform_edt(off <= reach) / per_mm > reach) & ~solid
    fill = rng.uniform(0, 0.7) * hollow.astype(np.float32) * (1 + rng.uniform(0, 0.3) * _cloud(rng, rng.uniform(3, 20)))
    if rng.random() < 0.6:
        edge = rng.uniform(1, 7) * np.clip(1 + 0.4 * _cloud(rng, rng.uniform(6, 30)), 0.1, None)
        fill = fill + rng.uniform(0.1, 0.8) * (hollow & (off < edge))
    return _enlarged(ndimage.gaussian_filter(np.maximum(fill, 0).astype(np.float32), rng.uniform(0.3, 1.5)))


def _furniture(
    rng: np.random.Generator, light: NDArray[np.floating], middle: NDArray[np.float64], kneeling: bool
) -> Field:
    """Table, rails, straps, screws, beads and wires in front of or behind a knee."""
    rows, columns = _pixels()
    slope = rng.normal(0, 0.06)
    lies_on_it = rng.random() < 0.5
    level = middle[0] + rng.normal(0, 40) if lies_on_it else rng.uniform(0.3, 0.95) * SIDE
    if kneeling:
        slope, level = rng.normal(0, 0.03), middle[0] + rng.normal(8, 20)
    below = rows - level - slope * (columns - SIDE / 2)
    if kneeling or rng.random() < 0.6:  # a table: pad, edge, rail
        deep = rng.uniform(20, 130)
        slab = ndimage.gaussian_filter(((below > 0) & (below < deep)).astype(np.float32), rng.uniform(0.3, 1))
        light = light * (1 - rng.uniform(0.1, 0.75) * slab)
        for edge in (0, deep):
            light = light * (1 - rng.uniform(0.1, 0.7) * np.exp(-0.5 * ((below - edge) / rng.uniform(0.7, 3.5)) ** 2))
    for _ in range(rng.integers(0, 6)):  # folds of cloth, straps, cables, every other one through the knee
        angle, bend = rng.normal(0, 0.35), rng.normal(0, 2e-4)
        at = middle + rng.normal(0, 18, 2) if rng.random() < 0.5 else rng.uniform(0, SIDE, 2)
        off = rows - at[0] - np.tan(angle) * (columns - at[1]) - bend * (columns - at[1]) ** 2
        line = np.exp(-0.5 * (off / np.exp(rng.uniform(np.log(0.7), np.log(5)))) ** 2)
        light = light * (1 - rng.uniform(0.05, 0.6) * line * (1 - rng.uniform(0, 1) * (columns > at[1])))
    for _ in range(rng.integers(0, 6)):  # screws, beams and other metal that is no implant
        at, size = rng.uniform(0, SIDE, 2), np.exp(rng.uniform(np.log([2, 4]), np.log([25, 130])))
        angle = rng.normal(0, 0.4) + rng.choice([0, np.pi / 2])
        across = np.cos(angle) * (columns - at[1]) - np.sin(angle) * (rows - at[0])
        along = np.sin(angle) * (columns - at[1]) + np.cos(angle) * (rows - at[0])
        body = ndimage.gaussian_filter(((np.abs(across) < size[0]) & (np.abs(along) < size[1])).astype(np.float32), 0.4)
        light = light * (1 - rng.uniform(0.2, 0.85) * body)
    for _ in range(rng.integers(0, 4)):  # calibration beads
        at, radius = rng.uniform(0, SIDE, 2), rng.uniform(2, 16)
        bead = np.clip(radius - np.hypot(rows - at[0], columns - at[1]), 0, 1)
        light = light * (1 - rng.uniform(0.15, 0.7) * bead)
    return light


def _cone(start: NDArray[np.float64], stop: NDArray[np.float64], first: float, last: float) -> Field:
    """Thickness (H, W) in pixels of a round cone between two points (row, column), with round ends."""
    rows, columns = _pixels()
    way = stop - start
    length = max(float(way @ way), 1e-6)
    at = np.clip(((rows - start[0]) * way[0] + (columns - start[1]) * way[1]) / length, 0, 1)
    off = (rows - start[0] - at * way[0]) ** 2 + (columns - start[1] - at * way[1]) ** 2
    radius = np.maximum(first + (last - first) * at, 0)
    return np.asarray(2 * np.sqrt(np.clip(radius**2 - off, 0, None)), np.float32)


def _pixels() -> tuple[Field, Field]:
    """Return row and column of every other pixel, (H/2, W/2) each: bones and flesh have no finer detail."""
    rows, columns = np.mgrid[:SIDE:2, :SIDE:2].astype(np.float32)
    return rows, columns


def _enlarged(field: Field) -> Field:
    """(h, w) → (SIDE, SIDE), bilinear."""
    return np.asarray(Picture.fromarray(field).resize((SIDE, SIDE), Picture.Resampling.BILINEAR))


def _cloud(rng: np.random.Generator, grain_px: float) -> Field:
    """Smooth noise (H/2, W/2) of standard deviation 1."""
    step = max(2.0, grain_px / 2)
    count = int(SIDE / step) + 1
    small = ndimage.gaussian_filter(rng.standard_normal((count, count), np.float32), grain_px / step)
    large = np.asarray(Picture.fromarray(small).resize((SIDE // 2, SIDE // 2), Picture.Resampling.BICUBIC))
    return np.asarray(large / large.std(), np.float32)


def _shade(light: Field, sigma_px: float) -> Field:
    """(SIDE, SIDE) under a wide Gaussian, computed on every eighth pixel."""
    return _enlarged(ndimage.gaussian_filter(np.ascontiguousarray(light[::8, ::8]), sigma_px / 8))


def _shown(rng: np.random.Generator, light: Field, processed: bool) -> NDArray[np.uint8]:
    """Show the light as a machine does: flat-field, edges enhanced, window, blur, noise; (H, W) bytes."""
    light = ndimage.gaussian_filter(light, rng.uniform(0.3, 1.1))
    if processed:
        if rng.random() < 0.6:  # large shades are taken out, as some machines do
            light = light - rng.uniform(0.2, 0.75) * (_shade(light, rng.uniform(30, 90)) - light.mean())
        low, high = np.quantile(light[::4, ::4], [0.003, rng.uniform(0.75, 0.99)])
        black, white = rng.uniform(0.0, 0.28), rng.uniform(0.75, 1.05)
        light = black + (light - low) / max(high - low, 1e-3) * (white - black)
    if rng.random() < 0.6:
        light = light + rng.uniform(0.2, 1.5) * (light - ndimage.gaussian_filter(light, rng.uniform(1, 4)))
    light = light + rng.uniform(0.002, 0.02) * rng.standard_normal(light.shape, np.float32)
    return np.asarray((np.clip(light, 0, 1) * 255).round(), np.uint8)


def _collimated(rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """Return what a round or rectangular collimator covers, or nothing."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    kind = rng.random()
    if kind < 0.35:
        radius = rng.uniform(0.42, 0.52) * SIDE
        return np.asarray(np.hypot(rows - SIDE / 2, columns - SIDE / 2) > radius)
    if kind < 0.8:
        top, left = rng.uniform(0, 0.13, 2) * SIDE * rng.integers(0, 2, 2)
        return np.asarray((rows < top) | (rows > SIDE - top) | (columns < left) | (columns > SIDE - left))
    return None


def cover_metal(frame: NDArray[np.uint8], metal: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a frame (H, W) whose metal is painted over with what lies around it."""
    hole = ndimage.binary_dilation(metal, iterations=8)
    filled, known = np.where(hole, 0, frame).astype(np.float32), (~hole).astype(np.float32)
    found = filled.copy()
    missing = hole.copy()
    for sigma in (4, 8, 16, 32, 64):
        share = ndimage.gaussian_filter(known, sigma)
        here = missing & (share > 0.02)
        found[here] = (ndimage.gaussian_filter(filled, sigma) / np.maximum(share, 1e-6))[here]
        missing &= ~here
    return np.asarray(np.clip(np.where(hole, ndimage.gaussian_filter(found, 2), frame), 0, 255), np.uint8)
