"""Both components through a sequence: each frame from the one before, and the edges learned from the study itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from models.errors import Cancelled
from models.geometry.camera import Camera
from models.tasks.kinematics.edges import EdgeModel, View, calibrate_edges
from models.tasks.kinematics.journal import Trail
from models.tasks.kinematics.locate import (
    Answer,
    Component,
    Frame,
    Learned,
    Search,
    finish_fits,
    is_lost,
    locate_component,
    observe_frame,
    observe_side,
)
from models.tasks.kinematics.points import propose_frame_poses
from models.tasks.kinematics.register import measure_rim_motion
from models.tasks.kinematics.shape import measure_rotation_deg
from models.threads import open_threads
from models.words import later

Array = NDArray[np.float64]
Progress = Callable[[float], None]

FIRST = 6
"""Frames after which the study's own edges are learned; these frames are then finished anew."""
SPREAD = 8
"""Frames of the whole study from which they are learned once more at its end: the first may all look alike."""
FOLLOWED = 0.8
"""Share of the work of a study after which its edges are learned once more."""


@dataclass(frozen=True)
class Options(Search):
    """How a sequence is followed.

    `found`, where there is one, is told of each frame's poses as soon as they are known; `trail` remembers frames that
    were found before, and is told of those that are found now.
    """

    found: Callable[[Answer, Answer], None] | None = None
    trail: Trail | None = None


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
    learned: list[Learned | None] = [None, None]
    again = options.edges and len(frames) >= FIRST + SPREAD
    last = FOLLOWED if again else 1.0

    def tell(share: float) -> None:
        if cancelled and cancelled():
            raise Cancelled(later("the sequence was stopped"), fix=later("Start it again to go on."))
        if progress and share:
            progress(share)

    tell(0.0)
    for number, frame in enumerate(frames):
        found = options.trail.recall(frame) if options.trail else None
        if found is None:
            found = _locate_both(frame, components, camera, options, (answers, learned))
            if options.trail:
                options.trail.keep(found)
        answers.append(found)
        learns = options.edges and number + 1 == min(FIRST, len(frames))
        if learns and all(known.grey is not None for known in frames[: number + 1]):
            learned, answers = _learn_edges(frames, answers, components, camera, range(number + 1), learned)
        if options.found:
            options.found(found[0], found[1])
        tell(last * (number + 1) / len(frames))
    if again and None not in learned:
        spread = np.linspace(0, len(frames) - 1, SPREAD).round().astype(int).tolist()
        _, answers = _learn_edges(
            frames, answers, components, camera, spread, learned, lambda share: tell(last + (1 - last) * share)
        )
    if again:
        tell(1.0)
    return answers


def _locate_both(
    frame: Frame,
    components: tuple[Component, Component],
    camera: Camera,
    options: Options,
    known: tuple[list[tuple[Answer, Answer]], list[Learned | None]],
) -> tuple[Answer, Answer]:
    """Locate both components in the frame after those that have answers; `known` holds these, and the edges."""
    answers, learned = known

    def locate(index: int) -> Answer:
        if (seen := observe_side(frame, camera, index)) is None:
            return Answer(())
        more = partial(propose_frame_poses, frame.points, components[index].mesh, index, camera)
        return locate_component(components[index], seen, _guesses(answers, index), options, learned[index], more)

    with open_threads() as threads:
        first, second = (threads.submit(copy_context().run, locate, index) for index in (0, 1))
        return first.result(), second.result()


def _learn_edges(
    frames: Sequence[Frame],
    answers: list[tuple[Answer, Answer]],
    components: tuple[Component, Component],
    camera: Camera,
    shown: Iterable[int],
    before: Sequence[Learned | None],
    tell: Progress = lambda share: None,
) -> tuple[list[Learned | None], list[tuple[Answer, Answer]]]:
    """Return each component's edges as some frames show them; where they are news, all poses are finished by them."""
    seen = {t: observe_frame(frames[t], camera) for t in shown}
    known: list[Learned | None] = []
    finished: list[list[Answer]] = []
    for index, component in enumerate(components):
        column = [both[index] for both in answers]
        there = [(s, column[t].fits[0]) for t, both in seen.items() if (s := both[index]) and column[t].fits]
        model = calibrate_edges(
            [View(component.mesh, f.pose, s) for s, f in there if not is_lost(f)], measure_rim_motion
        )
        had = before[index]
        if had is None or had.model != model:
            finish = partial(_finish_answer, frames, camera, (index, component), model, had is None)
            with open_threads() as threads:
                finished_anew = threads.map(finish, range(len(column)), column)
                column = []
                for answer in finished_anew:
                    column.append(answer)
                    tell((index + len(column) / len(answers)) / len(components))
        scatters = [answer.fits[0].edge_px for answer in column if answer.fits]
        known.append(Learned(model, float(np.median(scatters)) if scatters else 0.0))
        finished.append(column)
    return known, list(zip(*finished, strict=True))


def _finish_answer(
    frames: Sequence[Frame],
    camera: Camera,
    side: tuple[int, Component],
    model: EdgeModel,
    mirrors: bool,
    t: int,
    answer: Answer,
) -> Answer:
    """Return the poses of a component, which `side` numbers, in frame t as a model of its edges has them."""
    index, component = side
    if (seen := observe_side(frames[t], camera, index)) is None:
        return answer
    fits = finish_fits(component.mesh, [fit.pose for fit in answer.fits], seen, Learned(model), mirrors)
    return replace(answer, fits=tuple(fits))


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
    """Return where a movement would be next, by rotations: a product of matrices grows by rounding, frame by frame."""
    earlier, last = (Rotation.from_matrix(pose[:3, :3]) for pose in (before, now))
    result: Array = now.copy()
    result[:3, :3] = (last * earlier.inv() * last).as_matrix()
    result[:3, 3] = 2 * now[:3, 3] - before[:3, 3]
    return result
