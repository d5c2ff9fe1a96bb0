"""Objects out of a segmented class: where nuclei touch, the watershed of their heights tells them apart.

The network says of every pixel how deep it lies inside its own object (0 at the edge, 1 in the middle), so the middles
of two touching nuclei stay two islands. After Naylor et al. 2019, doi 10.1109/TMI.2018.2865709 (regression of the
distance map); watershed by scikit-image (Beucher and Lantuéjoul 1979).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

CORE = 0.45
"""Height over which a pixel belongs to the middle of an object."""
SMALLEST_CORE_PX = 3
"""Middles of fewer pixels are no object of their own."""
SMALLEST_PX = 12
"""Objects of fewer pixels are noise."""


def separate_objects(segmented: NDArray[np.bool_], height: NDArray[np.uint8], core: float = CORE) -> NDArray[np.int32]:
    """Tell the objects of a class apart and number them.

    Parameters
    ----------
    segmented
        (H, W) where the class is.
    height
        (H, W) depth inside the own object in 255ths.

    Returns
    -------
    NDArray
        (H, W) 1 … n, and 0 where there is none. The watershed only runs where one island has several middles.
    """
    found = np.empty(segmented.shape, np.int32)
    ndimage.label(segmented, output=found)  # islands; each is replaced by its objects, negative until all are done
    last = 0
    for island, box in enumerate(ndimage.find_objects(found), 1):
        inside = found[box] == island
        parts = _parts(inside, height[box], core)
        found[box][inside] = -np.where(parts > 0, parts + last, 0)[inside]
        last += int(parts.max())
    return np.negative(found, out=found)


def _parts(inside: NDArray[np.bool_], height: NDArray[np.uint8], core: float) -> NDArray[np.int32]:
    """Split one island (h, w): 1 … n, and 0 outside it; an island that is noise has none."""
    if np.count_nonzero(inside) < SMALLEST_PX:
        return np.zeros(inside.shape, np.int32)
    middles, count = ndimage.label(inside & (height > core * 255))
    if count > 1:
        sizes = np.bincount(middles.ravel())
        middles[sizes[middles] < SMALLEST_CORE_PX] = 0
        markers = np.unique(middles, return_inverse=True)[1].reshape(inside.shape)
        if markers.max() > 1:
            split: NDArray[np.int32] = watershed(-height.astype(np.int16), markers, mask=inside).astype(np.int32)
            return split
    return inside.astype(np.int32)
