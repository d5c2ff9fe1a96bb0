"""From frames, masks and CAD to a `Motion`: the poses that were chosen, the joint's angles, and what is uncertain.

Reference: A. J. Jensen et al., Joint Track Machine Learning, J Biomech Eng 2023, doi 10.1115/1.4056678, for the course
from segmentation through pose to angles.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics import angles
from models.tasks.kinematics.axes import Axes, check_axes, guess_femoral_axes, guess_tibial_axes
from models.tasks.kinematics.biplane import Plane, check_frame_count, join_views
from models.tasks.kinematics.certainty import split_sigmas, widen_covariance
from models.tasks.kinematics.choice import Choice, choose_fits_of_sequence
from models.tasks.kinematics.evidence import NOTHING
from models.tasks.kinematics.flags import flag_frames
from models.tasks.kinematics.joint import Placed, solve_joint
from models.tasks.kinematics.locate import (
    COMPONENTS,
    NAMES,
    Answer,
    Component,
    Frame,
    list_mirror_poses,
    locate_component,
)
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.register import Fit
from models.tasks.kinematics.sequence import Options, follow_sequence
from models.tasks.kinematics.statement import measure_joint
from models.types import AcceptanceLimits, Motion, Solution, Track
from models.words import later

MISSING = (later("no frame shows a femoral component"), later("no frame shows a tibial component"))

Array = NDArray[np.float64]

BETTER = 0.6
"""The mirrored CAD fits with less than this share of the residual: the implant is another side's."""


@dataclass(frozen=True)
class Study:
    """What stays the same over a sequence.

    Attributes
    ----------
    femoral, tibial
        CAD of the components.
    camera
        Of the frames.
    side
        Of the patient.
    card
        What made the masks: a card's id, or words for masks that were given.
    priors
        Whether the tracks hold the solution in which what is known of knees helps (`joint.solve_joint`).
    limits
        Errors that are accepted; frames that may be off by more are flagged.
    """

    femoral: Mesh
    tibial: Mesh
    camera: Camera
    side: str = "right"
    card: str = "given masks"
    priors: bool = True
    limits: AcceptanceLimits = field(default_factory=AcceptanceLimits)
    options: Options = field(default_factory=Options)


def find_motion(
    study: Study,
    frames: Sequence[Frame],
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    second: Plane | None = None,
) -> Motion:
    """Find how both components move.

    Parameters
    ----------
    frames
        Of one size (`study.find_camera` sees to it), each asked for when its turn comes: it may be outlined then.
    second
        Another view of the same instants, where there is one.

    Raises
    ------
    InputError
        When the frames' size is not the camera's, none of them shows a component, or nothing tells a component's axes;
        when a second view has another number of frames, or no pose fits both views.
    Cancelled
        When `cancelled` said so.
    """
    start = time.perf_counter()
    check_frame_shapes([frame.masks[0].shape for frame in frames[:1]], study.camera)
    check_axes((study.femoral, study.tibial), COMPONENTS)
    components = Component(study.femoral), Component(study.tibial)
    answers = _follow(components, (Plane(study.camera, frames), second), study.options, progress, cancelled)
    for side, missing in enumerate(MISSING):
        if not any(answer[side].fits for answer in answers):
            fix = later("Check that the frames show the implant and that masks and STL files are not exchanged.")
            raise InputError(missing, fix=fix)
    axes = guess_femoral_axes(study.femoral), guess_tibial_axes(study.tibial)
    choice = choose_fits_of_sequence(answers, partial(angles.score_joint_oddness, axes=axes))
    chosen = [[(both[side], at[side]) for both, at in zip(answers, choice.path, strict=True)] for side in (0, 1)]
    placed = _place(study.femoral, chosen[0]), _place(study.tibial, chosen[1])
    right = axes[0].component_from_axes[:, 0]
    together, alone = (_solve(*placed, right, priors=priors) for priors in (True, False))
    stated = together if study.priors else alone
    sigmas = split_sigmas(stated.covariance)
    femoral, tibial = (_track(side, chosen[side], choice, stated.poses[side], sigmas[side]) for side in (0, 1))
    warnings: list[str] = [
        later("{component}: {said}.", component=component, said=said)
        for component, mesh in zip(COMPONENTS, (study.femoral, study.tibial), strict=True)
        for said in mesh.warnings
    ]
    warnings += [w for side in (0, 1) if (w := _other_side(components[side], side, chosen[side], frames, study.camera))]
    views = (frames, second.frames) if second else (frames,)  # one frame at a time: their pictures take the room
    if unsure := sum(bool(frame.abstention) for frame in chain.from_iterable(views)):
        total = sum(map(len, views))
        warnings.append(
            later("The network is not certain of its outlines in {n} of {total} frames.", n=unsure, total=total)
        )
    meshes = study.femoral, study.tibial
    return Motion(
        task="kinematics",
        card=study.card,
        sha256=_digest(chain.from_iterable(views)),
        seconds=time.perf_counter() - start,
        warnings=tuple(warnings),
        femoral=femoral,
        tibial=tibial,
        joint_columns=angles.COLUMNS,
        side=study.side,
        notes=flag_frames((femoral, tibial), meshes, study.camera, study.limits),
        together=together,
        alone=alone,
        priors=study.priors,
        limits=study.limits,
        views=2 if second else 1,
        **measure_joint(stated, meshes, study.side),
    )


