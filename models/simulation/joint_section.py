"""Simulated stained sections of a joint, with an exact mask and exact measures: the same seed gives the same section.

Femoral condyle, tibial plateau or both with menisci and synovium between them, at the scale of a small animal's knee;
healthy, or worn by osteoarthritis (fibrillation, fissures, thinning, loss of stain, sclerosis). Nothing in them comes
from a patient or an animal, and every file made of them says "simulated".

Reference: K. P. H. Pritzker et al., Osteoarthritis cartilage histopathology: grading and staging, Osteoarthritis
Cartilage 14:13, 2006 (what wear does to cartilage).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.simulation.joint_anatomy import Field
from models.simulation.joint_layout import (
    CLASSES,
    JointReference,
    Layout,
    Part,
    Plane,
    label_joint_pixels,
    lay_out_joint,
    locate_joint_pixels,
    measure_reference,
)
from models.simulation.joint_texture import draw_cloud, draw_joint_matter, draw_trabeculae
from models.simulation.stains import STAINS, Stain, list_trained_stains

__all__ = ["CLASSES", "STAINS", "Section", "Stain", "simulate_joint_section"]


@dataclass(frozen=True, eq=False)
class Section:
    """A picture and what is known of it.

    Attributes
    ----------
    pixels
        (H, W, 3) RGB, float32 in [0, 1].
    mask
        (H, W) index into `CLASSES`.
    spacing_mm
        Between rows and between columns.
    stain
        How it was stained.
    damage
        Osteoarthritis from 0 (none) to 1 (end stage); an intention of the simulation and no pathologist's grade.
    reference
        Area, thickness and roughness of the articular cartilage, from the curves it was drawn with.
    """

    pixels: Field
    mask: NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    stain: Stain
    damage: float
    reference: JointReference


def simulate_joint_section(
    seed: int,
    *,
    size: tuple[int, int] = (512, 512),
    stain: Stain | None = None,
    damage: float | None = None,
    part: Part | None = None,
    plane: Plane | None = None,
) -> Section:
    """Simulate a section.

    Parameters
    ----------
    seed
        What is not given is drawn from it; anatomy does not depend on the stain.
    size
        (rows, columns); the shorter side always spans 1.7 to 3.9 mm, so a larger size is a finer picture.
    stain
        One of `STAINS`; None draws from those that models may learn from.
    damage
        0 to 1; None draws it, healthy in four of ten.
    part
        "joint", "femur" or "tibia".
    plane
        Of a joint: "coronal" shows one meniscus, "sagittal" both of its horns.
    """
    rng = np.random.default_rng([seed, 20261123])
    drawn = float(rng.uniform(0, 0.12) if rng.random() < 0.4 else rng.uniform(0.12, 1))
    damage = drawn if damage is None else float(damage)
    parts: tuple[Part, ...] = ("joint", "joint", "femur", "tibia")
    planes: tuple[Plane, ...] = ("coronal", "sagittal")
    drawn_part, drawn_plane = parts[rng.integers(4)], planes[rng.integers(2)]
    drawn_stain = list_trained_stains()[rng.integers(len(list_trained_stains()))]
    stain = stain or drawn_stain
    plan = lay_out_joint(rng, size, damage, part or drawn_part, plane or drawn_plane)
    x, y = plan.view.points()
    found = [locate_joint_pixels(bone, x, y) for bone in plan.bones]
    spacing = plan.view.spacing_mm
    spongy = [draw_trabeculae(rng, bone, at, spacing, damage) for bone, at in zip(plan.bones, found, strict=True)]
    mask = label_joint_pixels(plan, found, spongy, draw_cloud(rng, size, 0.06 / spacing))
    density = _densities(rng, plan, draw_joint_matter(rng, plan, found, mask, damage), stain)
    return Section(_seen(rng, density, size), mask, (spacing, spacing), stain, damage, measure_reference(plan))


def _densities(rng: np.random.Generator, plan: Layout, amounts: Field, stain: Stain) -> Field:
    """Decadic optical density (3, H, W), with the section's uneven thickness and now and then a fold."""
    shape = plan.view.shape
    thickness = 1 + 0.05 * draw_cloud(rng, shape, min(shape) / 6)
    if rng.random() < 0.3:
        x, y = plan.view.points()
        turn, offset = rng.uniform(0, np.pi), rng.uniform(-1, 1)
        off = np.cos(turn) * x + np.sin(turn) * y - offset + 0.03 * draw_cloud(rng, shape, min(shape) / 8)
        thickness += np.float32(rng.uniform(0.35, 0.8)) * (np.abs(off) < rng.uniform(0.01, 0.03))
    np.clip(amounts, 0, None, out=amounts)
    density = stain.densities(rng).T @ amounts.reshape(len(amounts), -1)
    return np.asarray(density.reshape(3, *shape) * thickness.astype(np.float32), np.float32)


def _seen(rng: np.random.Generator, density: Field, size: tuple[int, int]) -> Field:
    """Light through the section and the microscope: blur, uneven lamp, white balance, noise of the camera."""
    density *= np.float32(-np.log(10))
    light = np.exp(density, out=density)
    sharp = float(rng.uniform(0.45, 0.8) if rng.random() < 0.8 else rng.uniform(0.8, 1.6)) * min(size) / 512
    light = ndimage.gaussian_filter(light, (0, sharp, sharp), truncate=3)
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in size)
    tilt, fall = rng.normal(0, 0.025, 2), rng.uniform(0, 0.05)
    lamp = 1 + (tilt[0] * rows - fall * rows**2)[:, None] + (tilt[1] * columns - fall * columns**2)
    white = rng.uniform(0.9, 0.985) * (1 + rng.normal(0, 0.012, 3))
    noise = rng.standard_normal(size, np.float32) * np.float32(rng.uniform(0.004, 0.014))
    light *= lamp.astype(np.float32)
    light *= white.astype(np.float32)[:, None, None]
    light += noise
    return np.ascontiguousarray(np.clip(light, 0, 1, out=light).transpose(1, 2, 0))
