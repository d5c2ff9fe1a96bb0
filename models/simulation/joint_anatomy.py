"""The anatomy of a simulated joint: outlines, cartilage and growth plate as curves over the arc length of each bone.

A bone's end is a rounded box in its own frame, in mm: x along the joint, z into the bone, origin in the middle of the
joint surface. Every point has an arc length s along that outline and a depth d below it; surface, tidemark, cement line
and subchondral plate are depths drawn as splines over s. So thickness, area and roughness of the cartilage are known
before a pixel is drawn. The scale is that of a small animal's knee, where one section holds the joint and its growth
plates: cartilage of 0.15 to 0.4 mm.

Reference: E. B. Hunziker et al., Quantitative structural organization of normal adult human articular cartilage,
Osteoarthritis Cartilage 10:564, 2002 (zones and columns of chondrocytes).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

Field = NDArray[np.float32]
Line = NDArray[np.float64]

SAMPLES = 2048
"""Points of every curve."""

TAPER = 2.0
"""Length over which cartilage thins out at a joint's margin, in thicknesses."""


@dataclass(frozen=True)
class Outline:
    """A rounded box: the end of a bone.

    Attributes
    ----------
    flat_mm, corner_mm
        Half the length of the flat top, and radius of its corners.
    at_mm
        (x, y) of the middle of the top in the frame of the joint, y down.
    into
        1 where the bone lies below its top (tibia), −1 where it lies above (femur).
    """

    flat_mm: float
    corner_mm: float
    at_mm: tuple[float, float]
    into: int

    def place(self, x: Field, y: Field) -> tuple[Field, Field, Field]:
        """Arc length s, depth d (negative outside) and distance z below the top of points of the joint's frame."""
        across, z = x - np.float32(self.at_mm[0]), (y - np.float32(self.at_mm[1])) * np.float32(self.into)
        beyond, above = np.abs(across) - np.float32(self.flat_mm), np.float32(self.corner_mm) - z
        from_side = np.float32(self.corner_mm) - beyond
        side = from_side < z
        s = np.where(side, self.flat_mm + self.corner_mm * (np.pi / 2) - above, np.abs(across))
        depth = np.where(side, from_side, z)
        corner = (beyond > 0) & (above > 0)
        out, up = beyond[corner], above[corner]
        s[corner] = self.flat_mm + self.corner_mm * np.arctan2(out, up)
        depth[corner] = self.corner_mm - np.hypot(out, up)
        return np.copysign(s, across).astype(np.float32), depth.astype(np.float32), z

    def point(self, s: Line, depth: Line) -> tuple[Line, Line]:
        """Point (x, y) of the joint's frame at an arc length and depth: the inverse of `place`."""
        turn = np.clip((np.abs(s) - self.flat_mm) / self.corner_mm, 0, np.pi / 2)
        inner = self.corner_mm - depth
        down = np.maximum(np.abs(s) - self.flat_mm - self.corner_mm * np.pi / 2, 0)
        across = np.copysign(np.minimum(np.abs(s), self.flat_mm) + inner * np.sin(turn), s)
        z = self.corner_mm - inner * np.cos(turn) + down
        return across + self.at_mm[0], z * self.into + self.at_mm[1]

    def stretch(self, s: Line, depth: Line) -> Line:
        """Length at a depth over length of the outline: less than 1 below a convex corner."""
        bent = (np.abs(s) > self.flat_mm) & (np.abs(s) < self.flat_mm + self.corner_mm * np.pi / 2)
        return np.where(bent, 1 - depth / self.corner_mm, 1.0)

    @property
    def reach_mm(self) -> float:
        """Arc length to where the sides begin."""
        return self.flat_mm + self.corner_mm * np.pi / 2


@dataclass(frozen=True)
class Clefts:
    """Fissures that open at the surface, (n,) each: where, how wide there, how deep as a share, and their lean."""

    s_mm: Line
    width_mm: Line
    share: Line
    lean: Line


@dataclass(frozen=True, eq=False)
class BoneEnd:
    """One bone's end with its cartilage: curves (SAMPLES,) over `s_mm`.

    Attributes
    ----------
    outline
        Where it lies.
    s_mm
        Arc length of every sample, evenly spaced and symmetric.
    tidemark_mm
        Depth of the lower edge of the articular cartilage.
    cartilage_mm, rough_mm
        Its thickness with all roughness; the roughness alone, zero on average.
    calcified_mm, plate_mm
        Thickness of the calcified cartilage and of the solid bone beneath.
    wear
        0 to 1, where the damage is.
    full
        Samples of the articular surface without its rounded ends.
    growth_mm, growth_width_mm
        Distance below the top and width of the growth plate; None where it is not in the section.
    """

    outline: Outline
    s_mm: Line
    tidemark_mm: Line
    cartilage_mm: Line
    rough_mm: Line
    calcified_mm: Line
    plate_mm: Line
    wear: Line
    full: NDArray[np.bool_]
    growth_mm: Line | None
    growth_width_mm: Line | None
    clefts: Clefts = field(default_factory=lambda: Clefts(*np.zeros((4, 0))))

    def sample(self, s: Field | Line) -> NDArray[np.int32]:
        """Index of the sample nearest to each arc length."""
        step = (self.s_mm[-1] - self.s_mm[0]) / (SAMPLES - 1)
        return np.asarray(np.clip((s - self.s_mm[0]) / step + 0.5, 0, SAMPLES - 1), np.int32)

    def cleft(self, s: Field | Line, below_surface: Field | Line, thickness: Field | Line) -> NDArray[np.bool_]:
        """Whether points lie in a fissure; each is asked only about the fissure nearest to it."""
        clefts = self.clefts
        if not len(clefts.s_mm):
            return np.zeros(s.shape, bool)
        nearest = np.abs(self.s_mm[:, None] - clefts.s_mm).argmin(1)[self.sample(s)]
        share = below_surface / np.maximum(thickness * clefts.share[nearest], 1e-6)
        off = np.abs(s - clefts.s_mm[nearest] - clefts.lean[nearest] * below_surface)
        return np.asarray(off < clefts.width_mm[nearest] / 2 * (1 - share))

    def surface(self) -> tuple[Line, Line]:
        """Points (x, y) of the cartilage surface in the frame of the joint."""
        return self.outline.point(self.s_mm, self.tidemark_mm - self.cartilage_mm)


