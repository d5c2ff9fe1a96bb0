"""One component in one frame: every pose that fits its outline, and then the picture's own edges.

Seen from one side only, a component and its mirror image in depth have nearly one silhouette: for a surface with a
plane of symmetry M, the pose Z·R·M (Z flips the viewing ray) differs from R by perspective alone, and so does a half
turn about an axis between two such planes. Every frame keeps the poses that fit; `choice` decides between them.

Reference: S. Yamazaki et al., IEEE Trans Med Imaging 2004, doi 10.1109/TMI.2004.826051, on the mirror poses of knees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics.edges import EdgeModel
from models.tasks.kinematics.observe import Seen, halve_observation, observe_component
from models.tasks.kinematics.points import Place
from models.tasks.kinematics.register import (
    COARSE,
    EDGES,
    FINE,
    Fit,
    assess_registration,
    compute_misfit,
    find_uneven_px,
    refine_pose,
)
from models.tasks.kinematics.shape import Library, build_shape_library, measure_rotation_deg, propose_shape_poses
from models.threads import open_threads
from models.words import later

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]

NAMES = ("femoral", "tibial")
COMPONENTS = (later("Femoral component"), later("Tibial component"))
LEAST_PIXELS = 400
"""Of a mask that could be a component."""
THIN_MM = 1.5
"""To which the CAD is thinned for the coarse steps."""
LOST_OVERLAP, LOST_PX = 0.85, 2.5
"""Below and above which a pose that does not follow the picture's edges is lost, and the library starts anew."""
WORTH_PX = 5.0
"""A mirror pose whose outline is off by more is not refined."""
SAME_DEG, SAME_MM = 2.0, 3.0
"""Poses that are turned and moved along the ray by less are one."""
KEPT = 3
"""Poses of a component that a frame keeps."""
NEAR_DEG = 16.0
"""Up to which a mirror pose may share its outline's optimum with the pose itself."""
ALIKE_DEG = 6.0
"""Up to which a mirror pose may have edges that scatter hardly more."""
FAR_DEG = 45.0
"""Up to which a mirror pose is kept beside the best where edges do not tell them apart, for `choice` to decide."""
SETTLED = 1.3
"""Edges that scatter by less than so many times the usual are the component's own: of 19 frames of one simulated
sequence in which both were found, the mirror pose's scattered by 1.5 to 2.2 times as much."""
SETTLING, SETTLES = 3, 0.98
"""How often a pose whose edges scatter more than usual is followed on, while each time they scatter by less than that
share of before."""
BAD_OVERLAP = 0.90
"""Below it a frame is flagged, unless its poses follow the picture's edges."""


@dataclass(frozen=True, eq=False)
class Component:
    """A component's CAD in the forms that the registration needs."""

    mesh: Mesh

    @cached_property
    def thin(self) -> Mesh:
        """The CAD for coarse steps."""
        return self.mesh.coarse(THIN_MM)

    @cached_property
    def library(self) -> Library:
        """Its outline from every side; a second of work, and only where a pose must be found without a hint."""
        return build_shape_library(self.mesh)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture and where the components are in it: (H, W) each; `grey` may be None (nothing but masks).

    `abstention` says why the network that drew the masks abstained; it is empty where it did not. `points` places the
    implant's points, where there is a network for them; it is asked only where a component is looked for anew.
    """

    masks: tuple[Bits, Bits]
    grey: NDArray[np.float32] | None = None
    abstention: str = ""
    points: Place | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """The poses of one component that fit a frame, the best first; none where it was not found."""

    fits: tuple[Fit, ...]
    anew: bool = False
    """Whether the library had to find it."""


@dataclass(frozen=True)
class Search:
    """How poses are looked for: with the image's own edges at the end, and whether to look for mirror poses."""

    edges: bool = True
    mirrors: bool = True


def list_mirror_poses(pose: Array, centre_mm: Array) -> list[Array]:
    """Return the poses whose silhouette is that of `pose` but for perspective, for a shape with planes of symmetry.

    Three reflections in depth, one for each coordinate plane of the component, and three half turns about its axes.
    """
    ray = pose[:3, :3] @ centre_mm + pose[:3, 3]
    ray = ray / np.linalg.norm(ray)
    depth = np.eye(3) - 2 * np.outer(ray, ray)
    flips = [np.diag([-1.0 if i == axis else 1.0 for i in range(3)]) for axis in range(3)]
    turned = [depth @ pose[:3, :3] @ flip for flip in flips]
    turned += [pose[:3, :3] @ a @ b for a, b in combinations(flips, 2)]
    return [_about(rotation, pose, centre_mm) for rotation in turned]


