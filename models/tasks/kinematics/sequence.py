"""Both components through a sequence: each frame from the one before, and the edges learned from the study itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from models.errors import Cancelled
from models.geometry.camera import Camera
from models.tasks.kinematics.edges import View, calibrate_edges
from models.tasks.kinematics.journal import Trail
from models.tasks.kinematics.locate import (
    SETTLED,
    Answer,
    Component,
    Frame,
    Learned,
    Search,
    finish_fits,
    is_lost,
    locate_component,
    observe_side,
)
from models.tasks.kinematics.points import propose_frame_poses
from models.tasks.kinematics.register import find_sharp_px, measure_rim_motion
from models.tasks.kinematics.shape import measure_rotation_deg
from models.threads import open_threads
from models.words import later

Array = NDArray[np.float64]
Progress = Callable[[float], None]

SPREAD = 8
"""Frames of the whole study by which its edges are learned before it is followed: the first may all look alike."""
LOOKED_ROUND = 24
"""Frames that are followed in the time that this takes."""
ROUNDS = 2
"""How often edges are learned from these frames: their poses are found without the model, and then by the first."""


@dataclass(frozen=True)
class Options(Search):
    """How a sequence is followed.

    `found`, where there is one, is told of each frame's poses as soon as they are known, and `doing` in words what is
    done now; `trail` remembers frames that were found before, and is told of those that are found now.
    """

    found: Callable[[Answer, Answer], None] | None = None
    trail: Trail | None = None
    doing: Callable[[str], None] = lambda said: None


@dataclass(frozen=True)
class Known:
    """What is known of a study before it is followed: its edges, and the poses of some frames by their numbers."""

    learned: tuple[Learned | None, Learned | None] = (None, None)
    answers: Mapping[int, tuple[Answer, Answer]] = field(default_factory=dict)


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

    def tell(share: float) -> None:
        if cancelled and cancelled():
            raise Cancelled(later("the sequence was stopped"), fix=later("Start it again to go on."))
        if progress and share:
            progress(share)

    tell(0.0)
    before = LOOKED_ROUND / (LOOKED_ROUND + len(frames)) if options.edges else 0.0
    known = Known()
    if options.edges:
        known = _look_round(frames, components, camera, options, lambda share: tell(before * share))
    answers: list[tuple[Answer, Answer]] = []
    for number in range(len(frames)):
        options.doing(later("Finding the poses, frame {frame} of {total}", frame=number + 1, total=len(frames)))
        frame = frames[number]
        found = options.trail.recall(frame) if options.trail else None
        if found is None:
            found = _locate_both(frame, components, camera, options, known, answers)
            if options.trail:
                options.trail.keep(found)
        answers.append(found)
        if options.found:
            options.found(found[0], found[1])
        tell(before + (1 - before) * (number + 1) / len(frames))
    return answers


def _look_round(
    frames: Sequence[Frame],
    components: tuple[Component, Component],
    camera: Camera,
    options: Options,
    tell: Progress,
) -> Known:
    """Return what some frames of the study tell about its edges, and their poses; neighbours are followed."""
    chosen = sorted({int(t) for t in np.linspace(0, len(frames) - 1, SPREAD).round()})
    shown: dict[int, Frame] = {}
    for t in chosen:
        options.doing(later("Outlining the components, frame {frame} of {total}", frame=t + 1, total=len(frames)))
        shown[t] = frames[t]
    if any(frame.grey is None for frame in shown.values()):
        return Known()
    kept: Known | None = options.trail.recall(*shown.values()) if options.trail else None
    if kept is not None:
        return kept
    answers: dict[int, tuple[Answer, Answer]] = {}
    for t, frame in shown.items():
        options.doing(later("Finding the first poses, frame {frame} of {total}", frame=t + 1, total=len(frames)))
        before = [answers[t - 1]] if t - 1 in answers else []
        answers[t] = _locate_both(frame, components, camera, options, Known(), before)
        tell(len(answers) / (len(shown) + ROUNDS))
    known = Known(answers=answers)
    for done in range(ROUNDS):
        options.doing(later("Learning how the edges of the components appear"))
        sides = []
        for index in (0, 1):
            sides.append(_learn_edges(shown, known, components, camera, index))
            tell((len(shown) + done + (index + 1) / 2) / (len(shown) + ROUNDS))
        (femoral, by_femoral), (tibial, by_tibial) = sides
        known = Known((femoral, tibial), {t: (by_femoral[t], by_tibial[t]) for t in shown})
    if options.trail:
        options.trail.keep(known)
    return known


def _learn_edges(
    shown: Mapping[int, Frame], known: Known, components: tuple[Component, Component], camera: Camera, index: int
) -> tuple[Learned, dict[int, Answer]]:
    """Return a component's edges as some frames show them, and its poses there as these edges have them."""
    mesh, before = components[index].mesh, known.learned[index]
    seen = {t: observe_side(frame, camera, index) for t, frame in shown.items()}
    column = {t: known.answers[t][index] for t in shown}
    best = [(s, column[t].fits[0]) for t, s in seen.items() if s and column[t].fits]
    best = [(s, fit) for s, fit in best if not is_lost(fit)]
    sharp_px = SETTLED * find_sharp_px([fit.edge_px for _, fit in best])
    model = calibrate_edges([View(mesh, f.pose, s) for s, f in best if f.edge_px <= sharp_px], measure_rim_motion)

    def finish(t: int) -> Answer:
        if (s := seen[t]) is None:
            return column[t]
        starts = [fit.pose for fit in column[t].fits]
        return replace(column[t], fits=tuple(finish_fits(mesh, starts, s, Learned(model), before is None)))

    if before is None or before.model != model:
        with open_threads() as threads:
            column = dict(zip(shown, threads.map(finish, shown), strict=True))
    scatters = np.array([answer.fits[0].edge_px for answer in column.values() if answer.fits])
    sharp = scatters[scatters <= SETTLED * find_sharp_px(scatters)]
    return Learned(model, float(np.median(sharp)) if len(sharp) else 0.0), column


