"""One component in one frame: from a first guess to the pose whose rim lies on what is seen.

Gauss-Newton with Levenberg's damping on six parameters: a rotation about the component's centre and a shift. Two
distances pull at once: from the rim to the border of the mask (its signed distance field) and from the border to the
nearest rim point, along that point's normal; without the second a rim may shrink onto a part of the border. A mask is
drawn by hand or by a network, so the last steps follow the image's own edges: the steepest change of grey along each
rim point's normal. A border drawn a little too wide or too narrow (by a hand, a network, the blur of the detector) is
one more unknown, an offset along the normals: the inner and the outer border of a component tell it from the distance.

Reference: S. Lavallée and R. Szeliski, IEEE PAMI 1995, doi 10.1109/34.385980 (rim against distance field); for the
image's edges, T. Drummond and R. Cipolla, IEEE PAMI 2002, doi 10.1109/TPAMI.2002.1017620.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.geometry.render import Rim, render_rim, render_silhouette, render_thickness_mm
from models.tasks.kinematics.edges import EdgeModel, Expected, View, expect_edges
from models.tasks.kinematics.evidence import CLEAN_PX, CUT_PX, NOTHING, Evidence, weigh_evidence
from models.tasks.kinematics.observe import Seen, sample_field

Array = NDArray[np.float64]

OFFSET_WEIGHT = 3.0
"""Points that speak for a border that is drawn exactly; keeps the offset small where the shape cannot tell."""


@dataclass(frozen=True)
class Stage:
    """One stretch of the refinement.

    Attributes
    ----------
    steps
        Most Gauss-Newton steps.
    reach_px
        Residuals beyond it count less and less (Geman-McClure), so that a wrong piece of border does not pull.
    edges
        Within how many px along the normals the image's own edges are followed; 0 where the mask's border is.
    offset
        Whether the border may lie at a constant distance from the rim.
    still
        A step smaller than this, in radians and in mm, ends the stage; along the viewing ray five times the mm.
    spacing_px
        Between rim points.
    """

    steps: int
    reach_px: float
    edges: float = 0.0
    offset: bool = True
    still: tuple[float, float] = (3e-4, 0.02)
    spacing_px: float = 1.0


_QUICK: dict[str, Any] = {"offset": False, "still": (2e-3, 0.1), "spacing_px": 1.6}
COARSE = (Stage(7, 12.0, **_QUICK), Stage(4, 5.0, **_QUICK))
FINE = (Stage(8, 4.0, offset=False), Stage(4, 2.0, offset=False))
EDGES = (Stage(4, 4.0, edges=4.0), Stage(4, 1.5, edges=2.5), Stage(6, CUT_PX, edges=2.5))


EVEN_PX = 0.2
"""Edges that scatter by less about where they are expected are the component's own: in simulated studies of five
designs those of right poses did by 0.08 to 0.21 px once the study's edges were learned, those of wrong turns by 0.28 or
more, though many of these filled their masks."""


def find_sharp_px(scatters_px: Sequence[float] | Array) -> float:
    """Return how far edges scatter in the frames of a study that are not blurred by movement: the lower quartile."""
    known = np.asarray(scatters_px)[np.isfinite(scatters_px)]
    return float(np.percentile(known, 25)) if len(known) else 0.0


def find_uneven_px(usual_px: float) -> float:
    """Return the scatter from which edges are not the component's own, where those of the study scatter by so much."""
    return max(EVEN_PX, 2 * usual_px)


@dataclass(frozen=True, eq=False)
class Fit:
    """A refined pose and how well it fits.

    Attributes
    ----------
    pose
        (4, 4) source_from_implant, mm.
    residual_px
        Root mean square distance between rim and border, both ways, each cut off at 10 px.
    overlap
        Intersection over union with the mask, where the other component does not hide it.
    evidence
        What the frame says about the pose around it.
    edge_px
        How far the picture's edges scatter about where they are expected; not finite where they were not followed.
    depth_mm
        Of the component's centre, from the source along the optical axis.
    """

    pose: Array
    residual_px: float
    overlap: float
    evidence: Evidence = NOTHING
    edge_px: float = float("nan")
    depth_mm: float = float("nan")

    @property
    def sigma(self) -> Array:
        """(6,) one standard deviation of x, y, z in mm and of rotations about the source's x, y, z in degrees."""
        return self.evidence.sigma

    @property
    def follows_edges(self) -> bool:
        """Whether the picture's edges run along the component as its CAD would show them, whatever the mask says."""
        return self.edge_px < EVEN_PX

    @property
    def misfit_px(self) -> float:
        """Of the edges where they were followed, else of the outline."""
        return self.edge_px if np.isfinite(self.edge_px) else self.residual_px