def _about(rotation: Array, pose: Array, centre_mm: Array) -> Array:
    result = np.eye(4)
    result[:3, :3] = rotation
    result[:3, 3] = pose[:3, :3] @ centre_mm + pose[:3, 3] - rotation @ centre_mm
    return result


@dataclass(frozen=True)
class Learned:
    """What some frames of a study say about the edges of a component: the model, and how far they scatter about it."""

    model: EdgeModel
    usual_px: float = 0.0


def locate_component(
    component: Component,
    seen: Seen,
    guesses: Sequence[Array],
    search: Search,
    learned: Learned | None = None,
    more: Callable[[], Sequence[Array]] = tuple,
) -> Answer:
    """Find every pose of a component that fits one frame.

    Parameters
    ----------
    guesses
        (4, 4) poses to start from, those of the frame before; where they fail or are none, the library gives them.
    learned
        The edges in this study, where they are known: a guess whose edges then scatter no more than usual is taken.
    more
        Gives others beside the library's.
    """
    edged = search.edges and seen.grey is not None
    if edged and learned and guesses:
        followed = finish_fits(component.mesh, guesses[:1], seen, learned, search.mirrors)
        if followed[0].edge_px < SETTLED * learned.usual_px and not is_lost(followed[0]):
            return Answer(tuple(followed))
    half = halve_observation(seen) if min(seen.mask.shape) > 60 else seen
    fits: list[Fit] = []
    for guess in guesses:  # the first that holds is enough
        fits = _distinct([*fits, *_refined_all(component, seen, half, [guess])])
        if fits and not is_lost(fits[0]):
            break
    anew = not fits or is_lost(fits[0])
    if anew:
        found = propose_shape_poses(component.library, seen.mask, seen.camera)
        fits = _distinct([*fits, *_refined_all(component, seen, half, [*(c.pose for c in found), *more()])])
    if search.mirrors and fits:
        others = [*guesses[1:2], *list_mirror_poses(fits[0].pose, component.mesh.centre)]
        off = [compute_misfit(component.thin, pose, half) for pose in others]
        near = [pose for pose, px in zip(others, off, strict=True) if px < WORTH_PX]
        fits = _distinct([*fits, *_refined_all(component, seen, half, near, fits[0].residual_px)])
    if edged and learned:
        starts = [*(fit.pose for fit in fits), *guesses[:1]]
        fits = finish_fits(component.mesh, starts, seen, learned, search.mirrors)
        if not anew and fits[0].edge_px > find_uneven_px(learned.usual_px):  # it went astray though it fills the mask
            return locate_component(component, seen, (), search, learned, more)
    elif edged and fits:  # the others wait until the edges are learned
        fits = _distinct([_finish(component.mesh, fits[0].pose, seen, EdgeModel()), *fits[1:]])
    return Answer(tuple(fits), anew)


def is_lost(fit: Fit) -> bool:
    """Whether a pose neither fits its mask nor follows the picture's edges; a mask may miss a keel or a stem."""
    return not fit.follows_edges and (fit.overlap < LOST_OVERLAP or fit.residual_px > LOST_PX)


