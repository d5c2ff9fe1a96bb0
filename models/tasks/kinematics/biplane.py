"""Two views of the same instants solved as one: what the first tells badly, its depth, the second sees in its plane.

Each view is followed by itself (`sequence`). Then every pose that fits either view is moved to where the rays of both
meet, compared with both, and refined in both at once; a mirror pose of one view is none in the other, so that few are
left. What comes out are the answers of one sequence, in the first view's frame and with the evidence of both, and all
that follows (`choice`, `joint`, `flags`) is as for one view.

Reference: J. T. Bingham and G. Li, J Biomech Eng 2006, doi 10.1115/1.2205865, on matching knee implants in two views.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.errors import Cancelled, InputError
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics.edges import EdgeModel, View, calibrate_edges
from models.tasks.kinematics.evidence import add_evidence
from models.tasks.kinematics.journal import Trail
from models.tasks.kinematics.locate import LOST_OVERLAP, Answer, Component, Frame, observe_frame
from models.tasks.kinematics.observe import halve_observation
from models.tasks.kinematics.register import (
    COARSE,
    EDGES,
    FINE,
    Fit,
    Sight,
    assess_registration,
    compute_misfit,
    measure_rim_motion,
    refine_pose_in_views,
)
from models.tasks.kinematics.sequence import SPREAD
from models.tasks.kinematics.shape import measure_rotation_deg
from models.words import later

Array = NDArray[np.float64]
Answers = Sequence[tuple[Answer, Answer]]
Models = tuple[EdgeModel | None, EdgeModel | None]

SECOND = later("The second view")
"""What messages call it."""
TRIED = 3
"""Poses that are refined in both views: those that fit both best."""
ALIKE_DEG = 2.0
"""Poses that are turned by less are one."""
FAR_PX = 30.0
"""At which distances are cut off where poses are compared: a mirror pose of one view is far off in the other."""
PLAINLY, ANYHOW_PX = 2.0, 1.0
"""A pose whose misfit is more than so many times the best's and so much is not refined."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One of two views through all frames.

    Attributes
    ----------
    camera
        Of its frames.
    frames
        Each taken at the instant of the other view's frame of the same number.
    from_first
        (4, 4) its source from the first view's source, in mm.
    trail
        What is known of its frames from an earlier run, if any.
    """

    camera: Camera
    frames: Sequence[Frame]
    from_first: Array = field(default_factory=lambda: np.eye(4))
    trail: Trail | None = None


def join_views(
    views: tuple[Plane, Plane],
    answers: tuple[Answers, Answers],
    components: tuple[Component, Component],
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[tuple[Answer, Answer]]:
    """Return the poses of both components that fit both views, in the first one's frame.

    Parameters
    ----------
    views
        Of as many frames each, taken at the same instants.
    answers
        What was found in each view by itself.

    Raises
    ------
    InputError
        Where what fits each view by itself fits no two together: then they are not of one place, or of one time.
    Cancelled
        When `cancelled` said so.
    """
    joined: list[list[Answer]] = []
    frames = len(views[0].frames)
    for side, component in enumerate(components):
        alone = [(first[side], second[side]) for first, second in zip(*answers, strict=True)]
        models = _learn_edges(component, side, views, alone)
        found: list[Answer] = []
        for t, both in enumerate(alone):
            if cancelled and cancelled():
                raise Cancelled(later("the sequence was stopped"), fix=later("Start it again to go on."))
            before = [fit.pose for answer in found[-1:] for fit in answer.fits[:1]]
            starts = [*_list_starts(both, component.mesh, views[1].from_first), *before] if any(_fits(both)) else []
            found.append(Answer(_locate(component, starts, _list_sights(views, t, side, models))))
            if progress:
                progress((side * frames + t + 1) / (2 * frames))
        _check_agreement(alone, found)
        joined.append(found)
    return list(zip(joined[0], joined[1], strict=True))


def check_frame_count(first: int, second: int) -> None:
    """Raise an InputError where two views have not as many frames."""
    if first != second:
        raise InputError(
            later("has {second} frames, and the first view {first}", second=second, first=first),
            fix=later("Give the same instants of both views, frame by frame."),
            file=SECOND,
        )


def _fits(both: tuple[Answer, Answer]) -> tuple[tuple[Fit, ...], tuple[Fit, ...]]:
    return both[0].fits, both[1].fits


def _list_sights(views: tuple[Plane, Plane], frame: int, side: int, models: Models) -> list[Sight]:
    """Return what the views show of a component that they do show."""
    seen = [observe_frame(view.frames[frame], view.camera)[side] for view in views]
    return [
        Sight(shown, model, view.from_first)
        for shown, model, view in zip(seen, models, views, strict=True)
        if shown is not None
    ]


def _learn_edges(
    component: Component, side: int, views: tuple[Plane, Plane], alone: Sequence[tuple[Answer, Answer]]
) -> Models:
    """Return how the component's edges appear in each view, as some frames show them; None without grey values."""
    if any(frame.grey is None for view in views for frame in view.frames):
        return None, None
    known = np.array([t for t, both in enumerate(alone) if all(_fits(both))], int)
    some = known[np.linspace(0, len(known) - 1, min(SPREAD, len(known))).round().astype(int)] if len(known) else known
    shown: tuple[list[View], list[View]] = ([], [])
    for t in some.tolist():
        sights = _list_sights(views, t, side, (EdgeModel(), EdgeModel()))
        starts = _list_starts(alone[t], component.mesh, views[1].from_first)
        for fit in _locate(component, starts, sights)[:1]:
            for kept, sight in zip(shown, sights, strict=True):
                kept.append(View(component.mesh, sight.from_first @ fit.pose, sight.seen))
    return calibrate_edges(shown[0], measure_rim_motion), calibrate_edges(shown[1], measure_rim_motion)


