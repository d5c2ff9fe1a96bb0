"""Which designs of the library fit two outlines: poses from normalised contours, refined, and ordered by what is left.

For every design, the outlines of its components that agree best with what is seen give poses in closed form; the
likeliest are refined until the rim lies on the outline, first coarsely and all, then finely and the best few. Femoral
and tibial component must lie about equally far from the source: a pair of poses that does not pays for it. What is left
between contour and outline decides the order, and whether any design fits at all.

References: S. A. Banks and W. A. Hodge 1996, doi 10.1109/10.495283 (poses from contours); W. J. Scheirer et al. 2013,
doi 10.1109/TPAMI.2012.256 (open-set recognition: an answer may be none of what is known).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.identification.silhouettes import Candidate, Part
from models.tasks.kinematics.observe import Seen, halve_observation, observe_component
from models.tasks.kinematics.register import COARSE, FINE, Fit, compute_misfit, refine_pose
from models.tasks.kinematics.shape import DISTANCE_MM, measure_rotation_deg, propose_shape_poses

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]
Poses = Sequence[tuple[Fit, float]]
"""Of one component: fits with their distance from the source in mm, the best first."""
Rough = tuple[Poses, Poses]

LEAST_PIXELS = 300
"""Of an outline that could be a component, at the scale of the comparison."""
FOCAL_SIDES = 3.2
"""Focal length over the picture's longest side where nothing is known of the camera; corrected by the size seen."""
SHORTLIST = 6
"""Designs whose poses are refined: those whose contours agree best, before any is."""
POSES = 4
"""Of each component of each of them that are refined coarsely."""
FINALISTS = 4
"""Designs that are refined finely."""
CAP_PX = 4.0
"""At which a distance between contour and outline is cut off: where the network errs, it errs by more than a design
differs from another."""
FINE_POSES = 2
"""Of each component of each finalist that are refined finely."""
ALIKE = 1.5
"""Designs of one series whose residual is at most so many times the best one's are told apart by their size alone."""
SAME_DEG = 4.0
"""Poses nearer than this are one."""
DEPTH_SHARE = 0.05
"""By how much of their distance from the source two components of one knee differ, one standard deviation."""
DEPTH_PX = 0.25
"""What such a difference costs, in px of what is left."""
MISSING_PX = CAP_PX
"""What is left of a component that the film shows and the design lacks, or the other way round."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """What a film shows of both components, ready for comparison.

    Attributes
    ----------
    seen
        Of the femoral and of the tibial component; None where there is none.
    weights
        Length of the border of each.
    camera
        Of the frame at the scale of the comparison; assumed where the file does not say it.
    """

    seen: tuple[Seen | None, Seen | None]
    halves: tuple[Seen | None, Seen | None]
    weights: tuple[float, float]
    camera: Camera


@dataclass(frozen=True, eq=False)
class Match:
    """A design and how it fits.

    Attributes
    ----------
    candidate
        The design.
    fits
        Of each component; None where it was not compared.
    mirrored
        Whether it is the design's mirror image, for the other side, that fits.
    residual_px
        What is left between contour and outline, both components together, with what an unlikely pair costs.
    camera
        That it was fitted under.
    """

    candidate: Candidate
    fits: tuple[Fit | None, Fit | None]
    mirrored: bool
    residual_px: float
    camera: Camera

    def meshes(self) -> tuple[Mesh | None, Mesh | None]:
        """Return the surfaces that were fitted."""
        found = [part.mesh if part else None for part in self.candidate.parts]
        if self.mirrored:
            found = [mesh.mirrored(0) if mesh else None for mesh in found]
        return found[0], found[1]

    def measure_scale(self, pixel_mm: float | None) -> float | None:
        """Return how many times as large as the design's meshes the implant is; None where pixels have no size."""
        return None if pixel_mm is None else _measure_scale(self.fits, self.candidate, self.camera, pixel_mm)


@dataclass(frozen=True, eq=False)
class Outlined:
    """Outlines to be compared.

    Attributes
    ----------
    masks
        (H, W) femoral and tibial component; either may be empty.
    camera
        Of the picture, where the file says it; else one is assumed, so far away that the component has its usual size.
    tall
        Height of a pixel over its width.
    pixel_mm
        Width of a pixel in the plane of the joint; None where that is not known.
    """

    masks: tuple[Bits, Bits]
    camera: Camera | None = None
    tall: float = 1.0
    pixel_mm: float | None = None

    def assume_camera(self, focal_px: float | None = None) -> Camera:
        """Return the camera, or one before the middle of the picture, as far away as films usually are taken."""
        rows, columns = self.masks[0].shape
        focal = focal_px or FOCAL_SIDES * max(rows, columns)
        middle = (columns - 1) / 2, (rows - 1) / 2
        return self.camera or Camera((focal, focal / self.tall), middle, (rows, columns))


