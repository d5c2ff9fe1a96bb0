"""Both components through a sequence: follow, start anew on failure, and choose between poses that look alike.

Seen from one side only, a component and its mirror image in depth have nearly one silhouette: for a surface with a
plane of symmetry M, the pose Z·R·M (Z flips the viewing ray) differs from R by perspective alone, and so does a half
turn about an axis between two such planes. Every frame keeps the poses that fit; the cheapest path through all frames
and both components is chosen (Viterbi), and where another pose fits almost as well, the frame says so and shows both.

Reference: S. Yamazaki et al., IEEE Trans Med Imaging 2004, doi 10.1109/TMI.2004.826051, on the mirror poses of knees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from models.errors import Cancelled
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics.journal import Trail
from models.tasks.kinematics.observe import Seen, halve_observation, observe_component
from models.tasks.kinematics.points import Place, propose_frame_poses
from models.tasks.kinematics.register import (
    COARSE,
    CONTOUR,
    EDGES,
    FINE,
    Fit,
    assess_registration,
    compute_misfit,
    refine_pose,
)
from models.tasks.kinematics.shape import Library, build_shape_library, measure_rotation_deg, propose_shape_poses
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
"""Below and above which a followed pose is lost, and the library starts anew."""
WORTH_PX = 5.0
"""A mirror pose that is off by more, on the halved picture, is not refined."""
EXACT_PX = 0.45
"""A mask whose border fits the CAD this well has been drawn exactly; the image's edges, blurred, would spoil it."""
SAME_DEG = 2.0
"""Poses nearer than this are one."""
KEPT = 3
"""Poses of a component that a frame keeps."""
ALIKE = 1.35
"""Another pose whose residual is less than so many times the chosen one's fits almost equally."""
ALIKE_PX = 0.05
"""Residuals closer than this are alike whatever their ratio."""
BAD_OVERLAP = 0.90
"""Below it a frame is flagged."""
JUMP_DEG = 6.0
"""A turn from frame to frame that costs as much as a residual that is a third larger."""


@dataclass(frozen=True, eq=False)
class Component:
    """A component's CAD in the forms that the registration needs.

    Attributes
    ----------
    thin_walled
        Whether borders face each other closely, as those of a tray seen from its edge: they tell how much too wide a
        border is drawn. On simulated sequences (seeds 11 to 13) a femoral component, which has none, came out up to
        4 mm too near with this unknown and 0.3 to 1.8 mm without; a tray 9 mm too far without it.
    """

    mesh: Mesh
    thin_walled: bool = True

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
class Options:
    """How a sequence is followed: with the image's own edges at the end, and whether to look for mirror poses.

    `found`, where there is one, is told of each frame's poses as soon as they are known; `trail` remembers frames that
    were found before, and is told of those that are found now.
    """

    edges: bool = True
    mirrors: bool = True
    found: Callable[[Answer, Answer], None] | None = None
    trail: Trail | None = None


Progress = Callable[[float], None]


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


def locate_component(
    component: Component,
    seen: Seen,
    guesses: Sequence[Array],
    options: Options,
    more: Callable[[], Sequence[Array]] = tuple,
) -> Answer:
    """Find every pose of a component that fits one frame.

    Parameters
    ----------
    guesses
        (4, 4) poses to start from, those of the frame before; where they fail or are none, the library gives them.
    more
        Gives others beside the library's.
    """
    half = halve_observation(seen) if min(seen.mask.shape) > 60 else seen
    fits: list[Fit] = []
    for guess in guesses:  # the first that holds is enough
        fits = _distinct([*fits, *_refined_all(component, seen, half, [guess])])
        if fits and not _lost(fits[0]):
            break
    anew = not fits or _lost(fits[0])
    if anew:
        found = propose_shape_poses(component.library, seen.mask, seen.camera)
        fits = _distinct([*fits, *_refined_all(component, seen, half, [*(c.pose for c in found), *more()])])
    if options.mirrors and fits:
        others = [*guesses[1:2], *list_mirror_poses(fits[0].pose, component.mesh.centre)]
        off = [compute_misfit(component.thin, pose, half) for pose in others]
        near = [pose for pose, px in zip(others, off, strict=True) if px < WORTH_PX]
        fits = _distinct([*fits, *_refined_all(component, seen, half, near, fits[0].residual_px)])
    if options.edges and seen.grey is not None:
        fits = [fit if fit.residual_px < EXACT_PX else _finished(component, fit, seen) for fit in fits]
    return Answer(tuple(fits), anew)


def _lost(fit: Fit) -> bool:
    return fit.overlap < LOST_OVERLAP or fit.residual_px > LOST_PX


def _finished(component: Component, fit: Fit, seen: Seen) -> Fit:
    """Follow the image's own edges from a fit, unless they lead away: then they were another body's."""
    mesh = component.mesh
    pose = refine_pose(mesh, fit.pose, seen, EDGES if component.thin_walled else CONTOUR)
    shift = np.abs((pose - fit.pose)[:3, :3] @ mesh.centre + (pose - fit.pose)[:3, 3])
    if measure_rotation_deg(pose, fit.pose) > 5 or (shift > (3.0, 3.0, 15.0)).any():
        return fit
    found = assess_registration(mesh, pose, seen)
    return found if found.overlap > fit.overlap - 0.05 else fit


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
    for fit in sorted(fits, key=lambda fit: fit.residual_px):
        if len(kept) < KEPT + 1 and all(measure_rotation_deg(fit.pose, other.pose) > SAME_DEG for other in kept):
            kept.append(fit)
    return kept