def finish_fits(mesh: Mesh, starts: Sequence[Array], seen: Seen, learned: Learned, mirrors: bool = True) -> list[Fit]:
    """Follow the image's own edges from every pose, and from the mirror poses of the best: best first.

    Two mirror poses a few degrees apart have one outline, which lies between them; edges tell them apart. Where the
    best pose's edges scatter no more than usual, only mirror poses that could pass for it are tried; where they do not
    lie evenly, as behind another leg or blurred by movement, they tell nothing.
    """

    def finish_all(poses: Sequence[Array]) -> Iterable[Fit]:
        if len(poses) < 2:
            return [_finish(mesh, pose, seen, learned.model) for pose in poses]
        with open_threads() as threads:
            return list(threads.map(lambda pose: _finish(mesh, pose, seen, learned.model), poses))

    found = _distinct(finish_all(starts))
    if mirrors and found:
        reach = FAR_DEG
        if found[0].follows_edges:
            reach = ALIKE_DEG if found[0].edge_px < SETTLED * learned.usual_px else NEAR_DEG
        tried: list[Array] = []
        for pose in list_mirror_poses(found[0].pose, mesh.centre):
            apart = [measure_rotation_deg(pose, other) for other in (*(fit.pose for fit in found), *tried)]
            if min(apart) > SAME_DEG and apart[0] < reach and compute_misfit(mesh, pose, seen) < WORTH_PX:
                tried.append(pose)
        found = _distinct([*found, *finish_all(tried)])
    return [_settle(mesh, found[0], seen, learned), *found[1:]] if found else []


def _settle(mesh: Mesh, fit: Fit, seen: Seen, learned: Learned) -> Fit:
    """Follow the edges on from a pose that ended unevenly: a tray seen edge on comes to rest in small steps alone."""
    for _ in range(SETTLING):
        if not fit.edge_px > learned.usual_px:
            break
        further = _finish(mesh, fit.pose, seen, learned.model)
        if not further.edge_px < SETTLES * fit.edge_px:
            break
        fit = further
    return fit


def finish_by_hand(mesh: Mesh, start: Array, seen: Seen) -> Fit:
    """Follow the edges from a pose that a reader chose: of those that fit as well as the best, the nearest to it."""
    fits = finish_fits(mesh, [start], seen, Learned(EdgeModel()))
    good = [fit for fit in fits if fit.edge_px <= SETTLED * fits[0].edge_px]
    return min(good or fits, key=lambda fit: measure_rotation_deg(fit.pose, start))


def _finish(mesh: Mesh, start: Array, seen: Seen, model: EdgeModel) -> Fit:
    """Follow the edges from a pose, unless they lead away: then they were another body's."""
    before = assess_registration(mesh, start, seen, model)
    pose = refine_pose(mesh, start, seen, EDGES, model)
    shift = np.abs((pose - start)[:3, :3] @ mesh.centre + (pose - start)[:3, 3])
    if measure_rotation_deg(pose, start) > 5 or (shift > (3.0, 3.0, 15.0)).any():
        return before
    found = assess_registration(mesh, pose, seen, model)
    return found if found.edge_px <= before.edge_px and found.overlap > before.overlap - 0.05 else before


def _refined_all(
    component: Component, seen: Seen, half: Seen, poses: Sequence[Array], best_px: float = 10.0
) -> list[Fit]:
    """Refine coarsely from every pose and finely from the few that come near the best, best first."""
    thin = component.thin
    coarse = [assess_registration(thin, refine_pose(thin, pose, half, COARSE), half) for pose in poses]
    coarse = _distinct(coarse)
    if not coarse:
        return []
    limit = 2.0 * min(coarse[0].residual_px, best_px) + 0.3
    few = [fit.pose for fit in coarse[: KEPT + 1] if fit.residual_px <= limit]
    return _distinct(
        [assess_registration(component.mesh, refine_pose(component.mesh, pose, seen, FINE), seen) for pose in few]
    )


def _distinct(fits: Iterable[Fit]) -> list[Fit]:
    kept: list[Fit] = []
    for fit in sorted(fits, key=lambda fit: fit.misfit_px):
        if len(kept) < KEPT + 1 and all(_differ(fit, other) for other in kept):
            kept.append(fit)
    return kept


def _differ(a: Fit, b: Fit) -> bool:
    return measure_rotation_deg(a.pose, b.pose) > SAME_DEG or abs(a.depth_mm - b.depth_mm) > SAME_MM


def observe_frame(frame: Frame, camera: Camera) -> tuple[Seen | None, Seen | None]:
    """Return what a frame shows of both components."""
    return observe_side(frame, camera, 0), observe_side(frame, camera, 1)


def observe_side(frame: Frame, camera: Camera, index: int) -> Seen | None:
    """Return what a frame shows of one component, 0 femoral or 1 tibial; None where its mask is too small."""
    own, other = frame.masks[index], frame.masks[1 - index]
    return observe_component(own, camera, other, frame.grey) if own.sum() >= LEAST_PIXELS else None