def observe_outlines(masks: tuple[Bits, Bits], camera: Camera) -> Outlines:
    """Prepare both components; an outline of fewer than `LEAST_PIXELS` is none."""
    seen: list[Seen | None] = []
    for mask, other in (masks, masks[::-1]):
        seen.append(observe_component(mask, camera, other) if mask.sum() >= LEAST_PIXELS else None)
    halves = [halve_observation(one) if one and min(one.mask.shape) > 60 else one for one in seen]
    weights = [float(len(one.border)) if one else 0.0 for one in seen]
    return Outlines((seen[0], seen[1]), (halves[0], halves[1]), (weights[0], weights[1]), camera)


def match_designs(
    outlined: Outlined, candidates: Iterable[Candidate], watch: Callable[[float], None] = lambda share: None
) -> list[Match]:
    """Compare outlines with every design; the best first.

    Parameters
    ----------
    watch
        Told the share of the work that is done; what it raises ends the work.

    Returns
    -------
    Those that were refined finely, at most `FINALISTS`, of a series one; empty where no component is large enough.
    """
    known = list(candidates)
    outlines = observe_outlines(outlined.masks, outlined.assume_camera())
    if not any(outlines.seen) or not known:
        return []
    short, distance_mm = _shortlist(outlines, known)
    if outlined.camera is None:
        focal = outlines.camera.focal_px[0] * DISTANCE_MM / distance_mm
        outlines = observe_outlines(outlined.masks, outlined.assume_camera(focal))
    rough: list[tuple[float, int, Rough]] = []
    for number, candidate in enumerate(short):
        poses = _fit_roughly(candidate.parts[0], outlines, 0), _fit_roughly(candidate.parts[1], outlines, 1)
        rough.append((_choose_pair(poses, outlines)[0], number, poses))
        watch(0.7 * (number + 1) / len(short))
    rough.sort(key=lambda found: found[:2])
    matches = []
    for _, number, fits in _choose_of_series(rough, short, outlines, outlined.pixel_mm)[:FINALISTS]:
        matches.append(_finish(short[number], fits, outlines))
        watch(0.7 + 0.3 * len(matches) / FINALISTS)
    return sorted(matches, key=lambda match: match.residual_px)


def _shortlist(outlines: Outlines, known: Sequence[Candidate]) -> tuple[list[Candidate], float]:
    """Return the designs whose contours agree best with what is seen, and how far away the best of them would be.

    Of a series that has several designs, all are kept where one is.
    """
    scores, near = [], []
    for candidate in known:
        total = 0.0
        for part, seen, weight in zip(candidate.parts, outlines.seen, outlines.weights, strict=True):
            found = propose_shape_poses(part.outlines, seen.mask, seen.camera, 1) if part and seen else []
            if found and part:
                total += weight * found[0].score
                near.append((found[0].score, _depth(found[0].pose, part.mesh)))
        scores.append(total)
    best: dict[tuple[str, str], float] = {}
    for candidate, score in zip(known, scores, strict=True):
        name = candidate.design.maker, candidate.design.model
        best[name] = max(best.get(name, 0.0), score)
    kept = sorted(best, key=lambda name: -best[name])[:SHORTLIST]
    short = [one for one in known if (one.design.maker, one.design.model) in kept]
    nearest = [depth for _, depth in sorted(near, reverse=True)[:3]]
    return short, float(np.median(nearest)) if nearest else DISTANCE_MM


def _choose_of_series(
    rough: Sequence[tuple[float, int, Rough]], known: Sequence[Candidate], outlines: Outlines, pixel_mm: float | None
) -> list[tuple[float, int, Rough]]:
    """Return one design of each series: the best, or among those that fit about as well the one of the right size."""
    series: dict[tuple[str, str], list[tuple[float, int, Rough]]] = {}
    for found in rough:
        design = known[found[1]].design
        series.setdefault((design.maker, design.model), []).append(found)
    chosen = []
    for sizes in series.values():
        alike = [found for found in sizes if found[0] <= ALIKE * sizes[0][0]]

        def is_off(found: tuple[float, int, Rough]) -> float:
            if pixel_mm is None:
                return 0.0
            pair = _choose_pair(found[2], outlines)[1]
            scale = _measure_scale(pair, known[found[1]], outlines.camera, pixel_mm)
            return np.inf if scale is None else abs(np.log(scale))

        chosen.append(min(alike, key=is_off))
    return sorted(chosen, key=lambda found: found[:2])


def _measure_scale(
    fits: tuple[Fit | None, Fit | None], candidate: Candidate, camera: Camera, pixel_mm: float
) -> float | None:
    """Return how many times as large as the design's meshes the implant is, by the first component that was fitted."""
    for fit, part in zip(fits, candidate.parts, strict=True):
        if fit and part:
            return pixel_mm * camera.focal_px[0] / _depth(fit.pose, part.thin)
    return None


def _depth(pose: Array, mesh: Mesh) -> float:
    return -float((pose[:3, :3] @ mesh.centre + pose[:3, 3])[2])