def _list_starts(both: tuple[Answer, Answer], mesh: Mesh, from_first: Array) -> list[Array]:
    """Return the poses that were found in either view, in the first's frame, each where the rays of both views meet.

    A pose's partner in the other view is the one that is turned most like it.
    """
    back = np.asarray(np.linalg.inv(from_first), np.float64)
    source = back[:3, 3]
    first, second = [fit.pose for fit in both[0].fits], [back @ fit.pose for fit in both[1].fits]
    if not first or not second:
        return first or second
    starts = []
    for own, others, sources in (
        (first, second, (np.zeros(3), source)),
        (second, first, (source, np.zeros(3))),
    ):
        for pose in own:
            partner = min(others, key=lambda other: measure_rotation_deg(pose, other))
            centres: list[Array] = [one[:3, :3] @ mesh.centre + one[:3, 3] for one in (pose, partner)]
            moved = pose.copy()
            moved[:3, 3] += meet_rays(sources, centres) - centres[0]
            starts.append(moved)
    return starts


def meet_rays(sources: Sequence[Array], through: Sequence[Array]) -> Array:
    """Return the point (3,) nearest to the rays from the (3,) sources through as many points (least squares)."""
    matrix, right = np.zeros((3, 3)), np.zeros(3)
    for source, point in zip(sources, through, strict=True):
        along = (point - source) / np.linalg.norm(point - source)
        across = np.eye(3) - np.outer(along, along)
        matrix, right = matrix + across, right + across @ source
    return np.asarray(np.linalg.solve(matrix, right))


def _locate(component: Component, starts: Sequence[Array], sights: Sequence[Sight]) -> tuple[Fit, ...]:
    """Return the distinct poses that fit all sights, best first; where only one view shows the component, its own."""
    mesh = component.mesh
    if len(sights) == 2 and starts:
        halves = _halve(sights)
        starts = [_refine(component, start, sights, halves) for start in _choose_starts(component.thin, starts, halves)]
    fits: list[Fit] = []
    for fit in sorted((assess_in_views(mesh, pose, sights) for pose in starts if sights), key=lambda f: f.misfit_px):
        if all(measure_rotation_deg(fit.pose, other.pose) > ALIKE_DEG for other in fits):
            fits.append(fit)
    return tuple(fits)