@dataclass(frozen=True, eq=False)
class Sight:
    """What one of several views at the same instant shows of a component.

    Attributes
    ----------
    seen
        In that view.
    model
        Of its edges, where a stage follows them; without it they are taken to lie on the rim.
    from_first
        (4, 4) that view's source from the source in whose frame poses are.
    """

    seen: Seen
    model: EdgeModel | None = None
    from_first: Array = field(default_factory=lambda: np.eye(4))

    @property
    def turn(self) -> Array:
        """(6, 6) a step of `move_pose` in this view's axes from the same step in the first's."""
        turn: Array = np.asarray(np.kron(np.eye(2), self.from_first[:3, :3]), np.float64)
        return turn


def refine_pose(
    mesh: Mesh, pose: Array, seen: Seen, stages: tuple[Stage, ...], model: EdgeModel | None = None
) -> Array:
    """Return the (4, 4) pose after all stages; `model` as of `Sight`."""
    return refine_pose_in_views(mesh, pose, (Sight(seen, model),), stages)


def refine_pose_in_views(mesh: Mesh, pose: Array, sights: Sequence[Sight], stages: tuple[Stage, ...]) -> Array:
    """Return the (4, 4) pose, in the first view's frame, after all stages in all views at once."""
    for stage in stages:
        damping, last, offsets = 1e-3, np.inf, np.zeros(len(sights))
        expected = [
            _expect(mesh, sight.from_first @ pose, sight.seen, sight.model) if stage.edges and sight.model else None
            for sight in sights
        ]
        for _ in range(stage.steps):
            residuals, jacobian, view = _all_systems(mesh, pose, sights, stage, expected)
            if len(residuals) < 12:
                break
            residuals = residuals + offsets[view]
            weights = _weights(residuals, stage)
            cost = float((weights * residuals**2).sum() / weights.sum())
            damping = damping * 0.3 if cost <= last else min(damping * 8, 1.0)
            last = cost
            borders = (view, offsets) if stage.offset else None
            step = _solved(jacobian, residuals, weights, damping, borders)
            pose, offsets = move_pose(pose, step[:6], mesh.centre), offsets + (step[6:] if stage.offset else 0.0)
            along_ray = 5 if len(sights) == 1 else 1
            if np.abs(step[:3]).max() < stage.still[0] and np.abs(step[3:6] / [1, 1, along_ray]).max() < stage.still[1]:
                break
    return pose


