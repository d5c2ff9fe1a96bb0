"""What fills the tissues of a simulated section: trabeculae, fat, fibres and cells, as amounts of stainable matter.

Patterns are Gaussian noise of one grain, or many small ellipses stamped in one sweep, so that a section takes tenths of
a second without anything but numpy and scipy. Amounts are those of `stains.MATTER`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from models.simulation.joint_anatomy import BoneEnd, Field, Line
from models.simulation.joint_layout import (
    BONE,
    CALCIFIED,
    CARTILAGE,
    GROWTH,
    MARROW,
    MENISCUS,
    SYNOVIUM,
    Layout,
    Places,
)
from models.simulation.stains import MATTER

COLLAGEN, MATRIX, MINERAL, TIDEMARK, NUCLEUS, CYTOPLASM, BLOOD = (
    MATTER.index(name) for name in ("collagen", "matrix", "mineral", "tidemark", "nucleus", "cytoplasm", "blood")
)
OSSEOUS = MATTER.index("bone")


def draw_cloud(rng: np.random.Generator, shape: tuple[int, int], grain: float | tuple[float, float]) -> Field:
    """Gaussian noise (H, W) of standard deviation 1 with this grain in pixels, drawn coarsely where it is coarse."""
    grains = np.broadcast_to(np.asarray(grain, float), 2)
    step = np.maximum(grains / 1.4, 1)
    coarse = tuple(int(np.ceil(n / k)) + 2 for n, k in zip(shape, step, strict=True))
    noise = rng.standard_normal(coarse, np.float32)
    noise = ndimage.gaussian_filter(noise, tuple(grains / step), mode="wrap", truncate=3)
    noise /= noise.std()
    if (step > 1).any():
        seen = (0, 0, shape[1] / step[1], shape[0] / step[0])
        resized = Pillow.fromarray(noise).resize(shape[::-1], Pillow.Resampling.BICUBIC, box=seen)
        return np.asarray(resized, np.float32)
    return np.asarray(noise[: shape[0], : shape[1]])


def stamp_ellipses(shape: tuple[int, int], at: tuple[Line, Line], radii: Line, angle: Line | float = 0.0) -> Field:
    """Signed distance to the nearest of many ellipses in units of their radius: 1 in a centre, 0 on an edge, −1 beyond.

    Centres are (row, column) in pixels, `radii` (n, 2) along and across, `angle` in radians.
    """
    canvas = np.full(shape, -1, np.float32)
    rows, columns = (np.asarray(a, np.float32) for a in at)
    if not len(rows):
        return canvas
    reach = int(np.ceil(radii.max() * 1.6))
    span = np.arange(-reach, reach + 1)
    dr, dc = (grid.ravel() for grid in np.meshgrid(span, span, indexing="ij"))
    kept = dr * dr + dc * dc <= (reach + 0.5) ** 2
    dr, dc = dr[kept], dc[kept]
    near = np.round(rows).astype(np.int32), np.round(columns).astype(np.int32)
    whole = (near[0] >= reach) & (near[1] >= reach) & (near[0] < shape[0] - reach) & (near[1] < shape[1] - reach)
    cos, sin = (np.broadcast_to(f(angle), rows.shape).astype(np.float32) for f in (np.cos, np.sin))
    a, b = (radii[:, k].astype(np.float32) for k in (0, 1))
    turned = np.stack([cos / a, sin / a, -sin / b, cos / b])[:, whole, None]
    off_r = dr.astype(np.float32) + (near[0] - rows)[whole, None]
    off_c = dc.astype(np.float32) + (near[1] - columns)[whole, None]
    along, across = turned[0] * off_c + turned[1] * off_r, turned[2] * off_c + turned[3] * off_r
    level = 1 - np.sqrt(along * along + across * across)
    index = (near[0] * shape[1] + near[1])[whole, None] + (dr * shape[1] + dc)
    hit = level > -0.6
    np.maximum.at(canvas.ravel(), index[hit], level[hit])
    return canvas


def cover_with_ellipses(level: Field, radius: float, grow: float = 1.0) -> Field:
    """Coverage in [0, 1] by stamped ellipses of about this radius in pixels, each grown by a factor."""
    return np.asarray(np.clip((level - 1 + grow) * np.float32(radius) + 0.5, 0, 1), np.float32)


def draw_trabeculae(
    rng: np.random.Generator, bone: BoneEnd, at: Places, spacing_mm: float, damage: float
) -> NDArray[np.bool_]:
    """Where the spongy part of a bone is bone, (H, W): plates between rounded marrow spaces, along the load."""
    shape, size_mm = at.s.shape, 2 * spacing_mm
    side = int(np.hypot(*shape) / 2 * 1.6) + 8
    grain = rng.uniform(0.06, 0.09) / size_mm
    rows, columns = at.z[::2, ::2] / size_mm + side / 3, at.across[::2, ::2] / size_mm + side / 2
    walls = np.full(rows.shape, np.inf, np.float32)
    for share in (1.0, 0.75):
        noise = draw_cloud(rng, (side, side), (grain * 1.6 * share, grain * share))
        seen = ndimage.map_coordinates(noise, (rows, columns), order=1, mode="nearest")
        walls = np.minimum(walls, np.abs(seen))
    whole = Pillow.fromarray(walls).resize(shape[::-1], Pillow.Resampling.BICUBIC)
    thick = np.float32(rng.uniform(0.24, 0.36))
    worn = bone.wear.astype(np.float32)[at.sample] * np.float32(0.5 * damage)
    dense = np.exp(np.minimum(0.4 - at.below, 0) / np.float32(0.5))
    return np.asarray(np.asarray(whole) < thick * (1 + (0.35 + 2 * worn) * dense))


def draw_joint_matter(
    rng: np.random.Generator, plan: Layout, found: list[Places], mask: NDArray[np.uint8], damage: float
) -> Field:
    """Amount of each kind of matter, (len(MATTER), H, W)."""
    px = plan.view.spacing_mm
    amounts = np.zeros((len(MATTER), *mask.shape), np.float32)
    fine, soft = draw_cloud(rng, mask.shape, 1.0), draw_cloud(rng, mask.shape, 0.05 / px)
    grain = 1 + 0.07 * fine + 0.06 * soft
    _fill_bone(rng, amounts, mask, px, grain)
    _fill_marrow(rng, amounts, mask, px)
    _fill_soft(rng, amounts, mask, px, soft)
    for bone, at in zip(plan.bones, found, strict=True):
        _fill_cartilage(rng, amounts, mask, (bone, at), damage)
        _place_chondrocytes(rng, amounts, mask, (bone, at), plan)
    return amounts


def _fill_bone(rng: np.random.Generator, amounts: Field, mask: NDArray[np.uint8], px: float, grain: Field) -> None:
    """Lamellae that follow the surface of each trabecula, and osteocytes in their lacunae."""
    bone = mask == BONE
    depth = ndimage.gaussian_filter(bone.astype(np.float32), 0.02 / px)
    lamellae = np.sin(depth * 22).astype(np.float32)
    amounts[OSSEOUS][bone] = (grain * (0.92 + 0.07 * lamellae))[bone]
    rows, columns = _scatter(rng, bone, 900 * px * px)
    down, right = (ndimage.sobel(depth, axis)[rows, columns] for axis in (0, 1))
    radii = np.stack([rng.uniform(0.006, 0.01, len(rows)), rng.uniform(0.0025, 0.004, len(rows))], 1) / px
    cells = stamp_ellipses(mask.shape, (rows, columns), np.maximum(radii, 0.55), np.arctan2(right, -down))
    cells = cover_with_ellipses(cells, 0.004 / px) * bone
    amounts[OSSEOUS] *= 1 - 0.5 * cells
    amounts[NUCLEUS] += 0.55 * cells


def _scatter(rng: np.random.Generator, where: NDArray[np.bool_], density: float) -> tuple[Line, Line]:
    """Random pixels of a region, so many a pixel."""
    inside = np.flatnonzero(where)
    chosen = rng.choice(inside, rng.poisson(density * len(inside))) if len(inside) else inside
    return np.unravel_index(chosen, where.shape)  # type: ignore[return-value]


def _fill_marrow(rng: np.random.Generator, amounts: Field, mask: NDArray[np.uint8], px: float) -> None:
    """Fat vacuoles with thin walls, islands of blood-forming cells, and sinuses with red cells."""
    marrow = mask == MARROW
    red = draw_cloud(rng, mask.shape, 0.08 / px) + rng.normal(0.1, 0.7)
    pitch = 0.036 / px
    rows, columns = (g.ravel() for g in np.meshgrid(*(np.arange(0, n, pitch) for n in mask.shape), indexing="ij"))
    columns = columns + np.where(np.round(rows / pitch) % 2, pitch / 2, 0)
    rows, columns = (g + rng.normal(0, pitch * 0.16, len(g)) for g in (rows, columns))
    r, c = (np.clip(np.round(g).astype(int), 0, n - 1) for g, n in zip((rows, columns), mask.shape, strict=True))
    fat = marrow[r, c] & (red[r, c] < 0.35 + rng.normal(0, 0.3, len(r)))
    radius = rng.uniform(0.4, 0.62, int(fat.sum())) * pitch
    ovals = np.stack([radius * 1.08, radius], 1)
    vacuoles = cover_with_ellipses(
        stamp_ellipses(mask.shape, (rows[fat], columns[fat]), ovals, rng.uniform(0, 3, len(radius))), pitch / 2
    )
    flesh = marrow * (1 - vacuoles)
    cells = _scatter(rng, marrow & (vacuoles < 0.3), 9000 * px * px)
    size = np.maximum(rng.uniform(0.0028, 0.0045, len(cells[0])) / px, 0.5)
    nuclei = cover_with_ellipses(stamp_ellipses(mask.shape, cells, np.stack([size, size], 1)), 0.0036 / px) * flesh
    blood = flesh * (draw_cloud(rng, mask.shape, 0.03 / px) > 1.5)
    amounts[CYTOPLASM] += flesh * (0.75 - 0.5 * blood)
    amounts[NUCLEUS] += 0.62 * nuclei * (1 - blood)
    amounts[BLOOD] += 0.8 * blood


def _fill_soft(rng: np.random.Generator, amounts: Field, mask: NDArray[np.uint8], px: float, soft: Field) -> None:
    """Fibres of the meniscus and loose synovium with a lining of cells."""
    meniscus, synovium = mask == MENISCUS, mask == SYNOVIUM
    if not (meniscus.any() or synovium.any()):
        return
    fibres = draw_cloud(rng, mask.shape, (0.006 / px, 0.06 / px))
    amounts[COLLAGEN][meniscus] = (1.0 + 0.16 * fibres + 0.08 * soft)[meniscus]
    amounts[MATRIX][meniscus] = np.clip(0.16 + 0.12 * soft, 0, 1)[meniscus]
    loose = np.clip(0.55 + 0.3 * draw_cloud(rng, mask.shape, (0.01 / px, 0.035 / px)), 0.05, 1.2)
    amounts[COLLAGEN][synovium] = loose[synovium]
    edge = ndimage.gaussian_filter((mask == 0).astype(np.float32), 0.008 / px)
    for where, density, (long, broad) in ((meniscus, 1100, (0.006, 0.003)), (synovium, 2600, (0.0055, 0.003))):
        rows, columns = _scatter(rng, where & (rng.random(mask.shape) < 0.3 + 3 * edge), density * px * px)
        radii = np.maximum(np.tile([long, broad], (len(rows), 1)) / px, 0.5)
        cells = stamp_ellipses(mask.shape, (rows, columns), radii, rng.normal(0, 0.5, len(rows)))
        amounts[NUCLEUS] += 0.7 * cover_with_ellipses(cells, 0.004 / px) * where


def _fill_cartilage(
    rng: np.random.Generator, amounts: Field, mask: NDArray[np.uint8], where: tuple[BoneEnd, Places], damage: float
) -> None:
    """Matrix by zones, paler where worn; tidemark; calcified cartilage; growth plate."""
    bone, at = where
    thickness = np.maximum(bone.cartilage_mm.astype(np.float32)[at.sample], 1e-3)
    here = (at.below > 0) & (at.below < thickness + 0.3)
    cartilage, calcified = (mask == CARTILAGE) & here, (mask == CALCIFIED) & here
    share = np.clip(at.below / thickness, 0, 1.5)
    mottle = 0.09 * draw_cloud(rng, mask.shape, 3.3)
    lost = np.float32(damage) * (0.25 + 0.9 * bone.wear.astype(np.float32)[at.sample])
    pale = np.clip((share - lost * 0.9 + 0.06) / 0.22, 0, 1) * (1 - 0.45 * lost)
    rich = np.clip(pale * (0.72 + 0.4 * np.minimum(share, 1)) + mottle, 0.02, 1.6)
    amounts[MATRIX][cartilage] = rich[cartilage]
    amounts[COLLAGEN][cartilage] = (0.55 * np.clip(1.05 - pale, 0.1, 1) + 0.4 * mottle)[cartilage]
    amounts[MINERAL][calcified] = (0.95 + mottle)[calcified]
    line = np.exp(-(((at.below - thickness) / 0.0055) ** 2)) * (cartilage | calcified)
    amounts[TIDEMARK] += (0.75 + 0.2 * mottle) * line
    growth = (mask == GROWTH) & (at.below > 0)
    amounts[MATRIX][growth] = (0.85 + mottle)[growth]


def _place_chondrocytes(
    rng: np.random.Generator, amounts: Field, mask: NDArray[np.uint8], where: tuple[BoneEnd, Places], plan: Layout
) -> None:
    """Flat cells under the surface, single ones in the middle, columns in the depth and in the growth plate."""
    bone, _ = where
    px = plan.view.spacing_mm
    s, depth, flat = _articular_cells(rng, bone)
    x, y = bone.outline.point(s, depth)
    x2, y2 = bone.outline.point(s + 1e-3, depth)
    (r, c), (r2, c2) = plan.view.pixels(x, y), plan.view.pixels(x2, y2)
    angle = np.arctan2(r2 - r, c2 - c) + rng.normal(0, 0.2, len(r))
    size = rng.uniform(0.0055, 0.0075, len(s))
    radii = np.stack([size * (1 + 0.5 * flat), size * (1 - 0.5 * flat)], 1) / px
    _stamp_cells(amounts, mask, (CARTILAGE, CALCIFIED), (r, c), np.maximum(radii, 0.6), angle)
    if bone.growth_mm is not None and bone.growth_width_mm is not None:
        x, z, size, tall = _growth_cells(rng, bone)
        r, c = plan.view.pixels(x + bone.outline.at_mm[0], z * bone.outline.into + bone.outline.at_mm[1])
        turn = np.radians(plan.view.turn_deg) * (1 if plan.view.mirrored else -1)
        radii = np.stack([size, size * tall], 1) / px
        _stamp_cells(amounts, mask, (GROWTH,), (r, c), np.maximum(radii, 0.6), np.full(len(r), turn))


def _stamp_cells(
    amounts: Field, mask: NDArray[np.uint8], classes: tuple[int, ...], at: tuple[Line, Line], radii: Line, angle: Line
) -> None:
    """Lacunae: a pale hole, a darker rim of territorial matrix, and a nucleus."""
    inside = np.isin(mask, classes)
    level, radius = stamp_ellipses(mask.shape, at, radii, angle), float(radii.mean()) if len(radii) else 1.0
    rim, hole, core = (cover_with_ellipses(level, radius, grow) * inside for grow in (1.5, 1.0, 0.5))
    amounts[[MATRIX, MINERAL, COLLAGEN]] *= (1 + 0.15 * rim) * (1 - 0.8 * hole)
    amounts[NUCLEUS] += 0.7 * core


def _articular_cells(rng: np.random.Generator, bone: BoneEnd) -> tuple[Line, Line, Line]:
    """Arc length, depth and flatness (0 round, 1 flat) of the chondrocytes of a bone's end."""
    covered = bone.s_mm[bone.cartilage_mm > 0.03]
    if not len(covered):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    low, high = covered[0], covered[-1]
    columns = np.arange(low, high, 0.021) + rng.normal(0, 0.004, len(np.arange(low, high, 0.021)))
    parts = []
    for first, last, pitch, flat, kept in (
        (0.04, 0.2, 0.012, 0.85, 0.8),
        (0.2, 0.5, 0.026, 0.25, 0.75),
        (0.5, 1.25, 0.0165, 0.15, 0.72),
    ):
        thick = np.interp(columns, bone.s_mm, bone.cartilage_mm)
        steps = np.arange(0, 0.5, pitch)
        s = np.repeat(columns, len(steps)) + rng.normal(0, 0.0025 if first >= 0.5 else 0.006, len(columns) * len(steps))
        t = np.repeat(thick, len(steps))
        down = (
            t * first
            + np.tile(steps, len(columns))
            + rng.normal(0, 0.002, len(s))
            + np.repeat(rng.uniform(0, pitch, len(columns)), len(steps))
        )
        clumped = np.sin(down * 70 + np.repeat(rng.uniform(0, 6, len(columns)), len(steps))) > -0.45
        chosen = (down < t * last) & (rng.random(len(s)) < kept) & (clumped | (first < 0.5))
        parts.append((s[chosen], down[chosen], np.full(int(chosen.sum()), flat)))
    s, down, flat_ = (np.concatenate(values) for values in zip(*parts, strict=True))
    top = np.interp(s, bone.s_mm, bone.tidemark_mm - bone.cartilage_mm)
    return s, top + down, flat_


def _growth_cells(rng: np.random.Generator, bone: BoneEnd) -> tuple[Line, Line, Line, Line]:
    """Place across, distance below the top, radius and height over breadth of the cells of a growth plate's columns."""
    assert bone.growth_mm is not None
    assert bone.growth_width_mm is not None
    reach = bone.outline.flat_mm + bone.outline.corner_mm
    columns = np.arange(-reach, reach, 0.02)
    share = np.linspace(0.06, 0.97, 20)
    x = np.repeat(columns, len(share)) + np.repeat(rng.normal(0, 0.003, len(columns)), len(share))
    x = x + rng.normal(0, 0.0012, len(x))
    depth = np.tile(share, len(columns)) + rng.normal(0, 0.012, len(x))
    chosen = rng.random(len(x)) < np.where(depth < 0.25, 0.45, 0.92)
    x, depth = x[chosen], depth[chosen]
    z = np.interp(x, bone.s_mm, bone.growth_mm) + depth * np.interp(x, bone.s_mm, bone.growth_width_mm)
    ripe = np.clip((depth - 0.55) / 0.3, 0, 1)
    return x, z, 0.0068 + 0.0018 * ripe, 0.45 + 0.5 * ripe