def _fit_roughly(part: Part | None, outlines: Outlines, index: int) -> list[tuple[Fit, float]]:
    """Return poses of a component on the halved outline, each with its depth, the best first."""
    seen, half = outlines.seen[index], outlines.halves[index]
    if part is None or seen is None or half is None:
        return []
    poses = [found.pose for found in propose_shape_poses(part.outlines, seen.mask, seen.camera, POSES)]
    fits = [assess(part.thin, refine_pose(part.thin, pose, half, COARSE), half) for pose in poses]
    return [(fit, _depth(fit.pose, part.thin)) for fit in keep_distinct(fits)]


def assess(mesh: Mesh, pose: Array, seen: Seen) -> Fit:
    """Return a fit without the uncertainty, which takes longest."""
    return Fit(pose, compute_misfit(mesh, pose, seen, CAP_PX), float("nan"))


def keep_distinct(fits: Iterable[Fit]) -> list[Fit]:
    """Return fits, the best first, without those that are turned by less than `SAME_DEG` against a better one."""
    kept: list[Fit] = []
    for fit in sorted(fits, key=lambda fit: fit.residual_px):
        if all(measure_rotation_deg(fit.pose, other.pose) > SAME_DEG for other in kept):
            kept.append(fit)
    return kept


def _choose_pair(fits: Rough, outlines: Outlines) -> tuple[float, tuple[Fit | None, Fit | None]]:
    """Return the pair of poses with the least residual, and that residual in px of the full scale."""
    best: tuple[float, tuple[Fit | None, Fit | None]] = (MISSING_PX, (None, None))
    nothing: list[tuple[Fit | None, float]] = [(None, np.nan)]
    for (first, near), (second, far) in product(fits[0] or nothing, fits[1] or nothing):
        total, weight = 0.0, 0.0
        for fit, length, there in ((first, *_of(outlines, 0)), (second, *_of(outlines, 1))):
            if fit is None and not there:
                continue
            length = length or max(outlines.weights)
            total += length * (MISSING_PX if fit is None else fit.residual_px) ** 2
            weight += length
        apart = np.log(near / far) / DEPTH_SHARE if first and second else 0.0
        cost = float(np.sqrt(total / max(weight, 1e-9) + min((DEPTH_PX * apart) ** 2, 9.0)))
        if cost < best[0]:
            best = cost, (first, second)
    return best


def _of(outlines: Outlines, index: int) -> tuple[float, bool]:
    return outlines.weights[index], outlines.seen[index] is not None


def _finish(candidate: Candidate, rough: Rough, outlines: Outlines) -> Match:
    """Refine the best poses of a design finely, as it is and as its mirror image, and the best of all on the CAD."""
    found = []
    for mirrored in (False, True):
        fits: list[list[tuple[Fit, float]]] = []
        for index, part in enumerate(candidate.parts):
            seen, few = outlines.seen[index], rough[index][:FINE_POSES]
            if part is None or seen is None:
                fits.append([])
                continue
            mesh = part.thin.mirrored(0) if mirrored else part.thin
            poses = [_mirror(fit.pose, part.thin) if mirrored else fit.pose for fit, _ in few]
            fine = keep_distinct(assess(mesh, refine_pose(mesh, pose, seen, FINE), seen) for pose in poses)
            fits.append([(fit, _depth(fit.pose, mesh)) for fit in fine])
        cost, pair = _choose_pair((fits[0], fits[1]), outlines)
        found.append(Match(candidate, pair, mirrored, cost, outlines.camera))
    return _refine_on_cad(min(found, key=lambda match: match.residual_px), outlines)


def _refine_on_cad(match: Match, outlines: Outlines) -> Match:
    """Return a match whose poses were refined on the surfaces as they are."""
    fits: list[list[tuple[Fit, float]]] = []
    for mesh, fit, seen in zip(match.meshes(), match.fits, outlines.seen, strict=True):
        fits.append([])
        if mesh and fit and seen:
            fine = assess(mesh, refine_pose(mesh, fit.pose, seen, FINE[1:]), seen)
            fits[-1].append((fine, _depth(fine.pose, mesh)))
    cost, pair = _choose_pair((fits[0], fits[1]), outlines)
    return Match(match.candidate, pair, match.mirrored, cost, match.camera)


def _mirror(pose: Array, mesh: Mesh) -> Array:
    """Return the pose in which the mesh's mirror image has the same silhouette but for perspective."""
    middle = pose[:3, :3] @ mesh.centre + pose[:3, 3]
    ray = middle / np.linalg.norm(middle)
    across = np.diag([-1.0, 1.0, 1.0])
    turned = np.eye(4)
    turned[:3, :3] = (np.eye(3) - 2 * np.outer(ray, ray)) @ pose[:3, :3] @ across
    turned[:3, 3] = middle - turned[:3, :3] @ across @ mesh.centre
    return turned
