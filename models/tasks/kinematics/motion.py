"""From frames, masks and CAD to a `Motion`: the poses that were chosen, the joint's angles, and what is uncertain.

Reference: A. J. Jensen et al., Joint Track Machine Learning, J Biomech Eng 2023, doi 10.1115/1.4056678, for the course
from segmentation through pose to angles.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics import angles
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.register import Fit
from models.tasks.kinematics.sequence import (
    BAD_OVERLAP,
    COMPONENTS,
    NAMES,
    Answer,
    Component,
    Frame,
    Options,
    choose_fits_of_sequence,
    find_alternative_pose,
    follow_sequence,
    list_mirror_poses,
    locate_component,
)
from models.tasks.kinematics.shape import measure_rotation_deg
from models.types import Motion, Track
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
    """

    femoral: Mesh
    tibial: Mesh
    camera: Camera
    side: str = "right"
    card: str = "given masks"
    options: Options = field(default_factory=Options)


def find_motion(
    study: Study,
    frames: Sequence[Frame],
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Motion:
    """Find how both components move.

    Raises
    ------
    InputError
        When the frames have unlike sizes, or none of them shows a component.
    Cancelled
        When `cancelled` said so.
    """
    start = time.perf_counter()
    check_frame_shapes([frame.masks[0].shape for frame in frames], study.camera)
    components = (Component(study.femoral, thin_walled=False), Component(study.tibial))
    answers = follow_sequence(frames, components, study.camera, study.options, progress, cancelled)
    for side, missing in enumerate(MISSING):
        if not any(answer[side].fits for answer in answers):
            fix = later("Check that the frames show the implant and that masks and STL files are not exchanged.")
            raise InputError(missing, fix=fix)
    axes = angles.guess_femoral_axes(study.femoral), angles.guess_tibial_axes(study.tibial)
    path = choose_fits_of_sequence(answers, partial(angles.score_joint_oddness, axes=axes))
    chosen = [[(both[side], at[side]) for both, at in zip(answers, path, strict=True)] for side in (0, 1)]
    femoral, tibial = _track(chosen[0]), _track(chosen[1])
    axes = axes[0], angles.face_tibial_axes(femoral.pose, tibial.pose, axes)
    poses = femoral.pose, tibial.pose
    warnings: list[str] = [
        later("{component}: {said}.", component=component, said=said)
        for component, mesh in zip(COMPONENTS, (study.femoral, study.tibial), strict=True)
        for said in mesh.warnings
    ]
    warnings += [w for side in (0, 1) if (w := _other_side(components[side], side, chosen[side], frames, study.camera))]
    return Motion(
        task="kinematics",
        card=study.card,
        sha256=_digest(frames),
        seconds=time.perf_counter() - start,
        warnings=tuple(warnings),
        femoral=femoral,
        tibial=tibial,
        joint=angles.compute_joint_angles(*poses, axes, study.side),
        joint_sigma=angles.propagate_joint_sigma(poses, (femoral.sigma, tibial.sigma), axes),
        joint_columns=angles.COLUMNS,
        low_points_mm=angles.find_low_points(study.femoral, *poses, axes),
        axes=(str(axes[0]), str(axes[1])),
        side=study.side,
        notes=tuple(_notes(study, frame, *both) for frame, *both in zip(frames, *chosen, strict=True)),
    )


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


def _track(chosen: Sequence[tuple[Answer, int]]) -> Track:
    fits: list[Fit | None] = [answer.fits[at] if at >= 0 else None for answer, at in chosen]
    alternatives = [find_alternative_pose(answer, at) if at >= 0 else None for answer, at in chosen]
    none = np.full((4, 4), np.nan)
    return Track(
        pose=np.stack([fit.pose if fit else none for fit in fits]),
        other_pose=np.stack([fit.pose if fit else none for fit in alternatives]),
        overlap=np.array([fit.overlap if fit else np.nan for fit in fits]),
        residual_px=np.array([fit.residual_px if fit else np.nan for fit in fits]),
        sigma=np.stack([fit.sigma if fit else np.full(6, np.nan) for fit in fits]),
    )


def _notes(study: Study, frame: Frame, *both: tuple[Answer, int]) -> tuple[str, ...]:
    """Return what a reader of one frame must know."""
    notes: list[str] = []
    for name, mesh, (answer, at) in zip(NAMES, (study.femoral, study.tibial), both, strict=True):
        if at < 0:
            notes.append(later("No {name} component was found in this frame.", name=name))
            continue
        fit, other = answer.fits[at], find_alternative_pose(answer, at)
        if other:
            apart = measure_rotation_deg(fit.pose, other.pose)
            notes.append(
                later(
                    "Two poses of the {name} component fit almost equally, {apart:.0f}° apart "
                    "(residual {own:.2f} and {other:.2f} px).",
                    name=name,
                    apart=apart,
                    own=fit.residual_px,
                    other=other.residual_px,
                )
            )
        if outside := warn_beyond_detector(name, fit.pose, mesh, study.camera):
            notes.append(outside)
        if fit.overlap < BAD_OVERLAP:
            notes.append(
                later("The {name} component overlaps its mask by {overlap:.2f} only.", name=name, overlap=fit.overlap)
            )
    if frame.abstention:
        notes.append(later("The network is not certain of its outline: {reason}.", reason=frame.abstention.rstrip(".")))
    return tuple(notes)


def warn_beyond_detector(name: str, pose: NDArray[np.float64], mesh: Mesh, camera: Camera) -> str | None:
    """Return a sentence where a component would lie behind the detector: the calibration or the CAD's size is wrong."""
    depth = -float((pose[:3, :3] @ mesh.centre + pose[:3, 3])[2])
    if camera.distance_mm is None or depth <= camera.distance_mm:
        return None
    return later(
        "The {name} component would lie {depth:,.0f} mm from the source, beyond the detector at {distance:,.0f} mm: "
        "check the calibration and the unit of its STL.",
        name=name,
        depth=depth,
        distance=camera.distance_mm,
    )


def _other_side(
    component: Component, index: int, chosen: Sequence[tuple[Answer, int]], frames: Sequence[Frame], camera: Camera
) -> str | None:
    """Return a sentence where the mirrored CAD fits much better: an implant of the other side, or a flipped picture."""
    found = [(answer.fits[at].residual_px, t) for t, (answer, at) in enumerate(chosen) if at >= 0]
    residual, t = sorted(found)[len(found) // 2]
    answer, at = chosen[t]
    side = int(np.abs(_axes_of(component.mesh, index).component_from_axes[:, 0]).argmax())
    flipped = replace(component, mesh=component.mesh.mirrored(side))
    pose = answer.fits[at].pose
    seen = observe_component(frames[t].masks[index], camera, frames[t].masks[1 - index])
    tried = locate_component(
        flipped, seen, [pose, *list_mirror_poses(pose, flipped.mesh.centre)], Options(mirrors=False)
    )
    if tried.fits and tried.fits[0].residual_px < BETTER * residual:
        return (
            f"The mirror image of the {NAMES[index]} component fits better (residual {tried.fits[0].residual_px:.2f} "
            f"against {residual:.2f} px): a left implant with a right image, or a flipped picture? Check the side."
        )
    return None


def _axes_of(mesh: Mesh, index: int) -> angles.Axes:
    return angles.guess_femoral_axes(mesh) if index == 0 else angles.guess_tibial_axes(mesh)


def _digest(frames: Sequence[Frame]) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        for part in (*frame.masks, frame.grey):
            digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
