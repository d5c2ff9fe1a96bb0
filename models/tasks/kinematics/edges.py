"""Where a picture shows the edge of a component: not at its rim, but where rays that graze it begin to be stopped.

Metal is thin beside its rim, and focal spot and detector blur: the steepest change of grey lies 0.4 to 0.5 px inside
the rim of a rounded body (measured on simulated and on real studies), which a distance of several millimetres along the
ray would make up for. So the edge is predicted: thickness of the CAD along each ray, Beer and Lambert, a Gaussian, and
the steepest change along each normal of the rim. What attenuates how much, and how wide the blur is, a few frames of
the study itself tell.

Reference: attenuation after Beer and Lambert, as in `models.simulation.xray`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from models.geometry.mesh import Mesh
from models.geometry.render import Rim, render_rim, render_thickness_mm
from models.tasks.kinematics.evidence import CUT_PX
from models.tasks.kinematics.observe import SMOOTH_PX, Seen
from models.threads import open_threads

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]

ATTENUATIONS = (0.06, 0.12, 0.25, 0.5, 1.0)
BLURS = (0.3, 0.6, 0.9, 1.3, 1.8, 2.5)
"""Among which a study's own are looked for: 1/mm and px."""
REACH_PX = 2.5
"""How far from the rim its edge is looked for."""


@dataclass(frozen=True)
class EdgeModel:
    """How a component's edge appears.

    Attributes
    ----------
    attenuation
        Of its metal as the picture shows it, in 1/mm.
    blur_px
        Standard deviation of focal spot, movement and detector together.
    """

    attenuation: float = 0.25
    blur_px: float = 0.8


@dataclass(frozen=True, eq=False)
class Expected:
    """Offsets of the edge from the rim in one pose: (N,) px along the normals of (N, 2) rim points."""

    pixels: Array
    offsets: Array

    def find_near(self, pixels: Array) -> Array:
        """(M,) offsets at the rim points nearest to (M, 2) of another pose close by."""
        if not len(self.pixels):
            return np.zeros(len(pixels))
        found: Array = self.offsets[self._tree.query(pixels)[1]]
        return found

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.pixels)


@dataclass(frozen=True, eq=False)
class View:
    """One frame from which a model is learned: (4, 4) pose and what is seen."""

    mesh: Mesh
    pose: Array
    seen: Seen


def expect_edges(rim: Rim, thickness_mm: Array, seen: Seen, model: EdgeModel) -> Expected:
    """Predict where a picture would show the edge along each normal of the rim.

    Parameters
    ----------
    thickness_mm
        (h, w) of the component in the pose of the rim, in the crop of `seen`.
    """
    blur = float(np.hypot(model.blur_px, SMOOTH_PX))
    grey = ndimage.gaussian_filter(np.exp(-model.attenuation * thickness_mm), blur)
    drawn = replace(seen, grey=grey, dark=True, trusted=np.ones_like(grey))
    offsets, found = drawn.edges_along(rim.pixels, rim.normals, REACH_PX)
    typical = float(np.median(offsets[found])) if found.any() else 0.0
    return Expected(rim.pixels, np.where(found, offsets, typical))


def calibrate_edges(views: Sequence[View], measure_motion: Callable[[Rim, View], Array]) -> EdgeModel:
    """Return the model under which the edges of some frames lie most evenly along their rims.

    What a small step of each pose would do to the offsets is taken out first, so that errors of the poses, which were
    found without the model, do not speak.

    Parameters
    ----------
    measure_motion
        (N, 6) how the rim points of a view move along their normals with a step of its pose.
    """
    prepared = []
    for view in views:
        rim = render_rim(view.mesh, view.pose, view.seen.camera)
        offsets, use = view.seen.edges_along(rim.pixels, rim.normals, REACH_PX)
        if use.sum() >= 50:
            q, _ = np.linalg.qr(measure_motion(rim, view)[use])
            prepared.append(
                (rim, render_thickness_mm(view.mesh, view.pose, view.seen.camera), view.seen, offsets, use, q)
            )
    if not prepared:
        return EdgeModel()

    def spread(model: EdgeModel) -> float:
        total = []
        for rim, thickness, seen, offsets, use, q in prepared:
            left = (offsets - expect_edges(rim, thickness, seen, model).offsets)[use]
            left = left - q @ (q.T @ left)
            total.append(np.mean(left**2 / (1 + (left / CUT_PX) ** 2)))
        return float(np.mean(total))

    models = [EdgeModel(mu, blur) for mu, blur in product(ATTENUATIONS, BLURS)]
    with open_threads() as threads:
        return models[int(np.argmin([*threads.map(spread, models)]))]
