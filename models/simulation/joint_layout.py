"""Where the bones lie in the picture: the view, the classes of every pixel, and the exact measures of the cartilage.

The measures are integrated over the generating curves of `joint_anatomy`, cut at the edge of the picture, not measured
from the mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.simulation.joint_anatomy import BoneEnd, Field, Line, Outline, draw_bone_end

CLASSES = (
    "background",
    "bone",
    "marrow",
    "calcified-cartilage",
    "articular-cartilage",
    "growth-plate",
    "meniscus",
    "synovium",
)
"""Keys of the classes, in the order of the mask's values."""

BACKGROUND, BONE, MARROW, CALCIFIED, CARTILAGE, GROWTH, MENISCUS, SYNOVIUM = range(8)

Part = Literal["joint", "femur", "tibia"]
Plane = Literal["coronal", "sagittal"]


@dataclass(frozen=True)
class View:
    """What the camera sees: a turned and shifted window of the joint's frame, in mm."""

    shape: tuple[int, int]
    spacing_mm: float
    turn_deg: float
    centre_mm: tuple[float, float]
    mirrored: bool

    def points(self) -> tuple[Field, Field]:
        """Point (x, y) of the joint's frame under every pixel centre, (H, W) each."""
        rows, columns = self.shape
        down = ((np.arange(rows, dtype=np.float32) - (rows - 1) / 2) * self.spacing_mm).astype(np.float32)[:, None]
        right = ((np.arange(columns, dtype=np.float32) - (columns - 1) / 2) * self.spacing_mm).astype(np.float32)[None]
        right = -right if self.mirrored else right
        c, s = (np.float32(f(np.radians(self.turn_deg))) for f in (np.cos, np.sin))
        return (
            c * right - s * down + np.float32(self.centre_mm[0]),
            s * right + c * down + np.float32(self.centre_mm[1]),
        )

    def pixels(self, x: Line, y: Line) -> tuple[Line, Line]:
        """(row, column) of points of the joint's frame, with fractions: the inverse of `points`."""
        c, s = np.cos(np.radians(self.turn_deg)), np.sin(np.radians(self.turn_deg))
        x, y = x - self.centre_mm[0], y - self.centre_mm[1]
        right, down = c * x + s * y, c * y - s * x
        right = -right if self.mirrored else right
        rows, columns = self.shape
        return down / self.spacing_mm + (rows - 1) / 2, right / self.spacing_mm + (columns - 1) / 2

    def inside(self, x: Line, y: Line, margin_px: float = 0.0) -> NDArray[np.bool_]:
        """Whether points are in the picture, this far from its edge."""
        (rows, columns), (height, width) = self.pixels(x, y), self.shape
        low = np.minimum(rows, columns) > margin_px - 0.5
        return np.asarray(low & (rows < height - 0.5 - margin_px) & (columns < width - 0.5 - margin_px))


@dataclass(frozen=True)
class Tear:
    """A crack of the section itself: along the line where x cos a + y sin a = offset, wavering, in mm.

    It spares cartilage, whose thickness would have no exact value beside it; cartilage has fissures of its own.
    """

    angle_deg: float
    offset_mm: float
    width_mm: float
    waver: tuple[float, float]

    def across(self, x: Field | Line, y: Field | Line) -> NDArray[np.bool_]:
        """Whether points of the joint's frame lie in the crack."""
        c, s = np.float32(np.cos(np.radians(self.angle_deg))), np.float32(np.sin(np.radians(self.angle_deg)))
        along, off = c * y - s * x, c * x + s * y - np.float32(self.offset_mm)
        off = off - np.float32(0.04) * np.sin(np.float32(self.waver[0]) * along + np.float32(self.waver[1]))
        return np.asarray(np.abs(off) < np.float32(self.width_mm / 2) * (1 + np.float32(0.5) * np.sin(3 * along)))


@dataclass(frozen=True, eq=False)
class Layout:
    """Everything that is cut, before it is stained."""

    view: View
    bones: tuple[BoneEnd, ...]
    menisci: tuple[int, ...]
    """Sides of the joint, −1 and 1, where a meniscus lies."""
    inner_mm: float
    meniscus_mm: float
    """How far from the middle of the joint its tip lies, and how long it is."""
    tear: Tear | None


@dataclass(frozen=True)
class JointReference:
    """What the generating curves say about the articular cartilage in the picture.

    Attributes
    ----------
    cartilage_mm2
        Its area.
    thickness_mm, thinnest_mm
        Mean and minimum over the articular surface, square to the tidemark, between fissures, without the rounded ends
        of the band and without one thickness next to the picture's edge.
    roughness_mm
        Root mean square of the surface about the smooth curve it was drawn around, over the same stretch.
    """

    cartilage_mm2: float
    thickness_mm: float
    thinnest_mm: float
    roughness_mm: float