def _all_systems(
    mesh: Mesh, pose: Array, sights: Sequence[Sight], stage: Stage, expected: Sequence[Expected | None]
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return residuals (N,), their derivatives (N, 6) by a step in the first view's axes, and (N,) of which view."""
    parts = [
        _system(mesh, sight.from_first @ pose, sight.seen, stage, edges)
        for sight, edges in zip(sights, expected, strict=True)
    ]
    view = np.repeat(np.arange(len(sights)), [len(residuals) for residuals, _ in parts])
    jacobian = np.concatenate([part @ sight.turn for (_, part), sight in zip(parts, sights, strict=True)])
    return np.concatenate([residuals for residuals, _ in parts]), jacobian, view


def assess_registration(mesh: Mesh, pose: Array, seen: Seen, model: EdgeModel | None = None) -> Fit:
    """Measure a pose against mask and image without moving it.

    Parameters
    ----------
    model
        Of the image's edges, where they were followed; without it the evidence is that of the mask's border.
    """
    rim = render_rim(mesh, pose, seen.camera)
    distances = np.concatenate([_rim_to_border(rim, seen)[0], _border_to_rim(rim, seen)[0]])
    residual = float(np.sqrt(np.mean(np.minimum(np.abs(distances), 10.0) ** 2))) if len(distances) else 10.0
    mask, drawn = seen.mask, render_silhouette(mesh, pose, seen.camera) > 0
    union = ((mask | drawn) & seen.counted).sum()
    overlap = float((mask & drawn & seen.counted).sum() / union) if union else 0.0
    depth = -float(pose[2, :3] @ mesh.centre + pose[2, 3])
    if model is None or seen.grey is None:
        return Fit(pose, residual, overlap, _weigh_border(mesh, pose, seen), depth_mm=depth)
    evidence = _weigh_edges(mesh, pose, seen, model)
    return Fit(pose, residual, overlap, evidence, evidence.scatter_px, depth)


def compute_misfit(mesh: Mesh, pose: Array, seen: Seen, cap_px: float = 10.0) -> float:
    """Return the residual of `assess_registration` alone, in px: enough to tell what is worth refining.

    Parameters
    ----------
    cap_px
        At which distances are cut off.
    """
    rim = render_rim(mesh, pose, seen.camera, 2.0)
    distances = np.concatenate([_rim_to_border(rim, seen)[0], _border_to_rim(rim, seen)[0]])
    return float(np.sqrt(np.mean(np.minimum(np.abs(distances), cap_px) ** 2))) if len(distances) else cap_px


def move_pose(pose: Array, step: Array, centre_mm: Array) -> Array:
    """Turn a pose about the component's centre by step[:3] radians, and shift it by step[3:] mm, in the source's axes.

    Parameters
    ----------
    step
        (6,) rotation vector and shift.
    """
    centre = pose[:3, :3] @ centre_mm + pose[:3, 3]
    result = np.eye(4)
    result[:3, :3] = (Rotation.from_rotvec(step[:3]) * Rotation.from_matrix(pose[:3, :3])).as_matrix()
    result[:3, 3] = centre + step[3:] - result[:3, :3] @ centre_mm
    return result


def _weights(residuals: Array, stage: Stage) -> Array:
    weights: Array = 1 / (1 + (residuals / stage.reach_px) ** 2) ** 2
    return weights


def _solved(
    jacobian: Array,
    residuals: Array,
    weights: Array,
    damping: float,
    borders: tuple[NDArray[np.int64], Array] | None,
) -> Array:
    """Return the step (6 + V,): rotation, shift, and the border's offset in each of V views; (6,) without borders.

    Parameters
    ----------
    borders
        (N,) the view of each residual, and the (V,) offsets so far.
    """
    full = jacobian
    if borders is not None:
        view, offsets = borders
        full = np.column_stack([jacobian, view[:, None] == np.arange(len(offsets))])
    weighted = full * weights[:, None]
    hessian, gradient = weighted.T @ full, weighted.T @ residuals
    diagonal = np.diag_indices(len(hessian))
    if borders is not None:
        hessian[diagonal] += np.append(np.zeros(6), np.full(len(offsets), OFFSET_WEIGHT))
        gradient[6:] += OFFSET_WEIGHT * offsets
    hessian[diagonal] *= 1 + damping
    hessian[diagonal] += 1e-9 * hessian.trace()
    step = np.asarray(-np.linalg.solve(hessian, gradient), np.float64)
    step *= min(1.0, 0.3 / max(float(np.abs(step[:3]).max()), 1e-12))
    return step


def _system(mesh: Mesh, pose: Array, seen: Seen, stage: Stage, expected: Expected | None = None) -> tuple[Array, Array]:
    """Return residuals (N,) in px and their derivatives (N, 6) by the pose's step."""
    rim = render_rim(mesh, pose, seen.camera, stage.spacing_px)
    if len(rim.pixels) < 12:
        return np.empty(0), np.empty((0, 6))
    motion = _motion(rim, pose, mesh.centre, seen.camera)  # (N, 2, 6)
    if stage.edges:
        offsets, use = seen.edges_along(rim.pixels, rim.normals, stage.edges)
        if expected is not None:
            offsets = offsets - expected.find_near(rim.pixels)
        return -offsets[use], _along(rim, motion)[use]
    distance, slope, use = _rim_to_border(rim, seen)
    back, nearest = _border_to_rim(rim, seen)
    first = np.einsum("ni,nij->nj", slope, motion[use])
    second = _along(rim, motion)[nearest]
    return np.concatenate([distance, back]), np.concatenate([first, second])


def _rim_to_border(rim: Rim, seen: Seen) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return signed distance of rim points from the border, its gradient, and which points count."""
    use = sample_field(seen.trusted, rim.pixels) > 0.99
    at = rim.pixels[use]
    slope = np.stack([sample_field(seen.slope_column, at), sample_field(seen.slope_row, at)], 1)
    return sample_field(seen.distance, at), slope, use


def _border_to_rim(rim: Rim, seen: Seen) -> tuple[Array, NDArray[np.int64]]:
    """Return for every border point the distance of the nearest rim point along its normal, and which point it is."""
    if not len(rim.pixels) or not len(seen.border):
        return np.empty(0), np.empty(0, np.int64)
    apart, nearest = cKDTree(rim.pixels).query(seen.border)
    signed = np.einsum("ni,ni->n", rim.pixels[nearest] - seen.border, rim.normals[nearest])
    far = np.where(apart > 2 * np.abs(signed) + 2, np.copysign(apart, signed), signed)
    return far, np.asarray(nearest, np.int64)


def _motion(rim: Rim, pose: Array, centre_mm: Array, camera: Camera) -> Array:
    """(N, 2, 6) how column and row of rim points change with a step of `move_pose`."""
    x, y, z = rim.points_mm.T
    d, (fx, fy) = -z, camera.focal_px
    projection = np.zeros((len(x), 2, 3))
    projection[:, 0, 0], projection[:, 0, 2] = fx / d, fx * x / d**2
    projection[:, 1, 1], projection[:, 1, 2] = -fy / d, -fy * y / d**2
    arm = rim.points_mm - (pose[:3, :3] @ centre_mm + pose[:3, 3])
    turning = np.zeros((len(x), 3, 3))
    turning[:, 0, 1], turning[:, 0, 2] = arm[:, 2], -arm[:, 1]
    turning[:, 1, 0], turning[:, 1, 2] = -arm[:, 2], arm[:, 0]
    turning[:, 2, 0], turning[:, 2, 1] = arm[:, 1], -arm[:, 0]
    return np.concatenate([projection @ turning, projection], 2)


def _along(rim: Rim, motion: Array) -> Array:
    """(N, 6) how far each rim point moves along its normal."""
    along: Array = np.einsum("ni,nij->nj", rim.normals, motion)
    return along


def measure_rim_motion(rim: Rim, view: View) -> Array:
    """(N, 6) how far the rim points of a view move along their normals, in px, with a step of `move_pose`."""
    return _along(rim, _motion(rim, view.pose, view.mesh.centre, view.seen.camera))


def _expect(mesh: Mesh, pose: Array, seen: Seen, model: EdgeModel) -> Expected:
    rim = render_rim(mesh, pose, seen.camera)
    return expect_edges(rim, render_thickness_mm(mesh, pose, seen.camera), seen, model)


def _weigh_edges(mesh: Mesh, pose: Array, seen: Seen, model: EdgeModel) -> Evidence:
    rim = render_rim(mesh, pose, seen.camera)
    if len(rim.pixels) < 12:
        return NOTHING
    expected = expect_edges(rim, render_thickness_mm(mesh, pose, seen.camera), seen, model)
    offsets, use = seen.edges_along(rim.pixels, rim.normals, EDGES[-1].edges)
    along = _along(rim, _motion(rim, pose, mesh.centre, seen.camera))
    return weigh_evidence((expected.offsets - offsets)[use], along[use], rim.pixels[use], CLEAN_PX)


def _weigh_border(mesh: Mesh, pose: Array, seen: Seen) -> Evidence:
    rim = render_rim(mesh, pose, seen.camera)
    back, nearest = _border_to_rim(rim, seen)
    along = _along(rim, _motion(rim, pose, mesh.centre, seen.camera))
    return weigh_evidence(back, along[nearest], seen.border)
