"""Points of the joint line are settled on the edge of the bone: a heatmap's cell is wider than a narrow joint space.

Along the normal of the plateau, the place is the mean of the rising edge's strength under a Gaussian about the place
that the network gives, as in the search along profiles of an active shape model (Cootes et al. 1995, doi
10.1006/cviu.1995.1004). A point where there is no such edge stays where it is. Blur and room were chosen on the
validation knees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.tasks.landmarks.joint_line import CONDYLE, PLATEAU, has_joint_line
from models.types import Pixels

BLUR = 1.5
"""Standard deviation, in pixels of the network's input, that the picture is smoothed by before edges are looked for."""
ROOM = 2.8
"""Standard deviation of the Gaussian about the network's own place, likewise."""
FARTHEST, STEP = 9.0, 0.25
"""How far from it an edge is looked for, and the distance of the places compared, likewise."""
MARGINS = "tibia_0", "tibia_8"


def settle_on_edges(points: NDArray[np.float32], names: Sequence[str], picture: Pixels) -> NDArray[np.float32]:
    """Move the points of plateau and condyles to the edge of their bone.

    Parameters
    ----------
    points
        (K, 2) x, y in pixels of the picture.
    picture
        (H, W), bright is dense.

    Returns
    -------
    ndarray
        (K, 2), those that lie on no edge of the joint line as they were.
    """
    if not has_joint_line(names):
        return points
    left, right = (points[names.index(name)] for name in MARGINS)
    along = (right - left) / max(float(np.linalg.norm(right - left)), 1e-6)
    down = np.array([-along[1], along[0]], np.float32)
    slope = measure_slope(picture, down)
    steps = np.arange(-FARTHEST, FARTHEST + STEP / 2, STEP, dtype=np.float32)
    near = np.exp(-0.5 * (steps / ROOM) ** 2)
    found = points.copy()
    for bone, sign in ((PLATEAU, 1), (CONDYLE, -1)):  # from the joint space, bone begins below and above
        for name in (*bone["left"], *bone["right"]):
            here = points[names.index(name)]
            x, y = (here + steps[:, None] * down).T
            edge = ndimage.map_coordinates(slope, [y, x], order=1, mode="nearest")
            weight = np.clip(sign * edge, 0, None) ** 2 * near
            if weight.sum() > 0:
                found[names.index(name)] = here + (weight @ steps / weight.sum()) * down
    return found


def measure_slope(picture: Pixels, down: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how fast a smoothed picture (H, W) becomes brighter in a direction (2,) x, y."""
    across, below = (ndimage.gaussian_filter(picture, BLUR, order=order) for order in ((0, 1), (1, 0)))
    found: NDArray[np.float32] = across * down[0] + below * down[1]
    return found