def _locate_both(
    frame: Frame,
    components: tuple[Component, Component],
    camera: Camera,
    options: Options,
    known: Known,
    answers: Sequence[tuple[Answer, Answer]],
) -> tuple[Answer, Answer]:
    """Locate both components in the frame after those that have answers."""

    def locate(index: int) -> Answer:
        if (seen := observe_side(frame, camera, index)) is None:
            return Answer(())
        guesses = _guesses(answers, index)
        if not guesses and (there := known.answers.get(len(answers))):
            return there[index]
        more = partial(propose_frame_poses, frame.points, components[index].mesh, index, camera)
        return locate_component(components[index], seen, guesses, options, known.learned[index], more)

    with open_threads() as threads:
        first, second = (threads.submit(copy_context().run, locate, index) for index in (0, 1))
        return first.result(), second.result()


def _guesses(answers: Sequence[tuple[Answer, Answer]], index: int) -> list[Array]:
    """Poses kept in the last frame that had any, and where the best would be if it moved on as before."""
    past = [answer[index].fits for answer in answers[-2:]]
    if not past or not past[-1]:
        return []
    guesses = [fit.pose for fit in past[-1][:2]]
    if len(past) == 2 and past[0] and measure_rotation_deg(past[0][0].pose, past[1][0].pose) < 15:
        guesses.insert(0, _continued(past[0][0].pose, past[1][0].pose))
    return guesses


def _continued(before: Array, now: Array) -> Array:
    """Return where a movement would be next, by rotations: a product of matrices grows by rounding, frame by frame."""
    earlier, last = (Rotation.from_matrix(pose[:3, :3]) for pose in (before, now))
    result: Array = now.copy()
    result[:3, :3] = (last * earlier.inv() * last).as_matrix()
    result[:3, 3] = 2 * now[:3, 3] - before[:3, 3]
    return result