def draw_random_spline(rng: np.random.Generator, s: Line, every_mm: float, amount: float) -> Line:
    """Smooth random curve with a knot every so many mm and this standard deviation at the knots."""
    n = max(int(np.ceil((s[-1] - s[0]) / every_mm)) + 3, 4)
    knots = np.linspace(s[0] - every_mm, s[-1] + every_mm, n)
    return np.asarray(CubicSpline(knots, rng.normal(0, amount, n))(s))


def draw_bone_end(rng: np.random.Generator, outline: Outline, damage: float, depth_mm: float) -> BoneEnd:
    """Draw a bone's end; `damage` from 0 (healthy) to 1 (end-stage osteoarthritis), `depth_mm` of bone in the view."""
    reach = outline.reach_mm + 2.5
    s = np.linspace(-reach, reach, SAMPLES)
    wear = _wear(rng, outline, s)
    margin = outline.flat_mm + outline.corner_mm * rng.uniform(0.8, 1.4, 2)
    inside = np.where(s < 0, margin[0] + s, margin[1] - s)
    whole = rng.uniform(0.17, 0.34)
    rounded = np.clip(inside / (TAPER * whole), 0, 1)
    healthy = whole * np.exp(draw_random_spline(rng, s, 0.7, 0.12)) * np.sin(rounded * np.pi / 2)
    smooth = healthy * (1 - damage * (0.1 + 0.75 * wear))
    full = inside > TAPER * whole
    rough = ndimage.gaussian_filter1d(rng.normal(0, 1, SAMPLES), 0.018 / (s[1] - s[0]))
    rough *= (0.0012 + damage * 0.018 * (0.25 + wear)) / rough.std()
    rough -= rough[full].mean() if full.any() else 0
    cartilage = np.where(inside > 0, np.maximum(smooth + rough * rounded, 0.12 * whole * rounded), 0)
    growth = growth_width = None
    if rng.random() < 0.7:
        growth = rng.uniform(0.95, 1.5) * max(outline.corner_mm, 1.0) / 1.3 + draw_random_spline(rng, s, 0.45, 0.055)
        growth_width = rng.uniform(0.14, 0.26) * np.exp(draw_random_spline(rng, s, 0.5, 0.1))
    return BoneEnd(
        outline=outline,
        s_mm=s,
        tidemark_mm=healthy + draw_random_spline(rng, s, 0.9, 0.03) + _waist(rng, s, outline),
        cartilage_mm=cartilage,
        rough_mm=cartilage - smooth,
        calcified_mm=_calcified(rng, s, inside, damage),
        plate_mm=np.maximum(
            rng.uniform(0.04, 0.1) * (1 + 3 * damage * wear) * np.exp(draw_random_spline(rng, s, 0.25, 0.35)), 0.02
        ),
        wear=wear,
        full=full,
        growth_mm=growth if depth_mm > 1.0 else None,
        growth_width_mm=growth_width if depth_mm > 1.0 else None,
        clefts=_clefts(rng, s[full & (wear > 0.3)], damage, whole),
    )


def _waist(rng: np.random.Generator, s: Line, outline: Outline) -> Line:
    """How far the shaft draws in below the joint's margin, each side its own way."""
    down = np.clip(np.abs(s) - outline.reach_mm, 0, None)
    return np.asarray(np.where(s < 0, *rng.uniform(0.0, 0.22, 2)) * np.minimum(down, 1.2) ** 2)


def _wear(rng: np.random.Generator, outline: Outline, s: Line) -> Line:
    """One or two worn places where the bones bear on each other."""
    wear = np.zeros(SAMPLES)
    for _ in range(rng.integers(1, 3)):
        middle = rng.normal(0, 0.35 * min(outline.reach_mm, 1.4))
        wear = np.maximum(wear, np.exp(-(((s - middle) / rng.uniform(0.25, 0.6)) ** 2)))
    return wear


def _calcified(rng: np.random.Generator, s: Line, inside: Line, damage: float) -> Line:
    """Thickness of a thin layer whose lower edge, the cement line, interlocks with the bone."""
    rugged = draw_random_spline(rng, s, 0.05, 0.14) + draw_random_spline(rng, s, 0.2, 0.16)
    return rng.uniform(0.045, 0.085) * (1 + 0.4 * damage) * np.exp(rugged) * np.clip(inside / 0.2, 0, 1)


def _clefts(rng: np.random.Generator, where: Line, damage: float, whole_mm: float) -> Clefts:
    """Fissures from the surface, more and deeper with damage, at least 0.12 mm apart."""
    count = rng.poisson(9 * max(damage - 0.15, 0)) if len(where) else 0
    s = np.sort(rng.choice(where, count)) if count else np.zeros(0)
    s = s[np.diff(s, prepend=-np.inf) > 0.12]
    count = len(s)
    return Clefts(
        s, rng.uniform(0.012, 0.035, count), rng.uniform(0.2, 0.4 + 0.5 * damage, count), rng.normal(0, 0.25, count)
    )
