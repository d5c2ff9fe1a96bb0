"""Thickness of a band of tissue, such as cartilage, square to its middle, and how rough its surface is.

The medial axis finds the middle of the band; along it, smoothed, rays square to it are cast to both edges, to a
fraction of a pixel. Where the band ends it says nothing about thickness: one thickness is left out where it is cut, at
the edge of the picture or by a tear, two where it tapers off. Fissures are passed over.

Reference: H. Blum, A transformation for extracting new descriptors of shape, 1967 (medial axis); for cartilage in
sections, the distance between surface and tidemark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse import csgraph

Line = NDArray[np.float64]

BAND = "articular-cartilage"
"""Key of the class whose thickness is measured."""

LONGEST_PX = 700
"""Longest side of the grid on which the medial axis is sought; the edges are found on the whole one."""
SMALLEST_SHARE = 0.08
"""Pieces with a smaller share of the largest one's area are not measured."""

SHORTEST = 3
"""Length of a piece that is measured, in thicknesses."""


@dataclass(frozen=True, eq=False)
class Thickness:
    """The profile of a band.

    Attributes
    ----------
    unit
        "mm", or "px" where the image is not calibrated.
    mean, minimum
        Over the length of the middle line; nan where no part of the band is long enough to be measured.
    roughness
        Root mean square of the surface about itself smoothed over one thickness; of the rougher side, or of the side
        that faces `outside` where that is given.
    points
        (n, 2) of the middle line, (row, column) in source pixels.
    profile
        (n,) thickness there.
    segments
        (n, 2, 2): the ends of the ray through each point, (row, column) in source pixels.
    """

    unit: str
    mean: float
    minimum: float
    roughness: float
    points: Line
    profile: Line
    segments: Line

    def lines(self, count: int = 40) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Return evenly spaced rays to draw, the thinnest place among them."""
        if not len(self.profile):
            return []
        chosen = np.unique([*np.linspace(0, len(self.profile) - 1, count).round().astype(int), self.profile.argmin()])
        return [(tuple(begin), tuple(end)) for begin, end in self.segments[chosen].tolist()]

    @property
    def thinnest(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """The ray at the minimum."""
        if not len(self.profile):
            return None
        begin, end = self.segments[self.profile.argmin()].tolist()
        return tuple(begin), tuple(end)


@dataclass(frozen=True, eq=False)
class _Rays:
    """Rays through one piece: middle points and both ends in source pixels, lengths to both sides in its unit."""

    points: Line
    ends: Line  # (n, 2, 2)
    lengths: Line  # (n, 2)


def measure_thickness(
    band: NDArray[np.bool_],
    spacing_mm: tuple[float, float] | None = None,
    outside: NDArray[np.bool_] | None = None,
) -> Thickness:
    """Measure a band (H, W).

    Parameters
    ----------
    spacing_mm
        (between rows, between columns) of the pixels; None measures in pixels.
    outside
        (H, W) what the surface faces, such as the background.
    """
    scale = np.array(spacing_mm or (1.0, 1.0), float)
    rays = [
        found for piece, offset in _pieces(band) if (found := _measured(piece, offset, band.shape, scale)) is not None
    ]
    unit = "mm" if spacing_mm else "px"
    if not rays:
        return Thickness(unit, *(float("nan"),) * 3, np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2, 2)))
    profile = np.concatenate([_profile(found) for found in rays])
    roughness = [_roughness(found, outside) for found in rays]
    weights = [len(found.points) for found in rays]
    return Thickness(
        unit=unit,
        mean=float(profile.mean()),
        minimum=float(profile.min()),
        roughness=float(np.sqrt(np.average(np.square(roughness), weights=weights))),
        points=np.concatenate([found.points for found in rays]),
        profile=profile,
        segments=np.concatenate([found.ends for found in rays]),
    )


def _profile(rays: _Rays) -> Line:
    """Thickness along a piece as the median over a quarter of it, so that a fissure is not taken for thin tissue."""
    lengths = rays.lengths.sum(1)
    across_px = np.hypot(*(rays.ends[:, 1] - rays.ends[:, 0]).T)
    return np.asarray(ndimage.median_filter(lengths, 2 * int(np.median(across_px) / 8) + 1, mode="nearest"))


def _pieces(band: NDArray[np.bool_]) -> list[tuple[NDArray[np.bool_], Line]]:
    """Pieces large enough to be measured, without holes, with a margin of one pixel; and where each begins."""
    numbered, count = ndimage.label(band, np.ones((3, 3)))
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    places = ndimage.find_objects(numbered)
    return [
        (
            ndimage.binary_fill_holes(np.pad(numbered[place] == number, 1)),
            np.array([part.start - 1 for part in place], float),
        )
        for number, (place, size) in enumerate(zip(places, sizes, strict=True), start=1)
        if size >= SMALLEST_SHARE * sizes.max()
    ]


def _measured(piece: NDArray[np.bool_], offset: Line, shape: tuple[int, ...], scale: Line) -> _Rays | None:
    """Cast rays through a piece; None where it is too short to say anything."""
    middle, half = _middle(piece)
    if len(middle) < 8:
        return None
    typical = 2 * float(np.median(half))
    path = _even(middle)
    if len(path) < SHORTEST * typical:
        return None
    step_px = float(np.hypot(*np.diff(path, axis=0).T).mean())
    tangent = (
        np.gradient(ndimage.gaussian_filter1d(path, typical / step_px / 2, axis=0, mode="nearest"), axis=0) * scale
    )
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    bridged = _bridged(piece, typical / 15)
    reach = (1.6 * float(half.max()) + 2) * float(scale.max() / scale.min())
    lengths = np.stack([_cast(bridged, path, side * normal / scale * scale.min(), reach) for side in (1, -1)], 1)
    directions = np.stack([normal, -normal], 1) / scale * scale.min()
    ends = path[:, None] + directions * lengths[..., None]
    kept = (
        _inner(path + offset, 2 * np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(half)), half), shape)
        & np.isfinite(lengths).all(1)
        & _within(ends + offset, shape)
    )
    if kept.sum() < 4:
        return None
    return _Rays(path[kept] + offset, ends[kept] + offset, lengths[kept] * scale.min())


def _middle(piece: NDArray[np.bool_]) -> tuple[Line, Line]:
    """Longest path along the medial axis (n, 2), and half the thickness along it (n,), in pixels of the piece."""
    from skimage.morphology import medial_axis

    step = max(1, -(-max(piece.shape) // LONGEST_PX))
    small = piece[step // 2 :: step, step // 2 :: step]
    typical = 2 * float(np.percentile(ndimage.distance_transform_edt(small)[small], 90)) if small.any() else 0.0
    axis, distance = medial_axis(_bridged(small, typical / 6), return_distance=True, rng=0)
    nodes = np.argwhere(axis)
    if len(nodes) < 8:
        return np.zeros((0, 2)), np.zeros(0)
    path = _longest(nodes, axis)
    return nodes[path] * float(step) + step // 2, distance[tuple(nodes[path].T)] * step


def _bridged(piece: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Piece with fissures narrower than twice a radius closed, and without holes."""
    if radius < 1:
        return piece
    margin = int(np.ceil(radius)) + 1
    padded = np.pad(piece, margin, mode="edge")
    grown = ndimage.distance_transform_edt(~padded) <= radius
    closed = ndimage.distance_transform_edt(grown) > radius
    return np.asarray(ndimage.binary_fill_holes(closed[margin:-margin, margin:-margin] | piece))