def lay_out_joint(rng: np.random.Generator, size: tuple[int, int], damage: float, part: Part, plane: Plane) -> Layout:
    """Draw the anatomy and the view."""
    height = rng.uniform(2.6, 3.9) if part == "joint" else rng.uniform(1.7, 3.3)
    spacing = height / min(size)
    turn = rng.normal(0, 7) + (180 if part != "joint" and rng.random() < 0.3 else 0)
    bones, centre = _bones(rng, damage, part, height)
    sides = (-1, 1) if plane == "sagittal" else (int(rng.choice([-1, 1])),)
    tear = Tear(
        rng.uniform(-90, 90), rng.uniform(-0.7, 0.7), rng.uniform(0.008, 0.03), (rng.uniform(3, 9), rng.uniform(0, 6))
    )
    return Layout(
        view=View(size, spacing, float(turn), centre, bool(rng.random() < 0.5)),
        bones=bones,
        menisci=sides if part == "joint" else (),
        inner_mm=float(rng.uniform(0.3, 0.6)),
        meniscus_mm=float(rng.uniform(0.5, 0.9)),
        tear=tear if rng.random() < 0.3 else None,
    )


def _bones(
    rng: np.random.Generator, damage: float, part: Part, height: float
) -> tuple[tuple[BoneEnd, ...], tuple[float, float]]:
    """Femur over tibia, or one of them, and the middle of the picture."""
    broad = part != "joint" and rng.random() < 0.4
    condyle = Outline(
        float(rng.uniform(0, 0.3)), float(rng.uniform(3, 7) if broad else rng.uniform(1.0, 1.7)), (0, 0), -1
    )
    plateau = Outline(
        float(rng.uniform(1.6, 3.0) if broad else rng.uniform(0.7, 1.3)), float(rng.uniform(0.3, 0.7)), (0, 0), 1
    )
    femur = draw_bone_end(rng, condyle, damage, height) if part != "tibia" else None
    tibia = draw_bone_end(rng, plateau, damage, height) if part != "femur" else None
    shift = rng.normal(0, 0.08, 2) * height
    if femur and tibia:
        apart = replace(femur, outline=replace(condyle, at_mm=(float(rng.normal(0, 0.15)), -3.0)))
        lift = _clearance(apart, tibia) - rng.uniform(0.025, 0.11)
        femur = replace(apart, outline=replace(apart.outline, at_mm=(apart.outline.at_mm[0], -3.0 + lift)))
        return (femur, tibia), (float(shift[0]), float(shift[1]))
    bone = femur or tibia
    assert bone is not None
    return (bone,), (float(shift[0]), float(bone.outline.into * (0.25 * height) + 0.5 * shift[1]))


def _clearance(femur: BoneEnd, tibia: BoneEnd) -> float:
    """Smallest vertical distance between two joint surfaces, mm."""
    x = np.linspace(-1.0, 1.0, 400)
    heights = []
    for bone in (femur, tibia):
        at, y = bone.surface()
        middle = np.abs(bone.s_mm) < bone.outline.reach_mm
        order = np.argsort(at[middle])
        heights.append(np.interp(x, at[middle][order], y[middle][order]))
    return float((heights[1] - heights[0]).min())


@dataclass(frozen=True, eq=False)
class Places:
    """Where every pixel lies with respect to one bone, (H, W) each, in mm.

    Attributes
    ----------
    s, below
        Arc length, and depth below the cartilage surface (negative outside the bone).
    across, z
        Place along the joint, and distance below the bone's top.
    sample
        Index into the bone's curves.
    """

    s: Field
    below: Field
    across: Field
    z: Field
    sample: NDArray[np.int32]


def locate_joint_pixels(bone: BoneEnd, x: Field, y: Field) -> Places:
    """Look up every pixel in a bone's frame."""
    s, depth, z = bone.outline.place(x, y)
    sample = bone.sample(s)
    top = (bone.tidemark_mm - bone.cartilage_mm).astype(np.float32)
    return Places(s, depth - top[sample], x - np.float32(bone.outline.at_mm[0]), z, sample)


def label_joint_pixels(
    plan: Layout, found: list[Places], trabeculae: list[NDArray[np.bool_]], wavy: Field
) -> NDArray[np.uint8]:
    """Class of every pixel (H, W).

    `trabeculae` says for each bone where its spongy part is bone, `wavy` (standard deviation 1) ruffles soft tissue.
    """
    mask = np.zeros(plan.view.shape, np.uint8)
    _draw_soft(mask, plan, found, wavy)
    for bone, at, spongy in zip(plan.bones, found, trabeculae, strict=True):
        _draw_bone(mask, bone, at, spongy)
    if plan.tear:
        torn = plan.tear.across(*plan.view.points())
        mask[torn & (mask != CARTILAGE) & (mask != CALCIFIED)] = BACKGROUND
    return mask