def follow_sequence(
    frames: Sequence[Frame],
    components: tuple[Component, Component],
    camera: Camera,
    options: Options | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[tuple[Answer, Answer]]:
    """Locate both components in every frame, each from the frame before.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    options = options or Options()
    answers: list[tuple[Answer, Answer]] = []
    for number, frame in enumerate(frames):
        if cancelled and cancelled():
            raise Cancelled(later("the sequence was stopped"), fix=later("Start it again to go on."))
        found = options.trail.recall(frame) if options.trail else None
        if found is None:
            found = _locate_both(frame, components, camera, options, answers)
            if options.trail:
                options.trail.keep(found)
        answers.append(found)
        if options.found:
            options.found(found[0], found[1])
        if progress:
            progress((number + 1) / len(frames))
    return answers


def _locate_both(
    frame: Frame,
    components: tuple[Component, Component],
    camera: Camera,
    options: Options,
    answers: list[tuple[Answer, Answer]],
) -> tuple[Answer, Answer]:
    """Locate both components in the frame after those that have answers."""
    found = []
    for index, component in enumerate(components):
        mask, other = frame.masks[index], frame.masks[1 - index]
        if mask.sum() < LEAST_PIXELS:
            found.append(Answer(()))
            continue
        seen = observe_component(mask, camera, other, frame.grey)
        more = partial(propose_frame_poses, frame.points, component.mesh, index, camera)
        found.append(locate_component(component, seen, _guesses(answers, index), options, more))
    return found[0], found[1]


def _guesses(answers: list[tuple[Answer, Answer]], index: int) -> list[Array]:
    """Poses kept in the last frame that had any, and where the best would be if it moved on as before."""
    past = [answer[index].fits for answer in answers[-2:]]
    if not past or not past[-1]:
        return []
    guesses = [fit.pose for fit in past[-1][:2]]
    if len(past) == 2 and past[0] and measure_rotation_deg(past[0][0].pose, past[1][0].pose) < 15:
        guesses.insert(0, _continued(past[0][0].pose, past[1][0].pose))
    return guesses


def _continued(before: Array, now: Array) -> Array:
    result: Array = now.copy()
    result[:3, :3] = now[:3, :3] @ before[:3, :3].T @ now[:3, :3]
    result[:3, 3] = 2 * now[:3, 3] - before[:3, 3]
    return result


def choose_fits_of_sequence(
    answers: Sequence[tuple[Answer, Answer]], plausible: Callable[[Array, Array], float]
) -> list[tuple[int, int]]:
    """Return which fit of each component every frame takes, so that all frames and both components agree best.

    Parameters
    ----------
    plausible
        Cost (0 for a healthy joint) of a femoral and a tibial pose together.
    """
    states = [list(product(*(range(len(answer.fits)) or range(-1, 0) for answer in both))) for both in answers]
    total = np.array([_own(answers[0], state, plausible) for state in states[0]])
    back: list[NDArray[np.int64]] = []
    for number in range(1, len(answers)):
        change = np.array(
            [[_change(answers[number - 1], a, answers[number], b) for a in states[number - 1]] for b in states[number]]
        )
        through = total[None] + change
        back.append(through.argmin(1))
        own = np.array([_own(answers[number], state, plausible) for state in states[number]])
        total = through.min(1) + own
    at = int(total.argmin())
    path = [at]
    for pointers in reversed(back):
        at = int(pointers[at])
        path.append(at)
    return [states[number][state] for number, state in enumerate(reversed(path))]  # type: ignore[misc]


def _own(both: tuple[Answer, Answer], state: tuple[int, ...], plausible: Callable[[Array, Array], float]) -> float:
    """Cost of one frame's choice: how much worse than the best each pose fits, and how odd the joint is."""
    cost = 0.0
    for answer, index in zip(both, state, strict=True):
        if index >= 0:
            cost += 3.0 * float(np.log((answer.fits[index].residual_px + 0.1) / (answer.fits[0].residual_px + 0.1)))
    if min(state) >= 0:
        cost += plausible(both[0].fits[state[0]].pose, both[1].fits[state[1]].pose)
    return cost


def _change(before: tuple[Answer, Answer], a: tuple[int, ...], now: tuple[Answer, Answer], b: tuple[int, ...]) -> float:
    """Cost of turning from one frame's choice to the next's; large turns cost alike, the movement may have a gap."""
    cost = 0.0
    for side in (0, 1):
        if a[side] >= 0 and b[side] >= 0:
            turn = measure_rotation_deg(before[side].fits[a[side]].pose, now[side].fits[b[side]].pose)
            cost += min((turn / JUMP_DEG) ** 2, 6.0)
    return cost


def find_alternative_pose(answer: Answer, chosen: int) -> Fit | None:
    """Return the pose that fits almost as well as the chosen one, or better; None where there is none."""
    limit = answer.fits[chosen].residual_px * ALIKE + ALIKE_PX
    others = [fit for index, fit in enumerate(answer.fits) if index != chosen and fit.residual_px <= limit]
    return others[0] if others else None