def _follow(
    components: tuple[Component, Component],
    planes: tuple[Plane, Plane | None],
    options: Options,
    progress: Callable[[float], None] | None,
    cancelled: Callable[[], bool] | None,
) -> list[tuple[Answer, Answer]]:
    """Return the poses that fit each frame; where there is a second view, those that fit both."""
    first, second = planes
    if second is None:
        return follow_sequence(first.frames, components, first.camera, options, progress, cancelled)
    check_frame_count(len(first.frames), len(second.frames))

    def share_progress(part: int) -> Callable[[float], None] | None:
        return progress and (lambda share: progress((part + share) / 3))

    alone_first = follow_sequence(first.frames, components, first.camera, options, share_progress(0), cancelled)
    check_frame_shapes([frame.masks[0].shape for frame in second.frames[:1]], second.camera)  # it is outlined by that

    def say(doing: str) -> None:
        options.doing(later("Second view: {doing}", doing=doing))

    own = replace(options, trail=second.trail, found=None, doing=say)
    alone_second = follow_sequence(second.frames, components, second.camera, own, share_progress(1), cancelled)
    alone = alone_first, alone_second
    return join_views((first, second), alone, components, share_progress(2), cancelled)


def check_frame_shapes(shapes: Sequence[tuple[int, ...]], camera: Camera, names: Sequence[str] = ()) -> None:
    """Raise an InputError that names the first frame whose size is not the others' or the camera's."""
    for number, shape in enumerate(shapes):
        if tuple(shape[:2]) != camera.shape:
            fix = later("Give frames of one sequence, all of the size for which the calibration was made.")
            size, wanted = f"{shape[1]} × {shape[0]}", f"{camera.shape[1]} × {camera.shape[0]}"
            name = names[number] if names else f"frame {number + 1}"
            raise InputError(
                later("has {size} pixels and not {wanted} as the first frame", size=size, wanted=wanted),
                fix=fix,
                file=name,
            )


def _place(mesh: Mesh, chosen: Sequence[tuple[Answer, int]]) -> Placed:
    none = np.full((4, 4), np.nan)
    poses = np.stack([answer.fits[at].pose if at >= 0 else none for answer, at in chosen])
    return Placed(mesh, poses, [answer.fits[at].evidence if at >= 0 else NOTHING for answer, at in chosen])


def _solve(femoral: Placed, tibial: Placed, right: Array, *, priors: bool) -> Solution:
    solved = solve_joint(femoral, tibial, right, priors=priors)
    return Solution(np.stack([solved.femoral, solved.tibial]), widen_covariance(solved.covariance))


def _track(side: int, chosen: Sequence[tuple[Answer, int]], choice: Choice, poses: Array, sigma: Array) -> Track:
    fits: list[Fit | None] = [answer.fits[at] if at >= 0 else None for answer, at in chosen]
    rivals = [choice.find_rival(t, side) for t in range(len(chosen))]
    others = [answer.fits[rival] if rival >= 0 else None for (answer, _), rival in zip(chosen, rivals, strict=True)]
    none = np.full((4, 4), np.nan)
    return Track(
        pose=poses,
        other_pose=np.stack([fit.pose if fit else none for fit in others]),
        overlap=np.array([fit.overlap if fit else np.nan for fit in fits]),
        residual_px=np.array([fit.residual_px if fit else np.nan for fit in fits]),
        edge_px=np.array([fit.edge_px if fit else np.nan for fit in fits]),
        sigma=sigma,
    )


def _other_side(
    component: Component, index: int, chosen: Sequence[tuple[Answer, int]], frames: Sequence[Frame], camera: Camera
) -> str | None:
    """Return a sentence where the mirrored CAD fits much better: an implant of the other side, or a flipped picture."""
    found = [(answer.fits[at].residual_px, t) for t, (answer, at) in enumerate(chosen) if at >= 0]
    _, t = sorted(found)[len(found) // 2]
    answer, at = chosen[t]
    side = int(np.abs(_axes_of(component.mesh, index).component_from_axes[:, 0]).argmax())
    flipped = replace(component, mesh=component.mesh.mirrored(side))
    pose = answer.fits[at].pose
    seen = observe_component(frames[t].masks[index], camera, frames[t].masks[1 - index])
    starts = [pose, *list_mirror_poses(pose, flipped.mesh.centre)]
    own, tried = (locate_component(one, seen, starts, Options(mirrors=False)) for one in (component, flipped))
    if own.fits and tried.fits and tried.fits[0].residual_px < BETTER * own.fits[0].residual_px:
        return (
            f"The mirror image of the {NAMES[index]} component fits better (residual {tried.fits[0].residual_px:.2f} "
            f"against {own.fits[0].residual_px:.2f} px): a left implant with a right image, or a flipped picture? "
            "Check the side."
        )
    return None


def _axes_of(mesh: Mesh, index: int) -> Axes:
    return guess_femoral_axes(mesh) if index == 0 else guess_tibial_axes(mesh)


def _digest(frames: Iterable[Frame]) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        for part in (*frame.masks, frame.grey):
            digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
