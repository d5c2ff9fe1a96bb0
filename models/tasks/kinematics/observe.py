"""What one frame shows of one component, made ready for comparison: distance field, border, edges, and what is hidden.

Reference for the field: A. Meijster et al., A general algorithm for computing distance transforms in linear time, 2000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.geometry.camera import Camera

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]

MARGIN_PX = 40
"""Kept around a mask, so that a first guess beside it still feels its field."""
SMOOTH_PX = 1.0
"""Standard deviation of the smoothing of the image."""
FIELD_PX = 1.0
"""Standard deviation of the smoothing of the distance field: takes the stairs off the border."""
HIDDEN_PX = 4
"""Width around the other component and along the picture's edge where a border is not the component's own."""
EDGE_SHARE = 0.35
"""Of the median strength, below which an edge along a normal is not believed."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A crop around one component; everything in its pixels.

    Attributes
    ----------
    camera
        Of the crop.
    mask
        (h, w) where the component is.
    distance, slope_column, slope_row
        (h, w) signed distance to the mask's border in px, negative inside, and its gradient.
    border
        (N, 2) column and row of the mask's border, without hidden parts.
    trusted
        (h, w) 1 where a border would be the component's own, 0 beside the other component and the picture's edge.
    counted
        (h, w) where overlap is counted: not on the other component.
    grey
        (h, w) smoothed image, or None.
    dark
        Whether the component is darker than its surroundings.
    """

    camera: Camera
    mask: Bits
    distance: Array
    slope_column: Array
    slope_row: Array
    border: Array
    trusted: Array
    counted: Bits
    grey: Array | None
    dark: bool

    def edges_along(self, pixels: Array, normals: Array, reach_px: float) -> tuple[Array, Bits]:
        """Find the steepest edge of the right sign along each normal.

        Returns
        -------
        offsets (N,) in px from the point along its normal, and which of them are believed: strong enough, not at the
        end of the search, and not hidden.
        """
        if self.grey is None:
            return np.zeros(len(pixels)), np.zeros(len(pixels), bool)
        at = np.arange(-reach_px - 1, reach_px + 1.01, 0.5)
        points = pixels[:, None] + at[None, :, None] * normals[:, None]
        profile = sample_field(self.grey, points.reshape(-1, 2)).reshape(len(pixels), len(at))
        rise = (profile[:, 2:] - profile[:, :-2]) * (1 if self.dark else -1)  # (N, K), one px across
        best = rise.argmax(1)
        index = np.arange(len(pixels))
        inner = np.clip(best, 1, rise.shape[1] - 2)
        before, peak, after = rise[index, inner - 1], rise[index, inner], rise[index, inner + 1]
        curve = before - 2 * peak + after
        shift = np.where(curve < -1e-9, 0.5 * (before - after) / np.where(curve < -1e-9, curve, -1), 0)
        offsets = at[1:-1][inner] + 0.5 * np.clip(shift, -1, 1)
        strength = rise[index, best]
        own = sample_field(self.trusted, pixels) > 0.99
        floor = EDGE_SHARE * float(np.median(strength[own])) if own.any() else np.inf
        return offsets, own & (best == inner) & (strength > max(floor, 1e-6))


def sample_field(field: Array, pixels: Array) -> Array:
    """Bilinear value of an (h, w) field at (N, 2) column and row; beyond the edge, that of the edge."""
    value: Array = ndimage.map_coordinates(field, pixels[:, ::-1].T, order=1, mode="nearest", prefilter=False)
    return value


def observe_component(
    mask: Bits, camera: Camera, other: Bits | None = None, grey: NDArray[np.float32] | None = None
) -> Seen:
    """Prepare one component of one frame.

    Parameters
    ----------
    mask
        (H, W) of the component; must hold a pixel.
    camera
        Of the whole frame.
    other
        (H, W) of the other component, which may hide this one.
    grey
        (H, W) the frame; without it, edges are not followed.
    """
    box = _box(mask, MARGIN_PX)
    part = mask[box]
    own = camera.cropped(box[0].start, box[1].start, part.shape)
    distance = _signed_distance(part)
    rows, columns = _slopes(distance)
    hidden = _edge_of_picture(mask.shape, box)
    counted = np.ones(part.shape, bool)
    if other is not None:
        hidden |= ndimage.binary_dilation(other[box], iterations=HIDDEN_PX)
        counted = ~other[box]
    smoothed = None if grey is None else ndimage.gaussian_filter(grey[box].astype(np.float64), SMOOTH_PX)
    border = _border(distance)
    border = border[sample_field((~hidden).astype(float), border) > 0.99]
    dark = smoothed is None or _darker(smoothed, distance)
    trusted = (~hidden).astype(np.float64)
    return Seen(own, part, distance, columns, rows, border, trusted, counted, smoothed, dark)


def halve_observation(seen: Seen, factor: int = 2) -> Seen:
    """Return the same at a coarser grid, each pixel the middle of a block, without grey values."""
    rows, columns = (side // factor * factor for side in seen.mask.shape)
    part = seen.mask[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor).mean((1, 3)) >= 0.5
    camera = seen.camera.cropped(0, 0, (rows, columns)).scaled(1 / factor)
    distance = _signed_distance(part)
    row_slope, column_slope = _slopes(distance)
    trusted = seen.trusted[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor).min((1, 3))
    counted = seen.counted[factor // 2 : rows : factor, factor // 2 : columns : factor]
    border = _border(distance)
    border = border[sample_field(trusted, border) > 0.99]
    return Seen(camera, part, distance, column_slope, row_slope, border, trusted, counted, None, seen.dark)


def _box(mask: Bits, margin: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return tuple(  # type: ignore[return-value]
        slice(max(0, int(found[0]) - margin), min(side, int(found[-1]) + margin + 1))
        for found, side in zip((rows, columns), mask.shape, strict=True)
    )


def _slopes(distance: Array) -> tuple[Array, Array]:
    """Return (h, w) change a row and change a column."""
    return np.asarray(np.gradient(distance, axis=0)), np.asarray(np.gradient(distance, axis=1))


def _signed_distance(mask: Bits) -> Array:
    """Distance in px from the border between pixels, negative inside, smoothed."""
    outside = ndimage.distance_transform_edt(~mask)
    inside = ndimage.distance_transform_edt(mask)
    signed = np.where(mask, 0.5 - inside, outside - 0.5)
    smooth: Array = ndimage.gaussian_filter(signed, FIELD_PX)
    return smooth


def _border(distance: Array) -> Array:
    """(N, 2) points where the field is zero, one for each pair of neighbouring pixels of unlike sign."""
    points = []
    for axis in (0, 1):
        first = distance[:-1] if axis == 0 else distance[:, :-1]
        second = distance[1:] if axis == 0 else distance[:, 1:]
        row, column = np.nonzero((first < 0) != (second < 0))
        share = first[row, column] / (first[row, column] - second[row, column])
        point = np.stack([column, row], 1).astype(float)
        point[:, 1 - axis] += share
        points.append(point)
    found = np.concatenate(points)
    return found[:: max(1, len(found) // 500)]


def _edge_of_picture(shape: tuple[int, int], box: tuple[slice, slice]) -> Bits:
    whole = np.zeros(shape, bool)
    whole[:HIDDEN_PX] = whole[-HIDDEN_PX:] = True
    whole[:, :HIDDEN_PX] = whole[:, -HIDDEN_PX:] = True
    return whole[box]


def _darker(grey: Array, distance: Array) -> bool:
    inside, around = grey[distance < -2], grey[(distance > 2) & (distance < 12)]
    return not len(inside) or not len(around) or float(np.median(inside)) <= float(np.median(around))