def _longest(nodes: NDArray[np.intp], axis: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find the nodes along the longest of the shortest paths through the pixels of an axis."""
    number = np.full(axis.shape, -1)
    number[tuple(nodes.T)] = np.arange(len(nodes))
    number = np.pad(number, 1, constant_values=-1)
    starts, stops, lengths = [], [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = number[nodes[:, 0] + 1 + down, nodes[:, 1] + 1 + right]
        joined = np.flatnonzero(other >= 0)
        starts.append(joined)
        stops.append(other[joined])
        lengths.append(np.full(len(joined), np.hypot(down, right)))
    edges = (np.concatenate(lengths), (np.concatenate(starts), np.concatenate(stops)))
    graph = sparse.csr_array(edges, shape=(len(nodes), len(nodes)))
    far = csgraph.dijkstra(graph, directed=False, indices=0)
    begin = int(np.where(np.isfinite(far), far, -1).argmax())
    far, before = csgraph.dijkstra(graph, directed=False, indices=begin, return_predecessors=True)
    path = [int(np.where(np.isfinite(far), far, -1).argmax())]
    while path[-1] != begin:
        path.append(int(before[path[-1]]))
    return np.array(path)


def _even(path: Line) -> Line:
    """Path without the steps of its pixels, with points about a pixel apart."""
    smooth = ndimage.gaussian_filter1d(path, 4.0, axis=0, mode="nearest")
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(smooth, axis=0).T))])
    at = np.linspace(0, along[-1], max(int(along[-1]), 8))
    return np.stack([np.interp(at, along, part) for part in smooth.T], 1)


def _cast(piece: NDArray[np.bool_], path: Line, direction: Line, reach: float) -> Line:
    """Length of the ray from each point to the edge of the piece, in units of `direction`; nan from outside."""
    steps = np.arange(0, reach + 0.5, 0.5)
    at = path[:, None] + direction[:, None] * steps[None, :, None]  # (n, k, 2)
    seen = ndimage.map_coordinates(piece.astype(np.float32), at.reshape(-1, 2).T, order=1).reshape(at.shape[:2])
    out = seen < 0.5
    first = out.argmax(1)
    rows = np.arange(len(path))
    inner, outer = seen[rows, np.maximum(first - 1, 0)], seen[rows, first]
    part = (inner - 0.5) / np.maximum(inner - outer, 1e-6)
    lengths = steps[np.maximum(first - 1, 0)] + 0.5 * part
    return np.where(out.any(1) & (first > 0), lengths, np.nan)


def _inner(path: Line, local: Line, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Points far enough from both ends of the band, given the thickness about each."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    kept = np.ones(len(path), bool)
    for end, distance in ((path[0], along), (path[-1], along[-1] - along)):
        typical = float(np.percentile(local[distance <= max(along[-1] / 3, 1)], 90))
        beside = (np.minimum(end, np.array(shape) - 1 - end) < 0.75 * typical).any()
        there = local[np.abs(distance - 0.75 * typical).argmin()] / typical
        kept &= distance > typical * (1 if there > 0.85 or (beside and there > 0.6) else 2)
    return kept


def _within(ends: Line, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether both ends of each ray lie within the picture and not on its edge."""
    return np.asarray(((ends > 0) & (ends < np.array(shape) - 1)).all((1, 2)))


def _roughness(rays: _Rays, outside: NDArray[np.bool_] | None) -> float:
    """Root mean square deviation of a side from itself, smoothed over one thickness."""
    step = float(np.hypot(*np.diff(rays.points, axis=0).T).mean())
    typical = float(np.median(rays.lengths.sum(1)))
    pixel = typical / float(np.median(np.hypot(*(rays.ends[:, 1] - rays.ends[:, 0]).T)))
    smooth = ndimage.gaussian_filter1d(rays.lengths, typical / pixel / step / 2, axis=0, mode="nearest")
    rms = np.sqrt(np.square(rays.lengths - smooth).mean(0))
    if outside is None:
        return float(rms.max())
    beyond = rays.ends + 2 * np.sign(rays.ends - rays.points[:, None])
    at = np.clip(beyond.round().astype(int), 0, np.array(outside.shape) - 1)
    return float(rms[outside[at[..., 0], at[..., 1]].mean(0).argmax()])