def _draw_soft(mask: NDArray[np.uint8], plan: Layout, found: list[Places], wavy: Field) -> None:
    """Menisci between the bones, and synovium along their sides and behind the menisci."""
    gap = np.float32(0.016) + np.float32(0.005) * wavy
    for bone, at in zip(plan.bones, found, strict=True):
        beside = np.abs(at.s) - np.float32(bone.outline.reach_mm - 0.1)
        sheet = np.minimum(np.float32(0.03) + np.float32(0.4) * beside, np.float32(0.26)) + np.float32(0.05) * wavy
        mask[(at.below <= 0) & (-at.below < sheet) & (beside > 0)] = SYNOVIUM
    if not plan.menisci:
        return
    femur, tibia = found
    apart = np.maximum(-femur.below, 0) + np.maximum(-tibia.below, 0)
    for side in (-1, 1):
        out = tibia.across * np.float32(side) - np.float32(plan.inner_mm)
        length = np.float32(plan.meniscus_mm) + np.float32(0.025) * wavy - np.float32(0.25) * apart
        tip = np.float32(0.35) * np.abs(femur.below - tibia.below)
        free = (femur.below < -gap) & (tibia.below < -gap) & (out > tip)
        lining = (femur.below <= 0) & (tibia.below <= 0) & (apart < np.float32(0.75) + np.float32(0.1) * wavy)
        start = length + gap if side in plan.menisci else np.float32(0.35) + np.float32(0.08) * wavy
        mask[lining & (out > start) & (out < start + np.float32(0.45) + np.float32(0.12) * wavy)] = SYNOVIUM
        if side in plan.menisci:
            mask[free & (out < length) & (apart < np.float32(0.62))] = MENISCUS


def _draw_bone(mask: NDArray[np.uint8], bone: BoneEnd, at: Places, spongy: NDArray[np.bool_]) -> None:
    """Add the layers of one bone, from the surface inwards."""
    thickness, calcified, plate = (
        curve.astype(np.float32)[at.sample] for curve in (bone.cartilage_mm, bone.calcified_mm, bone.plate_mm)
    )
    inside = at.below > 0
    under = at.below - thickness
    mask[inside] = np.where(spongy, BONE, MARROW)[inside]
    mask[inside & (under < calcified + plate)] = BONE
    if bone.growth_mm is not None and bone.growth_width_mm is not None:
        across = bone.sample(at.across)
        top = at.z - bone.growth_mm.astype(np.float32)[across]
        width = bone.growth_width_mm.astype(np.float32)[across]
        mask[inside & (np.abs(top - width / 2) < width / 2 + 0.035) & (under > 0)] = BONE
        mask[inside & (top > 0) & (top < width) & (under > 0.05)] = GROWTH
    mask[inside & (under < calcified)] = CALCIFIED
    band = inside & (under < 0)
    mask[band] = CARTILAGE
    cut = bone.cleft(at.s[band], at.below[band], thickness[band])
    mask[band] = np.where(cut, BACKGROUND, CARTILAGE)


def measure_reference(plan: Layout) -> JointReference:
    """Integrate the cartilage over its curves."""
    area, parts = 0.0, []
    for bone in plan.bones:
        s, tidemark, thick = bone.s_mm[:, None], bone.tidemark_mm[:, None], bone.cartilage_mm[:, None]
        share = (np.arange(40) + 0.5)[None] / 40
        depth = tidemark - thick * (1 - share)
        x, y = bone.outline.point(s, depth)
        kept = plan.view.inside(x, y) & ~bone.cleft(np.broadcast_to(s, depth.shape), share * thick, thick)
        step = bone.s_mm[1] - bone.s_mm[0]
        area += float((kept * bone.outline.stretch(s, depth) * thick / 40).sum() * step)
        parts.append(_profile(plan.view, bone))
    thickness, roughness, weight = (np.concatenate(values) for values in zip(*parts, strict=True))
    if not weight.sum():
        return JointReference(area, float("nan"), float("nan"), float("nan"))
    mean = float(np.average(thickness, weights=weight))
    return JointReference(area, mean, float(thickness.min()), float(np.sqrt(np.average(roughness**2, weights=weight))))


def _profile(view: View, bone: BoneEnd) -> tuple[Line, Line, Line]:
    """Thickness, roughness and length of the middle line of every sample that counts."""
    middle = bone.tidemark_mm - bone.cartilage_mm / 2
    x, y = bone.outline.point(bone.s_mm, middle)
    typical = float(bone.cartilage_mm[bone.full].mean()) if bone.full.any() else 0.0
    counts = bone.full & view.inside(x, y, typical / view.spacing_mm)
    slope = np.gradient(bone.tidemark_mm, bone.s_mm)
    smooth = bone.cartilage_mm * np.cos(np.arctan(slope))
    return smooth[counts], bone.rough_mm[counts], bone.outline.stretch(bone.s_mm, middle)[counts]