def refine_by_hand(component: Component, start: Array, views: tuple[Plane, Plane], frame: int, side: int) -> Fit | None:
    """Return the pose that a reader's own leads to in both views; None where neither shows the component."""
    edged = all(view.frames[frame].grey is not None for view in views)
    models = (EdgeModel(), EdgeModel()) if edged else (None, None)
    if not (sights := _list_sights(views, frame, side, models)):
        return None
    return assess_in_views(component.mesh, _refine(component, start, sights, _halve(sights)), sights)


def _halve(sights: Sequence[Sight]) -> list[Sight]:
    """Return what is seen in half as many pixels, without edges."""
    return [
        replace(sight, seen=halve_observation(sight.seen), model=None) if min(sight.seen.mask.shape) > 60 else sight
        for sight in sights
    ]


def _choose_starts(thin: Mesh, starts: Sequence[Array], halves: Sequence[Sight]) -> list[Array]:
    """Return the distinct poses that fit all views best, before they are refined."""
    off = [
        float(np.linalg.norm([compute_misfit(thin, half.from_first @ pose, half.seen, FAR_PX) for half in halves]))
        for pose in starts
    ]
    chosen: list[Array] = []
    for at in np.argsort(off).tolist():
        plain = off[at] > PLAINLY * min(off) + ANYHOW_PX
        if len(chosen) < TRIED and not plain and all(measure_rotation_deg(starts[at], c) > ALIKE_DEG for c in chosen):
            chosen.append(starts[at])
    return chosen


def _refine(component: Component, start: Array, sights: Sequence[Sight], halves: Sequence[Sight]) -> Array:
    """Return a pose refined in both views: by the edges at once where they then lie evenly, else by outlines first."""
    mesh, tried = component.mesh, []
    edged = all(sight.model is not None for sight in sights)
    if edged:
        tried.append(refine_pose_in_views(mesh, start, sights, EDGES))
        if assess_in_views(mesh, tried[0], sights).follows_edges:
            return tried[0]
    coarse = refine_pose_in_views(component.thin, start, halves, COARSE)
    tried.append(refine_pose_in_views(mesh, coarse, sights, FINE))
    if edged:
        tried.append(refine_pose_in_views(mesh, tried[-1], sights, EDGES))
    return min(tried, key=lambda pose: assess_in_views(mesh, pose, sights).misfit_px)


def assess_in_views(mesh: Mesh, pose: Array, sights: Sequence[Sight]) -> Fit:
    """Measure a pose against all views: root mean squares of their residuals, the least overlap, evidence of all."""
    each = [assess_registration(mesh, sight.from_first @ pose, sight.seen, sight.model) for sight in sights]
    return Fit(
        pose,
        residual_px=float(np.sqrt(np.mean([fit.residual_px**2 for fit in each]))),
        overlap=min(fit.overlap for fit in each),
        evidence=add_evidence([(fit.evidence, sight.turn) for fit, sight in zip(each, sights, strict=True)]),
        edge_px=float(np.sqrt(np.mean([fit.edge_px**2 for fit in each]))),
        depth_mm=-float(pose[2, :3] @ mesh.centre + pose[2, 3]),
    )


def _check_agreement(alone: Sequence[tuple[Answer, Answer]], found: Sequence[Answer]) -> None:
    """Raise an InputError where most poses fit their own view and none fits both."""
    pairs = [
        (min(fits[0].overlap for fits in _fits(both)), answer.fits[0].overlap)
        for both, answer in zip(alone, found, strict=True)
        if all(_fits(both)) and answer.fits
    ]
    if not pairs:
        return
    own, together = np.median(np.array(pairs), axis=0)
    if own >= LOST_OVERLAP > together:
        raise InputError(
            later("no pose fits both views, though each view by itself is matched"),
            fix=later(
                "Check that each view has its own calibration, in mm and made together with the other's, and that "
                "frames of one number are of one instant."
            ),
            file=SECOND,
        )
